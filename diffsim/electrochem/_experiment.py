"""One measured curve, ready to be compared with a simulated one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from .readers import Measurement
from .waveforms import AbstractWaveform, Measured, OhmicDrop, PiecewiseLinear

# Cubic pieces per sweep for the current in an ohmic drop: a wave of 60 mV in a sweep of one volt
# is then resolved by several of them.
_DROP_PIECES = 60


@dataclass(frozen=True)
class Experiment:
    """A waveform, and the current measured under it.

    **Fields:**

    - `waveform`: what was applied.
    - `times` (t,) in s from the start of the waveform, `current` (t,) in A, oxidation
      positive.
    - `label`: unique within a campaign; names the curve and its own parameters
      ("resistance@50 mV/s").
    - `scale`: standard deviation of the current in A, if it is known.
    - `metadata`: where the data comes from.

    **Raises:** `ValueError` for lengths that differ, values that are not finite, or times
    that do not increase or lie outside the waveform.
    """

    waveform: AbstractWaveform
    times: np.ndarray
    current: np.ndarray
    label: str = "experiment"
    scale: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        times, current = np.asarray(self.times, float), np.asarray(self.current, float)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "current", current)
        if times.ndim != 1 or times.shape != current.shape or times.size < 2:
            raise ValueError(
                f"times and current of {self.label!r} must be two vectors of one length, at "
                f"least 2, but have shapes {times.shape} and {current.shape}."
            )
        if not (np.all(np.isfinite(times)) and np.all(np.isfinite(current))):
            raise ValueError(f"times and current of {self.label!r} must be finite, but are not.")
        if not np.all(np.diff(times) > 0):
            raise ValueError(f"times of {self.label!r} must increase, but do not.")
        duration = float(self.waveform.duration)
        if times[0] < 0 or times[-1] > duration * (1 + 1e-9):
            raise ValueError(
                f"times of {self.label!r} must lie in [0, {duration:g}] s, but span "
                f"[{times[0]:g}, {times[-1]:g}] s."
            )
        if self.scale is not None and not self.scale > 0:
            raise ValueError(f"scale of {self.label!r} must be positive, but is {self.scale}.")

    @staticmethod
    def from_measurement(
        measurement: Measurement,
        *,
        segments: Sequence[int] | None = None,
        potential: tuple[float, float] | None = None,
        points: int | None = 200,
        label: str | None = None,
        scale: float | None = None,
        ohmic_drop: bool = False,
    ) -> "Experiment":
        """The part of a measured file that is to be fitted.

        The simulated waveform starts, with the solution at rest, at the first point that is
        kept and runs without a break to the last, straight between the turning points. That
        first point itself is not fitted: at the instant at which the uniform solution meets the
        electrode the current of the model has no meaning.

        **Arguments:**

        - `segments`: which sweeps count; all by default.
        - `potential`: the window in V; all by default.
        - `points`: thin out evenly to about this many; None keeps all.
        - `label`: by default the scan rate, or the name of the file.
        - `ohmic_drop`: give the waveform the drop of the measured current, whose resistance
          (0 at first) is then the parameter "ohmic_resistance" of a campaign; see `OhmicDrop`.

        **Raises:** `ValueError` if nothing is left.
        """
        kept = measurement.select(potential=potential, segments=segments)
        if len(kept) < 8:
            raise ValueError(
                f"a window must keep at least 8 points, but potential={potential}, "
                f"segments={segments} keeps {len(kept)} of {len(measurement)}."
            )
        first, last = float(kept.time[0]), float(kept.time[-1])
        inside = (measurement.time >= first) & (measurement.time <= last)
        clock, potentials = measurement.time[inside], measurement.potential[inside]
        corners = _corners(potentials)
        waveform = PiecewiseLinear(np.diff(clock[corners]), potentials[corners])
        if ohmic_drop:
            span = clock - first
            current = measurement.current[inside]
            record = Measured(span, current, corners=span[corners[1:-1]], pieces=_DROP_PIECES)
            waveform = OhmicDrop(waveform, record)
        chosen = kept if points is None else _thinned(kept, points)
        times, currents = chosen.time - first, chosen.current
        fitted = times > 0
        rate = measurement.metadata.get("scan_rate")
        if label is None:
            source = str(measurement.metadata.get("source", "experiment"))
            label = f"{1e3 * rate:g} mV/s" if rate else source
        return Experiment(
            waveform,
            times[fitted],
            currents[fitted],
            label,
            scale,
            dict(measurement.metadata),
        )


def _thinned(measurement: Measurement, points: int) -> Measurement:
    return measurement if len(measurement) <= points else measurement.downsample(points)


def _corners(potential: Float[np.ndarray, " t"]) -> np.ndarray:
    """Indices of the first point, the turning points and the last.

    A turn counts when the potential comes back by more than a thousandth of its range.
    """
    noise = 1e-3 * np.ptp(potential)
    corners, extreme, direction = [0], 0, 0
    for i, value in enumerate(potential):
        if direction == 0:
            if abs(value - potential[0]) > noise:
                direction, extreme = int(np.sign(value - potential[0])), i
        elif direction * (value - potential[extreme]) >= 0:
            extreme = i
        elif direction * (potential[extreme] - value) > noise:
            corners.append(extreme)
            direction, extreme = -direction, i
    return np.array([*corners, len(potential) - 1])
