"""Experiments whose waveform the configuration declares."""

from pathlib import Path
from typing import Any

import numpy as np

from diffsim import electrochem as ec
from diffsim.electrochem.readers import read_columns

from ._build_cell import named
from ._config import File, Selection
from ._schema import ConfigurationError
from ._waveform_config import PULSES, WAVEFORMS, Waveform

_POINTS = 200


def waveform_experiment(path: Path, file: File, selection: Selection) -> ec.Experiment:
    """The currents of a file under the declared waveform.

    Pulse methods: columns forward and reverse, one row for each pulse. Others: time and current.

    **Raises:** `ReaderError`, or `ConfigurationError` where no point is left.
    """
    declared = selection.waveform
    assert declared is not None
    reader = _pulses if declared.kind in PULSES else _record
    waveform, times, current = reader(path, declared, selection)
    sign = -1.0 if selection.convention == "us" else 1.0
    low, high = selection.times or (0.0, float(waveform.duration))
    kept = np.flatnonzero((times > max(low, 0.0)) & (times >= low) & (times <= high * (1.0 + 1e-9)))
    if kept.size < 8:
        raise ConfigurationError(
            f"{path.name}: at least 8 points must lie in times {low:g} to {high:g} s of the "
            f"waveform, but {kept.size} of {times.size} do"
        )
    if declared.kind not in PULSES:
        count = min(kept.size, selection.points or _POINTS)
        kept = kept[np.round(np.linspace(0, kept.size - 1, count)).astype(int)]
    label = file.label or path.stem
    return ec.Experiment(waveform, times[kept], sign * current[kept], label)


def _pulses(path: Path, declared: Waveform, selection: Selection):
    rows = read_columns(path, {"forward": _current(selection), "reverse": _current(selection)})
    arguments = declared.arguments() | {"cycles": rows["forward"].size}
    waveform = named(WAVEFORMS[declared.kind][0], arguments)
    # At the end of each half: the square wave goes forward first, the pulse last.
    order = ("forward", "reverse") if declared.kind == "square_wave" else ("reverse", "forward")
    current = np.ravel(np.stack([rows[name] for name in order], axis=1))
    return waveform, np.asarray(waveform.times()), current * (selection.electrode_area or 1.0)


def _record(path: Path, declared: Waveform, selection: Selection):
    wanted = {"time": "s", "current": _current(selection)}
    if declared.kind == "measured":
        wanted["potential"] = "V"
    rows = read_columns(path, wanted)
    times, arguments = rows["time"], declared.arguments()
    if declared.kind == "measured":
        arguments |= {"time": times, "potential": rows["potential"]}
        times = times - times[0]
    waveform = named(WAVEFORMS[declared.kind][0], _arrays(arguments))
    if declared.modulation is not None:
        waveform = ec.Sinusoidal(waveform, **declared.modulation.model_dump())
    return waveform, times, rows["current"] * (selection.electrode_area or 1.0)


def _current(selection: Selection) -> str:
    return "A" if selection.electrode_area is None else "A/m^2"


def _arrays(arguments: dict[str, Any]) -> dict[str, Any]:
    """Lists of durations and corners as arrays; a list of vertices stays one."""
    return {
        name: np.asarray(value) if name in ("durations", "corners") else value
        for name, value in arguments.items()
    }
