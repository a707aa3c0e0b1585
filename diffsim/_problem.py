"""A question asked of a simulator over a design space."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ._objective import AbstractObjective, AbstractResidualObjective, Constraint
from ._observables import Observables
from ._simulator import AbstractSimulator, AdjointName
from ._space import DesignSpace
from ._status import RESULTS
from ._types import AnyArray, Vector

Order = Literal["value", "gradient", "residuals", "jacobian", "linearised"]

# Forward mode costs one tangent per variable, reverse mode a constant: measured on the
# voltammetry simulator the two meet at about eight variables.
FORWARD_MODE_LIMIT = 8


class Evaluation(eqx.Module):
    """What the simulator answered at one point; None where it was not asked for."""

    value: Float[AnyArray, "..."]
    constraints: Float[AnyArray, "... q"]
    result: RESULTS
    gradient: Float[AnyArray, "... d"] | None = None
    residuals: Float[AnyArray, "... p"] | None = None
    jacobian: Float[AnyArray, "... p d"] | None = None
    constraint_jacobian: Float[AnyArray, "... q d"] | None = None


class Problem(eqx.Module):
    """Simulator + inputs + design space + objective (+ constraints): one question.

    Every method of optimisation answers the same object. Its functions are pure, take the
    vector `x` (d,) in the unit cube, and may be transformed by JAX.

    A failed simulation has value NaN and a result code; the driver records it as failed.

    **Raises** (on construction): `ValueError` for a design variable the simulator lacks.
    """

    simulator: AbstractSimulator
    inputs: PyTree
    space: DesignSpace
    objective: AbstractObjective
    constraints: tuple[Constraint, ...]
    name: str = eqx.field(static=True)

    def __init__(
        self,
        simulator: AbstractSimulator,
        inputs: PyTree,
        space: DesignSpace,
        objective: AbstractObjective,
        constraints: tuple[Constraint, ...] = (),
        *,
        name: str = "problem",
    ):
        self.simulator = simulator
        self.inputs = inputs
        self.space = space.bind(simulator)
        self.objective = objective
        self.constraints = tuple(constraints)
        self.name = name

    @property
    def has_residuals(self) -> bool:
        """Whether least-squares methods apply."""
        return isinstance(self.objective, AbstractResidualObjective)

    @property
    def forward_mode(self) -> bool:
        """Whether derivatives go forward: so for few variables, if the simulator can."""
        can = self.simulator.adjoints
        if "forward" not in can and "implicit" not in can:
            return False
        only_forward = "checkpointed" not in can and "implicit" not in can
        return self.space.size <= FORWARD_MODE_LIMIT or only_forward

    def observe(self, x: Vector, adjoint: AdjointName | None = None) -> Observables:
        """Simulate at `x`."""
        simulator = self.space.apply(self.simulator, x)
        if adjoint is not None and adjoint in simulator.adjoints:
            simulator = simulator.with_adjoint(adjoint)
        return simulator(self.inputs)

    def evaluate(self, x: Vector, order: Order = "value") -> Evaluation:
        """Everything of the given order at `x`. Pure; jit and vmap it at the call site.

        - "value": value, constraints
        - "gradient": and the gradient (d,)
        - "residuals": value, constraints and residuals (p,)
        - "jacobian": residuals (p,), their Jacobian (p, d), and the gradient that follows
        - "linearised": and the gradient (d,), and that of each constraint (q, d)

        **Raises:** `TypeError` if residuals are asked of an objective that has none.
        """
        if order in ("residuals", "jacobian") and not self.has_residuals:
            raise TypeError(
                f"order must be 'value' or 'gradient' for an objective without residuals, but "
                f"{order!r} was asked of {type(self.objective).__name__}."
            )
        if order == "value":
            return self._value(x, None)
        if order == "residuals":
            return self._residuals(x, None)
        if order == "jacobian":
            return self._jacobian(x)
        if order == "linearised":
            return self._linearised(x)
        return self._gradient(x)

    def _slacks(self, observables: Observables) -> Float[Array, " q"]:
        parts = [constraint.slacks(observables) for constraint in self.constraints]
        return jnp.concatenate(parts) if parts else jnp.zeros((0,))

    def _value(self, x: Vector, adjoint: AdjointName | None) -> Evaluation:
        observables = self.observe(x, adjoint)
        value = self.objective(observables)
        return Evaluation(value, self._slacks(observables), observables.result)

    def _residuals(self, x: Vector, adjoint: AdjointName | None) -> Evaluation:
        observables = self.observe(x, adjoint)
        residuals = self.objective.residuals(observables)  # pyright: ignore
        value = 0.5 * jnp.sum(residuals**2)
        slacks = self._slacks(observables)
        return Evaluation(value, slacks, observables.result, residuals=residuals)

    def _jacobian(self, x: Vector) -> Evaluation:
        # Rows are many and columns few: forward, wherever the simulator can.
        backward = self.simulator.adjoints == ("checkpointed",)
        adjoint = "checkpointed" if backward else "forward"
        differentiate = jax.jacrev if backward else jax.jacfwd

        def residuals(x):
            evaluation = self._residuals(x, adjoint)
            return evaluation.residuals, evaluation

        jacobian, evaluation = differentiate(residuals, has_aux=True)(x)
        gradient = evaluation.residuals @ jacobian
        return eqx.tree_at(
            lambda e: (e.gradient, e.jacobian),
            evaluation,
            (gradient, jacobian),
            is_leaf=lambda v: v is None,
        )

    def _gradient(self, x: Vector) -> Evaluation:
        adjoint = "forward" if self.forward_mode else "checkpointed"
        differentiate = jax.jacfwd if self.forward_mode else jax.grad

        def value(x):
            evaluation = self._value(x, adjoint)
            return evaluation.value, evaluation

        gradient, evaluation = differentiate(value, has_aux=True)(x)
        return eqx.tree_at(lambda e: e.gradient, evaluation, gradient, is_leaf=lambda v: v is None)

    def _linearised(self, x: Vector) -> Evaluation:
        adjoint = "forward" if self.forward_mode else "checkpointed"
        differentiate = jax.jacfwd if self.forward_mode else jax.jacrev

        def answers(x):
            evaluation = self._value(x, adjoint)
            return jnp.append(evaluation.value, evaluation.constraints), evaluation

        rows, evaluation = differentiate(answers, has_aux=True)(x)
        return eqx.tree_at(
            lambda e: (e.gradient, e.constraint_jacobian),
            evaluation,
            (rows[0], rows[1:]),
            is_leaf=lambda v: v is None,
        )


@eqx.filter_jit
def evaluate(problem: Problem, x: Vector, order: Order) -> Evaluation:
    """Jitted `problem.evaluate`; problems that differ only in numbers share a compilation."""
    return problem.evaluate(x, order)


@eqx.filter_jit
def evaluate_batch(problem: Problem, x: Float[Array, "b d"], order: Order) -> Evaluation:
    """Jitted `problem.evaluate` over a batch of points."""
    return evaluate_all(problem, x, order)


def evaluate_all(problem: Problem, x: Float[Array, "b d"], order: Order) -> Evaluation:
    """`problem.evaluate` over a batch of points, together or in turn as suits its simulator."""
    one = lambda point: problem.evaluate(point, order)
    in_turn = problem.simulator.batches == "in turn"
    return jax.lax.map(one, x) if in_turn else jax.vmap(one)(x)
