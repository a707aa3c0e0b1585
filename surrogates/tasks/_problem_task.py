"""Any `Problem` as an offline task."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Float

import diffsim as ds

from ..offline import (
    AbstractScore,
    Negative,
    OfflineDataset,
    Pool,
    best_score,
    keep_bottom,
    simulate,
    sobol_pool,
)
from ._interface import AbstractTask, check_designs


@dataclass(frozen=True)
class ProblemTask(AbstractTask):
    """An offline task of a simulator.

    **Arguments:**

    - `problem`: without constraints; `score`: what its value is worth.
    - `pool`: number of designs drawn, or a function of the seed that makes a `Pool`.
    - `percent`: how much of the pool, from the bottom, may be seen.
    - `best`: the best score there is; by default what simulator gradients from 16 starts find.
    - `gradients`: whether true gradients come with the data.
    - `effort`: evaluations that the search for `best` may take.
    """

    problem: ds.Problem
    score: AbstractScore = field(default_factory=Negative)
    pool: int | Callable[[int], Pool] = 1000
    percent: float = 50.0
    best: float | None = None
    gradients: bool = False
    effort: int = 3000
    differentiable: ClassVar[bool] = True

    @property
    def name(self) -> str:  # pyright: ignore
        return self.problem.name

    @property
    def size(self) -> int:  # pyright: ignore
        return self.problem.space.size

    def settled(self) -> "ProblemTask":
        """The task with its best score found, so that it is not sought again."""
        if self.best is not None:
            return self
        best = best_score(self.problem, score=self.score, budget=self.effort)
        return dataclasses.replace(self, best=best)

    def dataset(self, seed: int = 0) -> OfflineDataset:
        if callable(self.pool):
            pool = self.pool(seed)
        else:
            pool = sobol_pool(self.problem, self.pool, seed=seed, score=self.score)
        best = self.settled().best
        assert best is not None
        best = max(best, float(pool.score.max()))
        kept = keep_bottom(pool, self.percent, name=self.name, best=best)
        return self._taught(kept) if self.gradients else kept

    def _taught(self, kept: OfflineDataset) -> OfflineDataset:
        """With true gradients of what may be seen; designs without any are dropped."""
        slopes = self.true_gradient(kept.x)
        fine = np.all(np.isfinite(slopes), axis=1)
        failed = dict(kept.failed)
        if not fine.all():
            failed["no gradient"] = int(np.sum(~fine))
        return dataclasses.replace(
            kept, x=kept.x[fine], score=kept.score[fine], gradients=slopes[fine], failed=failed
        )

    def true_score(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " k"]:
        x = check_designs(x, self.size)
        return simulate(self.problem, x, self.score, gradients=False)[0]

    def true_gradient(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        slopes = simulate(self.problem, check_designs(x, self.size), self.score, gradients=True)[1]
        assert slopes is not None
        return slopes
