"""What is asked of the observables: residuals, a scalar to minimise, constraints."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, ArrayLike, Bool, Float

from ._observables import Observables
from ._types import Residuals, Scalar

# A column, or what others leave of it, that is shorter than this part of itself is rounding.
_ROUNDING = 1e-10


class AbstractObjective(eqx.Module):
    """A scalar to minimise."""

    @abc.abstractmethod
    def __call__(self, observables: Observables) -> Scalar:
        """The value, always to be minimised."""


class AbstractResidualObjective(AbstractObjective):
    """A half sum of squares, whose residuals are known one by one."""

    @abc.abstractmethod
    def residuals(self, observables: Observables) -> Residuals:
        """Scaled residuals (p,)."""

    def __call__(self, observables: Observables) -> Scalar:
        return 0.5 * jnp.sum(self.residuals(observables) ** 2)


class LeastSquares(AbstractResidualObjective):
    """Weighted misfit of one observable: r = (value - data) / scale.

    **Arguments:**

    - `data`: the measurements, shaped as the observable.
    - `scale`: standard deviation of the noise, or any scale, broadcast against `data`.
    - `observable`: the name of the observable.
    - `mask`: True where a point counts (padding and excluded stretches are False).
    - `nuisance`: (p, q) columns, in the units of the data, of which any combination may be added
      to the observable: baselines, drifts. They are fitted out exactly at every evaluation
      (variable projection: G. Golub, V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413), which
      costs no design variable and no tangent of the simulation.

    **Raises:** `ValueError` if data or scale are not finite where they count, or if the scale
    is not positive.
    """

    data: Float[Array, "..."]
    scale: Float[Array, "..."]
    mask: Float[Array, "..."]
    basis: Float[Array, "p q"]
    observable: str = eqx.field(static=True)

    def __init__(
        self,
        data: ArrayLike,
        scale: ArrayLike = 1.0,
        *,
        observable: str = "current",
        mask=None,
        nuisance=None,
    ):
        data = np.asarray(data, float)
        scale = np.broadcast_to(np.asarray(scale, float), data.shape)
        mask = np.ones(data.shape, bool) if mask is None else np.asarray(mask, bool)
        if not np.all(np.isfinite(data[mask])):
            bad = int(np.sum(~np.isfinite(data[mask])))
            raise ValueError(f"data must be finite, but {bad} of {data[mask].size} values are not.")
        # Where a point does not count, neither does a scale that is none.
        scale = np.where(mask | (np.isfinite(scale) & (scale > 0)), scale, 1.0)
        if not (np.all(np.isfinite(scale)) and np.all(scale > 0)):
            raise ValueError(
                f"scale must be positive and finite, but its minimum is {scale.min()}."
            )
        self.data = jnp.asarray(np.where(mask, data, 0.0))
        self.scale = jnp.asarray(scale)
        self.mask = jnp.asarray(mask, float)
        columns = np.zeros((data.size, 0)) if nuisance is None else np.asarray(nuisance, float)
        if columns.ndim != 2 or len(columns) != data.size or not np.all(np.isfinite(columns)):
            raise ValueError(
                f"nuisance must be finite columns of {data.size} rows, but has shape "
                f"{columns.shape}."
            )
        weighted = columns / np.ravel(scale)[:, None]
        self.basis = jnp.asarray(_orthonormal(weighted, np.ravel(mask)))
        self.observable = observable

    def residuals(self, observables: Observables) -> Residuals:
        residuals = self._misfit(observables)
        return residuals - self.basis @ (self.basis.T @ residuals)

    def _misfit(self, observables: Observables) -> Residuals:
        difference = observables.values[self.observable] - self.data
        return jnp.ravel(self.mask * difference / self.scale)


def _orthonormal(
    columns: Float[np.ndarray, "p q"], mask: Bool[np.ndarray, " p"]
) -> Float[np.ndarray, "p r"]:
    """A basis of what the columns span under the mask, with zeros for those that vanish there or
    repeat others: the shape, on which programs depend, is that of the columns."""
    whole, columns = np.linalg.norm(columns, axis=0), columns * mask[:, None]
    if columns.size == 0:
        return columns
    # All of length one, so that no unit decides; but what is left of a column by round-off is none.
    norms = np.linalg.norm(columns, axis=0)
    seen = norms > _ROUNDING * whole
    columns = np.where(seen, columns / np.where(seen, norms, 1.0), 0.0)
    basis, triangle, _ = scipy.linalg.qr(  # pyright: ignore
        columns, mode="economic", pivoting=True
    )
    return basis * (np.abs(np.diag(triangle)) > _ROUNDING)


class Minimise(AbstractObjective):
    """Any scalar function of the observables."""

    function: Callable[[Observables], Scalar]

    def __call__(self, observables: Observables) -> Scalar:
        return self.function(observables)


class Maximise(AbstractObjective):
    """Any scalar function of the observables, to be made large; its negative is minimised."""

    function: Callable[[Observables], Scalar]

    def __call__(self, observables: Observables) -> Scalar:
        return -self.function(observables)


class Constraint(eqx.Module):
    """Feasible where every entry of `function(observables)` is at most zero.

    `name` stands in datasets and messages; `scale` brings the slack to order one.
    """

    function: Callable[[Observables], Array]
    name: str = eqx.field(static=True)
    scale: float = eqx.field(static=True, default=1.0)

    def slacks(self, observables: Observables) -> Float[Array, " q"]:
        """Scaled slacks, at most zero where feasible."""
        return jnp.atleast_1d(self.function(observables)) / self.scale
