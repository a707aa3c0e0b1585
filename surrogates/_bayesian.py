"""Bayesian optimisation by expected improvement, as a method of diffsim (extra `bo`)."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

import diffsim as ds
from diffsim._types import Vector
from diffsim.optimise import REASONS, AbstractOptimiser, Request, Traits, reason_code
from diffsim.optimise._conversation import generator
from diffsim.optimise._interface import Need, succeeded

from ._botorch import imported, largest_improvement


class BayesianState(NamedTuple):
    """What was evaluated, and what is waited for.

    - `points` (N, d), `values` (N,): NaN where the evaluation failed.
    - `batch` (b, d): asked for now; `seed`: of the random streams; `round`: how many batches.
    """

    points: Float[np.ndarray, "N d"]
    values: Float[np.ndarray, " N"]
    batch: Float[np.ndarray, "b d"]
    seed: Int[np.ndarray, " 2"]
    round: int


class BayesianOptimisation(AbstractOptimiser):
    """A Gaussian process of the value, and one design at a time of largest expected improvement.

    The start and `initial` Sobol points, then one point after the other, the process (BoTorch's
    defaults, noise included) fitted anew before each to the `memory` best points. Evaluations that
    failed count as the worst that succeeded, or the search would stay where nothing is known;
    where it picks a point it knows already, a random one is asked.

    **Bounds:** proposals lie in the unit cube.

    **Raises:** `ImportError` naming the extra without BoTorch; `ValueError` for settings below 1.

    D. R. Jones, M. Schonlau, W. J. Welch, J. Glob. Optim. 13 (1998) 455; its logarithm: S. Ament
    et al., NeurIPS 2023 (arXiv 2310.20708).
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = False

    initial: int = eqx.field(static=True, default=8)
    restarts: int = eqx.field(static=True, default=4)
    memory: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        for name in ("initial", "restarts", "memory"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}.")
        imported("botorch")

    def init(self, x0: Vector, key: Array, traits: Traits) -> BayesianState:
        from scipy.stats import qmc

        seed = generator(key).integers(2**63, size=2)
        sobol = qmc.Sobol(traits.size, rng=np.random.default_rng(seed))
        others = sobol.random_base2(int(np.ceil(np.log2(self.initial))))[: self.initial]
        batch = np.concatenate([np.asarray(x0, float)[None], others])
        return BayesianState(np.zeros((0, traits.size)), np.zeros(0), batch, seed, 0)

    def ask(self, state: BayesianState) -> Request:
        return Request.at(state.batch, "value")

    def tell(
        self, state: BayesianState, request: Request, evaluation: ds.Evaluation
    ) -> BayesianState:
        values = np.asarray(evaluation.value)
        fine = np.asarray(succeeded(evaluation)) & np.isfinite(values)
        state = state._replace(
            points=np.concatenate([state.points, state.batch]),
            values=np.concatenate([state.values, np.where(fine, values, np.nan)]),
            round=state.round + 1,
        )
        return state._replace(batch=self._proposed(state)[None])

    def status(self, state: BayesianState) -> Int[np.ndarray, " 1"]:
        return np.asarray(reason_code(REASONS.running))[None]

    def _proposed(self, state: BayesianState) -> Float[np.ndarray, " d"]:
        random = np.random.Generator(
            np.random.Philox(key=state.seed, counter=[0, 0, 0, state.round])
        )
        elsewhere = random.uniform(size=state.batch.shape[1])
        if np.unique(state.values[np.isfinite(state.values)]).size < 2:
            return elsewhere  # too little to learn from
        values = np.where(np.isfinite(state.values), state.values, np.nanmax(state.values))
        kept = np.argsort(values, kind="stable")[: self.memory]
        found = largest_improvement(
            state.points[kept], values[kept], self.restarts, int(random.integers(2**31 - 1))
        )
        known = np.min(np.max(np.abs(state.points - found), axis=1)) < 1e-9
        return elsewhere if known else found
