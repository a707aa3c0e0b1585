"""The integral over the electronic levels of a metal, to machine precision."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Trapezoidal nodes at c + k√Λ. Twelve on each side reach where the Gaussian has fallen to
# exp(−12²/4) = 2e-16; a step of √Λ leaves a quadrature error of exp(−4π²) = 7e-18.
_NODES = np.arange(-12.0, 13.0)

# Poles of sech(x/2) at ±i(2j + 1)π. They matter up to a distance of about √Λ·2π from the real
# line. Twenty hold machine precision up to Λ = 300 (7 eV at 273 K), 5e-12 up to 540.
_POLES = (2.0 * np.arange(20.0) + 1.0) * np.pi
_SIGNS = (-1.0) ** np.arange(20)


def log_gaussian_sech(
    theta: Float[Array, "..."], energy: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The logarithm of

        S(θ, Λ) = ∫ exp(−(x − θ)²/4Λ) / (2 cosh(x/2)) dx      over all real x

    for any real θ and Λ > 0, and through it the rate integrals of Marcus, Hush and Chidsey:

        ∫ exp(−(Λ ± θ − x)²/4Λ) / (1 + eˣ) dx = exp(−Λ/4 ∓ θ/2) S(θ, Λ)

    (complete the square after taking exp(−x/2) out of the Fermi function). S is even in θ and
    positive, so detailed balance holds by construction and no digits cancel.

    Method: the trapezoidal rule with step h = √Λ, centred where the integrand has its maximum,
    plus the residues of the poles which the rule's contour encloses,

        S = h Σₖ g(c + kh) − 4π Re Σⱼ (−1)ʲ exp(−(iyⱼ − θ)²/4Λ) qⱼ/(1 − qⱼ)
        yⱼ = (2j + 1)π < 4π√Λ,    qⱼ = exp(2πi (iyⱼ − c)/h)

    so the number of nodes depends neither on θ nor on Λ. Relative error measured against
    50 digits: below 1e-14 in value, slope in θ and slope in Λ, for Λ from 0.01 to 300 and |θ|
    up to 100.

    Source: L. N. Trefethen, J. A. C. Weideman, SIAM Rev. 56 (2014) 385, section 5 and
    references there, for the trapezoidal rule with residues.
    """
    theta, energy = jnp.broadcast_arrays(theta, energy)
    theta, energy = theta[..., None], energy[..., None]

    # Step, centre and scale are choices of the quadrature, not part of the function: S does
    # not depend on them, and neither do its derivatives.
    fixed_theta, fixed_energy = jax.lax.stop_gradient((theta, energy))
    step = jnp.sqrt(fixed_energy)
    centre = fixed_theta - jnp.clip(fixed_theta, -fixed_energy, fixed_energy)
    log_scale = (centre**2 - fixed_theta**2) / (4.0 * fixed_energy)

    x = centre + step * _NODES
    log_sech = -0.5 * jnp.abs(x) - jnp.log1p(jnp.exp(-jnp.abs(x)))
    nodes = jnp.exp(log_sech - (x - theta) ** 2 / (4.0 * energy) - log_scale)

    # Beyond the contour the formula of the residue overflows: y is replaced before it enters
    # an exponential, since a mask on the result alone would give NaN derivatives.
    inside = 4.0 * np.pi * step > _POLES
    y = jnp.where(inside, _POLES, 0.0)
    decay = 2.0 * np.pi * y / step
    q = jnp.where(inside, jnp.exp(-decay), 0.0)
    q_phase = -2.0 * np.pi * centre / step
    magnitude = jnp.exp((y**2 - theta**2) / (4.0 * energy) - decay - log_scale)
    angle = y * theta / (2.0 * energy) + q_phase
    real, imaginary = 1.0 - q * jnp.cos(q_phase), q * jnp.sin(q_phase)
    residue = (
        magnitude * (jnp.cos(angle) * real - jnp.sin(angle) * imaginary) / (real**2 + imaginary**2)
    )
    poles = jnp.sum(jnp.where(inside, _SIGNS * residue, 0.0), axis=-1)

    scaled = step[..., 0] * jnp.sum(nodes, axis=-1) - 4.0 * np.pi * poles
    return jnp.log(scaled) + log_scale[..., 0]
