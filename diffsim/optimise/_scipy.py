"""SciPy's minimisers."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
import scipy

from .._problem import Evaluation, Order
from ._conversation import AbstractConversation, Ask, FailurePenalty
from ._interface import Need, Traits, given, scalar_merit, succeeded

_WITH_GRADIENT = ("L-BFGS-B", "TNC", "SLSQP")
_WITHOUT_GRADIENT = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
_WITH_CONSTRAINTS = ("COBYLA", "COBYQA", "SLSQP")


class ScipyMinimise(AbstractConversation):
    """`scipy.optimize.minimize` by one of its methods that know bounds.

    With gradients: "L-BFGS-B", "TNC", "SLSQP". Without: "Nelder-Mead", "Powell", "COBYLA",
    "COBYQA". "SLSQP" (with the exact derivatives of the constraints), "COBYLA" and "COBYQA" take
    constraints.

    `margin`: by which constraints are to hold. These methods end on a constraint from either side
    within rounding, and the books of the driver know no tolerance.

    A failed evaluation gets a finite value worse than any seen (and a zero gradient).

    **Raises:** `ValueError` for a method that is not one of these.
    """

    vmappable: ClassVar[bool] = False

    method: str
    options: Mapping[str, Any] = eqx.field(default_factory=dict)
    tolerance: float | int | None = None
    margin: float | int = 1e-6

    def __check_init__(self):
        known = _WITH_GRADIENT + _WITHOUT_GRADIENT
        if self.method not in known:
            raise ValueError(f"method must be one of {known}, but is {self.method!r}.")

    @property
    def needs(self) -> Need:
        return "gradient" if self.method in _WITH_GRADIENT else "value"

    @property
    def handles_constraints(self) -> bool:
        return self.method in _WITH_CONSTRAINTS

    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        order: Order = "gradient" if self.needs == "gradient" else "value"
        arguments: dict[str, Any] = {}
        if order == "gradient" and traits.constraints:
            order = "linearised"
        function = _Memo(ask, order, self.margin)
        if traits.constraints:
            arguments["constraints"] = [{"type": "ineq", "fun": function.room}]
        if order == "linearised":
            arguments["constraints"][0]["jac"] = function.room_slopes
        scipy.optimize.minimize(
            function.value if order == "value" else function.value_and_gradient,
            x0,
            jac=None if order == "value" else True,
            method=self.method,
            bounds=[(0.0, 1.0)] * traits.size,
            tol=self.tolerance,
            options=dict(self.options),
            **arguments,
        )


class NelderMead(AbstractConversation):
    """The simplex method of Nelder and Mead (1965) in SciPy, adaptive to the dimension.

    **Arguments:**

    - `size`: edge of the first simplex in the unit cube.
    - `tolerance`: on the size of the simplex, and on the spread of its values relative to
      the best at the start.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False

    size: float | int = 0.1
    tolerance: float | int = 1e-8

    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        # Towards the inside, so that no vertex is projected onto another.
        edges = np.diag(np.where(x0 + self.size <= 1.0, self.size, -self.size))
        limit = 10**6
        scipy.optimize.minimize(
            _Memo(ask, "value").value,
            x0,
            method="Nelder-Mead",
            bounds=[(0.0, 1.0)] * traits.size,
            options={
                "initial_simplex": np.concatenate([x0[None], x0 + edges]),
                "xatol": self.tolerance,
                "fatol": self.tolerance,
                "adaptive": traits.size > 2,
                "maxiter": limit,
                "maxfev": limit,
            },
        )


class DifferentialEvolution(AbstractConversation):
    """SciPy's differential evolution (Storn and Price 1997), a whole generation at a time.

    **Arguments:**

    - `population`: members per variable.
    - `tolerance`: on the standard deviation of the values relative to their mean.
    - `generations`: after which it gives up.

    Infeasible points rank below every feasible one, by how far they are off.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = True

    members: int = 15
    tolerance: float | int = 1e-8
    generations: int = 10_000

    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        def values(columns: np.ndarray) -> np.ndarray:
            return scalar_merit(ask(np.atleast_2d(columns.T), "value"))

        scipy.optimize.differential_evolution(
            values,
            [(0.0, 1.0)] * traits.size,
            x0=x0,
            popsize=self.members,
            tol=self.tolerance,
            maxiter=self.generations,
            rng=seed,
            polish=False,
            updating="deferred",
            vectorized=True,
        )


class _Memo:
    """Value, gradient and constraints of a point, asked for once."""

    def __init__(self, ask: Ask, order: Order, margin: float = 0.0):
        self._ask = ask
        self._margin = margin
        self._order: Order = order
        self._penalty = FailurePenalty()
        self._known: tuple[bytes, Evaluation] | None = None

    def value(self, x: np.ndarray) -> float:
        evaluation = self._at(x)
        return self._penalty(float(evaluation.value[0]), bool(succeeded(evaluation)[0]))

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        evaluation = self._at(x)
        fine = bool(succeeded(evaluation)[0])
        gradient = np.asarray(given(evaluation.gradient)[0]) if fine else np.zeros_like(x)
        return self._penalty(float(evaluation.value[0]), fine), gradient

    def room(self, x: np.ndarray) -> np.ndarray:
        """Constraints in SciPy's sign: at least zero where feasible."""
        slacks = np.nan_to_num(np.asarray(self._at(x).constraints[0]), nan=1e10)
        return -slacks - self._margin

    def room_slopes(self, x: np.ndarray) -> np.ndarray:
        """Derivatives (q, d) of the room."""
        return -np.nan_to_num(np.asarray(given(self._at(x).constraint_jacobian)[0]))

    def _at(self, x: np.ndarray) -> Evaluation:
        key = np.asarray(x, float).tobytes()
        if self._known is None or self._known[0] != key:
            self._known = (key, self._ask(np.asarray(x, float)[None], self._order))
        return self._known[1]
