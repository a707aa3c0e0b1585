"""Bayesian optimisation with Gaussian processes, as a method of diffsim (extra `bo`)."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

import diffsim as ds
from diffsim._types import Vector
from diffsim.optimise import REASONS, AbstractOptimiser, Request, Traits, reason_code
from diffsim.optimise._conversation import generator
from diffsim.optimise._interface import Need

from ._acquisitions import AbstractAcquisition, LogImprovement
from ._asked import answers_of, first_batch
from ._botorch import best_batch, imported


class BayesianState(NamedTuple):
    """What was evaluated, and what is waited for.

    - `points` (N, d), `answers` (N, 1 + q): value and slacks, NaN where the evaluation failed.
    - `batch` (b, d): asked for now; `seed`: of the random streams; `round`: how many batches.
    """

    points: Float[np.ndarray, "N d"]
    answers: Float[np.ndarray, "N a"]
    batch: Float[np.ndarray, "b d"]
    seed: Int[np.ndarray, " 2"]
    round: int


class BayesianOptimisation(AbstractOptimiser):
    """Gaussian processes of the value and of each slack, and the designs of largest acquisition.

    The start and `initial` Sobol points, then batch after batch, the processes (BoTorch's
    defaults, noise included) fitted anew before each to the `memory` best points: the least
    violating first, then by value. Evaluations that failed count as the worst that succeeded, or
    the search would stay where nothing is known; a design that is known already gives way to a
    random one.

    `acquisition`: `LogImprovement()` by default, one design at a time; `NoisyImprovement(batch)`.
    For constraints with a trust region see `SCBO`; without constraints that is TuRBO-1 by Thompson
    sampling.

    **Bounds:** proposals lie in the unit cube.

    **Raises:** `ImportError` naming the extra without BoTorch; `ValueError` for settings below 1.

    D. R. Jones, M. Schonlau, W. J. Welch, J. Glob. Optim. 13 (1998) 455; its logarithm: S. Ament
    et al., NeurIPS 2023 (arXiv 2310.20708).
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = True

    initial: int = eqx.field(static=True, default=8)
    restarts: int = eqx.field(static=True, default=4)
    memory: int = eqx.field(static=True, default=100)
    acquisition: AbstractAcquisition = eqx.field(default_factory=LogImprovement)

    def __check_init__(self):
        for name in ("initial", "restarts", "memory"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}.")
        imported("botorch")

    def init(self, x0: Vector, key: Array, traits: Traits) -> BayesianState:
        seed = generator(key).integers(2**63, size=2)
        batch = first_batch(x0, self.initial, seed)
        answers = np.zeros((0, 1 + traits.constraints))
        return BayesianState(np.zeros((0, traits.size)), answers, batch, seed, 0)

    def ask(self, state: BayesianState) -> Request:
        return Request.at(state.batch, "value")

    def tell(
        self, state: BayesianState, request: Request, evaluation: ds.Evaluation
    ) -> BayesianState:
        state = state._replace(
            points=np.concatenate([state.points, state.batch]),
            answers=np.concatenate([state.answers, answers_of(evaluation)]),
            round=state.round + 1,
        )
        return state._replace(batch=self._proposed(state))

    def status(self, state: BayesianState) -> Int[np.ndarray, " 1"]:
        return np.asarray(reason_code(REASONS.running))[None]

    def _proposed(self, state: BayesianState) -> Float[np.ndarray, "b d"]:
        random = np.random.Generator(
            np.random.Philox(key=state.seed, counter=[0, 0, 0, state.round])
        )
        elsewhere = random.uniform(size=(self.acquisition.batch, state.batch.shape[1]))
        fine = np.all(np.isfinite(state.answers), axis=1)
        if np.unique(state.answers[fine, 0]).size < 2:
            return elsewhere  # too little to learn from
        worst = state.answers[fine].max(axis=0)
        answers = np.where(fine[:, None], state.answers, worst)
        above = np.maximum(answers[:, 1:], 0.0).sum(axis=1)
        kept = np.lexsort((answers[:, 0], above))[: self.memory]
        x, told = state.points[kept], _varying(answers[kept])
        found = best_batch(
            lambda: self.acquisition.function(x, told),
            x.shape[1],
            self.acquisition.batch,
            self.restarts,
            int(random.integers(2**31 - 1)),
        )
        apart = np.max(np.abs(found[:, None] - state.points[None]), axis=2).min(axis=1)
        return np.where(apart[:, None] < 1e-9, elsewhere, found)


def _varying(answers: Float[np.ndarray, "n a"]) -> Float[np.ndarray, "n a"]:
    """Without the slacks that are the same everywhere: there is nothing to learn of them."""
    keep = np.ptp(answers, axis=0) > 0
    keep[0] = True
    return answers[:, keep]
