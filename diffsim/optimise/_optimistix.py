"""Optimistix's quasi-Newton minimisers, with the evaluations done outside."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Float, Int, PyTree

from .._problem import Evaluation
from .._types import IntScalar, Scalar, Vector
from ._interface import (
    REASONS,
    AbstractOptimiser,
    Need,
    Request,
    Setting,
    Traits,
    first_reason,
    given,
    reason_code,
    succeeded,
)

# Starts are moved this far off a bound: at the bound itself the transform has no slope.
_CLEAR = 1e-4
# Length of the first step, in the transformed variable (whose whole range is π).
_FIRST_STEP = 0.3
# Trials in a row without a better value, before the line search is given up.
_PATIENCE = 20


class OptimistixState(eqx.Module):
    """All arrays. `leaves` are those of the solver's own state, in its order.

    `u` is the last accepted point in the transformed variable, `size` the factor that brings
    the first step to a sensible length.
    """

    leaves: tuple[Array, ...]
    u: Vector
    size: Scalar
    slope: Scalar
    rejections: IntScalar
    steps: IntScalar
    reason: IntScalar


class _AbstractOptimistixMinimiser(AbstractOptimiser):
    """A minimiser of Optimistix that evaluates only at `y_eval` (true of its quasi-Newton
    family, see `optimistix/_solver/quasi_newton.py`).

    Its `step` is handed the linear model value + gradient·(y - y_eval) in place of the
    function. Value and gradient of the model at y_eval are exact, and no more is looked at, so
    that the steps are those of the library to the bit.

    **Bounds:** the method works in u, with x = (1 + sin u)/2. Every u is inside the unit
    cube; an optimum at a bound is an ordinary minimum in u, that is reached, not crept up
    to. At a bound the slope in u vanishes, so starts are moved off the bounds by 1e-4.

    **Scale:** the objective is divided by its first gradient such that the first step (a
    unit multiple of the gradient in this family) has length 0.3 in u.

    A failed evaluation has an infinite value: the line search shortens the step.
    """

    needs: ClassVar[Need] = "gradient"
    vmappable: ClassVar[bool] = True

    tolerance: eqx.AbstractVar[Setting]
    gradient_tolerance: eqx.AbstractVar[Setting]
    steps: eqx.AbstractVar[int]

    @abc.abstractmethod
    def solver(self) -> Any:
        """The solver of Optimistix."""

    def init(self, x0: Vector, key: Array, traits: Traits) -> OptimistixState:
        u = jnp.arcsin(2 * jnp.clip(x0, _CLEAR, 1 - _CLEAR) - 1)
        leaves, _ = self._skeleton(u)
        return OptimistixState(
            leaves=leaves,
            u=u,
            size=jnp.asarray(1.0),
            slope=jnp.asarray(jnp.inf),
            rejections=jnp.asarray(0),
            steps=jnp.asarray(0),
            reason=reason_code(REASONS.running),
        )

    def ask(self, state: OptimistixState) -> Request:
        return Request.at(_inside(self._solver_state(state).y_eval), "gradient")

    def status(self, state: OptimistixState) -> Int[Array, " 1"]:
        return state.reason[None]

    def tell(
        self, state: OptimistixState, request: Request, evaluation: Evaluation
    ) -> OptimistixState:
        answer = jax.tree.map(lambda leaf: leaf[0], evaluation)
        fine, first = succeeded(answer), state.steps == 0
        inner = self._solver_state(state)
        gradient = jnp.where(fine, given(answer.gradient) * 0.5 * jnp.cos(inner.y_eval), 0.0)
        length = jnp.sqrt(jnp.sum(gradient**2))
        size = jnp.where(first & (length > 0), _FIRST_STEP / length, state.size)
        value = jnp.where(fine, answer.value, jnp.inf)
        u, told = self._step(inner, state.u, size * value, size * gradient)
        accepted = told.num_accepted_steps > inner.num_accepted_steps
        # Relative to the value, as long as that is not small.
        steepness = jnp.max(jnp.abs(gradient)) / jnp.maximum(1.0, jnp.abs(answer.value))
        slope = jnp.where(accepted & fine, steepness, state.slope)
        rejections = jnp.where(accepted, 0, state.rejections + 1)
        steps = state.steps + 1
        reason = first_reason(
            (first & ~fine, REASONS.start_failed),
            (told.terminate, REASONS.step),
            (slope <= self.gradient_tolerance, REASONS.gradient),
            (rejections >= _PATIENCE, REASONS.stalled),
            (steps >= self.steps, REASONS.steps),
        )
        leaves = tuple(jax.tree.leaves(eqx.filter(told, eqx.is_array)))
        return OptimistixState(leaves, u, size, slope, rejections, steps, reason)

    def _step(self, inner: Any, u: Vector, value: Scalar, gradient: Vector):
        """One step of the solver on the linear model around `inner.y_eval`."""
        at = inner.y_eval

        def model(y, args):
            # Where the gradient is zero the value stands alone, infinite or not.
            return value + jnp.sum(jnp.where(gradient == 0, 0.0, gradient * (y - at))), None

        u, told, _ = self.solver().step(model, u, None, {}, inner, frozenset())
        return u, told

    def _skeleton(self, u: Vector) -> tuple[tuple[Array, ...], tuple[Any, PyTree]]:
        """Leaves and everything else of a fresh solver state.

        The rest holds jaxprs, which compare by identity: it is made anew at each trace, so
        that what travels between calls is arrays only.
        """
        fresh = self.solver().init(
            lambda y, args: (jnp.sum(y), None),
            u,
            None,
            {},
            jax.ShapeDtypeStruct((), u.dtype),
            None,
            frozenset(),
        )
        dynamic, static = eqx.partition(fresh, eqx.is_array)
        leaves, treedef = jax.tree.flatten(dynamic)
        return tuple(map(jnp.asarray, leaves)), (treedef, static)

    def _solver_state(self, state: OptimistixState) -> Any:
        _, (treedef, static) = self._skeleton(state.u)
        return eqx.combine(jax.tree.unflatten(treedef, state.leaves), static)


def _inside(u: Vector) -> Float[Array, " d"]:
    return jnp.clip(0.5 * (1 + jnp.sin(u)), 0.0, 1.0)


class BFGS(_AbstractOptimistixMinimiser):
    """BFGS with Armijo backtracking (Optimistix), for a scalar with gradients.

    **Arguments:**

    - `tolerance`: on the step in u and on the relative decrease of the value, both at once.
    - `gradient_tolerance`: on the largest derivative in u, relative to max(1, |value|).
    - `steps`: evaluations after which it gives up.
    """

    tolerance: Setting = 1e-8
    gradient_tolerance: Setting = 1e-8
    steps: int = eqx.field(static=True, default=500)

    def solver(self) -> Any:
        tolerance: Any = self.tolerance
        return optx.BFGS(rtol=tolerance, atol=tolerance)


class LBFGS(_AbstractOptimistixMinimiser):
    """Limited-memory BFGS with Armijo backtracking (Optimistix), for many variables.

    Arguments as for `BFGS`, and `history`: the number of steps remembered.
    """

    tolerance: Setting = 1e-8
    gradient_tolerance: Setting = 1e-8
    history: int = eqx.field(static=True, default=10)
    steps: int = eqx.field(static=True, default=500)

    def solver(self) -> Any:
        tolerance: Any = self.tolerance
        return optx.LBFGS(rtol=tolerance, atol=tolerance, history_length=self.history)
