"""Flow towards a rotating disc."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..kinetics._base import parameter
from ._domain import AbstractDomain, SemiInfinite
from ._geometry import AbstractGeometry, Planar, PlanarDisc

# −H″(0)/2 and the wall value b of von Kármán's equations: W. G. Cochran, Proc. Camb. Phil. Soc. 30
# (1934) 365; digits by M. H. Rogers, G. N. Lance, J. Fluid Mech. 7 (1960) 617.
CONVECTION_CONSTANT = 0.510232618867
_WALL_CONSTANT = -0.615922014399

# In units of (D/L)^(1/3): what lies beyond adds e^(−W³/3)/W², 3e-15, to the layer's resistance.
_DEPTH = 4.5


def _layer(domain, diffusivity: Array, duration: Array) -> Array:
    """Depth in m of the convective layer, or of what diffusion reaches if that is less.

    Smooth, so that the grid is a differentiable function of all parameters.
    """
    reach = SemiInfinite().thickness(diffusivity, duration)
    largest = jnp.max(diffusivity)
    smooth = largest * jnp.sum((diffusivity / largest) ** 8) ** (1.0 / 8.0)
    speed = CONVECTION_CONSTANT * domain.rotation_rate**1.5 / jnp.sqrt(domain.kinematic_viscosity)
    depth = _DEPTH * jnp.cbrt(smooth / speed)
    return depth / (1.0 + (depth / reach) ** 8) ** (1.0 / 8.0)


def _require_plane(domain, electrode: AbstractGeometry) -> None:
    if not isinstance(electrode, Planar | PlanarDisc):
        raise ValueError(
            f"electrode must be a PlanarDisc or Planar in the flow of {type(domain).__name__}, "
            f"where concentrations depend on the distance alone, but is {type(electrode).__name__}."
        )


class Levich(AbstractDomain):
    """The flow towards a rotating disc near its surface, where v = −L x².

        L = 0.510233 ω^(3/2) ν^(−1/2)

    The limit of a large Schmidt number ν/D; at ν/D = 1000 currents are 2.8 % too large (`VonKarman`
    has what is missing). Laminar flow: ω r²/ν < 2e5, and a disc much larger than the layer
    1.61 D^(1/3) ω^(−1/2) ν^(1/6).

    **Arguments:**

    - `rotation_rate`: ω in rad/s, positive ("1600 rpm" is understood). Without rotation there is
      no layer: use `SemiInfinite`.
    - `kinematic_viscosity`: ν in m²/s; 1e-6 in water.

    Source: V. G. Levich, Physicochemical Hydrodynamics (1962), section 11.
    """

    sealed: ClassVar[bool] = False
    moving: ClassVar[bool] = True
    least_cells: ClassVar[int] = 96
    rotation_rate: Float[Array, "..."] = eqx.field(converter=parameter("rotation_rate", "rad/s"))
    kinematic_viscosity: Float[Array, "..."] = eqx.field(
        converter=parameter("kinematic_viscosity", "m^2/s"), default=1e-6
    )

    def thickness(self, diffusivity: Array, duration: Array) -> Array:
        return _layer(self, diffusivity, duration)

    def drift(self, x: Array, diffusivity: Array) -> Array:
        zeta = x * jnp.sqrt(self.rotation_rate / self.kinematic_viscosity)
        schmidt = self.kinematic_viscosity / diffusivity[:, None]
        return schmidt * CONVECTION_CONSTANT * zeta**3 / 3.0

    def check_electrode(self, electrode: AbstractGeometry) -> None:
        _require_plane(self, electrode)


class VonKarman(AbstractDomain):
    """The flow towards a rotating disc to the third order of the distance.

        v = −√(ων) (a ζ² − ζ³/3 − b ζ⁴/6),   ζ = x √(ω/ν),   a = 0.510233, b = −0.615922

    For Schmidt numbers ν/D from about 100 up, which covers every solute in water, protons
    included; the layer must end before ζ = 1, where the next term of the series counts.

    **Arguments:** `rotation_rate` in rad/s, `kinematic_viscosity` in m²/s, as of `Levich`.

    Source: W. G. Cochran, Proc. Camb. Phil. Soc. 30 (1934) 365; limiting currents that follow:
    J. Newman, J. Phys. Chem. 70 (1966) 1327.
    """

    sealed: ClassVar[bool] = False
    moving: ClassVar[bool] = True
    least_cells: ClassVar[int] = 96
    rotation_rate: Float[Array, "..."] = eqx.field(converter=parameter("rotation_rate", "rad/s"))
    kinematic_viscosity: Float[Array, "..."] = eqx.field(
        converter=parameter("kinematic_viscosity", "m^2/s"), default=1e-6
    )

    def thickness(self, diffusivity: Array, duration: Array) -> Array:
        return _layer(self, diffusivity, duration)

    def drift(self, x: Array, diffusivity: Array) -> Array:
        zeta = x * jnp.sqrt(self.rotation_rate / self.kinematic_viscosity)
        schmidt = self.kinematic_viscosity / diffusivity[:, None]
        series = CONVECTION_CONSTANT / 3.0 - zeta / 12.0 - _WALL_CONSTANT * zeta**2 / 30.0
        return schmidt * zeta**3 * series

    def check_electrode(self, electrode: AbstractGeometry) -> None:
        _require_plane(self, electrode)
