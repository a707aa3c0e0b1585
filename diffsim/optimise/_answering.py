"""Answers to requests: from the log as long as it lasts, then from the simulator."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._problem import Evaluation, Order, Problem, evaluate_all
from .._status import RESULTS
from ._compiled import Prepared, Timed
from ._interface import Request
from ._ledger import Ledger
from ._records import Record
from ._store import Store


def answer(simulate: "Simulation", request: Request, ledger: Ledger, store: Store) -> Evaluation:
    """The evaluation of a request: from the log if it is there, else simulated and logged."""
    active = np.asarray(request.active)
    points = np.asarray(request.points)[active]
    starts = np.asarray(request.starts)[active]
    record = store.next(points, request.order)
    if record is None:
        timed = simulate(request)
        header = {
            "order": request.order,
            "idle": int(np.sum(~active)),
            "seconds": timed.seconds,
            "cpu_seconds": timed.cpu_seconds,
            "compile_seconds": timed.compile_seconds,
        }
        arrays = {"x": points, "start": starts} | _pick(timed.value, active)
        record = Record(header, arrays)
        store.append(record)
    ledger.enter(record)
    return _spread(record, active)


class Simulation:
    """Evaluations of one problem, whose leaves are taken apart once.

    Simulators whose programs take long to compile, those with `batches = "in turn"`, are asked for
    one point at a time, and for Jacobians where gradients go forward anyway: two programs for
    all methods."""

    def __init__(self, problem: Problem):
        self._one, self._many = Prepared(_one, problem), Prepared(evaluate_all, problem)
        self._in_turn = problem.simulator.batches == "in turn"
        self._by_jacobian = self._in_turn and problem.has_residuals and problem.forward_mode

    def __call__(self, request: Request) -> Timed:
        points = jnp.asarray(request.points)
        if self._in_turn:
            return _joined([self._alone(point[None], request.order) for point in points])
        evaluate = self._many if points.shape[0] > 1 else self._one
        return evaluate(points, request.order)

    def _alone(self, point: Array, order: Order) -> Timed:
        if order != "gradient" or not self._by_jacobian:
            return self._one(point, order)
        timed = self._one(point, "jacobian")
        unasked = lambda e: (e.residuals, e.jacobian)
        return timed._replace(value=eqx.tree_at(unasked, timed.value, (None, None)))


def _joined(answers: list[Timed]) -> Timed:
    """Answers at single points as that at all of them."""
    if len(answers) == 1:
        return answers[0]
    evaluations = [answer.value for answer in answers]
    together = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *evaluations)
    return Timed(together, *(sum(times) for times in list(zip(*answers, strict=True))[1:]))


def _one(problem: Problem, x: Array, order: Order) -> Evaluation:
    # Not a batch of one: under `vmap` a simulator's branches would both be computed.
    return jax.tree.map(lambda leaf: leaf[None], problem.evaluate(x[0], order))


# In the order of the fields of `Evaluation`.
_FIELDS = (
    "value",
    "constraints",
    "result",
    "gradient",
    "residuals",
    "jacobian",
    "constraint_jacobian",
)


def _pick(evaluation: Evaluation, active: np.ndarray) -> dict[str, np.ndarray]:
    """Active rows of an evaluation, by name, as they are logged."""
    result = np.asarray(evaluation.result._value, np.int32)  # pyright: ignore
    arrays = {"result": result[active]}
    for name in _FIELDS:
        array = getattr(evaluation, name)
        if array is not None and name != "result":
            arrays[name] = np.asarray(array)[active]
    return arrays


def _spread(record: Record, active: np.ndarray) -> Evaluation:
    """Inverse of `_pick`; idle rows are zeros, so that no method can come to depend on them.

    The arrays are NumPy's: methods that are no JAX would take longer to move them than to use them.
    """
    names = tuple(name for name in _FIELDS if name in record.arrays)
    whole = bool(active.all())
    spread = []
    for name in names:
        rows = record.arrays[name]
        if not whole:
            rows = np.zeros((active.size, *rows.shape[1:]), rows.dtype)
            rows[active] = record.arrays[name]
        spread.append(rows)
    return jax.tree.unflatten(_structure(names), spread)


@functools.cache
def _structure(names: tuple[str, ...]) -> Any:
    """Of an evaluation with these fields; made once, as a module is slow to make."""
    dummies = {name: jnp.zeros((1, 1, 1)) for name in names if name != "result"}
    return jax.tree.structure(Evaluation(result=RESULTS.successful, **dummies))
