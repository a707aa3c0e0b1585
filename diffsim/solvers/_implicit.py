"""Derivatives of an equilibrium by the implicit-function theorem, forward and in reverse."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._potential import Potential


def differentiable(potential: Potential, q: Float[Array, " n"]) -> Float[Array, " n"]:
    """`q`, which must solve ∂Π/∂q = 0, with its derivatives with respect to the potential's leaves.

        dq = −(∂²Π/∂q²)⁻¹ d(∂Π/∂q)   at the free unknowns,   dq = d held   at the others.

    One factorisation and one solve, in either mode, however many iterations found `q`; the Hessian
    is the exact one. Derivatives with respect to the `q` given are zero.
    """
    q = jax.lax.stop_gradient(q)
    potential = potential.near(q)
    return potential.supported(_root(potential, q))


@eqx.filter_custom_jvp
def _root(potential: Potential, q: Float[Array, " n"]) -> Float[Array, " n"]:
    return q


@_root.def_jvp
def _root_jvp(primals, tangents):
    potential, q = primals
    change, _ = tangents
    _, right = eqx.filter_jvp(lambda p: p.gradient(q), (potential,), (change,))
    solve = potential.hessian(q).solver()

    def product(v):
        return jnp.where(potential.free, jax.jvp(potential.gradient, (q,), (v,))[1], v)

    # A linear solve that JAX may transpose: this is what makes reverse mode one more solve.
    dq = jax.lax.custom_linear_solve(product, -right, lambda _, b: solve(b), symmetric=True)
    return q, jnp.where(potential.free, dq, 0.0)
