"""A whole solve on the surrogate as one step of a direct search."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import optimize

from diffsim.optimise import REASONS, AbstractSearchStep, Level, Outcome, Scene, Verdict
from diffsim.optimise._compiled import Prepared

from ._correction import CorrectedLandscape, check_correction, corrected, uncorrected
from ._landscape import AbstractLandscape, check_size


class SolveState(NamedTuple):
    """The trust radius, how many solves there were and how many of the last failed in a row, and
    the calls of the surrogate so far."""

    radius: float
    solves: int
    failures: int
    values: int
    derivatives: int


@dataclass(frozen=True)
class SurrogateSolve(AbstractSearchStep):
    """Sequential quadratic programming (SLSQP) on the surrogate, its solutions tried on the oracle.

    The first iteration solves from the incumbent and from `starts` - 1 random points, for each
    feasibility margin; the solutions are tried from the most promising on. Without `correction`
    that is all: the surrogate has said what it knows.

    With `correction` the surrogate is made exact at what the oracle has answered
    (`CorrectedLandscape`: retraining in closed form), and each later iteration solves again
    within a trust region around the incumbent: it doubles after a success and is halved after a
    failure; at its least radius the step is passed. A success ends the iteration if it gains at
    least `sufficiency` times the square of the step, as for the attack; a failure ends it, too,
    since the surrogate has learnt from it, but not `attempts` times in a row: so of the iterations
    without sufficient success at least one in `attempts` goes on to cover.

    **Arguments:**

    - `margins`: by which slacks must hold on the surrogate, the safest first.
    - `starts`: of the first solve.
    - `correction`: number of evaluated points the correction keeps (0: none); `length`: its
      length scale in the unit cube.
    - `radius`, `least_radius`: of the trust region (maximum norm).
    - `attempts`: see above.

    D. Kraft, DFVLR-FB 88-28 (1988), as in SciPy. N. M. Alexandrov et al., Structural Optimization
    15 (1998) 16-23, for the management of the surrogate.
    """

    landscape: AbstractLandscape
    margins: tuple[float, ...] = (0.0, 0.02)
    starts: int = 4
    correction: int = 0
    length: float = 0.5
    radius: float = 0.2
    least_radius: float = 1e-5
    sufficiency: float = 1e-3
    attempts: int = 4

    def __post_init__(self):
        if not self.margins or min(self.margins) < 0:
            raise ValueError(
                f"margins must be at least one, none negative, but are {self.margins}."
            )
        check_correction(self.correction, self.length, self.attempts)
        if self.starts < 1:
            raise ValueError(f"starts must be positive, but is {self.starts}.")
        if not 1e-15 <= self.least_radius < self.radius:
            raise ValueError(
                "radii must satisfy 1e-15 <= least_radius < radius, but are "
                f"{self.least_radius}, {self.radius}."
            )

    def begin(self, size: int, constraints: int) -> SolveState:
        check_size(self.landscape, size, constraints)
        return SolveState(self.radius, 0, 0, 0, 0)

    def propose(self, own: SolveState, scene: Scene) -> tuple[Float[np.ndarray, "k d"], SolveState]:
        again = own.solves > 0
        if again and (not self.correction or own.radius <= self.least_radius):
            return scene.x[None][:0], own
        landscape = self._landscape(scene)
        reach = own.radius if again else 1.0
        starts = [scene.x]
        if not again:
            starts += list(scene.random.uniform(size=(self.starts - 1, scene.x.size)))
        margins = self.margins[:1] if again else self.margins
        points, calls = [], 0
        for margin in margins:
            found, spent = _best(landscape, starts, scene.x, reach, margin)
            points.append(found)
            calls += spent
        own = own._replace(
            solves=own.solves + 1,
            values=own.values + calls,
            derivatives=own.derivatives + calls * (1 + landscape.constraints),
        )
        points = [p for p in points if np.any(p != scene.x)]
        if not points:
            return scene.x[None][:0], own._replace(radius=max(0.5 * own.radius, self.least_radius))
        return np.stack(points), own

    def settle(self, own: SolveState, scene: Scene, outcome: Outcome) -> tuple[SolveState, Verdict]:
        if outcome.level != Level.SUCCESS:
            shrunk = own.radius if own.solves == 1 else 0.5 * own.radius
            radius, failures = max(shrunk, self.least_radius), own.failures + 1
            ends = bool(self.correction) and failures < self.attempts
            own = own._replace(radius=radius, failures=failures if ends else 0)
            return own, Verdict(scene.radius, ends=ends)
        step = float(np.max(np.abs(outcome.after.x - outcome.before.x)))
        grown = own.radius if own.solves == 1 else min(max(own.radius, 2.0 * step), 1.0)
        ends = bool(self.correction) and outcome.gain >= self.sufficiency * step**2
        return own._replace(radius=grown, failures=0), Verdict(scene.radius, ends=ends)

    def exhausted(self, own: SolveState) -> REASONS:
        return REASONS.step

    def surrogate_calls(self, own: SolveState) -> tuple[int, int]:
        return own.values, own.derivatives

    def _landscape(self, scene: Scene) -> AbstractLandscape:
        if not self.correction:
            return self.landscape
        empty = uncorrected(self.landscape, self.correction, self.length)
        return corrected(empty, scene.x, scene.archive.points, scene.archive.answers)


def solve_on_surrogate(
    landscape: AbstractLandscape,
    starts: list[Float[np.ndarray, " d"]],
    *,
    margin: float = 0.0,
) -> Float[np.ndarray, " d"]:
    """The best design by the surrogate's own word: SLSQP from each start, slacks kept at -margin.

    No oracle is asked.
    """
    return _best(landscape, starts, np.full(landscape.size, 0.5), 1.0, margin)[0]


def _linearisation(
    landscape: AbstractLandscape, x: Float[Array, " d"]
) -> tuple[Float[Array, " a"], Float[Array, "a d"]]:
    answer, pullback = jax.vjp(landscape, x)
    return answer, jax.vmap(lambda row: pullback(row)[0])(jnp.eye(answer.size))


def _best(
    landscape: AbstractLandscape | CorrectedLandscape,
    starts: list[Float[np.ndarray, " d"]],
    centre: Float[np.ndarray, " d"],
    reach: float,
    margin: float,
) -> tuple[Float[np.ndarray, " d"], int]:
    """The best solution of several starts by the surrogate's own word, and calls made."""
    low, high = np.maximum(centre - reach, 0.0), np.minimum(centre + reach, 1.0)
    calls, ends = 0, []
    # Taken apart once: a call of a jitted function with so many leaves costs more than its work.
    linearise = Prepared(_linearisation, landscape)
    for start in starts:
        memo = _Memo(linearise, landscape.constraints, margin)
        end = memo.solve(np.clip(start, low, high), low, high)
        answer = memo(end)[0]
        calls += memo.calls
        above = float(np.sum(np.maximum(answer[1:] + margin, 0.0)))
        # What SLSQP leaves of a constraint is no violation.
        ends.append((above if above > 1e-7 else 0.0, float(answer[0]), end))
    fine = [e for e in ends if np.isfinite(e[0]) and np.isfinite(e[1])]
    best = min(fine, key=lambda e: e[:2], default=(0.0, 0.0, centre))
    return best[2], calls


