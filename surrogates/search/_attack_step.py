"""The attack as a step of a direct search: the surrogate proposes, the oracle decides."""

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffsim.optimise import REASONS, AbstractSearchStep, Level, Outcome, Scene, Verdict
from diffsim.optimise._compiled import Prepared

from ._attack import FGSM, AbstractAttack, screened
from ._correction import check_correction, corrected, relearnt, uncorrected
from ._landscape import AbstractLandscape, check_size


class AttackState(NamedTuple):
    """Where the attack stands.

    - `radius`; `failed_at` (d,): the incumbent that it could not improve at the least radius.
    - `slope`: of the surrogate at the last incumbent. - `skips`: iterations ended by it.
    - `failures`: attacks that failed in a row since the rest of an iteration last had its turn.
    - `values`, `derivatives`: calls of the surrogate so far.
    """

    radius: float
    failed_at: Float[np.ndarray, " d"]
    slope: float
    skips: int
    failures: int
    values: int
    derivatives: int


@dataclass(frozen=True)
class AttackStep(AbstractSearchStep):
    """Tries what an attack on a surrogate proposes, and adapts the radius to what came of it.

    An increase of at least `sufficiency` · r² (absolute, in units of the value) is sufficient: the
    radius grows by 1.3 and the rest of the iteration is skipped. A smaller one lets the iteration
    go on from the new point (1.1); none shrinks the radius by 1.3. As r >= `least_radius`, each
    skip improves the value by at least `sufficiency` · (`least_radius`)², so that skips are finite
    wherever the value is bounded: at most (f(x₀) - f*)/(sufficiency · least_radius²). (Relative to
    |f|, as published, it does not bound them where f tends to 0.)

    **Arguments:**

    - `landscape`: the surrogate, see `landscape_of`.
    - `attack`: `FGSM`, `L2` or `PGD`.
    - `radius`, `least_radius`, `largest_radius`: in the maximum norm of the unit cube.
    - `ladder`: factors of the radius that are attacked at once; the surrogate ranks the points,
      and the best `tries` are evaluated. With more than one rung the radius follows the step
      that was accepted.
    - `margin`: by which slacks of the surrogate must hold to count as feasible in that ranking.
    - `correction`: number of evaluated points at which the surrogate is made exact before each
      attack (`CorrectedLandscape`: retraining in closed form; 0: none); `length`: its length scale.
    - `attempts`: with correction a failed attack ends the iteration, too, since the surrogate has
      learnt from it, but not so many times in a row.

    After a move by other steps an attack that had given up begins again at that step's length.
    """

    landscape: AbstractLandscape
    attack: AbstractAttack = field(default_factory=FGSM)
    radius: float = 0.1
    least_radius: float = 1e-5
    largest_radius: float = 1.0
    sufficiency: float = 1e-3
    ladder: tuple[float, ...] = (1.0,)
    tries: int = 1
    margin: float = 0.0
    correction: int = 0
    length: float = 0.5
    attempts: int = 4

    def __post_init__(self):
        check_correction(self.correction, self.length, self.attempts)
        if not 1e-15 <= self.least_radius < self.radius <= self.largest_radius:
            raise ValueError(
                "radii must satisfy 1e-15 <= least_radius < radius <= largest_radius, but are "
                f"{self.least_radius}, {self.radius}, {self.largest_radius}."
            )
        if not self.sufficiency > 0:
            raise ValueError(
                f"sufficiency must be positive (or skips would not be finite), but is "
                f"{self.sufficiency}."
            )
        if not 1 <= self.tries <= len(self.ladder):
            raise ValueError(
                f"tries must be between 1 and the {len(self.ladder)} rungs of the ladder, but is "
                f"{self.tries}."
            )

    def begin(self, size: int, constraints: int) -> AttackState:
        check_size(self.landscape, size, constraints)
        return AttackState(self.radius, np.full(size, np.nan), np.inf, 0, 0, 0, 0)

    def propose(
        self, own: AttackState, scene: Scene
    ) -> tuple[Float[np.ndarray, "k d"], AttackState]:
        if np.array_equal(own.failed_at, scene.x):
            return scene.x[None][:0], own
        rungs = np.clip(own.radius * np.array(self.ladder), self.least_radius, self.largest_radius)
        learnt = self._learnt(scene)
        attacked, answers = self._screened(learnt, jnp.asarray(scene.x), jnp.asarray(rungs)).value
        own = self._counted(own._replace(slope=float(attacked.slope)))
        if not own.slope > 0:  # stationary or not defined: nothing to follow from here
            return scene.x[None][:0], own._replace(failed_at=scene.x)
        points = np.asarray(attacked.points)
        if self.tries < len(points):
            points = points[_ranked(np.asarray(answers), self.margin)[: self.tries]]
        points = points[np.any(points != scene.x, axis=1)]
        if not len(points):  # pressed against the bounds, or rounded away
            own = own._replace(failed_at=scene.x)
        return points, own

    def settle(
        self, own: AttackState, scene: Scene, outcome: Outcome
    ) -> tuple[AttackState, Verdict]:
        if outcome.level != Level.SUCCESS:
            radius = max(own.radius / 1.3, self.least_radius)
            gone = own.radius <= self.least_radius
            failed_at = scene.x if gone else own.failed_at
            failures = own.failures + 1
            ends = bool(self.correction) and failures < self.attempts
            own = own._replace(radius=radius, failed_at=failed_at, failures=failures if ends else 0)
            return own, Verdict(scene.radius, ends)
        step = float(np.max(np.abs(outcome.after.x - outcome.before.x)))
        base = own.radius if len(self.ladder) == 1 else max(step, self.least_radius)
        sufficient = outcome.gain >= self.sufficiency * base**2
        radius = min(base * (1.3 if sufficient else 1.1), self.largest_radius)
        own = own._replace(radius=radius, skips=own.skips + int(sufficient), failures=0)
        # A poll that had come to rest begins again where the attack has led.
        resting = scene.radius <= scene.least_radius
        wider = scene.resized(2.0 * scene.radius) if resting else scene.radius
        return own, Verdict(wider, ends=sufficient)

    def exhausted(self, own: AttackState) -> REASONS:
        return REASONS.step if own.slope > 0 else REASONS.gradient

    def surrogate_calls(self, own: AttackState) -> tuple[int, int]:
        return own.values, own.derivatives

    @functools.cached_property
    def _screened(self) -> Prepared:
        # Taken apart once: jitted functions take longer over so many leaves than over their work.
        screens = self.tries < len(self.ladder)
        landscape = self.landscape
        if self.correction:
            landscape = uncorrected(landscape, self.correction, self.length)
        return Prepared(_screened if screens else _unscreened, self.attack, landscape)

    def _learnt(self, scene: Scene) -> tuple[Array, Array] | None:
        """The correction by what was evaluated; None without."""
        if not self.correction:
            return None
        empty = uncorrected(self.landscape, self.correction, self.length)
        return corrected(empty, scene.x, scene.archive.points, scene.archive.answers).learnt

    def _counted(self, own: AttackState) -> AttackState:
        rungs = len(self.ladder)
        values, derivatives = self.attack.calls(self.landscape.constraints, rungs)
        values += rungs if self.tries < rungs else 0
        return own._replace(values=own.values + values, derivatives=own.derivatives + derivatives)


def _screened(attack, landscape, learnt, x, radii):
    return screened(attack, relearnt(landscape, learnt), x, radii)


def _unscreened(attack, landscape, learnt, x, radii):
    return attack(relearnt(landscape, learnt), x, radii), jnp.zeros((radii.size, 0))


def _ranked(answers: Float[np.ndarray, "k a"], margin: float) -> np.ndarray:
    """Indices of predicted answers, feasible ones first, then by value; NaN last."""
    above = np.maximum(answers[:, 1:] + margin, 0.0).sum(axis=1)
    return np.lexsort((answers[:, 0], np.where(np.isnan(above), np.inf, above)))
