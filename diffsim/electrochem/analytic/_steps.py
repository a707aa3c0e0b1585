"""Currents after a potential step to the limiting current.

Every function returns the magnitude of the current in A for: `time` after the step in s,
`diffusivity` D in m²/s and `concentration` c in mol/m³ of the species consumed, lengths in m,
`electrons` n per molecule. The solution is uniform before the step and extends to infinity.
"""

import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, Float

from ...constants import faraday
from ._types import Number, RealLike


def cottrell(
    time: RealLike,
    *,
    area: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Planar electrode:

        I = nFAc √(D/πt)

    Exact for linear diffusion. Source: F. G. Cottrell, Z. Phys. Chem. 42 (1903) 385.
    """
    return jnp.asarray(
        electrons * faraday * area * concentration * jnp.sqrt(diffusivity / (jnp.pi * time))
    )


def sphere_step(
    time: RealLike,
    *,
    radius: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Sphere of radius r (a hemisphere on an insulator carries half):

        I = 4πr² nFDc (1/√(πDt) + 1/r)

    Exact. Source: A. J. Bard, L. R. Faulkner, Electrochemical Methods, 2nd ed. (2001), 5.2.2.
    """
    flux = concentration * (jnp.sqrt(diffusivity / (jnp.pi * time)) + diffusivity / radius)
    return jnp.asarray(4 * jnp.pi * radius**2 * electrons * faraday * flux)


def hemisphere_step(
    time: RealLike,
    *,
    radius: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Hemisphere of radius r on an insulating plane: half of `sphere_step`."""
    return 0.5 * sphere_step(
        time,
        radius=radius,
        diffusivity=diffusivity,
        concentration=concentration,
        electrons=electrons,
    )


def disc_step(
    time: RealLike,
    *,
    radius: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Inlaid disc of radius a, by the two series of Mahon and Oldham; with τ = Dt/a²

        I = πnFDca · g(τ)
        g = 1/√(πτ) + 1 + √(τ/4π) − 3τ/25 + 3τ^{3/2}/226                         τ ≤ 1.281
        g = 4/π + 8/√(π⁵τ) + 25τ^{−3/2}/2792 − τ^{−5/2}/3880 − τ^{−7/2}/4500     τ > 1.281

    Within 3e-4 of the exact current at any time, worst near τ = 1 (measured against
    `disc_step_exact`).
    Source: P. J. Mahon, K. B. Oldham, Anal. Chem. 77 (2005) 6100.
    """
    tau = diffusivity * jnp.asarray(time) / radius**2
    early = tau <= 1.281
    x, y = jnp.sqrt(jnp.where(early, tau, 1.0)), jnp.sqrt(jnp.where(early, 1.0, tau))
    short = 1 / (jnp.sqrt(jnp.pi) * x) + 1 + x / jnp.sqrt(4 * jnp.pi)
    short = short - 3 * x**2 / 25 + 3 * x**3 / 226
    long = 4 / jnp.pi + 8 / (jnp.sqrt(jnp.pi**5) * y)
    long = long + 25 / (2792 * y**3) - 1 / (3880 * y**5) - 1 / (4500 * y**7)
    scale = jnp.pi * electrons * faraday * diffusivity * concentration * radius
    return jnp.asarray(scale * jnp.where(early, short, long))


def disc_step_shoup_szabo(
    time: RealLike,
    *,
    radius: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Inlaid disc of radius a, in one expression; with τ = 4Dt/a²

        I = 4nFDca · [0.7854 + 0.8862 τ^{−1/2} + 0.2146 exp(−0.7823 τ^{−1/2})]

    Within 0.66 % of the exact current at any time, worst near Dt/a² = 0.5.
    Source: D. Shoup, A. Szabo, J. Electroanal. Chem. 140 (1982) 237.
    """
    root = jnp.sqrt(4 * diffusivity * jnp.asarray(time)) / radius
    shape = 0.7854 + 0.8862 / root + 0.2146 * jnp.exp(-0.7823 / root)
    return jnp.asarray(4 * electrons * faraday * diffusivity * concentration * radius * shape)


def cylinder_step(
    time: RealLike,
    *,
    radius: RealLike,
    length: RealLike,
    diffusivity: RealLike,
    concentration: RealLike,
    electrons: RealLike = 1,
) -> Array:
    """Side of a long cylinder, closed approximation; with τ = 4Dt/r²

        I = 2πrL nFDc/r · [2 exp(−√(πτ)/20)/√(πτ) + 1/ln(5.2945 + 0.7493 √τ)]

    Within 1.2 % of `cylinder_step_exact` for Dt/r² from 1e-6 to 1e12.
    Source: A. Szabo, D. K. Cope, D. E. Tallman, P. M. Kovach, R. M. Wightman, J. Electroanal.
    Chem. 217 (1987) 417.
    """
    root = jnp.sqrt(4 * diffusivity * jnp.asarray(time)) / radius
    planar = jnp.sqrt(jnp.pi) * root
    shape = 2 * jnp.exp(-planar / 20) / planar + 1 / jnp.log(5.2945 + 0.7493 * root)
    return jnp.asarray(
        2 * jnp.pi * length * electrons * faraday * diffusivity * concentration * shape
    )


def cylinder_step_exact(
    time: RealLike,
    *,
    radius: Number,
    length: Number,
    diffusivity: Number,
    concentration: Number,
    electrons: int = 1,
) -> Float[np.ndarray, "..."]:
    """Side of a long cylinder, by quadrature (NumPy, not differentiable); with τ = Dt/r²

        I = 2πrL nFDc/r · (4/π²) ∫₀^∞ exp(−τu²) / [u (J₀²(u) + Y₀²(u))] du

    Relative error below 1e-12 for τ from 1e-6 to 1e12. Source: H. S. Carslaw, J. C. Jaeger,
    Conduction of Heat in Solids, 2nd ed. (1959), section 13.5.
    """
    tau = diffusivity * np.asarray(time, dtype=float) / radius**2
    # In y = ln u the integrand is smooth. Below y = −lowest it is 1/(1 + (2/π)²(y + γ − ln 2)²),
    # whose tail is an arctangent; above, it ends where exp(−τu²) does.
    lowest = 30.0
    points, weights = np.polynomial.legendre.leggauss(400)
    highest = 0.5 * np.log(40.0 / tau)
    half = 0.5 * (highest + lowest)[..., None]
    y = -lowest + half * (points + 1)
    u = np.exp(y)
    modulus = scipy.special.j0(u) ** 2 + scipy.special.y0(u) ** 2
    integrand = np.exp(-tau[..., None] * u**2) / modulus
    body = np.sum(integrand * weights, axis=-1) * half[..., 0]
    tail = 0.5 * np.pi * np.arctan(0.5 * np.pi / (lowest + np.log(2.0) - np.euler_gamma))
    shape = (4 / np.pi**2) * (body + tail)
    scale = 2 * np.pi * length * electrons * faraday * diffusivity * concentration
    return np.asarray(scale * shape)
