"""The coverage that is at equilibrium with a solution."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...solvers import small_inverse, small_product
from ._isotherms import AbstractIsotherm

_STEPS = 100
_LONGEST = 0.2


def equilibrium_coverage(
    isotherm: AbstractIsotherm, load: Float[Array, " a"]
) -> Float[Array, " a"]:
    """θ with load · sites(θ) = activity(θ), for load = K c; NaN if it is not found.

    Newton's method from Langmuir's coverage, with short steps; the iterations are not
    differentiated, one more step from their end is.
    """

    def residual(coverage, isotherm, load):
        scale = 1.0 + load
        return (load * isotherm.sites(coverage) - isotherm.activity(coverage)) / scale

    def step(coverage, isotherm, load):
        jacobian = jax.jacfwd(residual)(coverage, isotherm, load)
        return small_product(small_inverse(jacobian), residual(coverage, isotherm, load))

    def shortened(_, coverage):
        return coverage - jnp.clip(step(coverage, *fixed), -_LONGEST, _LONGEST)

    fixed = jax.lax.stop_gradient((isotherm, load))
    start = fixed[1] / (1.0 + jnp.sum(fixed[1]))
    found = jax.lax.stop_gradient(jax.lax.fori_loop(0, _STEPS, shortened, start))
    last = step(found, isotherm, load)
    settled = jnp.max(jnp.abs(last)) < 1e-9
    return jnp.where(settled, found - last, jnp.nan)
