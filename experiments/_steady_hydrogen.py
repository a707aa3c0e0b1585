"""A witness of the hydrogen study: the steady irreversible law with resistance, in closed form.

    y = i₀ e^{−αf(E + yR)} (1 − y/y_L),   f = F/RT

with y = −j, solved by bisection for each potential. It shares nothing with the simulator; at
2 mV/s and 2500 rpm the sweep is steady.
"""

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

from diffsim.constants import faraday, gas_constant

Column = Float[np.ndarray, " t"]

# log10(i0 / (mA/cm2)), alpha, R in ohm cm2: one near the optimum, two well off.
_STARTS = ((0.25, 2.4, 0.19), (0.5, 1.5, 0.05), (-0.5, 3.2, 0.3))


def steady_current(
    potential: Column,
    exchange: float,
    alpha: float,
    resistance: float,
    limit: float,
    thermal: float,
) -> Column:
    """j in mA/cm², negative; potential in V, i₀ and limit in mA/cm², R in Ω cm²."""
    slope = 1e-3 * alpha * resistance / thermal
    driven = np.log(exchange) - alpha * potential / thermal
    # Bisection in ln y, in which the residual rises all the way to the limit.
    low = np.minimum(driven - 0.5 * slope * limit - 1.0, np.log(0.5 * limit))
    high = np.full_like(driven, np.log(limit))
    for _ in range(80):
        z = 0.5 * (low + high)
        y = np.exp(z)
        with np.errstate(divide="ignore"):
            above = z - driven + slope * y - np.log1p(-np.minimum(y / limit, 1.0)) > 0
        low, high = np.where(above, low, z), np.where(above, z, high)
    z = 0.5 * (low + high)
    return -np.exp(z)


def steady_fit(
    potential: Column, density: Column, *, limit: float, temperature: float
) -> tuple[float, dict[str, float]]:
    """Smallest root mean square in mA/cm² over several starts, and its parameters."""
    thermal = gas_constant * temperature / faraday

    def misfit(p):
        return steady_current(potential, 10.0 ** p[0], p[1], p[2], limit, thermal) - density

    bounds = ([-6.0, 0.05, 0.0], [3.0, 3.9, 1.0])
    fits = [least_squares(misfit, s, x_scale=[1.0, 1.0, 0.1], bounds=bounds) for s in _STARTS]
    best = min(fits, key=lambda fit: fit.cost)
    exchange, alpha, resistance = map(float, best.x)
    values = {"log10_exchange": exchange, "alpha": alpha, "resistance": resistance}
    return float(np.sqrt(np.mean(best.fun**2))), values
