"""The grammar of every method: ask for points, be told the answers; nothing is evaluated here."""

import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._problem import Evaluation, Order
from .._status import is_successful
from .._types import AnyArray as AnyArray, Vector

Need = Literal["value", "gradient", "jacobian"]

# A number in the settings of a method; the driver makes it an array before jitting.
Setting: TypeAlias = float | int | Array


class REASONS(eqx.Enumeration):
    """Why a method (or one start of it) ended; the text says what that is worth."""

    running = "Not finished."
    decrease = "Converged: no step is expected to lower the value by more than the tolerance."
    step = "Converged: the steps have become shorter than the tolerance."
    gradient = "Converged: the gradient that points into the box is below the tolerance."
    spread = "Converged: the population has contracted below the tolerance."
    method = "The library behind the method reports that it has converged or can do no more."
    steps = "The method has made all the steps it was given."
    roughness = (
        "Converged as far as the value is smooth: short steps that promise little no longer "
        "lower it. A tighter tolerance of the simulator would show more."
    )
    stalled = (
        "No step lowers the value although one should: the value is rougher than its "
        "derivative. Tighten the tolerance of the simulator or loosen that of the method."
    )
    start_failed = "The simulation at the start failed. Start elsewhere or narrow the bounds."
    budget = "The budget is used up."


def reason_code(reason: REASONS) -> Int[Array, ""]:
    """The integer behind a reason, as methods keep it in their state."""
    return jnp.asarray(reason._value, jnp.int32)  # pyright: ignore


def first_reason(
    *verdicts: tuple[Bool[Array, ""], REASONS],
) -> Int[Array, ""]:
    """The code of the first reason whose condition holds; that of `running` if none does."""
    conditions = [condition for condition, _ in verdicts]
    codes = [reason_code(reason) for _, reason in verdicts]
    return jnp.select(conditions, codes, reason_code(REASONS.running))


def reason_name(value: int | np.integer) -> str:
    """The name of a concrete reason code."""
    return list(REASONS._name_to_item)[int(value)]


def reason_names() -> tuple[str, ...]:
    """Names of all reasons, in the order of their codes."""
    return tuple(REASONS._name_to_item)


def reason_text(value: int | np.integer) -> str:
    """What a concrete reason code means."""
    return REASONS._index_to_message[int(value)]


class Traits(eqx.Module):
    """What a method may know of a problem before the first evaluation."""

    size: int = eqx.field(static=True)
    constraints: int = eqx.field(static=True)
    has_residuals: bool = eqx.field(static=True)


@dataclass(frozen=True, eq=False)
class Request:
    """Points that a method wants evaluated.

    **Fields:**

    - `points`: in the unit cube.
    - `starts`: which start of a multistart each point belongs to; 0 otherwise.
    - `active`: False where the point only fills up the batch: its answer is never used, and
      it is neither counted nor recorded.
    - `order`: what is wanted there, see `Problem.evaluate`; static.

    A plain dataclass registered as a PyTree: a module would take longer to make (30 µs) than a
    direct search takes over its next point.
    """

    points: Float[AnyArray, "b d"]
    starts: Int[AnyArray, " b"]
    active: Bool[AnyArray, " b"]
    order: Order

    @staticmethod
    def at(points: Float[AnyArray, "... d"], order: Order) -> "Request":
        """A request for one point (d,) or several (b, d), all of them active."""
        xp = jnp if isinstance(points, jax.Array) else np
        points = points.reshape(-1, points.shape[-1])
        b = points.shape[0]
        return Request(points, xp.zeros(b, int), xp.ones(b, bool), order)


def _rebuilt(order: Order, children: tuple) -> Request:
    # Unchecked: what a transformation puts in place of the arrays need not be arrays.
    request = object.__new__(Request)
    for name, child in zip(("points", "starts", "active"), children, strict=True):
        object.__setattr__(request, name, child)
    object.__setattr__(request, "order", order)
    return request


jax.tree_util.register_pytree_node(
    Request, lambda r: ((r.points, r.starts, r.active), r.order), _rebuilt
)


