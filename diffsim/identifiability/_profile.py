"""Profile likelihood: how far one parameter can go while the others make up for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Float

from .._problem import Problem
from ..optimise import Budget, Counts, LevenbergMarquardt, Run, solve
from ._covariance import Covariance, covariance_of
from ._fit import Fit, fit_of

End = Literal["threshold", "bound", "failed", "limit"]

_FIRST_STEP, _LARGEST_STEP, _SMALLEST_STEP = 0.1, 0.25, 1e-6
_MOST_POINTS = 25
# Of the threshold, in sqrt(Δ): how well a crossing is located.
_ACCURACY = 0.01


@dataclass(frozen=True)
class Profile:
    """The best misfit for each value of one parameter.

    - `x` (n, d): re-optimised points in the unit cube, in order of the parameter.
    - `position`, `physical` (n,): of the parameter; `delta` (n,): 2(value - lowest)/σ².
    - `threshold`: of delta at the confidence asked for.
    - `low`, `high`: where delta crosses it, in physical units; -inf / inf on a side where it
      does not before the bound. `low_end`, `high_end` tell how the walk ended: "threshold",
      "bound", "failed" (the simulations failed), "limit" (too many points).
    """

    name: str
    x: Float[np.ndarray, "n d"]
    position: Float[np.ndarray, " n"]
    physical: Float[np.ndarray, " n"]
    delta: Float[np.ndarray, " n"]
    threshold: float
    low: float
    high: float
    low_end: End
    high_end: End
    counts: Counts


def profile_likelihood(
    problem: Problem,
    run: Run,
    names: Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
    covariance: Covariance | None = None,
) -> dict[str, Profile]:
    """Walk from the best point along each parameter, both ways, the others re-optimised.

    Each walk ends where the misfit exceeds the threshold at the confidence or the bound is
    reached. The re-optimisations are Levenberg-Marquardt with a warm start extrapolated from
    the points before; they use the program that the fit compiled.

    **Arguments:**

    - `names`: by default all parameters.
    - `covariance`: if it is known already.

    **Raises:** `KeyError` for an unknown name.

    A. Raue et al., Bioinformatics 25 (2009) 1923-1929. The threshold is the quantile of
    F(1, p/τ - d) in place of χ², as the noise is judged from the misfit.
    """
    fit = fit_of(problem, run)
    covariance = covariance_of(fit, confidence=confidence) if covariance is None else covariance
    names = fit.names if names is None else names
    for name in names:
        if name not in fit.names:
            raise KeyError(f"{name!r} must be one of {list(fit.names)}.")
    walker = _Walker(problem, fit, covariance, confidence)
    return {name: walker.profile(fit.names.index(name)) for name in names}


class _Walker:
    """Walks of one fit; keeps what they share."""

    def __init__(self, problem: Problem, fit: Fit, covariance: Covariance, confidence: float):
        self.problem, self.fit, self.covariance = problem, fit, covariance
        noise = covariance.noise
        self.unit = noise.scale * np.sqrt(noise.time)
        self.threshold = float(scipy.special.fdtri(1, noise.effective_freedom, confidence))
        self.lowest = 0.5 * fit.sum_of_squares

    def profile(self, i: int) -> Profile:
        """Both walks of parameter `i`, put together."""
        self.counts = Counts()
        below, low, low_end = self._walk(i, -1.0)
        above, high, high_end = self._walk(i, +1.0)
        rows = sorted([*below, (0.0, self.fit.x), *above], key=lambda row: row[1][i])
        x = np.array([row[1] for row in rows])
        return Profile(
            name=self.fit.names[i],
            x=x,
            position=x[:, i],
            physical=np.array([self._physical(i, u) for u in x[:, i]]),
            delta=np.array([row[0] for row in rows]),
            threshold=self.threshold,
            low=-np.inf if low is None else self._physical(i, low),
            high=np.inf if high is None else self._physical(i, high),
            low_end=low_end,
            high_end=high_end,
            counts=self.counts,
        )

    def _walk(self, i: int, sign: float) -> tuple[list, float | None, End]:
        """Points (delta, x) on one side, the crossing if there is one, and how it ended."""
        found: list[tuple[float, np.ndarray]] = [(0.0, self.fit.x)]
        wall = 1.0 if sign > 0 else 0.0
        step = self._first_step(i)
        while len(found) <= _MOST_POINTS:
            here = found[-1][1][i]
            if here == wall:
                return found[1:], None, "bound"
            there = float(np.clip(here + sign * step, 0.0, 1.0))
            point = self._reoptimise(i, there, found)
            if point is None:
                if step < _SMALLEST_STEP:
                    return found[1:], None, "failed"
                step *= 0.25
                continue
            if point[0] >= self.threshold:
                crossing = self._locate(i, found, point)
                return found[1:], crossing, "threshold"
            step = self._next_step(i, found, point, step)
            found.append(point)
        return found[1:], None, "limit"

    def _first_step(self, i: int) -> float:
        half = self.covariance.corrected_half_width[i]
        return float(np.clip(0.6 * half, _SMALLEST_STEP, _FIRST_STEP))

    def _next_step(self, i: int, found, point, step: float) -> float:
        """So long that the next point should just exceed the threshold, within reason."""
        rise = _root(point[0]) - _root(found[-1][0])
        slope = rise / abs(point[1][i] - found[-1][1][i])
        wanted = (1.05 * np.sqrt(self.threshold) - _root(point[0])) / max(slope, 1e-300)
        return float(np.clip(wanted, 0.5 * step, min(3 * step, _LARGEST_STEP)))

    def _locate(self, i: int, found: list, outer) -> float:
        """Where sqrt(delta), straight for a quadratic misfit, meets its threshold."""
        target = np.sqrt(self.threshold)
        inner = found[-1]
        for _ in range(6):
            a, b = _root(inner[0]), _root(outer[0])
            u = inner[1][i] + (target - a) / (b - a) * (outer[1][i] - inner[1][i])
            # The profile through two points is a guess; where it starts at the optimum and
            # is nearly straight, one more point confirms it.
            point = self._reoptimise(i, float(u), [*found, inner])
            if point is None:
                break
            if point[0] < self.threshold:
                inner = point
                found.append(point)
            else:
                outer = point
            if abs(_root(point[0]) - target) <= _ACCURACY * target:
                break
        a, b = _root(inner[0]), _root(outer[0])
        return float(inner[1][i] + (target - a) / (b - a) * (outer[1][i] - inner[1][i]))

    def _reoptimise(self, i: int, position: float, found: list) -> tuple[float, np.ndarray] | None:
        """The best point with parameter `i` held at `position`; None where simulations fail."""
        d = self.fit.x.size
        low, high = np.zeros(d), np.ones(d)
        low[i] = high[i] = position
        accuracy = 1e-3 * self.threshold / max(self.fit.residuals.size, 1)
        method = LevenbergMarquardt(
            value_tolerance=accuracy, radius=0.1, low=jnp.asarray(low), high=jnp.asarray(high)
        )
        start = np.clip(_extrapolate(i, position, found), low, high)
        run = solve(
            self.problem,
            method,
            budget=Budget(evaluations=60),
            x0=start,
            progress=False,
            throw=False,
        )
        self.counts = self.counts.plus(**run.counts.as_dict())
        if not np.isfinite(run.best_value):
            return None
        delta = 2 * (run.best_value - self.lowest) / self.unit**2 if self.unit > 0 else np.inf
        return float(delta), run.best_x

    def _physical(self, i: int, position: float) -> float:
        scale = self.fit.space.scales[self.fit.names[i]]
        return float(scale.physical(jnp.asarray(position)))


def _extrapolate(i: int, position: float, found: list) -> np.ndarray:
    """The straight line through the last two points, at the new position."""
    last = found[-1][1]
    if len(found) < 2 or found[-2][1][i] == last[i]:
        return np.where(np.arange(last.size) == i, position, last)
    before = found[-2][1]
    fraction = (position - last[i]) / (last[i] - before[i])
    return last + np.clip(fraction, -2.0, 2.0) * (last - before)


def _root(delta: float) -> float:
    return float(np.sqrt(max(delta, 0.0)))
