"""The rotating disc.

Magnitudes in A; `area` in m², `diffusivity`, `kinematic_viscosity` in m²/s, `concentration` in
mol/m³, `rotation_rate` in rad/s, `rate_constant` in m/s.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array

from ...constants import faraday
from ._types import RealLike

_CONVECTION = 0.510232618867
# ∫₀^∞ exp(−w³/3) dw = 3^(1/3) Γ(4/3), 1.287899.
_LAYER = 3.0 ** (1.0 / 3.0) * math.gamma(4.0 / 3.0)


def levich_current(
    *,
    area: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    rotation_rate: RealLike,
    kinematic_viscosity: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Limiting current of a rotating disc at a large Schmidt number:

        I = (a/3)^(1/3) / Γ(4/3) · nFA D^(2/3) ω^(1/2) ν^(−1/6) c,   a = 0.510233

    whose factor is 0.62045. Source: V. G. Levich, Physicochemical Hydrodynamics (1962).
    """
    omega, nu = jnp.asarray(rotation_rate), jnp.asarray(kinematic_viscosity)
    factor = _CONVECTION ** (1.0 / 3.0) / _LAYER
    transfer = factor * jnp.asarray(diffusivity) ** (2 / 3) * jnp.sqrt(omega) * nu ** (-1 / 6)
    return jnp.asarray(electrons * faraday * area * concentration * transfer)


def newman_current(
    *,
    area: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    rotation_rate: RealLike,
    kinematic_viscosity: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Levich's current for a finite Schmidt number Sc = ν/D:

        I = I_Levich / (1 + 0.2980 Sc^(−1/3) + 0.14514 Sc^(−2/3))

    Within 0.1 % for Sc > 100. Source: J. Newman, J. Phys. Chem. 70 (1966) 1327.
    """
    root = (jnp.asarray(kinematic_viscosity) / diffusivity) ** (-1.0 / 3.0)
    levich = levich_current(
        area=area,
        diffusivity=diffusivity,
        concentration=concentration,
        rotation_rate=rotation_rate,
        kinematic_viscosity=kinematic_viscosity,
        electrons=electrons,
    )
    return levich / (1.0 + 0.2980 * root + 0.14514 * root**2)


def koutecky_levich_current(
    *,
    levich: RealLike,
    area: RealLike,
    concentration: RealLike,
    rate_constant: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Steady current of an irreversible first-order step of rate constant k:

        1/I = 1/(nFA k c) + 1/I_Levich

    Exact. Source: J. Koutecký, V. G. Levich, Zh. Fiz. Khim. 32 (1958) 1565.
    """
    kinetic = electrons * faraday * jnp.asarray(area) * rate_constant * concentration
    return jnp.asarray(1.0 / (1.0 / kinetic + 1.0 / jnp.asarray(levich)))
