"""CMA-ES by its author's library."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Array, Int

from .._problem import Evaluation
from .._types import Vector
from ._cma_strategy import strategy
from ._conversation import generator
from ._interface import (
    REASONS,
    AbstractOptimiser,
    Need,
    Request,
    Traits,
    reason_code,
    scalar_merit,
)


class CMAESState:
    """The library's strategy and the generation it waits for."""

    def __init__(self, strategy: Any):
        self.strategy = strategy
        self.generation = strategy.ask()


class CMAES(AbstractOptimiser):
    """Covariance matrix adaptation (Hansen and Ostermeier 2001), package `cma`.

    **Bounds:** the package's own piecewise quadratic transform of the unit cube.

    Infeasible points rank below every feasible one, by how far they are off; failed ones
    last.

    **Arguments:**

    - `deviation`: first standard deviation in the unit cube.
    - `members`: of a generation; by default 4 + ⌊3 ln d⌋.
    - `tolerance`: on the changes of x and of the value.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = True

    deviation: float | int = 0.25
    members: int | None = None
    tolerance: float | int = 1e-11

    def init(self, x0: Vector, key: Array, traits: Traits) -> CMAESState:
        random = generator(key)
        start = np.asarray(x0, float)
        return CMAESState(strategy(start, self.deviation, self.tolerance, random, self.members))

    def ask(self, state: CMAESState) -> Request:
        return Request.at(np.clip(np.array(state.generation), 0.0, 1.0), "value")

    def tell(self, state: CMAESState, request: Request, evaluation: Evaluation) -> CMAESState:
        state.strategy.tell(state.generation, list(scalar_merit(evaluation)))
        if not state.strategy.stop():
            state.generation = state.strategy.ask()
        return state

    def status(self, state: CMAESState) -> Int[np.ndarray, " 1"]:
        reason = REASONS.method if state.strategy.stop() else REASONS.running
        return np.asarray(reason_code(reason))[None]
