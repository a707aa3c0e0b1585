"""Cells of the offline studies: what was computed once is read from its file."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._store import write_text


def kept(path: Path, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is computed, with its CPU seconds; from its file if it is there."""
    if path.exists():
        return json.loads(path.read_text())
    began = time.process_time()
    cell = compute()
    cell["cpu_s"] = time.process_time() - began
    write_text(path, json.dumps(cell))
    return cell
