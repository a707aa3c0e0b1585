"""The interface between electrode and solution, where Poisson's equation needs a condition."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Scalar
from .._checks import check_positive, check_value
from ..kinetics._base import parameter

Number = Float[Array, "..."]


class AbstractInterface(eqx.Module):
    """How much charge the electrode carries, −ε ∂φ/∂x = σ.

    Electrons are transferred at the plane where the diffuse layer begins: kinetic laws see the
    potential E − φ(0) across the interface.

    **Class attributes:** `charged`, whether there is any, and with it a charging current.
    """

    charged: ClassVar[bool]

    @property
    @abc.abstractmethod
    def uncharged_potential(self) -> Scalar:
        """Potential difference in V at which σ = 0."""

    @abc.abstractmethod
    def charge(self, potential: Scalar) -> Scalar:
        """σ in C/m², linear in the potential difference E − φ(0) in V."""


class ZeroField(AbstractInterface):
    """No charge on the electrode: ∂φ/∂x = 0 at the surface.

    The double layer is left out; what is left is the ohmic drop and the potential of diffusion.

    Source: I. Streeter, R. G. Compton, J. Phys. Chem. C 112 (2008) 13716.
    """

    charged: ClassVar[bool] = False

    @property
    def uncharged_potential(self) -> Scalar:
        return jnp.zeros(())

    def charge(self, potential: Scalar) -> Scalar:
        return jnp.zeros_like(potential)


class Stern(AbstractInterface):
    """A compact layer before a resolved diffuse layer: σ = C_S (E − φ(0) − E_pzc).

    Frumkin's correction without its approximations: concentrations and potential at the plane of
    reaction are those of the diffuse layer, in motion or not, and the charging of both layers is
    part of the current.

    **Arguments:**

    - `capacitance`: C_S in F/m²; 0.1 to 1 is usual.
    - `zero_charge_potential`: E_pzc in V against the reference of the measurement.

    Source: A. Frumkin, Z. Phys. Chem. 164A (1933) 121; M. van Soestbergen, P. M. Biesheuvel,
    M. Z. Bazant, Phys. Rev. E 81 (2010) 021503.
    """

    charged: ClassVar[bool] = True

    capacitance: Number = eqx.field(converter=parameter("capacitance", "F/m^2"))
    zero_charge_potential: Number = eqx.field(
        converter=parameter("zero_charge_potential", "V"), default=0.0
    )

    def __check_init__(self):
        check_positive(self, "capacitance", "F/m2")
        check_value(
            "Stern",
            "zero_charge_potential",
            self.zero_charge_potential,
            "between -10 and 10 V",
            lambda v: abs(v) < 10,
        )

    @property
    def uncharged_potential(self) -> Scalar:
        return self.zero_charge_potential

    def charge(self, potential: Scalar) -> Scalar:
        return self.capacitance * (potential - self.zero_charge_potential)
