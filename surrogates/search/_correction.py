"""A surrogate put right where the oracle has answered: retraining in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffsim._types import Vector
from diffsim.optimise._compiled import Prepared

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

    @property
    def learnt(self) -> tuple[Float[Array, "m d"], Float[Array, "m a"]]:
        """Points and weights: all that the oracle's answers change."""
        return self.points, self.weights

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


def relearnt(
    landscape: AbstractLandscape, learnt: tuple[Float[Array, "m d"], Float[Array, "m a"]] | None
) -> AbstractLandscape:
    """A corrected landscape with other points and weights; without these, as it is."""
    if learnt is None:
        return landscape
    return eqx.tree_at(lambda c: (c.points, c.weights), landscape, learnt)


def check_correction(correction: int, length: float, attempts: int) -> None:
    """Whether the settings of a correction make sense (0 points: none).

    **Raises:** `ValueError` naming the setting.
    """
    if correction < 0 or not length > 0 or attempts < 1:
        raise ValueError(
            "correction must not be negative, length and attempts must be positive, but are "
            f"{correction}, {length} and {attempts}."
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
    place, known = np.zeros(landscape.points.shape), np.zeros(landscape.weights.shape)
    place[: len(kept)], known[: len(kept)] = points[kept], answers[kept]
    used = np.arange(len(place)) < len(kept)
    weights = Prepared(_weights, landscape.base, landscape.length)(place, known, used).value
    return eqx.tree_at(lambda c: (c.points, c.weights), landscape, (jnp.asarray(place), weights))


def _weights(
    base: AbstractLandscape,
    length: Float[Array, ""],
    points: Float[Array, "m d"],
    answers: Float[Array, "m a"],
    used: Bool[Array, " m"],
) -> Float[Array, "m a"]:
    """Weights of the interpolation; one shape, and so one program, for any number of points."""
    errors = answers - jax.vmap(base)(points)
    usable = used & jnp.all(jnp.isfinite(errors), axis=1)
    errors = jnp.where(usable[:, None], errors, 0.0)
    kernel = _kernel(points, points, length) + _JITTER * jnp.eye(used.size)
    kernel = jnp.where(used[:, None] & used, kernel, jnp.eye(used.size))
    return jnp.linalg.solve(kernel, errors)


def _kernel(
    one: Float[Array, "k d"], other: Float[Array, "m d"], length: Float[Array, ""]
) -> Float[Array, "k m"]:
    s, t = (one - 0.5) / length, (other - 0.5) / length
    squares = jnp.sum((s[:, None] - t) ** 2, axis=-1)
    # Safe at zero distance: the derivative of the root there would be NaN.
    distance = jnp.sqrt(5.0 * squares + 1e-20)
    matern = (1.0 + distance + distance**2 / 3.0) * jnp.exp(-distance)
    return 1.0 + 0.25 * s @ t.T + matern
