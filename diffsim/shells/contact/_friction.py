"""Coulomb's friction, smooth at rest."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from ...solvers import AbstractElements
from ._numbers import positive
from ._points import weighted


class Friction(eqx.Module):
    """μ times the normal force, against the slip; smooth below a `speed`.

    The potential of a slip u in a step of γ seconds is μ λ f(|u|), with r = |u|, e = γ × speed and

        f(r) = −r³/(3e²) + r²/e + e/3  for r < e,   r  beyond.

    Sticking is creeping: under a tangential force T < μλ at speed × (1 − √(1 − T/(μλ))).

    **Fields:** `coefficient` μ; `speed` in m/s.

    Source: M. Li et al., Incremental potential contact, ACM Trans. Graph. 39 (2020) 49.
    """

    coefficient: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float))
    speed: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float), default=1e-3)

    def __check_init__(self):
        positive(self, speed="m/s")
        if not isinstance(self.coefficient, Tracer) and not bool(self.coefficient >= 0):
            raise ValueError(
                f"coefficient of Friction must be at least zero, but is {self.coefficient}."
            )


class Rubbing(AbstractElements):
    """Friction in known directions with known normal forces.

    **Fields** (leading axis: elements): `weights`: (k/3,) by which the points of an element share
    the slip; `from_`: (3,) where the weighted point would be without slip; `normal`: (3,);
    `limit`: μλ in N; `width`: e in m.
    """

    indices: Int[Array, "*e k"]
    weights: Float[Array, "*e p"]
    unslipped: Float[Array, "*e 3"]
    normal: Float[Array, "*e 3"]
    limit: Float[Array, "*e"]
    width: Float[Array, "*e"]

    def measures(self, local: Float[Array, " k"]) -> Float[Array, " 3"]:
        slip = weighted(self.weights, local.reshape(-1, 3)) - self.unslipped
        return slip - (slip @ self.normal) * self.normal

    def density(self, measures: Float[Array, " 3"]) -> Scalar:
        return self.limit * smooth_distance(measures @ measures, self.width)

    def convex(self, stress, stiffness):
        return jnp.zeros_like(stress), stiffness


def smooth_distance(squared: Scalar, width: Scalar) -> Scalar:
    """f(r) of r²: the distance, smooth below `width`."""
    # The cube of a distance has no derivatives at zero that a program could find by itself.
    moving = squared > 1e-24 * width**2
    r = jnp.sqrt(jnp.where(moving, squared, 1.0))
    cube = jnp.where(moving, r**3, 0.0)
    low = -cube / (3.0 * width**2) + squared / width + width / 3.0
    return jnp.where(squared < width**2, low, r)


def normal_force(energy, gap: Scalar, area: Scalar) -> Scalar:
    """−area × ψʹ(gap), N."""
    return -area * jax.grad(energy)(gap)
