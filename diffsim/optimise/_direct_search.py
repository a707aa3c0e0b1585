"""Direct search made of exchangeable steps, with a covering step that makes it converge."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

from .._problem import Evaluation
from .._types import Vector
from ._archive import PointArchive
from ._conversation import generator
from ._covering import FarthestPointCovering
from ._interface import REASONS, AbstractOptimiser, Need, Request, Traits, reason_code
from ._ordering import AbstractOrdering, FeasibleFirst, Level, Standing, Trial, trials_of
from ._poll import HouseholderPoll, RandomDirections
from ._search_step import AbstractSearchStep, Outcome, Scene

# The coordinates of the unit cube are about one: shorter steps than this are rounded away.
_RESOLUTION = 1e-15
_RUNNING = int(reason_code(REASONS.running))


class DirectSearchState(NamedTuple):
    """All that the method knows; a PyTree of NumPy arrays and numbers.

    - `standing`: the incumbents; `before`: the incumbent when the present step began.
    - `archive`: every evaluated point.
    - `own`: the state of each step; `turn`: which is under way, -1 for the start.
    - `queue` (b, d): its points, of which `done` are answered; `level`: their best so far.
    - `idle`: iterations in a row that could but cover, without success.
    - `silent`: whether no step has proposed a point in this iteration.
    - `seed`: of the random streams, one for each step of each iteration.
    """

    standing: Standing
    before: Trial
    archive: PointArchive
    own: tuple[Any, ...]
    turn: int
    queue: Float[np.ndarray, "b d"]
    done: int
    level: int
    radius: float
    iteration: int
    idle: int
    silent: bool
    seed: Int[np.ndarray, " 2"]
    reason: int


class DirectSearch(AbstractOptimiser):
    """Covering direct search (cDSM): values only, constraints, convergence to local optima.

    An iteration goes through `steps`; each proposes points, tried until the first success, which
    by default ends the iteration. The default is the published method: a covering step, a search
    along two random directions, a poll along the 2n rows of ± a Householder matrix.

    With a covering step the trial points become dense around any point at which the incumbent
    stays, which makes it a local optimum even of a discontinuous function, as long as both sides
    of each jump have an interior there. In more than about three variables that is a statement
    about infinity; what moves the search is the poll.

    **Bounds:** points are projected onto the unit cube.

    **Arguments:** (lengths in the maximum norm of the unit cube)

    - `steps`: of an iteration, in this order.
    - `ordering`: what is better, where there are constraints: `FeasibleFirst`,
      `ProgressiveBarrier` or `Penalty`.
    - `radius`: of the first poll; `least_radius`, `largest_radius`: its limits.
    - `patience`: iterations in a row that only cover, the poll having reached its least radius,
      after which the method has converged.
    - `batch`: points evaluated at once. With more than one the evaluation is opportunistic between
      batches only; a whole poll at once suits simulators that are quick under `vmap`.

    **Raises:** `ValueError` for radii out of order or below the resolution of the unit cube.

    C. Audet, P.-Y. Bouchet, L. Bourdin, arXiv 2401.07097; the parameters of P.-Y. Bouchet,
    T. Vidal, arXiv 2510.01461.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    handles_constraints: ClassVar[bool] = True

    steps: tuple[AbstractSearchStep, ...] = (
        FarthestPointCovering(),
        RandomDirections(),
        HouseholderPoll(),
    )
    ordering: AbstractOrdering = FeasibleFirst()
    radius: float = 0.1
    least_radius: float = 1e-7
    largest_radius: float = 1.0
    patience: int = 20
    batch: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if not self.steps:
            raise ValueError("steps must hold at least one step, but is empty.")
        if not self.least_radius >= _RESOLUTION:
            raise ValueError(
                f"least_radius must be at least {_RESOLUTION} (steps below the resolution of the "
                f"unit cube are none), but is {self.least_radius}."
            )
        if not self.least_radius < self.radius <= self.largest_radius <= 1.0:
            raise ValueError(
                "radii must satisfy least_radius < radius <= largest_radius <= 1, but are "
                f"{self.least_radius}, {self.radius}, {self.largest_radius}."
            )
        if self.batch < 1 or self.patience < 0:
            raise ValueError(
                f"batch must be positive and patience not negative, but are {self.batch} and "
                f"{self.patience}."
            )

    def init(self, x0: Vector, key: Array, traits: Traits) -> DirectSearchState:
        start = np.asarray(x0, float)
        standing = self.ordering.begin(traits.size, traits.constraints)
        return DirectSearchState(
            standing=standing,
            before=standing.best,
            archive=PointArchive(traits.size, 1 + traits.constraints),
            own=tuple(step.begin(traits.size, traits.constraints) for step in self.steps),
            turn=-1,
            queue=start[None],
            done=0,
            level=int(Level.FAILURE),
            radius=float(self.radius),
            iteration=0,
            idle=0,
            silent=True,
            seed=generator(key).integers(2**63, size=2),
            reason=_RUNNING,
        )

    def ask(self, state: DirectSearchState) -> Request:
        points = state.queue[state.done : state.done + self.batch]
        size = 1 if state.turn < 0 else self.batch
        active = np.arange(size) < len(points)
        if len(points) == size:
            return Request(points, np.zeros(size, int), active, "value")
        # Filled up to one shape, for which the evaluation is compiled.
        filled = np.concatenate([points, np.repeat(points[:1], size - len(points), axis=0)])
        return Request(filled, np.zeros(size, int), active, "value")

    def tell(
        self, state: DirectSearchState, request: Request, evaluation: Evaluation
    ) -> DirectSearchState:
        trials, standing, level = trials_of(request, evaluation), state.standing, state.level
        ordering = self.ordering
        for trial in trials:
            standing, reached = ordering.judge(standing, trial)
            level = max(level, int(reached))
        state = state._replace(
            standing=standing,
            level=level,
            done=state.done + len(trials),
            archive=state.archive.append(
                np.array([trial.x for trial in trials]),
                np.array([(trial.value, *trial.slacks.tolist()) for trial in trials]),
            ),
        )
        if state.turn < 0:
            return _begun(self, state)
        if level < Level.SUCCESS and state.done < len(state.queue):
            return state
        return _settled(self, state)

    def status(self, state: DirectSearchState) -> Int[np.ndarray, " 1"]:
        return np.asarray([state.reason], np.int32)

    def surrogate_calls(self, state: DirectSearchState) -> tuple[int, int]:
        """Values and derivatives that the steps have taken of a surrogate."""
        pairs = zip(self.steps, state.own, strict=True)
        calls = [step.surrogate_calls(own) for step, own in pairs]
        return sum(c[0] for c in calls), sum(c[1] for c in calls)


