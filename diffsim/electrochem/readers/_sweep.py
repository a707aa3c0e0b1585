"""Sweeps as they were sampled: turning points, time, and the sense of the loop."""

import numpy as np
from jaxtyping import Float64, Int

# A reversal counts as a turning point when the potential comes back by this part of its range:
# far above the noise of a measured potential, far below any segment worth the name.
_REVERSAL = 0.01


def turning_points(potential: Float64[np.ndarray, " t"]) -> Int[np.ndarray, " turns"]:
    """Indices at which a sweep turns round, its two ends not counted.

    Noise is passed over: the potential must come back by 1 % of its whole range. On a plateau the
    last sample counts, so that a double potential step is parted where it steps.
    """
    threshold = _REVERSAL * float(np.ptp(potential))
    turns: list[int] = []
    direction = 0  # not known until the potential has moved by the threshold
    values = potential.tolist()
    low = high = 0
    for index, value in enumerate(values):
        low = index if value <= values[low] else low
        high = index if value >= values[high] else high
        if direction >= 0 and values[high] - value > threshold:
            turns += [high] if direction else []
            direction, low = -1, index
        elif direction <= 0 and value - values[low] > threshold:
            turns += [low] if direction else []
            direction, high = 1, index
    return np.array(turns, dtype=np.int64)


def segment_slices(potential: Float64[np.ndarray, " t"]) -> tuple[slice, ...]:
    """The parts between turning points; each turning point ends its segment."""
    ends = [int(turn) + 1 for turn in turning_points(potential)]
    starts = [0, *ends]
    return tuple(slice(a, b) for a, b in zip(starts, [*ends, len(potential)], strict=True))


def time_from_sweep(
    potential: Float64[np.ndarray, " t"], scan_rate: float
) -> Float64[np.ndarray, " t"]:
    """The time in s of each sample of a sweep, from 0: the path length over the scan rate (V/s).

    Where a segment does not move in one direction throughout (a measured, noisy potential), its
    samples are taken as equally spaced in time, since the length of a noisy path is too long.
    """
    steps = np.abs(np.diff(potential))
    for part in segment_slices(potential):
        inner = slice(max(part.start - 1, 0), part.stop)  # from the turning point before
        moves = np.diff(potential[inner])
        if not (np.all(moves > 0) or np.all(moves < 0)):
            whole = abs(float(potential[inner][-1] - potential[inner][0]))
            steps[inner.start : inner.stop - 1] = whole / max(len(moves), 1)
    return np.concatenate([[0.0], np.cumsum(steps)]) / scan_rate


def loop_sense(potential: Float64[np.ndarray, " t"], current: Float64[np.ndarray, " t"]) -> float:
    """∮ I dE of a closed sweep over its largest possible value: from -1 to 1, 0 if not closed.

    Charging and diffusion both lag behind the potential, so that with oxidation positive the
    upward branch lies above the downward one and the integral is positive. A clearly negative value
    tells that the current has the other sign.
    """
    span = float(np.ptp(potential))
    closed = abs(float(potential[-1] - potential[0])) < 0.1 * span
    if not closed or len(turning_points(potential)) == 0:
        return 0.0
    moves = np.diff(potential)
    middle = 0.5 * (current[1:] + current[:-1])
    largest = float(np.sum(np.abs(middle * moves)))
    return float(np.sum(middle * moves)) / largest if largest else 0.0
