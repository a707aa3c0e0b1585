"""Sensitivities of a response to parameters, which can be differentiated once more."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .._simulator import AdjointName
from .._types import Vector


class Response(NamedTuple):
    """`values` (p,) of the observable, `sensitivities` (p, d) to the parameters, `aux`: what is not
    differentiated (result code and counts)."""

    values: Float[Array, " p"]
    sensitivities: Float[Array, "p d"]
    aux: Any


# (experiment, point (d,), way of differentiation) to values and what is not differentiated. A
# module, so that the arrays in it are arguments of the derivative rule and not closed over.
Simulate = Callable[[PyTree, Vector, AdjointName], tuple[Float[Array, " p"], Any]]


def by_forward_mode(simulate: Simulate, experiment: PyTree, point: Vector) -> Response:
    """One tangent per parameter; to be differentiated in forward mode."""

    def along(tangent):
        respond = lambda p: simulate(experiment, p, "forward")
        return jax.jvp(respond, (point,), (tangent,), has_aux=True)

    values, rows, aux = jax.vmap(along, out_axes=(None, 0, None))(jnp.eye(point.size))
    return Response(values, rows.T, aux)


def by_reverse_mode(simulate: Simulate, experiment: PyTree, point: Vector) -> Response:
    """The same numbers; to be differentiated in reverse mode with respect to the experiment.

    An integrator that steps until it is done has no reverse mode of its forward mode. But the two
    orders of a mixed derivative agree, and forward mode of its reverse mode exists:

        ∂/∂ξ Σᵢⱼ Gᵢⱼ ∂yᵢ/∂pⱼ = Σⱼ ∂/∂pⱼ [∂/∂ξ Σᵢ Gᵢⱼ yᵢ].
    """
    return _reversible(experiment, point=point, simulate=simulate)


@eqx.filter_custom_vjp
def _reversible(experiment, *, point, simulate):
    return by_forward_mode(simulate, experiment, point)


@_reversible.def_fwd
def _forward(perturbed, experiment, *, point, simulate):
    return by_forward_mode(simulate, experiment, point), None


@_reversible.def_bwd
def _backward(residuals, cotangent, perturbed, experiment, *, point, simulate):
    moving, still = eqx.partition(experiment, eqx.is_inexact_array)
    d = point.size

    def pulled_back(p, weights):
        """∂/∂ξ of weightsᵀ y."""

        def weighted(moving):
            values, _ = simulate(eqx.combine(moving, still), p, "checkpointed")
            return weights @ values

        return jax.grad(weighted)(moving)

    # None stands for a cotangent of zeros.
    values, sensitivities, _ = cotangent
    size = next(part.shape[0] for part in (values, sensitivities) if part is not None)
    sensitivities = jnp.zeros((size, d)) if sensitivities is None else sensitivities
    plain = jnp.zeros((size, d))
    plain = plain if values is None else plain.at[:, 0].set(values)

    def column(direction, weights, extra):
        return jax.jvp(pulled_back, (point, weights), (direction, extra))[1]

    parts = jax.vmap(column)(jnp.eye(d), sensitivities.T, plain.T)
    return jax.tree.map(lambda leaf: jnp.sum(leaf, axis=0), parts)
