"""Offline sets frozen to netCDF, with their hash."""

import json
import os
from pathlib import Path

import numpy as np
import xarray as xr

from ._dataset import OfflineDataset

_FORMAT = "diffsim offline set 1"


def freeze(dataset: OfflineDataset, path: str | Path) -> Path:
    """Write an offline set, beside the target and then renamed."""
    path = Path(path)
    arrays = {
        "x": (("design", "variable"), dataset.x),
        "score": (("design",), dataset.score),
        "hidden_x": (("hidden", "variable"), dataset.hidden_x),
        "hidden_score": (("hidden",), dataset.hidden_score),
    }
    if dataset.gradients is not None:
        arrays["gradients"] = (("design", "variable"), dataset.gradients)
    attributes = {
        "format": _FORMAT,
        "name": dataset.name,
        "lowest": dataset.lowest,
        "best": dataset.best,
        "failed": json.dumps(dataset.failed),
        "sha256": dataset.digest,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        xr.Dataset(arrays, attrs=attributes).to_netcdf(beside, engine="netcdf4")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def thaw(path: str | Path) -> OfflineDataset:
    """Read a frozen set and check it against its hash.

    **Raises:** `ValueError` if the file is none, or was changed.
    """
    with xr.open_dataset(path, engine="netcdf4") as file:
        file = file.load()
    if file.attrs.get("format") != _FORMAT:
        raise ValueError(f"{path} must be an offline set written by `freeze`, but is not.")
    dataset = OfflineDataset(
        name=str(file.attrs["name"]),
        x=np.asarray(file["x"]),
        score=np.asarray(file["score"]),
        lowest=float(file.attrs["lowest"]),
        best=float(file.attrs["best"]),
        hidden_x=np.asarray(file["hidden_x"]),
        hidden_score=np.asarray(file["hidden_score"]),
        failed=json.loads(file.attrs["failed"]),
        gradients=np.asarray(file["gradients"]) if "gradients" in file else None,
    )
    if dataset.digest != file.attrs["sha256"]:
        raise ValueError(f"{path} is not what was frozen: its content has another hash.")
    return dataset
