"""How far the solution reaches, and what stands at its far end."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_positive_fields
from ..kinetics._base import parameter
from ._geometry import AbstractGeometry


class AbstractDomain(eqx.Module):
    """Extent of the diffusion field, the condition at its far boundary, and the flow in between.

    **Class attributes:** `sealed`, whether nothing passes the far boundary; `moving`, whether the
    solution flows, which `drift` then describes; `least_cells`, the finite volumes that a current
    right to 1e-4 needs, whatever the electrode.
    """

    sealed: eqx.AbstractClassVar[bool]
    moving: ClassVar[bool] = False
    least_cells: ClassVar[int] = 48

    @abc.abstractmethod
    def thickness(self, diffusivity: Array, duration: Array) -> Array:
        """Extent in m, for the diffusivities (m,) and the duration of the experiment."""

    def drift(self, x: Array, diffusivity: Array) -> Array:
        """φ(x) = −∫₀ˣ v dx′ / D for a solution that moves with the velocity v(x) along x, so that

            D ∂²c/∂x² − v ∂c/∂x = D e^(−φ) ∂/∂x (e^φ ∂c/∂x)

        (m, points), for positions (points,) in m and diffusivities (m,).
        """
        raise NotImplementedError(f"{type(self).__name__} says that it moves, but not how.")

    def check_electrode(self, electrode: AbstractGeometry) -> None:
        """Refuse an electrode that the flow is not made for; any will do where nothing flows.

        **Raises:** `ValueError` with the shape and what is allowed.
        """

    def __check_init__(self):
        check_positive_fields(self)


class SemiInfinite(AbstractDomain):
    """Bulk solution out of reach: 6 √(D t) deep, where erfc has fallen to 2e-5 of 1 %.

    D is the 8-norm of the diffusivities, a smooth stand-in for the largest, so that the
    grid is a differentiable function of all of them.
    """

    sealed: ClassVar[bool] = False
    least_cells: ClassVar[int] = 8

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