class AbstractOptimiser(eqx.Module):
    """A method that answers a problem, driven from outside by `solve`.

    A new method is one module with one subclass. Its state is explicit: all that `ask` and
    `tell` know. Methods that are pure JAX declare themselves `vmappable`; their state is then
    a PyTree of arrays (which can be serialised) and many starts run as one batch.

    Points are always in the unit cube; a method whose library knows no bounds keeps them by
    itself and says how.

    **Class attributes:**

    - `needs`: "value", "gradient" or "jacobian".
    - `vmappable`: whether `init`, `ask`, `tell`, `status` are pure JAX on arrays.
    - `population`: whether `ask` wants several points at once.
    - `handles_constraints`: whether constraint slacks are used.
    """

    needs: ClassVar[Need]
    vmappable: ClassVar[bool]
    population: ClassVar[bool] = False
    handles_constraints: ClassVar[bool] = False

    @abc.abstractmethod
    def init(self, x0: Vector, key: Array, traits: Traits) -> Any:
        """The state before the first evaluation."""

    @abc.abstractmethod
    def ask(self, state: Any) -> Request:
        """The points to evaluate next. Does not change the state."""

    @abc.abstractmethod
    def tell(self, state: Any, request: Request, evaluation: Evaluation) -> Any:
        """The state after `request` was answered; `evaluation` has a leading axis `b`."""

    @abc.abstractmethod
    def status(self, state: Any) -> Int[AnyArray, " s"]:
        """A reason code for each start (one, unless it is a multistart); 0 while it runs."""

    def begun(self) -> "AbstractOptimiser":
        """The method after `init`, with the settings that only `init` reads set back.

        So runs that differ in nothing else share the compiled steps.
        """
        return self

    def surrogate_calls(self, state: Any) -> tuple[int, int]:
        """Values and derivatives that the method has taken of a surrogate so far."""
        return 0, 0

    def close(self, state: Any) -> None:
        """Release what the state holds (a thread, say). Called once, at the end."""


def given(array: AnyArray | None) -> AnyArray:
    """An array of an evaluation that the method asked for.

    **Raises:** `TypeError` if it is missing: an error of whoever drives the method.
    """
    if array is None:
        raise TypeError("the evaluation must hold what was asked for, but does not.")
    return array


def succeeded(evaluation: Evaluation) -> Bool[Array, "..."]:
    """Where an evaluation may be used: simulated without failure, all numbers finite."""
    fine = is_successful(evaluation.result) & jnp.isfinite(evaluation.value)
    arrays = (evaluation.gradient, evaluation.residuals, evaluation.jacobian)
    for array in (*arrays, evaluation.constraint_jacobian):
        if array is not None:
            axes = tuple(range(fine.ndim, array.ndim))
            fine &= jnp.all(jnp.isfinite(array), axis=axes)
    return fine


def violation(evaluation: Evaluation) -> Float[Array, "..."]:
    """Sum of the positive constraint slacks: 0 where feasible, infinite where NaN."""
    total = jnp.sum(jnp.maximum(evaluation.constraints, 0.0), axis=-1)
    return jnp.where(jnp.isnan(total), jnp.inf, total)


def merit(evaluation: Evaluation) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """(violation, value), to be compared in this order: Deb's rules.

    Any feasible point beats any infeasible one, and a failed evaluation is beaten by all.

    K. Deb, Computer Methods in Applied Mechanics and Engineering 186 (2000) 311-338.
    """
    fine = succeeded(evaluation)
    worst = jnp.where(fine, violation(evaluation), jnp.inf)
    return worst, jnp.where(fine, evaluation.value, jnp.inf)


def scalar_merit(evaluation: Evaluation) -> np.ndarray:
    """`merit` as one finite number per point, for libraries that rank by one.

    Infeasible points are lifted by 1e100; failed ones are worth 1e150 (squares of it are
    still finite, which some tests of convergence need).
    """
    above, value = (np.asarray(array) for array in merit(evaluation))
    lifted = np.where(above > 0, 1e100 * (1.0 + np.minimum(above, 1e40)), value)
    return np.where(np.isfinite(above) & np.isfinite(value), lifted, 1e150)
