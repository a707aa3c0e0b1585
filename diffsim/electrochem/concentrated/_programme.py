"""What is done to the cell, and when it is looked at."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ..._types import Scalar
from ._laws import Column


class CurrentProgramme(eqx.Module):
    """A measured or prescribed current density against time, straight between its rows.

    **Arguments:**

    - `times`: (k,) in s, not decreasing, the first at zero or before.
    - `densities`: (k,) in A/m²; positive where cations enter at x = 0. Held after the last row.
    - `observed`: (t,) in s, increasing and positive: when the profiles are wanted.
    - `resolution`: the integrator lands on the rows between which the record departs from a
      straight line by more than this part of the current there; it may step over the other kinks.
      Zero makes it land on every row. The current itself always is that of the record.

    **Raises:** `ValueError` for columns of different length, times in disorder, numbers that are
    not finite, or an observation before the start.
    """

    times: Float[Array, " k"]
    densities: Float[Array, " k"]
    observed: Float[Array, " t"]
    corners: Float[Array, " s"]

    def __init__(
        self,
        times: Column,
        densities: Column,
        observed: Column,
        *,
        resolution: float = 2e-3,
    ):
        for name, column in (("times", times), ("densities", densities), ("observed", observed)):
            known = not isinstance(column, Tracer)
            if np.ndim(column) != 1 or np.size(column) == 0:
                raise ValueError(
                    f"{name} of CurrentProgramme must be a column of numbers, but has the shape "
                    f"{np.shape(column)}."
                )
            if known and not np.all(np.isfinite(np.asarray(column, float))):
                raise ValueError(f"{name} of CurrentProgramme must be finite, but some are not.")
        if np.size(times) != np.size(densities):
            raise ValueError(
                "times and densities of CurrentProgramme must have one length, but have "
                f"{np.size(times)} and {np.size(densities)}."
            )
        _check_order(times, observed)
        if not resolution >= 0:
            raise ValueError(
                f"resolution of CurrentProgramme must not be negative, but is {resolution:g}."
            )
        self.times = jnp.asarray(times, float)
        self.densities = jnp.asarray(densities, float)
        self.observed = jnp.asarray(observed, float)
        if isinstance(times, Tracer) or isinstance(densities, Tracer):
            self.corners = self.times
        else:
            kept = _corners(np.asarray(times, float), np.asarray(densities, float), resolution)
            self.corners = self.times[kept]

    @staticmethod
    def constant(density: float | int | Scalar, observed: Column) -> "CurrentProgramme":
        """One current density (A/m²) throughout."""
        return CurrentProgramme(jnp.zeros(1), jnp.reshape(jnp.asarray(density, float), 1), observed)

    def density(self, t: Scalar) -> Scalar:
        """Current density in A/m² at time t (s)."""
        if self.times.size == 1:
            return self.densities[0]
        return jnp.interp(t, self.times, self.densities)


def _check_order(times: Column, observed: Column) -> None:
    if not isinstance(times, Tracer):
        times = np.asarray(times, float)
        if np.any(np.diff(times) < 0) or times[0] > 0:
            raise ValueError(
                "times of CurrentProgramme must begin at zero or before and not decrease, but "
                f"begin at {times[0]:g} s with a smallest step of "
                f"{np.min(np.diff(times), initial=0.0):g} s."
            )
    if not isinstance(observed, Tracer):
        observed = np.asarray(observed, float)
        if observed[0] <= 0 or np.any(np.diff(observed) <= 0):
            raise ValueError(
                "observed of CurrentProgramme must be positive and increasing, but begins at "
                f"{observed[0]:g} s with a smallest step of "
                f"{np.min(np.diff(observed), initial=np.inf):g} s."
            )


def _corners(
    times: Float[np.ndarray, " k"], densities: Float[np.ndarray, " k"], resolution: float
) -> np.ndarray:
    """Rows between which the record is straight within `resolution`, each found from the last."""
    kept, last = [0], times.size - 1
    while kept[-1] < last:
        begin, end = kept[-1], kept[-1] + 1
        while end < last:
            part = slice(begin, end + 2)
            line = np.interp(times[part], times[[begin, end + 1]], densities[[begin, end + 1]])
            departure = np.max(np.abs(line - densities[part]))
            if not departure <= resolution * np.max(np.abs(densities[part])):
                break
            end += 1
        kept.append(end)
    return np.array(kept)
