"""Large deflections of strips: boundary-value problems solved to ten digits, and elliptic
integrals."""

import numpy as np
import scipy.integrate
import scipy.special


def heavy_elastica(gamma: float) -> tuple[float, float, float]:
    """A strip clamped level that hangs under its weight: tip x/L, droop/L and tip angle (radian).

    θ″ = −Γ (1 − s) cos θ, θ(0) = θ′(1) = 0, with Γ = w L³/B, w the weight per length.

    **Raises:** `ValueError` if Γ is negative or above 1000.
    """
    return _clamped(gamma, lambda s: 1.0 - s)


def tip_loaded_elastica(load: float) -> tuple[float, float, float]:
    """A strip clamped level with a force down at its tip: tip x/L, droop/L and tip angle (radian).

    θ″ = −p cos θ, θ(0) = θ′(1) = 0, with p = P L²/B.

    **Raises:** `ValueError` if p is negative or above 1000.
    """
    return _clamped(load, np.ones_like)


def _clamped(load: float, profile) -> tuple[float, float, float]:
    if not 0 <= load <= 1000:
        raise ValueError(f"the load parameter must be between 0 and 1000, but is {load!r}.")

    def slope(s, y, scale):
        return np.stack([y[1], -scale * profile(s) * np.cos(y[0]), np.cos(y[0]), -np.sin(y[0])])

    def ends(a, b):
        return np.array([a[0], b[1], a[2], a[3]])

    s = np.linspace(0.0, 1.0, 401)
    y = np.zeros((4, s.size))
    # θ is measured downwards as negative; the load is raised in steps.
    for part in np.linspace(0.0, 1.0, 1 + max(1, int(np.ceil(np.sqrt(load)))))[1:]:
        found = scipy.integrate.solve_bvp(
            lambda s, y, part=part: slope(s, y, part * load), ends, s, y, tol=1e-10, max_nodes=50000
        )
        s, y = found.x, found.y
    if found.status != 0:
        raise ValueError(f"the boundary-value problem at {load!r} was not solved: {found.message}")
    return float(y[2, -1]), float(abs(y[3, -1])), float(abs(y[0, -1]))


def buckled_strip(end_angle: float) -> tuple[float, float, float]:
    """A pinned strip beyond Euler's load: P/Pcr, end shortening/L and deflection of the middle/L.

    k = sin(α/2), P/Pcr = (2K/π)², shortening 2 − 2E/K, deflection k/K, for the end angle α
    (radian).

    **Raises:** `ValueError` unless 0 < α < π.
    """
    if not 0 < end_angle < np.pi:
        raise ValueError(f"end_angle must be between 0 and π, but is {end_angle!r}.")
    k = np.sin(end_angle / 2)
    first, second = scipy.special.ellipk(k**2), scipy.special.ellipe(k**2)
    return (2 * first / np.pi) ** 2, 2 - 2 * second / first, k / first