def _begun(method: DirectSearch, state: DirectSearchState) -> DirectSearchState:
    """After the start was evaluated."""
    if state.standing.best.failed:
        return state._replace(reason=int(reason_code(REASONS.start_failed)))
    return _next(method, state._replace(turn=0))


def _settled(method: DirectSearch, state: DirectSearchState) -> DirectSearchState:
    """After the points of a step were tried: the step draws its conclusions."""
    after = method.ordering.centres(state.standing)[0]
    gain = method.ordering.gain(state.before, after) if state.level == Level.SUCCESS else 0.0
    outcome = Outcome(Level(state.level), state.before, after, gain, state.done)
    step, turn = method.steps[state.turn], state.turn
    # The scene as it was when the step proposed: the incumbent is in `outcome`.
    scene = _scene(method, state)._replace(centres=(state.before,))
    own, verdict = step.settle(state.own[turn], scene, outcome)
    state = state._replace(
        own=(*state.own[:turn], own, *state.own[turn + 1 :]),
        radius=verdict.radius,
        idle=-1 if outcome.level == Level.SUCCESS else state.idle,
        turn=len(method.steps) if verdict.ends else turn + 1,
    )
    return _next(method, state)


def _next(method: DirectSearch, state: DirectSearchState) -> DirectSearchState:
    """Go on to the next step that has points, through as many iterations as it takes."""
    while state.reason == _RUNNING:
        turn = state.turn
        if turn >= len(method.steps):
            state = _iterated(method, state)
            continue
        queue, own = method.steps[turn].propose(state.own[turn], _scene(method, state))
        state = state._replace(own=(*state.own[:turn], own, *state.own[turn + 1 :]))
        if len(queue):
            before = method.ordering.centres(state.standing)[0]
            return state._replace(queue=queue, done=0, level=0, before=before, silent=False)
        state = state._replace(turn=turn + 1)
    return state


def _iterated(method: DirectSearch, state: DirectSearchState) -> DirectSearchState:
    """The end of an iteration, and whether it is the last."""
    resting = state.silent or state.radius <= method.least_radius
    idle = state.idle + 1 if resting else 0
    reason = method.steps[0].exhausted(state.own[0]) if state.silent else REASONS.step
    return state._replace(
        standing=method.ordering.end_iteration(state.standing),
        iteration=state.iteration + 1,
        turn=0,
        idle=idle,
        silent=True,
        reason=int(reason_code(reason)) if idle > method.patience else _RUNNING,
    )


def _scene(method: DirectSearch, state: DirectSearchState) -> Scene:
    counter = [0, 0, max(state.turn, 0), state.iteration]
    return Scene(
        centres=method.ordering.centres(state.standing),
        archive=state.archive,
        radius=state.radius,
        least_radius=method.least_radius,
        largest_radius=method.largest_radius,
        first_radius=method.radius,
        iteration=state.iteration,
        random=np.random.Generator(np.random.Philox(key=state.seed, counter=counter)),
    )
