"""Directories of results: named by what was asked, complete when their figures are there."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._schema import ConfigurationError

# A flat table of named results.
Figures = dict[str, float | int | str | bool | None]

REQUEST, FIGURES = "request.json", "figures.json"


def write_text(path: Path, text: str) -> Path:
    """Write beside and rename, such that `path` never holds half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def claim(directory: Path, request: Mapping[str, Any], *, force: bool = False) -> None:
    """Note what the directory is for.

    **Raises:** `ConfigurationError` if it is for something else already.
    """
    path = directory / REQUEST
    if path.exists() and not force:
        stored = read_request(directory)
        differing = [k for k in request if stored.get(k) != request[k] and k != "path"]
        if differing:
            raise ConfigurationError(
                f"{directory} holds results of another configuration (differing in "
                f"{', '.join(differing)}). Give another --output, or --force."
            )
        return
    if force:
        forget(directory)
    write_text(path, json.dumps(request, indent=1))


def forget(directory: Path) -> None:
    """Remove what would be continued: figures, and the logs of runs. Other files stay."""
    (directory / FIGURES).unlink(missing_ok=True)
    for log in directory.rglob("evaluations.log"):
        log.with_name("run.json").unlink(missing_ok=True)
        log.unlink()


def read_request(directory: Path) -> dict[str, Any]:
    """What a directory of results is for.

    **Raises:** `ConfigurationError` if it is none.
    """
    try:
        return json.loads((directory / REQUEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigurationError(
            f"{directory} must hold a run that was begun by `diffsim run` or `diffsim recover`, "
            f"but has no readable {REQUEST}."
        ) from None


def stored_figures(directory: Path) -> Figures | None:
    """The figures of a finished run; None if it is not finished."""
    try:
        return json.loads((directory / FIGURES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def store_figures(directory: Path, figures: Mapping[str, Any]) -> Figures:
    """Mark a run as finished; numbers that JSON cannot hold become null.

    **Raises:** `TypeError` for anything but numbers and texts.
    """
    plain = {name: _plain(name, value) for name, value in figures.items()}
    write_text(directory / FIGURES, json.dumps(plain, indent=1))
    return plain


def _plain(name: str, value: Any) -> float | int | str | bool | None:
    item = getattr(value, "item", None)
    value = item() if callable(item) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"the figure {name!r} must be a number or a text, but is {value!r}.")
