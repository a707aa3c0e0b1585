"""A surrogate put right where the oracle has answered: retraining in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffsim._types import Vector

from ._landscape import AbstractLandscape

_JITTER = 1e-8


class CorrectedLandscape(AbstractLandscape):
    """base(x) + Σ_i k(x, x_i) α_i: the surrogate plus an interpolation of its errors.

    k = 1 + s·s'/4 + Matérn 5/2 on s = x/ℓ: a constant, a trend and a local part. The weights α make
    the sum exact at the evaluated points (up to a jitter of 1e-8). Unused places have weight 0, so
    that one program serves any number of points up to the capacity.
    """

    base: AbstractLandscape
    points: Float[Array, "m d"]
    weights: Float[Array, "m a"]
    length: Float[Array, ""]
    size: int = eqx.field(static=True)
    constraints: int = eqx.field(static=True)

    def __call__(self, x: Vector) -> Float[Array, " a"]:
        row = _kernel(x[None], self.points, self.length)[0]
        return self.base(x) + row @ self.weights

    def frozen(self, x: Vector) -> "CorrectedLandscape":
        frozen = self.base.frozen(x)
        return CorrectedLandscape(
            base=frozen,
            points=self.points,
            weights=self.weights,
            length=self.length,
            size=self.size,
            constraints=self.constraints,
        )


def uncorrected(base: AbstractLandscape, capacity: int, length: float) -> CorrectedLandscape:
    """The base itself, as a corrected landscape without points.

    **Raises:** `ValueError` if capacity or length are not positive.
    """
    if capacity < 1 or not length > 0:
        raise ValueError(f"capacity and length must be positive, but are {capacity} and {length}.")
    points, weights = jnp.zeros((capacity, base.size)), jnp.zeros((capacity, 1 + base.constraints))
    return CorrectedLandscape(
        base=base,
        points=points,
        weights=weights,
        length=jnp.asarray(length),
        size=base.size,
        constraints=base.constraints,
    )


def corrected(
    landscape: CorrectedLandscape,
    x: Float[np.ndarray, " d"],
    points: Float[np.ndarray, "N d"],
    answers: Float[np.ndarray, "N a"],
) -> CorrectedLandscape:
    """The landscape made exact at the evaluated points nearest to `x` (failed ones left out)."""
    fine = np.flatnonzero(np.all(np.isfinite(answers), axis=1))
    near = np.argsort(np.sum((points[fine] - x) ** 2, axis=1), kind="stable")
    kept = np.sort(fine[near[: len(landscape.points)]])
    place = np.zeros(landscape.points.shape)
    place[: len(kept)] = points[kept]
    weights = np.zeros(landscape.weights.shape)
    predicted = np.asarray(_many(landscape.base, jnp.asarray(place)))[: len(kept)]
    errors = answers[kept] - predicted
    usable = np.all(np.isfinite(errors), axis=1)
    errors = np.where(usable[:, None], errors, 0.0)
    kernel = np.asarray(_kernel(jnp.asarray(place[: len(kept)]), None, landscape.length))
    weights[: len(kept)] = np.linalg.solve(kernel + _JITTER * np.eye(len(kept)), errors)
    return eqx.tree_at(
        lambda c: (c.points, c.weights), landscape, (jnp.asarray(place), jnp.asarray(weights))
    )


@eqx.filter_jit
def _many(landscape: AbstractLandscape, points: Float[Array, "m d"]) -> Float[Array, "m a"]:
    return jax.vmap(landscape)(points)


def _kernel(
    one: Float[Array, "k d"], other: Float[Array, "m d"] | None, length: Float[Array, ""]
) -> Float[Array, "k m"]:
    other = one if other is None else other
    s, t = (one - 0.5) / length, (other - 0.5) / length
    squares = jnp.sum((s[:, None] - t) ** 2, axis=-1)
    # Safe at zero distance: the derivative of the root there would be NaN.
    distance = jnp.sqrt(5.0 * squares + 1e-20)
    matern = (1.0 + distance + distance**2 / 3.0) * jnp.exp(-distance)
    return 1.0 + 0.25 * s @ t.T + matern
