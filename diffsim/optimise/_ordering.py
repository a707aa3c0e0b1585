"""Which of two evaluated points is better, where there are constraints: exchangeable rules."""

import abc
import math
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .._problem import Evaluation
from .._status import RESULTS, code
from ._interface import Request

_SUCCESSFUL = int(code(RESULTS.successful))


class Trial(NamedTuple):
    """An evaluated point; value and violation are infinite where the evaluation failed.

    `violation` is the sum of the positive slacks, as in the books of the driver.
    """

    x: Float[np.ndarray, " d"]
    value: float
    slacks: Float[np.ndarray, " q"]
    violation: float

    @property
    def failed(self) -> bool:
        """Whether nothing is known there (a failed simulation, or a constraint that is NaN)."""
        return not np.isfinite(self.violation)

    @property
    def feasible(self) -> bool:
        """Whether it was evaluated and every slack is at most zero."""
        return self.violation == 0.0


class Level(IntEnum):
    """What a trial was worth: nothing, a lower violation only, or a new incumbent."""

    FAILURE = 0
    IMPROVING = 1
    SUCCESS = 2


class Standing(NamedTuple):
    """The incumbents. `best` is what the search moves from; the rest is the progressive barrier's.

    - `infeasible`: the best point outside the constraints and inside the barrier.
    - `threshold`: the largest violation inside the barrier.
    - `undominated`: infeasible points none of which is worse in both value and violation.
    """

    best: Trial
    infeasible: Trial
    threshold: float
    undominated: tuple[Trial, ...]


def no_trial(size: int, constraints: int) -> Trial:
    """Stands where there is no incumbent yet: anything is better."""
    return Trial(np.full(size, np.nan), np.inf, np.full(constraints, np.inf), np.inf)


def trials_of(request: Request, evaluation: Evaluation) -> list[Trial]:
    """The answered points of a request."""
    # NumPy's arrays from here on: a dispatch of JAX would cost more than the whole step.
    points, slacks = np.asarray(request.points), np.asarray(evaluation.constraints)
    columns = (
        np.asarray(request.active),
        np.asarray(evaluation.value),
        np.maximum(slacks, 0.0).sum(axis=1),
        np.asarray(evaluation.result._value),  # pyright: ignore
    )
    trials = []
    for i, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        active, value, above, result = row
        if result != _SUCCESSFUL or not (math.isfinite(value) and math.isfinite(above)):
            value = above = math.inf
        if active:
            trials.append(Trial(points[i], value, slacks[i], above))
    return trials


class AbstractOrdering(abc.ABC):
    """Decides which trial becomes the incumbent."""

    def begin(self, size: int, constraints: int) -> Standing:
        """Before the first evaluation."""
        nothing = no_trial(size, constraints)
        return Standing(nothing, nothing, np.inf, ())

    @abc.abstractmethod
    def judge(self, standing: Standing, trial: Trial) -> tuple[Standing, Level]:
        """The standing with one more trial, and what that was worth."""

    @abc.abstractmethod
    def gain(self, before: Trial, after: Trial) -> float:
        """By how much an incumbent got better, in units of the value (or of the violation, where
        neither is feasible); infinite where it became feasible."""

    def end_iteration(self, standing: Standing) -> Standing:
        """Called after each iteration."""
        return standing

    def centres(self, standing: Standing) -> tuple[Trial, ...]:
        """Points to poll around: all directions for the first, two for the others."""
        return (standing.best,)


@dataclass(frozen=True)
class FeasibleFirst(AbstractOrdering):
    """Any feasible point beats any infeasible one; of these the less violating is better.

    From a feasible start the incumbent is feasible ever after, exactly.

    K. Deb, Computer Methods in Applied Mechanics and Engineering 186 (2000) 311-338.
    """

    def judge(self, standing: Standing, trial: Trial) -> tuple[Standing, Level]:
        if _deb(trial) < _deb(standing.best):
            return standing._replace(best=trial), Level.SUCCESS
        return standing, Level.FAILURE

    def gain(self, before: Trial, after: Trial) -> float:
        return _feasible_gain(before, after)


