"""CMA-ES with an augmented Lagrangian for constraints, by the author's library."""

import warnings
from typing import ClassVar
from unittest import mock

import numpy as np

from ._cma_strategy import strategy
from ._conversation import AbstractConversation, Ask
from ._interface import Need, Traits, succeeded

_FAILED = 1e10


class CMALagrangian(AbstractConversation):
    """`cma.ConstrainedFitnessAL` around CMA-ES: a whole generation at a time.

    P. Dufossé and N. Hansen, GECCO 2021.

    **Arguments:**

    - `deviation`: first standard deviation in the unit cube.
    - `tolerance`: on the changes of x and of the value.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = True

    deviation: float | int = 0.25
    tolerance: float | int = 1e-11

    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        import cma  # brings Matplotlib and a second of start-up: only for those who use it

        known: dict[bytes, tuple[float, np.ndarray]] = {}

        def learn(points: np.ndarray) -> None:
            answer = ask(points, "value")
            fine = np.asarray(succeeded(answer))
            values = np.where(fine, np.asarray(answer.value), _FAILED)
            slacks = np.nan_to_num(np.asarray(answer.constraints), nan=_FAILED)
            known.update(
                {x.tobytes(): pair for x, *pair in zip(points, values, slacks, strict=True)}
            )

        def recall(x: np.ndarray):
            x = np.clip(np.asarray(x, float), 0.0, 1.0)
            if x.tobytes() not in known:
                learn(x[None])
            return known[x.tobytes()]

        evolution = strategy(np.asarray(x0, float), self.deviation, self.tolerance, seed)
        fitness = cma.ConstrainedFitnessAL(
            lambda x: float(recall(x)[0]),
            lambda x: list(np.asarray(recall(x)[1], float)),
            dimension=x0.size,
            find_feasible_first=False,
            logging=0,
        )
        # Its loggers make a folder in the working directory even if they are not to write: the
        # Lagrangian, which it makes when first asked for, is made without (the library's own way).
        with mock.patch.object(cma.constraints_handler, "_Logger", cma.logger.LoggerDummy):
            _ = fitness.al
        learn(np.asarray(x0, float)[None])
        while not evolution.stop():
            generation = evolution.ask()
            learn(np.clip(np.array(generation), 0.0, 1.0))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                evolution.tell(generation, [fitness(x) for x in generation])
                fitness.update(evolution)
            known.clear()
