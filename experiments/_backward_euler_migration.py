"""The scheme that made `weakly_supported_synthetic`, rebuilt: what its steps are worth.

Backward Euler in steps of the potential, the non-conservative form of Nernst-Planck, Poisson's
equation, first differences and zero field at the surface, an expanding grid that ends with the
first node beyond 6 √T: as DiffEC's `Weakly Supported Media`, whose file it gives back to 9e-8. The
end of the grid is the reference electrode, so that the ohmic drop, and the curve, depend on where
it is. Everything dimensionless.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_banded

_FIRST, _GROWTH, _REACH = 1e-7, 1.1, 6.0
_SPECIES, _ROWS = 4, 5


class Medium(NamedTuple):
    """Rate constant, transfer coefficients, support, charges of A, B, M, N, and radius/Debye."""

    k0: float
    alpha: float
    beta: float
    support: float
    charges: tuple[int, int, int, int] = (0, -1, 1, -1)
    ratio: float = 1e4


def voltammogram(
    medium: Medium, sigma: float, step: float, end: float = 10.0, growth: float = _GROWTH
) -> tuple[np.ndarray, np.ndarray]:
    """Potentials and fluxes (t,) of a cycle from +end to -end and back.

    `growth` is that of the intervals; a finer grid ends where the published one does.
    """
    count = round(4 * end / step)
    index = np.arange(count)
    theta = np.where(index < count / 2, end - step * index, -end + step * (index - count / 2))
    scheme = _Scheme(medium, step / sigma, refined(4 * end / sigma, growth))
    return theta, np.array([scheme.advance(value) for value in theta])


def grid(duration: float) -> np.ndarray:
    """Positions of the nodes."""
    positions, width = [0.0], _FIRST
    while positions[-1] < _REACH * np.sqrt(duration):
        positions.append(positions[-1] + width)
        width *= _GROWTH
    return np.array(positions)


def refined(duration: float, growth: float) -> np.ndarray:
    """Positions to the end of the published grid, with intervals that grow by `growth`."""
    published = grid(duration)
    if growth == _GROWTH:
        return published
    count = np.ceil(np.log1p(published[-1] * (growth - 1) / _FIRST) / np.log(growth))
    positions = np.concatenate([[0.0], np.cumsum(growth ** np.arange(count))])
    return positions * (published[-1] / positions[-1])


class _Scheme:
    """State (n, 5) of A, B, M, N and Φ, and coefficients of the inner nodes."""

    def __init__(self, medium: Medium, dt: float, positions: np.ndarray):
        self.medium, self.dt = medium, dt
        self.widths = np.diff(positions)
        before, after = self.widths[:-1], self.widths[1:]
        whole = before + after
        self.second = np.stack([2 / (before * whole), -2 / (before * after), 2 / (after * whole)])
        # As published: first order on an expanding grid, which costs 2e-4 of the flux.
        self.first = np.stack([-1 / whole, np.zeros_like(whole), 1 / whole])
        reactant = medium.charges[0]
        bulk = [1.0, 0.0, medium.support - min(reactant, 0), medium.support + max(reactant, 0), 0.0]
        self.state = np.tile(np.array(bulk), (len(positions), 1))

    def advance(self, theta: float) -> float:
        """One step at the potential θ; the flux."""
        old = self.state.copy()
        for _ in range(10):
            residual, banded = self._linearised(old, theta)
            change = solve_banded((_BAND, _BAND), banded, -residual.ravel())
            self.state = self.state + change.reshape(self.state.shape)
            if np.mean(np.abs(change)) < 1e-12:
                break
        return -(self.state[1, 0] - self.state[0, 0]) / self.widths[0]

    def _linearised(self, old, theta) -> tuple[np.ndarray, np.ndarray]:
        u, z = self.state, np.array(self.medium.charges, float)
        c, potential = u[:, :_SPECIES], u[:, _SPECIES]
        residual = np.zeros_like(u)
        matrix = _Banded(u.size)
        inner = np.arange(1, len(u) - 1)
        windows = [u[inner - 1], u[inner], u[inner + 1]]
        bend = sum(w * v[:, _SPECIES] for w, v in zip(self.second, windows, strict=True))
        slope = sum(w * v[:, _SPECIES] for w, v in zip(self.first, windows, strict=True))
        for j in range(_SPECIES):
            curve = sum(w * v[:, j] for w, v in zip(self.second, windows, strict=True))
            rise = sum(w * v[:, j] for w, v in zip(self.first, windows, strict=True))
            flow = curve + z[j] * (rise * slope + c[inner, j] * bend)
            residual[inner, j] = c[inner, j] - old[inner, j] - self.dt * flow
            for k, shift in enumerate((-1, 0, 1)):
                own = self.second[k] + z[j] * self.first[k] * slope
                own = own + z[j] * bend * (shift == 0)
                field = z[j] * (rise * self.first[k] + c[inner, j] * self.second[k])
                matrix.put(inner, j, inner + shift, j, (shift == 0) - self.dt * own)
                matrix.put(inner, j, inner + shift, _SPECIES, -self.dt * field)
            matrix.put(inner, _SPECIES, inner, j, self.medium.ratio**2 * z[j])
        residual[inner, _SPECIES] = bend + self.medium.ratio**2 * (c[inner] @ z)
        for k, shift in enumerate((-1, 0, 1)):
            matrix.put(inner, _SPECIES, inner + shift, _SPECIES, self.second[k])
        self._surface(theta - potential[0], residual, matrix)
        last = len(u) - 1
        residual[last] = u[last] - old[last]
        for row in range(_ROWS):
            matrix.put(last, row, last, row, 1.0)
        return residual, matrix.bands

    def _surface(self, drive: float, residual, matrix: "_Banded") -> None:
        u, h, medium = self.state, self.widths[0], self.medium
        red = medium.k0 * np.exp(-medium.alpha * drive)
        ox = medium.k0 * np.exp(medium.beta * drive)
        rate = red * u[0, 0] - ox * u[0, 1]
        by_drive = -medium.alpha * red * u[0, 0] - medium.beta * ox * u[0, 1]
        for row, sign in ((0, 1.0), (1, -1.0), (2, 0.0), (3, 0.0), (4, 0.0)):
            residual[0, row] = (u[1, row] - u[0, row]) - h * sign * rate
            matrix.put(0, row, 1, row, 1.0)
            matrix.put(0, row, 0, row, -1.0)
            matrix.put(0, row, 0, 0, -h * sign * red)
            matrix.put(0, row, 0, 1, h * sign * ox)
            matrix.put(0, row, 0, _SPECIES, h * sign * by_drive)


_BAND = 2 * _ROWS - 1


class _Banded:
    """A banded matrix filled entry by entry."""

    def __init__(self, size: int):
        self.bands = np.zeros((2 * _BAND + 1, size))

    def put(self, node, row, other, column, value) -> None:
        i, j = _ROWS * node + row, _ROWS * other + column
        np.add.at(self.bands, (_BAND + i - j, j), value)
