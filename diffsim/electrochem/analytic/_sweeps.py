"""Closed results for linear potential sweeps.

Magnitudes in A, for a reduction of ox from a solution without red. `area` in m², `diffusivity` of
ox in m²/s, `concentration` of ox in mol/m³, `scan_rate` in V/s, `electrons` n per molecule,
potentials in V, `temperature` in K. E½ is `planar_half_wave_potential`.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...constants import faraday, gas_constant, standard_temperature
from ._types import RealLike

# Computed with 40 digits: the maximum of `reversible_current` and where it lies, and the same for
# the series Σⱼ (−1)ʲ⁺¹ zʲ/√((j−1)!) of a totally irreversible sweep in ln z.
REVERSIBLE_PEAK = 0.44629469484499112
REVERSIBLE_PEAK_THETA = -1.1089492334222987
REVERSIBLE_HALF_PEAK_THETA = 1.0933812855668918
IRREVERSIBLE_PEAK = 0.49576286047653537
IRREVERSIBLE_PEAK_SHIFT = 0.78038438396327767
IRREVERSIBLE_PEAK_WIDTH = 1.8572372251174600

_NODES = 0.02 * np.arange(640)
_WEIGHTS = np.where(_NODES == 0.0, 0.5, 1.0) * 0.02

# −Li_{−1/2}(−eˣ) = Σₖ 2η(2k)/Γ(1/2 − 2k) · x^{−1/2−2k} for large x, η being Dirichlet's function.
_FAR = -80.0
_ETA = (
    1 / 2,
    math.pi**2 / 12,
    7 * math.pi**4 / 720,
    31 * math.pi**6 / 30240,
    127 * math.pi**8 / 1209600,
    73 * math.pi**10 / 6842880,
)
_SOMMERFELD = tuple(2 * eta / math.gamma(0.5 - 2 * k) for k, eta in enumerate(_ETA))


def reversible_current(theta: RealLike) -> Array:
    """Dimensionless current √π·χ of a reversible sweep from far positive potentials:

        P(θ) = (2/√π) ∫₀^∞ ¼ sech²((θ + v²)/2) dv = −Li_{−1/2}(−e^{−θ}),   θ = nF(E − E½)/RT

    which for θ > 0 is the series Σⱼ (−1)ʲ⁺¹ √j e^{−jθ}, and for θ → −∞ tends to 1/√(−πθ). The
    current is nFAc √(D nFν/RT) P(θ).

    Relative error below 1e-13 for any θ (trapezoidal rule; Sommerfeld's expansion beyond −80).
    Source: R. S. Nicholson, I. Shain, Anal. Chem. 36 (1964) 706, there as a table with 3 to 4
    digits; the integral is their convolution after the substitution t − τ = v².
    """
    theta = jnp.asarray(theta)
    far = theta < _FAR
    near = jnp.where(far, 0.0, theta)
    # ¼ sech²(x/2) = e^{−|x|}/(1 + e^{−|x|})², which does not overflow.
    decay = jnp.exp(-jnp.abs(near[..., None] + _NODES**2))
    integral = jnp.sum(_WEIGHTS * decay / (1 + decay) ** 2, axis=-1)

    x = jnp.where(far, -theta, 1.0)
    tail = sum(coefficient * x ** (-0.5 - 2 * k) for k, coefficient in enumerate(_SOMMERFELD))
    return jnp.where(far, tail, 2 / math.sqrt(math.pi) * integral)


def randles_sevcik(
    *,
    area: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    scan_rate: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Peak current of a reversible sweep at a planar electrode:

        I_p = 0.446295 nFAc √(D nFν/RT)

    Valid for a reversible couple, linear diffusion, and a sweep that starts at least 8 RT/nF
    positive of E½. Sources: J. E. B. Randles, Trans. Faraday Soc. 44 (1948) 327; A. Ševčík, Coll.
    Czech. Chem. Commun. 13 (1948) 349; the constant computed here.
    """
    rate = electrons * faraday * scan_rate / (gas_constant * temperature)
    return jnp.asarray(
        REVERSIBLE_PEAK * electrons * faraday * area * concentration * jnp.sqrt(diffusivity * rate)
    )


def reversible_peak_potential(
    *,
    half_wave_potential: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """E_p = E½ − 1.108949 RT/nF; the half-peak lies at E½ + 1.093381 RT/nF."""
    thermal = gas_constant * temperature / (electrons * faraday)
    return jnp.asarray(half_wave_potential + REVERSIBLE_PEAK_THETA * thermal)


def reversible_sweep(
    potential: RealLike,
    *,
    half_wave_potential: RealLike,
    area: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    scan_rate: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Current at any potential of a reversible sweep at a planar electrode:

        I = nFAc √(D nFν/RT) P(nF(E − E½)/RT)

    with `reversible_current` P. Exact for a sweep from far positive potentials; with a start or a
    reversal within reach see `planar_voltammogram`.
    """
    slope = electrons * faraday / (gas_constant * temperature)
    scale = electrons * faraday * area * concentration
    shape = reversible_current(slope * (potential - half_wave_potential))
    return jnp.asarray(scale * jnp.sqrt(diffusivity * slope * scan_rate) * shape)


def irreversible_peak_current(
    *,
    area: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    scan_rate: RealLike,
    alpha: RealLike = 0.5,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Peak current of a totally irreversible sweep, k_red = k⁰ exp(−αnfη), at a planar electrode:

        I_p = 0.495763 nFAc √(D αnFν/RT)

    Valid for a slow couple: with α = ½ and k⁰ = 0.01 √(D nFν/RT) it is 0.03 % off, at ten times
    that 1.6 %. Source: R. S. Nicholson, I. Shain, Anal. Chem. 36 (1964) 706 (0.4958); digits
    computed here.
    """
    rate = alpha * electrons * faraday * scan_rate / (gas_constant * temperature)
    return jnp.asarray(
        IRREVERSIBLE_PEAK
        * electrons
        * faraday
        * area
        * concentration
        * jnp.sqrt(diffusivity * rate)
    )


def irreversible_peak_potential(
    *,
    formal_potential: RealLike,
    k0: RealLike,
    diffusivity: RealLike,
    scan_rate: RealLike,
    alpha: RealLike = 0.5,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Peak potential of a totally irreversible sweep:

        E_p = E⁰′ − (RT/αnF) [0.780384 + ln(√(D αnFν/RT) / k⁰)]

    The half-peak lies 1.857237 RT/αnF before it. Source as `irreversible_peak_current`.
    """
    slope = alpha * electrons * faraday / (gas_constant * temperature)
    ratio = jnp.sqrt(diffusivity * slope * scan_rate) / k0
    return jnp.asarray(formal_potential - (IRREVERSIBLE_PEAK_SHIFT + jnp.log(ratio)) / slope)


def thin_layer_current(
    potential: RealLike,
    *,
    formal_potential: RealLike,
    volume: RealLike,
    concentration: RealLike,
    scan_rate: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """Current of a reversible sweep in a thin layer of volume V:

        I = (n²F²νVc/4RT) sech²(θ/2),     θ = nF(E − E⁰′)/RT

    symmetric about E⁰′, the same magnitude in both directions. Valid where diffusion across the
    layer is fast: thickness² ≪ D RT/nFν. Source: A. T. Hubbard, F. C. Anson, Electroanal. Chem. 4
    (1970) 129.
    """
    theta = electrons * faraday * (potential - formal_potential) / (gas_constant * temperature)
    peak = thin_layer_peak_current(
        volume=volume,
        concentration=concentration,
        scan_rate=scan_rate,
        electrons=electrons,
        temperature=temperature,
    )
    decay = jnp.exp(-jnp.abs(theta))
    return 4 * peak * decay / (1 + decay) ** 2


def thin_layer_peak_current(
    *,
    volume: RealLike,
    concentration: RealLike,
    scan_rate: RealLike,
    electrons: RealLike = 1,
    temperature: RealLike = standard_temperature,
) -> Array:
    """I_p = n²F²νVc/4RT, at E⁰′. See `thin_layer_current`."""
    charge = electrons * faraday * volume * concentration
    return jnp.asarray(charge * electrons * faraday * scan_rate / (4 * gas_constant * temperature))
