"""Normal contact: energy per area as a function of the gap."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from ..._types import Scalar
from ._numbers import positive


class AbstractNormalLaw(eqx.Module):
    """What a gap costs.

    **Fields:** `distance` d̂ in m, at which contact begins.

    **Class attributes:** `impenetrable`: whether a gap of zero costs infinitely much, so that
    steps are limited by collisions.
    """

    distance: eqx.AbstractVar[Scalar]
    impenetrable: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def energy(self, gap: Scalar) -> Scalar:
        """J/m²; zero beyond `distance`."""


class Barrier(AbstractNormalLaw):
    """ψ(d) = −κ d̂ (1 − d/d̂)² ln(d/d̂) for 0 < d < d̂: nothing gets through.

    Twice continuously differentiable. The pressure is 1.2 κ at half the distance and grows
    without limit: κ (`stiffness`, Pa) of the size of the pressures to expect keeps gaps near d̂/2.

    Source: M. Li et al., Incremental potential contact, ACM Trans. Graph. 39 (2020) 49, with the
    scaling by area of M. Li et al., Convergent incremental potential contact, arXiv 2307.15908.
    """

    stiffness: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float))
    distance: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float))
    impenetrable: ClassVar[bool] = True

    def __check_init__(self):
        positive(self, stiffness="Pa", distance="m")

    def energy(self, gap: Scalar) -> Scalar:
        touching = (gap > 0) & (gap < self.distance)
        share = jnp.where(touching, gap / self.distance, 1.0)
        stored = -self.stiffness * self.distance * (1.0 - share) ** 2 * jnp.log(share)
        return jnp.where(gap > 0, stored, jnp.inf)


class Penalty(AbstractNormalLaw):
    """ψ(d) = ½ k (d̂ − d)² for d < d̂, with k (`stiffness`) in Pa/m: springs, which give way.

    Cheaper than a barrier and blind to what passes right through. The second derivative jumps at
    d = d̂, where derivatives of results are one-sided.
    """

    stiffness: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float))
    distance: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float))
    impenetrable: ClassVar[bool] = False

    def __check_init__(self):
        positive(self, stiffness="Pa/m", distance="m")

    def energy(self, gap: Scalar) -> Scalar:
        return 0.5 * self.stiffness * jnp.maximum(self.distance - gap, 0.0) ** 2