class _Memo:
    """The surrogate for SLSQP: one linearisation for each point, whatever is asked of it."""

    def __init__(self, linearise: Prepared, constraints: int, margin: float):
        self.linearise, self.margin, self.calls = linearise, margin, 0
        self.constraints = constraints
        self._known: tuple[bytes, tuple[np.ndarray, np.ndarray]] | None = None

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        key = np.asarray(x, float).tobytes()
        if self._known is None or self._known[0] != key:
            answer, rows = self.linearise(jnp.asarray(x, float)).value
            self.calls += 1
            fine = np.nan_to_num(np.asarray(answer), nan=1e10)
            self._known = (key, (fine, np.nan_to_num(np.asarray(rows))))
        return self._known[1]

    def solve(self, start: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The end point of SLSQP, inside the box."""
        constraints = []
        if self.constraints:
            constraints = [
                {
                    "type": "ineq",
                    "fun": lambda x: -self(x)[0][1:] - self.margin,
                    "jac": lambda x: -self(x)[1][1:],
                }
            ]
        found = optimize.minimize(
            lambda x: float(self(x)[0][0]),
            start,
            jac=lambda x: self(x)[1][0],
            method="SLSQP",
            bounds=np.stack([low, high], axis=1),
            constraints=constraints,
            options={"maxiter": 60, "ftol": 1e-9},
        )
        x = np.clip(np.asarray(found.x, float), low, high)
        return x if np.all(np.isfinite(x)) else start
