"""NOMAD, the reference implementation of mesh-adaptive direct search (extra `nomad`)."""

import importlib.util
from typing import ClassVar

import equinox as eqx
import numpy as np

from ._conversation import AbstractConversation, Ask, _Stop
from ._interface import Need, Traits, succeeded


class NOMAD(AbstractConversation):
    """Mesh-adaptive direct search with the progressive barrier, by PyNomadBBO.

    **Arguments:**

    - `models`: whether its quadratic-model search is on (slow from ten variables on).
    - `evaluations`: after which NOMAD ends by itself; it cannot be stopped sooner, so that it
      should be no more than the budget.
    - `parameters`: further lines of NOMAD's own.

    **Raises:** `ImportError` naming the extra if PyNomadBBO is not installed.

    C. Audet, S. Le Digabel, V. Rochon Montplaisir, C. Tribes, ACM Trans. Math. Softw. 48 (2022) 35.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    handles_constraints: ClassVar[bool] = True

    models: bool = eqx.field(static=True, default=True)
    evaluations: int = 1000
    parameters: tuple[str, ...] = ()

    def __check_init__(self):
        if importlib.util.find_spec("PyNomad") is None:
            raise ImportError("NOMAD needs the package PyNomadBBO: pip install diffsim[nomad].")

    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        import PyNomad

        stopped: list[_Stop] = []

        def blackbox(point) -> int:
            if stopped:  # NOMAD takes an exception for a failed evaluation and goes on
                return 0
            x = np.array([point.get_coord(i) for i in range(point.size())])
            try:
                answer = ask(x[None], "value")
            except _Stop as stop:
                stopped.append(stop)
                return 0
            if not bool(succeeded(answer)[0]):
                return 0
            numbers = [float(answer.value[0]), *np.asarray(answer.constraints[0])]
            point.setBBO(" ".join(repr(float(n)) for n in numbers).encode("UTF-8"))
            return 1

        lines = [
            "BB_OUTPUT_TYPE " + " ".join(["OBJ"] + ["PB"] * traits.constraints),
            f"MAX_BB_EVAL {self.evaluations}",
            f"SEED {int(seed.integers(2**31 - 1))}",
            "NB_THREADS_PARALLEL_EVAL 1",
            "DISPLAY_DEGREE 0",
            "DISPLAY_ALL_EVAL false",
            "DISPLAY_STATS BBE OBJ",
            *(() if self.models else ("QUAD_MODEL_SEARCH no", "EVAL_QUEUE_SORT DIR_LAST_SUCCESS")),
            *self.parameters,
        ]
        low, high = [0.0] * x0.size, [1.0] * x0.size
        PyNomad.optimize(blackbox, [float(x) for x in x0], low, high, lines)
        if stopped:
            raise stopped[0]
