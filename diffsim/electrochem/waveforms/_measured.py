"""The potential as an instrument recorded it."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from .._checks import check_at_least
from ._base import AbstractWaveform, Segments

_DEGREE = 3


class Measured(AbstractWaveform):
    """E(t) from a record: straight lines between its corners and a smooth rest.

    Only the corners, where a sweep turns, are corners of the simulation: between them the
    deviation from a straight line is a cubic spline (twice continuously differentiable) fitted
    by least squares and zero at both ends, so that the samples, their noise and their
    quantisation are not met by the integrator as thousands of kinks.

    **Arguments:**

    - `time`, `potential`: (t,) in s and V; strictly increasing times. The first is t = 0 of
      the simulation.
    - `corners`: times in s of the corners, start and end left out; found by themselves where
      not given, as the turning points that stand out by `prominence`.
    - `prominence`: as a part of the whole span of potentials.
    - `pieces`: cubic pieces per segment.

    **Limits:** steps of the potential are not recognised: use `PotentialStep` and its like.
    The misfit of the smooth curve is in `rms` (V); raise `pieces` if it is above the noise.

    **Raises:** `ValueError` for arrays that differ in length, are shorter than 4, are not
    finite, or for times that do not increase.
    """

    corner_times: Float[Array, " corners"]
    corner_potentials: Float[Array, " corners"]
    coefficients: Float[Array, "s basis"]
    samples: Float[Array, " t"]
    rms: Float[Array, ""]
    pieces: int = eqx.field(static=True)

    def __init__(self, time, potential, *, corners=None, prominence=0.05, pieces=8):
        self.pieces = pieces
        check_at_least(self, "pieces", 1)
        t, e = _check_record(time, potential)
        t = t - t[0]
        given = corners is not None
        if given:
            inner = np.asarray(corners, float) - np.asarray(time, float)[0]
            if np.any((inner <= 0) | (inner >= t[-1])) or np.any(np.diff(inner) <= 0):
                raise ValueError(
                    "corners of Measured must increase and lie within the record, but "
                    f"corners={np.asarray(corners).tolist()}."
                )
            heights = np.interp(inner, t, e)
        else:
            inner, heights = _turning_points(t, e, prominence)
        times = np.concatenate([t[:1], inner, t[-1:]])
        heights = np.concatenate([e[:1], heights, e[-1:]])
        rows, misfit = _fit(t, e, times, heights, pieces)
        self.corner_times = jnp.asarray(times)
        self.corner_potentials = jnp.asarray(heights)
        self.coefficients = jnp.asarray(rows)
        self.samples = jnp.asarray(t)
        self.rms = jnp.asarray(np.sqrt(np.mean(misfit**2)))

    def segments(self) -> Segments:
        corners = self.corner_potentials
        return Segments(jnp.diff(self.corner_times), corners[:-1], corners[1:])

    def perturbation(self, t: Scalar, segment: Int[Array, ""]) -> Scalar:
        begin, end = self.corner_times[segment], self.corner_times[segment + 1]
        place = jnp.clip((t - begin) / (end - begin), 0.0, 1.0) * self.pieces
        piece = jnp.clip(place.astype(int), 0, self.pieces - 1)
        u = place - piece
        rest = 1.0 - u
        # The four cubic B-splines of a uniform mesh.
        basis = [
            rest**3 / 6.0,
            (3.0 * u**3 - 6.0 * u**2 + 4.0) / 6.0,
            (3.0 * rest**3 - 6.0 * rest**2 + 4.0) / 6.0,
            u**3 / 6.0,
        ]
        row = self.coefficients[segment]
        return sum((b * row[piece + i] for i, b in enumerate(basis)), jnp.zeros(()))

    def times(self) -> Float[Array, " t"]:
        return self.samples


def _check_record(time, potential) -> tuple[np.ndarray, np.ndarray]:
    t, e = np.asarray(time, float), np.asarray(potential, float)
    if t.ndim != 1 or t.shape != e.shape or t.size < 4:
        raise ValueError(
            "time and potential of Measured must be two arrays of one length, at least 4, but "
            f"have the shapes {t.shape} and {e.shape}."
        )
    for name, value in (("time", t), ("potential", e)):
        wrong = np.flatnonzero(~np.isfinite(value))
        if wrong.size:
            raise ValueError(
                f"{name} of Measured must be finite, but {name}[{wrong[0]}]={value[wrong[0]]}."
            )
    late = np.flatnonzero(np.diff(t) <= 0)
    if late.size:
        i = late[0] + 1
        raise ValueError(
            f"time of Measured must increase, but time[{i}]={t[i]:g} follows {t[i - 1]:g}."
        )
    return t, e


def _turning_points(t: np.ndarray, e: np.ndarray, prominence: float):
    """Times and potentials of the turns that stand out by `prominence` of the span."""
    threshold = prominence * np.ptp(e)
    turns, low, high, direction = [], 0, 0, 0
    if threshold > 0:
        for i in range(1, e.size):
            low, high = (i if e[i] < e[low] else low), (i if e[i] > e[high] else high)
            if direction >= 0 and e[high] - e[i] > threshold:
                if direction:
                    turns.append(high)
                direction, low = -1, i
            elif direction <= 0 and e[i] - e[low] > threshold:
                if direction:
                    turns.append(low)
                direction, high = 1, i
    found = [_vertex(t, e, i) for i in turns]
    return np.array([f[0] for f in found]), np.array([f[1] for f in found])


def _vertex(t: np.ndarray, e: np.ndarray, i: int, reach: int = 6) -> tuple[float, float]:
    """Where the lines through the samples on both sides meet: a turn falls between samples."""
    before, after = slice(max(i - reach, 0), i), slice(i + 1, i + 1 + reach)
    if min(t[before].size, t[after].size) < 3:
        return float(t[i]), float(e[i])
    (a, b), (c, d) = (np.polyfit(t[s] - t[i], e[s], 1) for s in (before, after))
    if a * c >= 0:
        return float(t[i]), float(e[i])
    x = (d - b) / (a - c)
    if not t[i - 1] - t[i] < x < t[i + 1] - t[i]:
        return float(t[i]), float(e[i])
    return float(t[i] + x), float(b + a * x)


def _fit(t, e, times, heights, pieces):
    """Spline coefficients (s, pieces + 3) of the deviation from the lines, and the misfit."""
    rows, misfit = [], np.zeros_like(e)
    knots = np.arange(-_DEGREE, pieces + _DEGREE + 1, dtype=float)
    size = pieces + _DEGREE
    splines = scipy.interpolate.BSpline
    ends = splines.design_matrix(np.array([0.0, pieces]), knots, _DEGREE).toarray()
    # The last sample lies on the right edge of the last piece.
    for k in range(times.size - 1):
        inside = (t >= times[k]) & (t <= times[k + 1])
        share = (t[inside] - times[k]) / (times[k + 1] - times[k])
        deviation = e[inside] - heights[k] - (heights[k + 1] - heights[k]) * share
        design = splines.design_matrix(np.clip(share, 0, 1) * pieces, knots, _DEGREE).toarray()
        # Zero at both ends exactly (null space); a faint smoothness where samples are few.
        free = np.linalg.svd(ends)[2][2:].T
        rough = 1e-6 * np.diff(np.eye(size), 2, axis=0)
        matrix = np.concatenate([design, rough]) @ free
        target = np.concatenate([deviation, np.zeros(len(rough))])
        row = free @ np.linalg.lstsq(matrix, target, rcond=None)[0]
        rows.append(row)
        misfit[inside] = deviation - design @ row
    return np.array(rows), misfit
