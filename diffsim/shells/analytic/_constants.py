"""Dimensionless constants of buckling, vibration and plate bending, computed where they can be."""

import numpy as np
import scipy.optimize
import scipy.special


def greenhill() -> float:
    """w L³/B at which a column clamped at its foot buckles under its own weight: 7.8373.

    (9/4) j² with j the first zero of the Bessel function J₋₁⸝₃.
    """
    return 2.25 * _bessel_zero(-1 / 3) ** 2


def lateral_tip_load() -> float:
    """P L²/√(EI GJ) at which a cantilever on edge tips sideways under a load at its end: 4.0126."""
    return 2.0 * _bessel_zero(-1 / 4)


def lateral_self_weight() -> float:
    """w L³/√(EI GJ) at which it does so under its own weight: 12.854."""
    return 6.0 * _bessel_zero(-1 / 6)


def cantilever_frequencies(count: int) -> np.ndarray:
    """β² with ω = β² √(D/ρh)/L² of a cantilever: 3.5160, 22.034, ..., from cos β cosh β = −1."""
    f = lambda beta: np.cos(beta) + 1.0 / np.cosh(beta)
    return np.array(
        [float(scipy.optimize.brentq(f, i * np.pi, (i + 1) * np.pi)) ** 2 for i in range(count)]  # pyright: ignore
    )


def _bessel_zero(order: float) -> float:
    x = np.linspace(1e-3, 5.0, 5000)
    values = scipy.special.jv(order, x)
    first = int(np.flatnonzero(values[:-1] * values[1:] < 0)[0])
    root = scipy.optimize.brentq(lambda x: scipy.special.jv(order, x), x[first], x[first + 1])
    return float(root)  # pyright: ignore
