"""The record of a measurement: what every reader ends in and what every fit begins with."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float64

from ..._xarray import xarray as xr
from ._sweep import segment_slices

_UNITS = {"time": "s", "potential": "V", "current": "A"}


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """Current against potential and time, in SI units, oxidation positive (IUPAC).

    - `time` (s), strictly increasing; `potential` (V); `current` (A): shape `(t,)`, float64, not
        writeable.
    - `metadata`: "header" holds everything the file's header held; beside it stand, None where
        unknown, "technique", "instrument", "source" (name of the file), "scan_rate" (V/s),
        "compensated_resistance" (ohm), "sensitivity" (A/V), "sample_interval" (V), "quiet_time"
        (s), "segments" (number announced by the file), "vertices" (V: the first potential, those
        where the sweep turns, the last; they stay those of the whole sweep after `select`),
        "convention" (the sign in the file), "time_source" ("column" or "scan_rate").
    - `extra`: further columns of the file, under its own names, shape `(t,)`.

    **Raises:** `ValueError` naming the field if shapes differ, there are fewer than two points, a
    value is not finite, or time does not increase.
    """

    time: Float64[np.ndarray, " t"]
    potential: Float64[np.ndarray, " t"]
    current: Float64[np.ndarray, " t"]
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    extra: Mapping[str, Float64[np.ndarray, " t"]] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        arrays = {name: getattr(self, name) for name in _UNITS}
        for name, values in (arrays | dict(self.extra)).items():
            _check(name, values, self.time.shape)
        late = np.flatnonzero(np.diff(self.time) <= 0)
        if len(late):
            k = int(late[0]) + 1
            raise ValueError(
                f"time must increase, but time[{k}] = {self.time[k]:g} s "
                f"follows time[{k - 1}] = {self.time[k - 1]:g} s."
            )
        for name, values in arrays.items():
            object.__setattr__(self, name, _frozen(values))
        extra = {name: _frozen(values) for name, values in self.extra.items()}
        object.__setattr__(self, "extra", MappingProxyType(extra))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        low, high = self.potential.min(), self.potential.max()
        return (
            f"Measurement({self.metadata.get('source') or 'no file'!r}, {len(self)} points, "
            f"{low:g} to {high:g} V, {self.time[-1] - self.time[0]:g} s)"
        )

    def __reduce__(self):
        return Measurement, (
            self.time,
            self.potential,
            self.current,
            dict(self.metadata),
            dict(self.extra),
        )

    @functools.cached_property
    def _slices(self) -> tuple[slice, ...]:
        return segment_slices(self.potential)

    @property
    def segments(self) -> tuple["Measurement", ...]:
        """The parts between the points where the sweep turns; each turning point ends its part."""
        return tuple(self._take(part) for part in self._slices)

    def segment(self, index: int) -> "Measurement":
        """One part between turning points, counted from 0."""
        return self._take(self._slice(index))

    def select(
        self,
        *,
        potential: tuple[float, float] | None = None,
        time: tuple[float, float] | None = None,
        segments: Iterable[int] | None = None,
    ) -> "Measurement":
        """The points inside a window of potential (V), of time (s), and in some segments.

        Windows include their ends; segments count from 0. Time is kept as it is, so that a
        simulation of the whole sweep can be compared at `time`.

        **Raises:** `ValueError` if a window is the wrong way round or too few points remain.
        """
        keep = np.ones(len(self), dtype=bool)
        for name, window in (("potential", potential), ("time", time)):
            if window is not None:
                keep &= _inside(name, getattr(self, name), window)
        if segments is not None:
            chosen = np.zeros(len(self), dtype=bool)
            for index in segments:
                chosen[self._slice(index)] = True
            keep &= chosen
        if keep.sum() < 2:
            raise ValueError(
                f"the selection must leave at least 2 points, but potential={potential}, "
                f"time={time}, segments={segments} leaves {keep.sum()} of {len(self)}."
            )
        return self._take(np.flatnonzero(keep))

    def downsample(self, points: int) -> "Measurement":
        """At most `points` of the points, evenly spread, the first and the last among them.

        Points are dropped, not averaged, so that each current still belongs to its time.

        **Raises:** `ValueError` if `points` is less than 2.
        """
        if points < 2:
            raise ValueError(f"points must be at least 2, but it is {points}.")
        if points >= len(self):
            return self
        return self._take(np.round(np.linspace(0, len(self) - 1, points)).astype(np.int64))

    def to_dataset(self) -> xr.Dataset:
        """The measurement as an `xarray.Dataset` over "time", units and metadata as attributes.

        Everything in it can be written to netCDF: unknown metadata are left out, nested ones
        become JSON text, further columns take plain names and keep theirs as "long_name".
        """
        variables = {
            name: ("time", getattr(self, name), {"units": _UNITS[name]})
            for name in ("potential", "current")
        }
        variables["current"][2]["convention"] = "oxidation positive"
        for name, values in self.extra.items():
            plain = re.sub(r"\W+", "_", name).strip("_") or "extra"
            while plain in variables or plain == "time":
                plain += "_"
            variables[plain] = ("time", values, {"long_name": name})
        time = ("time", self.time, {"units": _UNITS["time"]})
        attributes = {k: _attribute(v) for k, v in self.metadata.items() if v is not None}
        return xr.Dataset(variables, coords={"time": time}, attrs=attributes)

    def _slice(self, index: int) -> slice:
        if not 0 <= index < len(self._slices):
            raise ValueError(
                f"a segment must be from 0 to {len(self._slices) - 1}, but it is {index}."
            )
        return self._slices[index]

    def _take(self, which: Any) -> "Measurement":
        return Measurement(
            self.time[which],
            self.potential[which],
            self.current[which],
            self.metadata,
            {name: values[which] for name, values in self.extra.items()},
        )


def _check(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.ndim != 1 or values.shape != shape:
        raise ValueError(f"{name} must have the shape {shape} of time, but it has {values.shape}.")
    if len(values) < 2:
        raise ValueError(f"a measurement must have at least 2 points, but it has {len(values)}.")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(f"{name} must be finite, but {name}[{bad[0]}] is {values[bad[0]]}.")


def _frozen(values: np.ndarray) -> np.ndarray:
    values = np.array(values, dtype=np.float64)
    values.flags.writeable = False
    return values


def _inside(name: str, values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    low, high = window
    if not low < high:
        raise ValueError(f"{name} must be (low, high) with low < high, but it is {window}.")
    return (values >= low) & (values <= high)


def _attribute(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(v, (int, float)) for v in value):
        return np.array(value, dtype=np.float64)
    return json.dumps(value, default=str, ensure_ascii=False)
