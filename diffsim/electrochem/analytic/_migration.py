"""Migration: limiting currents without supporting electrolyte, junctions, the double layer."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...constants import faraday, gas_constant, vacuum_permittivity
from ._types import RealLike


def unsupported_limiting_factor(reactant: int, product: int, counter: int) -> float:
    """Steady limiting current over that of diffusion alone, without supporting electrolyte.

    A reactant of charge z_A becomes a product of charge z_B; the only other ion has z_X. All
    diffusivities are equal, so that S = Σc is constant; with x = c_X, and c_A = 0 at the electrode,

        I/I_d = [(z_X − z_A)(z_X − z_B)(x_s − x*) − z_A z_B S ln(x_s/x*)] / (z_X (z_A − z_B))
        x* = −z_A/z_X,   S = 1 + x*,   x_s = z_B S/(z_B − z_X)        (in units of c_A*)

    for any geometry with one coordinate. 2 for 1 → 0, 1.274 for 2 → 1, 0.849 for −1 → −2.

    **Raises:** `ValueError` for a neutral reactant (nothing conducts) or a counter ion of its sign.

    Source: C. Amatore, B. Fosset, J. Bartelt, M. R. Deakin, R. M. Wightman, J. Electroanal. Chem.
    256 (1988) 255; K. B. Oldham, J. Electroanal. Chem. 250 (1988) 1; integrated here by hand.
    """
    if reactant * counter >= 0:
        raise ValueError(
            "counter must have a charge opposite to that of the reactant, but the charges are "
            f"{counter} and {reactant}."
        )
    if reactant == product:
        raise ValueError(
            f"product must differ from the reactant in charge, but both have {product}."
        )
    bulk = -reactant / counter
    total = 1.0 + bulk
    surface = product * total / (product - counter)
    if surface < 0:
        raise ValueError(
            f"product must be neutral or have the reactant's sign, but its charge is {product}."
        )
    logarithm = 0.0 if product == 0 else np.log(surface / bulk)
    drift = (counter - reactant) * (counter - product) * (surface - bulk)
    return float(
        (drift - reactant * product * total * logarithm) / (counter * (reactant - product))
    )


def henderson_potential(
    charges: Float[Array, " m"],
    diffusivity: Float[Array, " m"],
    left: Float[Array, " m"],
    right: Float[Array, " m"],
    temperature: RealLike = 298.15,
) -> Array:
    """φ(left) − φ(right) in V of a junction in which every concentration is linear.

        φ_l − φ_r = (RT/F) Σ z D (c_r − c_l) / Σ z² D (c_r − c_l) · ln(Σ z² D c_r / Σ z² D c_l)

    Exact for one salt at two concentrations, whatever the profile.

    Source: P. Henderson, Z. Phys. Chem. 59 (1907) 118; 63 (1908) 325.
    """
    change = right - left
    conduction = [jnp.sum(charges**2 * diffusivity * side) for side in (left, right)]
    ratio = jnp.sum(charges * diffusivity * change) / jnp.sum(charges**2 * diffusivity * change)
    logarithm = jnp.log(conduction[1] / conduction[0])
    return gas_constant * jnp.asarray(temperature) / faraday * ratio * logarithm


def gouy_chapman_capacitance(
    potential: RealLike,
    *,
    concentration: RealLike,
    permittivity: RealLike = 78.4,
    temperature: RealLike = 298.15,
) -> Array:
    """Capacitance in F/m² of the diffuse layer of a 1:1 salt (mol/m³) at `potential` (V).

        C = ε/λ cosh(Fφ/2RT),   λ² = ε RT/(2 F² c)

    Source: G. Gouy, J. Phys. Theor. Appl. 9 (1910) 457; D. L. Chapman, Phil. Mag. 25 (1913) 475.
    """
    thermal = gas_constant * jnp.asarray(temperature) / faraday
    epsilon = vacuum_permittivity * jnp.asarray(permittivity)
    debye = jnp.sqrt(epsilon * thermal / (2.0 * faraday * jnp.asarray(concentration)))
    return epsilon / debye * jnp.cosh(0.5 * jnp.asarray(potential) / thermal)
