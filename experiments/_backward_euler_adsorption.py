"""The scheme that made `adsorption_synthetic`, rebuilt: what its steps are worth.

Backward Euler in steps of the potential, first differences at the surface, an expanding grid; as
DiffEC's `Electrochemical Adsorption Desorption`, but for two wrong entries of its Jacobian and two
exchanged boundary values, which change no converged digit. Everything dimensionless.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_banded

_FIRST, _GROWTH, _REACH = 1e-6, 1.1, 6.0


class Rates(NamedTuple):
    """Rate constants and transfer coefficients, in their units."""

    k0: float
    alpha: float
    beta: float
    adsorbed_k0: float
    adsorbed_alpha: float
    adsorbed_beta: float
    adsorption_a: float
    adsorption_b: float
    desorption_a: float
    desorption_b: float


def voltammogram(
    rates: Rates, sigma: float, step: float, end: float = 25.0
) -> tuple[np.ndarray, np.ndarray]:
    """Potentials and fluxes (t,) of a cycle from +end to -end and back."""
    count = int(2 * 2 * end / step) + 1
    index = np.arange(count)
    theta = np.where(index < count / 2, end - step * index, -end + step * (index - count / 2))
    scheme = _Scheme(rates, step / sigma, 4 * end / sigma)
    return theta, np.array([scheme.advance(value) for value in theta])


class _Scheme:
    """State and coefficients; unknowns [ζ_A, ζ_B, A₀, B₀, A₁, B₁, …]."""

    def __init__(self, rates: Rates, dt: float, duration: float):
        self.rates, self.dt = rates, dt
        positions = [0.0]
        width = _FIRST
        while positions[-1] < _REACH * np.sqrt(duration):
            positions.append(positions[-1] + width)
            width *= _GROWTH
        self.widths = np.diff(positions)
        before, after = self.widths[:-1], self.widths[1:]
        self.lower = -2 * dt / (before * (before + after))
        self.upper = -2 * dt / (after * (before + after))
        size = 2 * (len(positions) + 1)
        load = rates.adsorption_a / rates.desorption_a
        self.shift = -np.log(load * rates.desorption_b / rates.adsorption_b)
        self.state = np.zeros(size)
        self.state[0] = load / (1 + load)
        self.state[2::2] = 1.0

    def advance(self, theta: float) -> float:
        """One step at the potential θ; the flux."""
        old = self.state.copy()
        for _ in range(8):
            residual, banded = self._linearised(old, theta)
            change = solve_banded((3, 2), banded, -residual)
            self.state = self.state + change
            if np.mean(np.abs(change)) < 1e-13:
                break
        new = self.state
        return -(new[4] - new[2]) / self.widths[0] + (new[0] - old[0]) / self.dt

    def _linearised(self, old: np.ndarray, theta: float) -> tuple[np.ndarray, np.ndarray]:
        u, size = self.state, self.state.size
        banded = np.zeros((6, size))

        def put(row, column, value):
            banded[2 + row - column, column] += value

        residual = np.zeros(size)
        inner = np.arange(4, size - 2)
        k = inner // 2 - 2
        lower, upper = self.lower[k], self.upper[k]
        middle = 1 - lower - upper
        residual[inner] = (
            lower * u[inner - 2] + middle * u[inner] + upper * u[inner + 2] - old[inner]
        )
        banded[4, inner - 2], banded[2, inner], banded[0, inner + 2] = lower, middle, upper
        residual[-2:] = u[-2:] - old[-2:]
        put(size - 2, size - 2, 1.0)
        put(size - 1, size - 1, 1.0)
        self._surface(u, old, theta, residual, put)
        return residual, banded

    def _surface(self, u, old, theta, residual, put) -> None:
        r, h, dt = self.rates, self.widths[0], self.dt
        red, ox = r.k0 * np.exp(-r.alpha * theta), r.k0 * np.exp(r.beta * theta)
        at = theta - self.shift
        red_ads = r.adsorbed_k0 * np.exp(-r.adsorbed_alpha * at)
        ox_ads = r.adsorbed_k0 * np.exp(r.adsorbed_beta * at)
        sites = 1 - u[0] - u[1]
        transfer = red_ads * u[0] - ox_ads * u[1]
        dissolved = red * u[2] - ox * u[3]
        sides = (
            (0, 1.0, r.adsorption_a, r.desorption_a),
            (1, -1.0, r.adsorption_b, r.desorption_b),
        )
        for i, sign, uptake, release in sides:
            exchange = uptake * u[2 + i] * sites - release * u[i]
            residual[i] = (u[i] - old[i]) / dt + sign * transfer - exchange
            residual[2 + i] = (u[4 + i] - u[2 + i]) / h - sign * dissolved - exchange
            put(i, i, 1 / dt + release)
            put(i, 0, sign * red_ads + uptake * u[2 + i])
            put(i, 1, -sign * ox_ads + uptake * u[2 + i])
            put(i, 2 + i, -uptake * sites)
            put(2 + i, 4 + i, 1 / h)
            put(2 + i, 2 + i, -1 / h - uptake * sites)
            put(2 + i, 2, -sign * red)
            put(2 + i, 3, sign * ox)
            put(2 + i, 0, uptake * u[2 + i])
            put(2 + i, 1, uptake * u[2 + i])
            put(2 + i, i, release)
