"""Currents that do not depend on time, and the position of waves.

Magnitudes in A; lengths in m, `diffusivity` in m²/s, `concentration` in mol/m³, `electrons` n per
molecule, potentials in V, temperature in K.
"""

import jax.numpy as jnp
from jaxtyping import Array

from ...constants import faraday, gas_constant, standard_temperature
from ._types import RealLike


def microdisc_limiting_current(
    *,
    radius: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Inlaid disc of radius a in an infinite insulating plane:

        I = 4nFDca

    Exact. Source: Y. Saito, Rev. Polarogr. 15 (1968) 177.
    """
    return jnp.asarray(4 * electrons * faraday * diffusivity * concentration * radius)


def hemisphere_limiting_current(
    *,
    radius: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Hemisphere of radius r on an insulating plane: I = 2πnFDcr. Exact.

    A disc of radius a carries the current of a hemisphere with r = 2a/π.
    """
    return jnp.asarray(2 * jnp.pi * electrons * faraday * diffusivity * concentration * radius)


def sphere_limiting_current(
    *,
    radius: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Sphere of radius r: I = 4πnFDcr. Exact."""
    return jnp.asarray(4 * jnp.pi * electrons * faraday * diffusivity * concentration * radius)


def steady_state_wave(
    potential: RealLike,
    *,
    limiting_current: RealLike,
    formal_potential: RealLike,
    diffusivity_ox: RealLike,
    diffusivity_red: RealLike,
    mass_transfer_over_rate: RealLike = 0.0,
    electrons: RealLike = 1,
    alpha: RealLike = 0.5,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Reduction at a uniformly accessible microelectrode, only ox in the bulk:

        I = I_lim / [1 + (D_ox/D_red) e^θ + (m/k⁰) e^{αθ}],     θ = nF(E − E⁰′)/RT

    **Arguments:**

    - `mass_transfer_over_rate`: m/k⁰ with the mass-transfer coefficient of ox, m = D_ox/r for a
      sphere or hemisphere; 0 for a reversible couple. The law is Butler-Volmer, β = 1 − α.

    Exact for a sphere or hemisphere; for a disc exact in the reversible limit only, since its edge
    and its centre are not equally accessible. Source: K. B. Oldham, C. G. Zoski, J. Electroanal.
    Chem. 256 (1988) 11.
    """
    theta = electrons * faraday * (potential - formal_potential) / (gas_constant * temperature)
    ratio = diffusivity_ox / diffusivity_red
    denominator = 1 + ratio * jnp.exp(theta) + mass_transfer_over_rate * jnp.exp(alpha * theta)
    return jnp.asarray(limiting_current / denominator)


def catalytic_plateau_current(
    *,
    area: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    rate_constant: RealLike,
    substrate_concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Plateau of the catalytic mechanism EC′, ox + n e⁻ → red, red + Z → ox + P:

        I = nFAc √(D k c_Z)

    **Arguments:**

    - `diffusivity`, `concentration`: of the catalyst; `rate_constant` k in m³ mol⁻¹ s⁻¹;
      `substrate_concentration` c_Z in mol/m³.

    Valid for a planar electrode, equal diffusivities, a substrate that is not depleted
    (c_Z ≫ c), and k c_Z far above nFν/RT. Source: J.-M. Savéant, E. Vianello, Electrochim. Acta
    10 (1965) 905.
    """
    rate = diffusivity * rate_constant * substrate_concentration
    return jnp.asarray(electrons * faraday * area * concentration * jnp.sqrt(rate))


def catalytic_wave(
    potential: RealLike,
    *,
    plateau_current: RealLike,
    formal_potential: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """The S-shaped wave below the plateau, for a reversible couple:

        I = I_plateau / (1 + e^θ),     θ = nF(E − E⁰′)/RT

    Valid where `catalytic_plateau_current` is; the same in both directions of the sweep.
    """
    theta = electrons * faraday * (potential - formal_potential) / (gas_constant * temperature)
    return jnp.asarray(plateau_current / (1 + jnp.exp(theta)))


def planar_half_wave_potential(
    *,
    formal_potential: RealLike,
    diffusivity_ox: RealLike,
    diffusivity_red: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Reversible half-wave potential for linear diffusion:

        E½ = E⁰′ + (RT/2nF) ln(D_red/D_ox)

    Exact. Every reversible planar voltammogram with unequal diffusivities is that with equal ones,
    moved by this shift.
    """
    shift = 0.5 * jnp.log(diffusivity_red / diffusivity_ox)
    return jnp.asarray(
        formal_potential + gas_constant * temperature / (electrons * faraday) * shift
    )


def steady_state_half_wave_potential(
    *,
    formal_potential: RealLike,
    diffusivity_ox: RealLike,
    diffusivity_red: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Reversible half-wave potential of a microelectrode at steady state:

        E½ = E⁰′ + (RT/nF) ln(D_red/D_ox)

    Exact: twice the shift of linear diffusion.
    """
    shift = jnp.log(diffusivity_red / diffusivity_ox)
    return jnp.asarray(
        formal_potential + gas_constant * temperature / (electrons * faraday) * shift
    )
