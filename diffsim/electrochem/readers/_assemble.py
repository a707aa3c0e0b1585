"""From the curves of a file to measurements: time, sign, checks. The same for every format."""

import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from ._base import Curve, ReaderWarning, ReadOptions, reader_error
from ._measurement import Measurement
from ._sweep import loop_sense, time_from_sweep, turning_points

_STANDARD = (
    "technique",
    "instrument",
    "scan_rate",
    "compensated_resistance",
    "sensitivity",
    "sample_interval",
    "quiet_time",
    "segments",
)
_WRONG_SENSE = -0.2


def join(curves: Sequence[Curve], path: Path) -> Curve:
    """One curve of several that follow one another, with the number of each in "curve"."""
    if len(curves) == 1:
        return curves[0]
    names = set(curves[0].columns)
    if not all(set(c.columns) == names and _follows(b, c) for b, c in itertools.pairwise(curves)):
        listed = ", ".join(f"{k}: {c.name!r}" for k, c in enumerate(curves))
        raise reader_error(
            path.name,
            "curve",
            "one of the curves must be chosen (curve=0, or read_all), as they do not follow one "
            "another",
            f"none is ({listed})",
        )
    columns = {name: np.concatenate([c.columns[name] for c in curves]) for name in names}
    counts = [np.full(len(c.lines), float(k)) for k, c in enumerate(curves)]
    return Curve(
        columns | {"curve": np.concatenate(counts)},
        np.concatenate([c.lines for c in curves]),
        dict(curves[0].metadata),
    )


def _follows(first: Curve, second: Curve) -> bool:
    """Whether the second curve goes on where the first ends: in time, or else in potential."""
    if "time" in first.columns:
        return bool(second.columns["time"][0] > first.columns["time"][-1])
    a, b = first.columns["potential"], second.columns["potential"]
    step = max(float(np.median(np.abs(np.diff(a)))), 1e-6) if len(a) > 1 else 0.0
    return abs(float(b[0] - a[-1])) <= 1.5 * step  # more, and a row is missing


def finish(curve: Curve, path: Path, options: ReadOptions) -> Measurement:
    columns = dict(curve.columns)
    if len(curve.lines) < 2:
        raise reader_error(
            path.name, curve.name, "a curve must have at least 2 rows", f"it has {len(curve.lines)}"
        )
    known = options.potential if options.potential is not None else curve.metadata.get("potential")
    if "potential" not in columns:
        if known is None:
            raise reader_error(
                path.name,
                "potential",
                'it must be given (potential="0.5 V") where the file holds current against time '
                "alone",
                "it is not",
            )
        columns["potential"] = np.full(len(curve.lines), known)
    metadata = dict(curve.metadata)
    if options.scan_rate is not None:
        metadata["scan_rate"] = options.scan_rate
    columns, metadata = _with_time(columns, curve.lines, metadata, path)
    convention = options.convention or metadata.get("convention", "iupac")
    if convention == "us":
        columns["current"] = -columns["current"]
    _check_sense(columns, convention, path)
    metadata = _standardised(metadata, columns, convention, path)
    time, potential, current = (columns.pop(name) for name in ("time", "potential", "current"))
    return Measurement(time, potential, current, metadata, columns)


def _with_time(
    columns: dict[str, np.ndarray], lines: np.ndarray, metadata: dict[str, Any], path: Path
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Make sure of a "time" column that increases."""
    metadata["time_source"] = "column" if "time" in columns else "scan_rate"
    if "time" not in columns and metadata.get("row_interval"):
        columns["time"] = metadata["row_interval"] * np.arange(len(lines))
        metadata["time_source"] = "row_interval"
    elif "time" not in columns:
        columns["time"] = _swept_time(columns["potential"], metadata.get("scan_rate"), path)
    moves = np.diff(columns["time"])
    if np.any(moves < 0):
        k = int(np.argmax(moves < 0)) + 1
        raise reader_error(
            path.name,
            f"line {lines[k]}",
            f"time must increase from row to row (the row before has {columns['time'][k - 1]:g} s)",
            f"it is {columns['time'][k]:g} s",
        )
    repeated = np.append(moves == 0, False)
    if repeated.any():
        warnings.warn(
            f"{path.name}: {repeated.sum()} rows have the time of the row after them (the first "
            f"in line {lines[np.argmax(repeated)]}); the last row of each time is kept.",
            ReaderWarning,
            stacklevel=4,
        )
        metadata["repeated_times"] = int(repeated.sum())
        columns = {name: values[~repeated] for name, values in columns.items()}
    return columns, metadata


def _swept_time(
    potential: Float64[np.ndarray, " t"], scan_rate: float | None, path: Path
) -> Float64[np.ndarray, " t"]:
    if scan_rate is None:
        raise reader_error(
            path.name,
            "scan_rate",
            'it must be given (scan_rate="50 mV/s") where the file has no times and does not '
            "say it",
            "it is not",
        )
    if not scan_rate > 0:
        raise reader_error(
            path.name, "scan_rate", "it must be positive", f"it is {scan_rate:g} V/s"
        )
    if np.ptp(potential) == 0:
        raise reader_error(
            path.name,
            "potential",
            "it must change for times to follow from the scan rate",
            f"it is {potential[0]:g} V in every row",
        )
    return time_from_sweep(potential, scan_rate)


def _check_sense(columns: dict[str, np.ndarray], convention: str, path: Path) -> None:
    sense = loop_sense(columns["potential"], columns["current"])
    if sense < _WRONG_SENSE:
        other = "us" if convention == "iupac" else "iupac"
        warnings.warn(
            f"{path.name}: read with convention={convention!r}, the upward branch lies below the "
            f"downward one (∮ I dE is {sense:.2f} of its bound). The current in the file probably "
            f"has the other sign: pass convention={other!r}.",
            ReaderWarning,
            stacklevel=4,
        )


def _standardised(
    metadata: dict[str, Any], columns: dict[str, np.ndarray], convention: str, path: Path
) -> dict[str, Any]:
    """All standard keys, in their place; None where nothing is known."""
    potential, time = columns["potential"], columns["time"]
    result: dict[str, Any] = {name: metadata.pop(name, None) for name in _STANDARD}
    vertices = metadata.pop("vertices", None)
    if vertices is None:
        turns = potential[turning_points(potential)]
        vertices = (float(potential[0]), *(float(v) for v in turns), float(potential[-1]))
    if result["scan_rate"] is None and np.ptp(potential) > 0:
        rate = float(np.median(np.abs(np.diff(potential)) / np.diff(time)))
        result["scan_rate"] = rate or None
    return (
        result
        | metadata
        | {
            "vertices": vertices,
            "convention": convention,
            "source": path.name,
        }
    )
