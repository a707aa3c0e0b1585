"""How far the solution reaches, and what stands at its far end."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_positive_fields
from ..kinetics._base import parameter


class AbstractDomain(eqx.Module):
    """Extent of the diffusion field and the condition at its far boundary."""

    sealed: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def thickness(self, diffusivity: Array, duration: Array) -> Array:
        """Extent in m, for the diffusivities (m,) and the duration of the experiment."""

    def __check_init__(self):
        check_positive_fields(self)


class SemiInfinite(AbstractDomain):
    """Bulk solution out of reach: 6 √(D t) deep, where erfc has fallen to 2e-5 of 1 %.

    D is the 8-norm of the diffusivities, a smooth stand-in for the largest, so that the
    grid is a differentiable function of all of them.
    """

    sealed: ClassVar[bool] = False

    def thickness(self, diffusivity: Array, duration: Array) -> Array:
        largest = jnp.max(diffusivity)
        smooth = largest * jnp.sum((diffusivity / largest) ** 8) ** (1.0 / 8.0)
        return 6.0 * jnp.sqrt(smooth * duration)


class DiffusionLayer(AbstractDomain):
    """Bulk concentrations held at a fixed distance (a Nernst diffusion layer).

    **Arguments:** `depth` in m.
    """

    sealed: ClassVar[bool] = False
    depth: Float[Array, "..."] = eqx.field(converter=parameter("depth"))

    def thickness(self, diffusivity: Array, duration: Array) -> Array:
        return self.depth


class ThinLayer(AbstractDomain):
    """A closed layer: nothing passes its far wall.

    **Arguments:** `depth` in m.
    """

    sealed: ClassVar[bool] = True
    depth: Float[Array, "..."] = eqx.field(converter=parameter("depth"))

    def thickness(self, diffusivity: Array, duration: Array) -> Array:
        return self.depth
