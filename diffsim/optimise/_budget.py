"""What may be spent and what was spent."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from .._problem import Order, Problem

# A reverse-mode gradient costs a small constant: between 2 and 5 forward runs in theory
# (Griewank & Walther, Evaluating Derivatives, 2008, section 4.6), 4-5 measured on the
# voltammetry simulator.
REVERSE_MODE_COST = 5.0


@dataclass(frozen=True)
class Budget:
    """Where to stop; whichever is reached first. A request that does not fit is not made.

    **Arguments** (None: unlimited)

    - `cost`: in forward-equivalent evaluations: a value or residuals 1; a gradient or Jacobian
      in forward mode 1 + d (one tangent per variable), a gradient in reverse mode 5, with those
      of q constraints 5 + 4 q; unless `costs` says otherwise.
    - `evaluations`: points, whatever was asked there.
    - `columns`: forward-mode tangents, d for each Jacobian and forward-mode gradient.
    - `seconds`: of evaluation, compilation apart. A budget of seconds is not reproducible.
    - `costs`: cost by order, e.g. `{"jacobian": 2.6}` as measured.
    - `target`: nothing more is spent once a feasible point has at most this value; such a run
      ends as if the budget were used up.

    **Raises:** `ValueError` if nothing is limited or a limit is not positive.
    """

    cost: float | int | None = None
    evaluations: int | None = None
    columns: int | None = None
    seconds: float | int | None = None
    costs: dict[str, float | int] = field(default_factory=dict)
    target: float | int | None = None

    def __post_init__(self):
        limits = [self.cost, self.evaluations, self.columns, self.seconds]
        if all(limit is None for limit in limits):
            raise ValueError("a Budget must limit something, but all its limits are None.")
        for limit in limits:
            if limit is not None and not limit > 0:
                raise ValueError(f"the limits of a Budget must be positive, but {self}.")

    def price(self, problem: Problem, order: Order, constraints: int = 0) -> float:
        """Cost of one point of the given order; `constraints` is the number of slacks."""
        if order in self.costs:
            return float(self.costs[order])
        if order in ("value", "residuals"):
            return 1.0
        if order == "gradient" and not problem.forward_mode:
            return REVERSE_MODE_COST
        if order == "linearised" and not problem.forward_mode:
            return REVERSE_MODE_COST + (REVERSE_MODE_COST - 1.0) * constraints
        return 1.0 + problem.space.size


def as_budget(budget: "Budget | int | float") -> Budget:
    """A number is a cost in forward-equivalent evaluations."""
    return budget if isinstance(budget, Budget) else Budget(cost=budget)


@dataclass(frozen=True)
class Counts:
    """What a run has spent. Points that only filled up a batch are `idle`, not evaluations.

    - `evaluations` = `values` + `residuals` + `gradients` + `jacobians`: points asked for.
    - `columns`: forward-mode tangents.
    - `cost`: forward-equivalent evaluations at the budget's prices.
    - `surrogate_values`, `surrogate_derivatives`: taken of a surrogate; not evaluations.
    - `failed`: evaluations that ended with a failure code.
    - `evaluation_seconds`, `method_seconds`, `compile_seconds` and the CPU seconds of the
      first two.
    """

    evaluations: int = 0
    values: int = 0
    residuals: int = 0
    gradients: int = 0
    jacobians: int = 0
    columns: int = 0
    cost: float | int = 0.0
    surrogate_values: int = 0
    surrogate_derivatives: int = 0
    failed: int = 0
    idle: int = 0
    evaluation_seconds: float = 0.0
    evaluation_cpu_seconds: float = 0.0
    method_seconds: float = 0.0
    method_cpu_seconds: float = 0.0
    compile_seconds: float = 0.0

    def plus(self, **amounts: float | int) -> "Counts":
        """These counts with `amounts` added."""
        return dataclasses.replace(
            self, **{name: getattr(self, name) + amount for name, amount in amounts.items()}
        )

    def charge(
        self, problem: Problem, budget: Budget, order: Order, points: int, constraints: int = 0
    ) -> "Counts":
        """These counts after `points` more evaluations of an order."""
        kind = {"value": "values", "gradient": "gradients", "jacobian": "jacobians"}
        kind["linearised"] = "gradients"
        forward = order == "jacobian" or (kind.get(order) == "gradients" and problem.forward_mode)
        return self.plus(
            evaluations=points,
            columns=points * problem.space.size if forward else 0,
            cost=points * budget.price(problem, order, constraints),
            **{kind.get(order, "residuals"): points},
        )

    def fits(self, budget: Budget) -> bool:
        """Whether the budget allows all this."""
        pairs = (
            (self.cost, budget.cost),
            (self.evaluations, budget.evaluations),
            (self.columns, budget.columns),
        )
        slack = 1 + 1e-12
        within = all(limit is None or spent <= limit * slack for spent, limit in pairs)
        return within and not self.out_of_time(budget)

    def out_of_time(self, budget: Budget) -> bool:
        """Whether the seconds are used up."""
        return budget.seconds is not None and self.evaluation_seconds >= budget.seconds

    def as_dict(self) -> dict[str, float | int]:
        """Plain numbers by name."""
        return {
            name: int(value) if isinstance(value, int | np.integer) else float(value)
            for name, value in dataclasses.asdict(self).items()
        }
