"""Finite volumes of a solution that moves towards the electrode."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._nodes import Transport

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def convection(
    volumes: Float[Array, " n"],
    conductances: Float[Array, " n_plus_1"],
    diffusivity: Float[Array, " m"],
    bulk: Float[Array, " m"],
    points: Float[Array, " n_plus_2"],
    drift: Callable[[Array], Array],
) -> Transport:
    """Bands of D e^(−φ) ∂/∂x (e^φ ∂c/∂x), with φ = `drift` of positions in m.

    `points` are electrode, nodes and far boundary, in m; the rest as in `diffusion`. Between two
    nodes the flux is constant, so that the resistance ∫ e^(−φ) dx of each interval, and with it
    every steady current, is exact. Where φ rises by much the scheme becomes upwind by itself, and
    no coefficient is ever negative: the exponential fitting of D. L. Scharfetter, H. K. Gummel,
    IEEE Trans. Electron Devices 16 (1969) 64.
    """
    here = drift(points)
    rise = jnp.diff(here, axis=1)
    # Seen from the node on the electrode's side, and from the one beyond.
    near = conductances * diffusivity[:, None] / _relative_resistance(points, drift, here)
    beyond = near * jnp.exp(-rise)
    lower = beyond[:, :-1].at[:, 0].set(0.0) / volumes
    upper = near[:, 1:] / volumes
    return Transport(
        lower,
        -(lower + upper),
        upper.at[:, -1].set(0.0),
        upper[:, -1] * bulk,
        1.0 / volumes[0],
        1.0 / near[:, 0],
    )


def _relative_resistance(points: Array, drift: Callable[[Array], Array], here: Array) -> Array:
    """Mean of e^(φ₀ − φ) over each interval, φ₀ at its inner end; (m, n + 1)."""
    widths = jnp.diff(points)
    between = points[:-1, None] + widths[:, None] * (0.5 * (_POINTS + 1.0))
    values = drift(jnp.ravel(between)).reshape(here.shape[0], *between.shape)
    return jnp.sum(0.5 * _WEIGHTS * jnp.exp(here[:, :-1, None] - values), axis=-1)
