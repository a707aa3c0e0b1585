"""What a search sees of a surrogate: value and slacks over the unit cube, with derivatives."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from diffsim import Observables, Problem
from diffsim._types import Vector


class AbstractLandscape(eqx.Module):
    """A differentiable map from a design (d,) to (1 + q,): the value to minimise, then the slacks.

    Slacks are at most zero where feasible. What is not known is NaN.
    """

    size: eqx.AbstractVar[int]
    constraints: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(self, x: Vector) -> Float[Array, " a"]:
        """Value and slacks at one design."""

    @abc.abstractmethod
    def frozen(self, x: Vector) -> "AbstractLandscape":
        """The same with the objective replaced by the linear directional loss at `x`,
        -<u, Φ(·) - Φ(x)> with u the ascent direction of the outputs there."""


class ProblemLandscape(AbstractLandscape):
    """A problem whose simulator is a surrogate (or any other that can be differentiated)."""

    problem: Problem
    size: int = eqx.field(static=True)
    constraints: int = eqx.field(static=True)

    def __call__(self, x: Vector) -> Float[Array, " a"]:
        evaluation = self.problem.evaluate(x)
        return jnp.append(evaluation.value, evaluation.constraints)

    def frozen(self, x: Vector) -> "DirectionalLandscape":
        observables = self.problem.observe(x)
        result, stats = observables.result, observables.stats

        def value(values):
            return self.problem.objective(Observables(values, result, stats))

        return DirectionalLandscape(
            problem=self.problem,
            direction=jax.grad(value)(observables.values),
            origin=observables.values,
            size=self.size,
            constraints=self.constraints,
        )


class DirectionalLandscape(AbstractLandscape):
    """<w, Φ(x) - Φ(x₀)> with w = ∇f(Φ(x₀)), f to be minimised; the constraints are untouched.

    Outputs that the objective does not look at have w = 0 and so drop out by themselves.
    """

    problem: Problem
    direction: PyTree
    origin: PyTree
    size: int = eqx.field(static=True)
    constraints: int = eqx.field(static=True)

    def __call__(self, x: Vector) -> Float[Array, " a"]:
        observables = self.problem.observe(x)
        pairs = jax.tree.map(
            lambda w, y, y0: jnp.sum(w * (y - y0)), self.direction, observables.values, self.origin
        )
        slacks = [c.slacks(observables) for c in self.problem.constraints]
        return jnp.concatenate([jnp.asarray(sum(jax.tree.leaves(pairs)))[None], *slacks])

    def frozen(self, x: Vector) -> "DirectionalLandscape":
        return self


def landscape_of(surrogate: Problem | AbstractLandscape) -> AbstractLandscape:
    """A landscape of a problem; a landscape is returned as it is.

    **Raises:** `ValueError` if the problem's simulator has no derivatives.
    """
    if isinstance(surrogate, AbstractLandscape):
        return surrogate
    if not surrogate.simulator.adjoints:
        raise ValueError(
            f"the surrogate of {surrogate.name!r} must be differentiable for an attack, but "
            f"{type(surrogate.simulator).__name__} has no derivatives. Only the methods that use "
            "values alone can run on it, such as ds.DirectSearch()."
        )
    # Derivatives are taken in reverse here, whatever the problem itself would do.
    simulator = surrogate.simulator.with_adjoint("checkpointed")
    problem: Problem = eqx.tree_at(lambda p: p.simulator, surrogate, simulator)
    size = problem.space.size
    point = jax.ShapeDtypeStruct((size,), float)
    slacks = eqx.filter_eval_shape(lambda x: problem.evaluate(x).constraints, point)
    return ProblemLandscape(problem=problem, size=size, constraints=int(slacks.shape[0]))


def check_size(landscape: AbstractLandscape, size: int, constraints: int) -> None:
    """Whether a surrogate fits a problem.

    **Raises:** `ValueError` naming both numbers.
    """
    if landscape.size != size:
        raise ValueError(
            f"the surrogate must have the {size} variables of the problem, but has "
            f"{landscape.size}."
        )
    if landscape.constraints != constraints:
        raise ValueError(
            f"the surrogate must predict the {constraints} slacks of the problem, but has "
            f"{landscape.constraints}."
        )
