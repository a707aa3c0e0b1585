"""The peer: the discretisation of DiffEC's "Fundamental CV" simulator.

Written for this comparison from a description of the published code (arXiv 2511.11631, code
at BattModels/DiffEC, commit 1e396ce). It is a re-implementation and shares no line with it:

    A + e- <=> B,  ∂C/∂T = ∂²C/∂X²,  D_A = D_B,  C_A = 1, C_B = 0 at first and far away

- X₁ − X₀ = ΔX, every further interval `growth` times the one before, up to 6 √T_max
- central three-point differences, two-point first difference for the flux at the electrode
- backward Euler with ΔT = Δθ/σ; the potential of step k is the label k, beginning with θ_i
- Nernst by a Dirichlet row and a flux balance for B, or Butler-Volmer

What `dense` is: the published way of solving it. In every step of a Python loop that is not
jitted, the dense matrix of all 2n unknowns is assembled and given to `jax.numpy.linalg.solve`, in
float64. What it is not: their program. The assembly is one scatter, nothing is written or
shown, nothing is recorded for a derivative. All of that favours the peer: their own program took
228 CPU s for the default scan on the machine where it was tried.

What `tridiagonal` is: the same equations done well, one tridiagonal solve per step inside a
jitted scan. For Nernst the unknowns of B are left out, as the current does not depend on them.
"""

import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Scheme:
    """The settings; the defaults are those of the published code.

    **Fields:** `first` ΔX, `growth` of the intervals, `step` Δθ, `start` and `vertex` θ,
    `sigma` dimensionless scan rate, `rate` K0 (None: Nernst) and `alpha` (β = 1 − α).
    """

    first: float = 2e-6
    growth: float = 1.05
    step: float = 0.05
    start: float = 20.0
    vertex: float = -20.0
    sigma: float = 1.0
    rate: float | None = None
    alpha: float = 0.5

    def positions(self) -> Float[np.ndarray, " n"]:
        """X of the nodes."""
        end = 6.0 * np.sqrt(2 * abs(self.vertex - self.start) / self.sigma)
        x, h = [0.0], self.first
        while x[-1] < end:
            x.append(x[-1] + h)
            h *= self.growth
        return np.array(x)

    def potentials(self) -> Float[np.ndarray, " t"]:
        """θ applied in each step."""
        count = round(2 * abs(self.vertex - self.start) / self.step)
        k = np.arange(count)
        down = self.start - k * self.step
        return np.where(k < count / 2, down, self.vertex + self.step * (k - count / 2))


class _Half:
    """Bands of one species, from the electrode outwards, without its surface row."""

    def __init__(self, scheme: Scheme):
        x = scheme.positions()
        h, dt = np.diff(x), scheme.step / scheme.sigma
        n = x.size
        self.inward, self.outward, self.diagonal = np.zeros(n), np.zeros(n), np.ones(n)
        mean = 0.5 * (h[:-1] + h[1:])
        self.inward[1:-1] = -dt / (mean * h[:-1])
        self.outward[1:-1] = -dt / (mean * h[1:])
        self.diagonal[1:-1] = 1.0 - self.inward[1:-1] - self.outward[1:-1]
        self.n = n


def _rates(scheme: Scheme, theta):
    assert scheme.rate is not None
    reduction = scheme.rate * jnp.exp(-scheme.alpha * theta)
    return reduction, scheme.rate * jnp.exp((1.0 - scheme.alpha) * theta)


def dense(scheme: Scheme, steps: int | None = None) -> tuple[Float[np.ndarray, " t"], float]:
    """Current of the first `steps` steps (of all by default), and CPU seconds per step.

    The order of the unknowns is A from the bulk to the electrode, then B outwards.
    """
    half, thetas = _Half(scheme), scheme.potentials()[:steps]
    n, h = half.n, scheme.first
    rows, columns, values = _inner_entries(half)
    near = np.array([n - 2, n - 1, n, n + 1])
    state = jnp.concatenate([jnp.ones(n), jnp.zeros(n)])
    currents, start = [], time.process_time()
    for k, theta in enumerate(thetas):
        if k == 1:
            start = time.process_time()  # the first step compiled the primitives
        first, second, source = _surface_rows(scheme, theta)
        matrix = jnp.zeros((2 * n, 2 * n)).at[rows, columns].set(values)
        matrix = matrix.at[n - 1, near].set(first).at[n, near].set(second)
        right = state.at[n - 1].set(source).at[n].set(0.0)
        state = jax.block_until_ready(jnp.linalg.solve(matrix, right))
        currents.append(-(state[n - 2] - state[n - 1]) / h)
    seconds = (time.process_time() - start) / max(len(thetas) - 1, 1)
    return np.asarray(jnp.stack(currents)), seconds


