"""Where the data of an experiment come from, as the report shows it."""

import hashlib
from pathlib import Path
from typing import Any

from diffsim import electrochem as ec


def origin(path: Path, experiment: ec.Experiment, **more: Any) -> dict[str, Any]:
    """Name and SHA-256 of the file, label and number of points of what is fitted of it."""
    return file_origin(path, experiment.label, int(experiment.times.size)) | more


def file_origin(path: Path, label: str, points: int) -> dict[str, Any]:
    """The same of a file of anything."""
    return {
        "label": label,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "points_fitted": points,
    }
