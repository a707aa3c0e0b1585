"""Rate constants from the separation of the peaks of a quasi-reversible couple.

Nicholson's kinetic parameter is ψ = (D_ox/D_red)^{α/2} k⁰ / √(πD_ox nFν/RT).
"""

import jax.numpy as jnp
from jaxtyping import Array

from ...constants import faraday, gas_constant, standard_temperature
from . import integral_equation
from ._types import Number, RealLike

# ψ: n·ΔE_p in mV at 25 °C, α = ½, sweep reversed 141/n mV negative of E½, as printed in R. S.
# Nicholson, Anal. Chem. 37 (1965) 1351, table I. The printed values lie 0.4 to 1.6 mV above the
# exact ones (`peak_separation`).
NICHOLSON_TABLE: dict[float, float] = {
    20.0: 61,
    7.0: 63,
    6.0: 64,
    5.0: 65,
    4.0: 66,
    3.0: 68,
    2.0: 72,
    1.0: 84,
    0.75: 92,
    0.50: 105,
    0.35: 121,
    0.25: 141,
    0.10: 212,
}


def nicholson_parameter(
    *,
    k0: RealLike,
    diffusivity_ox: RealLike,
    diffusivity_red: RealLike,
    scan_rate: RealLike,
    alpha: RealLike = 0.5,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """ψ = (D_ox/D_red)^{α/2} k⁰ / √(πD_ox nFν/RT), with k⁰ in m/s, D in m²/s, ν in V/s.

    Reversible above about 7, irreversible below about 0.05.
    """
    rate = electrons * faraday * scan_rate / (gas_constant * temperature)
    ratio = (diffusivity_ox / diffusivity_red) ** (0.5 * alpha)
    return jnp.asarray(ratio * k0 / jnp.sqrt(jnp.pi * diffusivity_ox * rate))


def peak_separation(
    parameter: Number,
    *,
    alpha: Number = 0.5,
    electrons: int = 1,
    vertex: Number = -0.5,
    temperature: Number = standard_temperature,
) -> float:
    """The exact n-electron peak separation ΔE_p in V for Nicholson's ψ (`parameter`).

    **Arguments:**

    - `vertex`: where the sweep is reversed, in V from E½; negative. ΔE_p depends on it: for a
      reversible couple it is 60.2/n mV at 100/n mV and 57.0/n mV in the limit.

    From the integral equation (NumPy; not differentiable), to about 1e-9 V. One sweep, begun
    20 RT/nF positive of E½; β = 1 − α.

    **Raises:** `ValueError` if the sweep is reversed before the forward peak, so that there is no
    separation.
    """
    slope = electrons * faraday / (gas_constant * temperature)
    wave = integral_equation.solve(
        integral_equation.cyclic(20.0, slope * vertex, 20.0),
        integral_equation.butler_volmer(parameter * float(jnp.sqrt(jnp.pi)), alpha),
    )
    turn = 20.0 - slope * vertex
    peaks = wave.peaks()
    forward = [(psi, theta) for s, theta, psi in peaks if s < turn and psi > 0]
    backward = [(psi, theta) for s, theta, psi in peaks if s > turn and psi < 0]
    if not forward or max(forward)[0] < 0.1 or not backward:
        raise ValueError(
            f"vertex must lie beyond the forward peak, but at vertex={vertex} V no pair of peaks "
            f"is found for psi={parameter:g}."
        )
    return (min(backward)[1] - max(forward)[1]) / slope


def lavagnini_parameter(separation: RealLike, *, electrons: RealLike = 1) -> Array:
    """Nicholson's ψ from ΔE_p at 25 °C, a fit to his table; with X = n ΔE_p in mV

        ψ = (−0.6288 + 0.0021 X)/(1 − 0.017 X)

    `separation` in V. Against `peak_separation` (reversed at −141/n mV) ψ is 5 to 12 % high for X
    from 60 to 110, 2 % low at 140, 28 % low at 210, and useless beyond. Source: I. Lavagnini,
    R. Antiochia, F. Magno, Electroanalysis 16 (2004) 505.
    """
    x = 1e3 * electrons * jnp.asarray(separation)
    return jnp.asarray((-0.6288 + 0.0021 * x) / (1 - 0.017 * x))


def klingler_kochi_parameter(
    separation: RealLike,
    *,
    alpha: RealLike = 0.5,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Nicholson's ψ from ΔE_p for slow couples:

        ψ = 2.18 √(α/π) exp(−α² nF ΔE_p/RT)

    `separation` in V, above about 140/n mV: there within 12 % of `peak_separation`, which also
    depends on where the sweep is reversed. Source: R. J. Klingler, J. K. Kochi, J. Phys. Chem. 85
    (1981) 1731.
    """
    exponent = alpha**2 * electrons * faraday * separation / (gas_constant * temperature)
    return 2.18 * jnp.sqrt(alpha / jnp.pi) * jnp.exp(-exponent)
