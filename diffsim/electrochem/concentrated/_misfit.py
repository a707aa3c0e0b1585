"""Measured profiles against simulated ones."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._objective import AbstractResidualObjective
from ..._observables import Observables
from ..._types import Residuals, Scalar
from ._laws import Column

# Keeps the slope of |r| finite where every residual vanishes.
_TINY = 1e-24


class Samples(eqx.Module):
    """Points of one measured field, and how the simulated one is brought onto them.

    **Arguments:**

    - `observable`: "concentration" or "velocity".
    - `observed`, `positions`: those of the programme (t,) in s and of the cell (n,) in m.
    - `times` (s, one for each point), `places` (m), `values` (SI), each (p,).
    - `scale`: by which the root mean square is divided.

    In space the field is interpolated by straight lines between the centres of the cells, and held
    beyond the first and the last; the times must be among `observed`.

    **Raises:** `ValueError` for columns of different length, values that are not finite, a scale
    that is not positive, a time that is not observed, or a place outside the cell.
    """

    step: Int[Array, " p"]
    left: Int[Array, " p"]
    weight: Float[Array, " p"]
    values: Float[Array, " p"]
    scale: Float[Array, ""]
    observable: str = eqx.field(static=True)

    def __init__(
        self,
        observable: str,
        observed: Column,
        positions: Column,
        *,
        times: Column,
        places: Column,
        values: Column,
        scale: float | int,
    ):
        observed, positions = np.asarray(observed, float), np.asarray(positions, float)
        times, places, values = (np.asarray(c, float) for c in (times, places, values))
        if not times.shape == places.shape == values.shape or values.ndim != 1 or not values.size:
            raise ValueError(
                "times, places and values of Samples must be columns of one length, but have the "
                f"shapes {times.shape}, {places.shape} and {values.shape}."
            )
        if not np.all(np.isfinite(values)):
            raise ValueError("values of Samples must be finite, but some are not.")
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"scale of Samples must be positive and finite, but scale={scale:g}.")
        length = positions[0] + positions[-1]
        outside = ~((places >= 0) & (places <= length))
        if outside.any():
            raise ValueError(
                f"places of Samples must lie in the cell, 0 to {length:g} m, but one is "
                f"{places[outside][0]:g}."
            )
        self.step = jnp.asarray(_steps(observed, times))
        left = np.clip(np.searchsorted(positions, places) - 1, 0, positions.size - 2)
        weight = (places - positions[left]) / (positions[left + 1] - positions[left])
        self.left = jnp.asarray(left)
        self.weight = jnp.asarray(np.clip(weight, 0.0, 1.0))
        self.values = jnp.asarray(values)
        self.scale = jnp.asarray(scale, float)
        self.observable = observable

    def simulated(self, observables: Observables) -> Float[Array, " p"]:
        """The field at the points."""
        field = observables.values[self.observable]
        left, right = field[self.step, self.left], field[self.step, self.left + 1]
        return left + self.weight * (right - left)

    def error(self, observables: Observables) -> Float[Array, " p"]:
        """Simulated minus measured, in SI."""
        return self.simulated(observables) - self.values


class RidgedError(AbstractResidualObjective):
    """f = √(Σ_k mean((simulated − measured)²)/scale_k²) + λ |a|², as a sum of squares.

    The sum runs over the `Samples` (profiles of the concentration, records of the velocity), and a
    are the "adjustable" numbers of the transference law. A root and a penalty are no sum of
    squares, but half the square of f is: with r the scaled errors, such that f = |r| + λ|a|²,

        ½ f² = ½ |(r, √(2λ|r|) a, λ|a|²)|²

    has the same minimiser, and a Gauss-Newton matrix that differs from its Hessian by no more than
    that of plain least squares does. `error(observables)` gives f itself.

    **Arguments:** `samples`; `ridge`: λ, not negative.
    """

    samples: tuple[Samples, ...]
    ridge: Float[Array, ""]

    def __init__(self, samples: Sequence[Samples], ridge: float | int = 0.0):
        if not samples:
            raise ValueError("samples of RidgedError must be one or more, but there are none.")
        if not (np.isfinite(ridge) and ridge >= 0):
            raise ValueError(f"ridge of RidgedError must not be negative, but ridge={ridge:g}.")
        self.samples = tuple(samples)
        self.ridge = jnp.asarray(ridge, float)

    def _scaled(self, observables: Observables) -> Residuals:
        parts = [
            sample.error(observables) / (sample.scale * np.sqrt(sample.values.size))
            for sample in self.samples
        ]
        return jnp.concatenate(parts)

    def residuals(self, observables: Observables) -> Residuals:
        misfit, numbers = self._scaled(observables), observables.values["adjustable"]
        root = (jnp.sum(misfit**2) + _TINY) ** 0.25
        penalty = jnp.sqrt(2.0 * self.ridge) * root * numbers
        square = self.ridge * jnp.sum(numbers**2)
        return jnp.concatenate([misfit, penalty, square[None]])

    def error(self, observables: Observables) -> Scalar:
        """f."""
        misfit, numbers = self._scaled(observables), observables.values["adjustable"]
        return jnp.sqrt(jnp.sum(misfit**2)) + self.ridge * jnp.sum(numbers**2)


def _steps(observed: Float[np.ndarray, " t"], times: Float[np.ndarray, " p"]) -> np.ndarray:
    """The index of each time among those observed."""
    nearest = np.argmin(np.abs(times[:, None] - observed[None]), axis=1)
    off = np.abs(observed[nearest] - times) > 1e-9 * observed[-1]
    if off.any():
        raise ValueError(
            f"times of Samples must be among those observed, but {times[off][0]:g} s is not."
        )
    return nearest