def _inner_entries(half: _Half) -> tuple[np.ndarray, np.ndarray, Array]:
    """Rows, columns and values of the dense matrix, but for the two rows at the electrode."""
    n, i = half.n, np.arange(1, half.n)
    entries = []
    for centre, outwards in ((n - 1 - i, -1), (n + i, 1)):
        entries.append((centre, centre, half.diagonal[i]))
        inside = i < n - 1  # the last node holds the bulk value
        for band, side in ((half.inward, -outwards), (half.outward, outwards)):
            entries.append((centre[inside], centre[inside] + side, band[i[inside]]))
    rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    return rows, columns, jnp.asarray(values)


def _surface_rows(scheme: Scheme, theta) -> tuple[Array, Array, Array]:
    """Coefficients of (A1, A0, B0, B1) in the rows of A0 and B0, and the source of the first."""
    if scheme.rate is None:
        balance = jnp.array([1.0, -1.0, -1.0, 1.0])
        return jnp.array([0.0, 1.0, 0.0, 0.0]), balance, 1.0 / (1.0 + jnp.exp(-theta))
    reduction, oxidation = (scheme.first * rate for rate in _rates(scheme, theta))
    first = jnp.stack([1.0, -1.0 - reduction, oxidation, 0.0])
    return first, jnp.stack([0.0, reduction, -1.0 - oxidation, 1.0]), jnp.zeros(())


def tridiagonal(scheme: Scheme) -> Float[Array, " t"]:
    """Current of the whole scan. Pure; jit it at the call site."""
    half, h = _Half(scheme), scheme.first
    n, nernst = half.n, scheme.rate is None
    zero = np.zeros(0 if nernst else n)
    flipped = [band[::-1] for band in (half.outward, half.diagonal, half.inward)]
    # Towards the electrode the lower band reaches out and the upper one in; for B the reverse.
    lower, diagonal, upper = (
        jnp.asarray(np.concatenate([a, b if zero.size else zero]))
        for a, b in zip(flipped, (half.inward, half.diagonal, half.outward), strict=True)
    )
    initial = jnp.concatenate([jnp.ones(n), jnp.zeros(zero.size)])

    def surface(theta):
        """(lower, diagonal, upper, source) of the rows at the electrode."""
        if nernst:
            return jnp.array([[0.0, 1.0, 0.0]]), 1.0 / (1.0 + jnp.exp(-theta))[None]
        reduction, oxidation = _rates(scheme, theta)
        rows = [[1.0, -1.0 - h * reduction, h * oxidation],
                [h * reduction, -1.0 - h * oxidation, 1.0]]  # fmt: skip
        return jnp.array(rows), jnp.zeros(2)

    def step(state, theta):
        rows, source = surface(theta)
        at = slice(n - 1, n - 1 + len(rows))
        bands = [b.at[at].set(rows[:, i]) for i, b in enumerate((lower, diagonal, upper))]
        right = state.at[at].set(source)
        state = jax.lax.linalg.tridiagonal_solve(*bands, right[:, None])[:, 0]
        return state, -(state[n - 2] - state[n - 1]) / h

    return jax.lax.scan(step, initial, jnp.asarray(scheme.potentials()))[1]


def peak(theta: Float[np.ndarray, " t"], current: Float[np.ndarray, " t"]) -> tuple[float, float]:
    """Lowest current and where: the vertex of the parabola through the three lowest points."""
    k = int(np.argmin(current))
    k = min(max(k, 1), len(current) - 2)
    a, b, c = np.polyfit(theta[k - 1 : k + 2] - theta[k], current[k - 1 : k + 2], 2)
    return float(c - b**2 / (4 * a)), float(theta[k] - b / (2 * a))
