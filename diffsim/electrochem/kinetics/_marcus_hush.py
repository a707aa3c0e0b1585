"""Quadratic activation energies."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._base import (
    AbstractKinetics,
    Electrons,
    RealLike,
    check_positive,
    inverse_thermal_voltage,
    parameter,
    require_single_electron,
)


class MarcusHush(AbstractKinetics):
    """Marcus's parabolas for one electron at one energy, the Fermi level.

    The free energy of activation of the reduction is (λ + eη)²/4λ, of the oxidation
    (λ − eη)²/4λ. Relative to η = 0:

        k_red = k⁰ exp(−α f η),        α = ½ + η/4λ      (λ in eV, η in V)
        k_ox  = k⁰ exp(+(1 − α) f η)

    that is, ln k = ln k⁰ ∓ fη/2 − fη²/4λ: a Butler-Volmer law whose transfer coefficient
    moves with the potential, obeying detailed balance at every potential.

    **Arguments:**

    - `k0`: standard rate constant k⁰ in m s⁻¹.
    - `reorganisation_energy`: λ in eV per molecule (0.3 to 1.5 for most couples in solution).

    Valid for |η| below λ. Beyond it the rate falls again: Marcus's inverted region, which a
    metal does not show because electrons come from a continuum of levels
    (`MarcusHushChidsey`). Tends to Butler-Volmer with α = ½ as λ → ∞.

    Source: R. A. Marcus, J. Chem. Phys. 43 (1965) 679; E. Laborda et al., Chem. Soc. Rev. 42
    (2013) 4894, for the form with a potential-dependent α.
    """

    single_electron: ClassVar[bool] = True

    k0: Float[Array, "..."] = eqx.field(converter=parameter("k0", "m/s"))
    reorganisation_energy: Float[Array, "..."] = eqx.field(
        converter=parameter("reorganisation_energy", "eV")
    )

    def __check_init__(self):
        check_positive(self, "k0", "m/s")
        check_positive(self, "reorganisation_energy", "eV")

    def log_rates(
        self, overpotential: RealLike, temperature: RealLike, electrons: Electrons
    ) -> tuple[Array, Array]:
        require_single_electron(self, electrons)
        f = inverse_thermal_voltage(temperature)
        eta = jnp.asarray(overpotential)
        even = jnp.log(self.k0) - f * eta**2 / (4.0 * self.reorganisation_energy)
        return even - 0.5 * f * eta, even + 0.5 * f * eta