@dataclass(frozen=True)
class Penalty(AbstractOrdering):
    """value + weight Σ max(slack, 0)²: the exterior penalty of the published code.

    Whoever ends by it may end outside the constraints, by about 1/weight.
    """

    weight: float = 10.0

    def __post_init__(self):
        if not self.weight > 0:
            raise ValueError(f"weight must be positive, but is {self.weight}.")

    def merit(self, trial: Trial) -> float:
        """What is minimised; infinite where the evaluation failed."""
        if trial.failed:
            return np.inf
        return trial.value + self.weight * float(np.sum(np.maximum(trial.slacks, 0.0) ** 2))

    def judge(self, standing: Standing, trial: Trial) -> tuple[Standing, Level]:
        if self.merit(trial) < self.merit(standing.best):
            return standing._replace(best=trial), Level.SUCCESS
        return standing, Level.FAILURE

    def gain(self, before: Trial, after: Trial) -> float:
        if before.failed:
            return np.inf if not after.failed else 0.0
        return self.merit(before) - self.merit(after)


@dataclass(frozen=True)
class ProgressiveBarrier(AbstractOrdering):
    """Two incumbents, one feasible and one not, and a bound on the violation that only falls.

    A new feasible best, or an infeasible point that dominates the infeasible incumbent, is a
    success. A point of lower violation but higher value improves: the iteration goes on, and the
    barrier then falls to the largest violation below the incumbent's. Otherwise it falls to that
    of the incumbent itself.

    The search polls around the feasible incumbent, unless the infeasible one is lower by more than
    `trigger` of the value's size; the other gets two directions.

    C. Audet and J. E. Dennis, SIAM Journal on Optimization 20 (2009) 445-472.
    """

    trigger: float = 0.1

    def judge(self, standing: Standing, trial: Trial) -> tuple[Standing, Level]:
        if trial.failed or trial.violation > standing.threshold:
            return standing, Level.FAILURE
        if trial.feasible:
            if _deb(trial) < _deb(standing.best):
                return standing._replace(best=trial), Level.SUCCESS
            return standing, Level.FAILURE
        best = trial if _deb(trial) < _deb(standing.best) else standing.best
        kept = standing._replace(best=best, undominated=_filtered(standing.undominated, trial))
        if _dominates(trial, standing.infeasible):
            return kept._replace(infeasible=trial), Level.SUCCESS
        lower = trial.violation < standing.infeasible.violation
        return kept, Level.IMPROVING if lower else Level.FAILURE

    def gain(self, before: Trial, after: Trial) -> float:
        return _feasible_gain(before, after)

    def end_iteration(self, standing: Standing) -> Standing:
        above = standing.infeasible.violation
        if not np.isfinite(above):
            return standing
        lower = [t.violation for t in standing.undominated if t.violation < above]
        threshold = max(lower, default=above)
        inside = tuple(t for t in standing.undominated if t.violation <= threshold)
        infeasible = min(inside, key=lambda t: t.value)
        return standing._replace(infeasible=infeasible, threshold=threshold, undominated=inside)

    def centres(self, standing: Standing) -> tuple[Trial, ...]:
        feasible, infeasible = standing.best, standing.infeasible
        if not feasible.feasible or not np.isfinite(infeasible.violation):
            return (infeasible if np.isfinite(infeasible.violation) else feasible,)
        margin = self.trigger * max(abs(feasible.value), abs(infeasible.value))
        if infeasible.value < feasible.value - margin:
            return (infeasible, feasible)
        return (feasible, infeasible)


def _deb(trial: Trial) -> tuple[float, float]:
    return trial.violation, trial.value


def _feasible_gain(before: Trial, after: Trial) -> float:
    if before.feasible or (after.violation == before.violation and not before.failed):
        return before.value - after.value if after.feasible == before.feasible else -np.inf
    return np.inf if after.feasible else before.violation - after.violation


def _dominates(one: Trial, other: Trial) -> bool:
    no_worse = one.value <= other.value and one.violation <= other.violation
    return no_worse and (one.value < other.value or one.violation < other.violation)


def _filtered(undominated: tuple[Trial, ...], trial: Trial) -> tuple[Trial, ...]:
    """The undominated points with one more; it and those it dominates fall out as they must."""
    if any(_dominates(known, trial) for known in undominated):
        return undominated
    return (*(known for known in undominated if not _dominates(trial, known)), trial)
