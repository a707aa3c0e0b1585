"""Answers to requests: from the log as long as it lasts, then from the simulator."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._problem import Evaluation, Order, Problem
from .._status import code, from_code
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
    """Evaluations of one problem, whose leaves are taken apart once."""

    def __init__(self, problem: Problem):
        self._one, self._many = Prepared(_one, problem), Prepared(_many, problem)

    def __call__(self, request: Request) -> Timed:
        points = jnp.asarray(request.points)
        evaluate = self._many if points.shape[0] > 1 else self._one
        return evaluate(points, request.order)


def _one(problem: Problem, x: Array, order: Order) -> Evaluation:
    # Not a batch of one: under `vmap` a simulator's branches would both be computed.
    return jax.tree.map(lambda leaf: leaf[None], problem.evaluate(x[0], order))


def _many(problem: Problem, x: Array, order: Order) -> Evaluation:
    return jax.vmap(lambda point: problem.evaluate(point, order))(x)


_FIELDS = ("value", "constraints", "gradient", "residuals", "jacobian", "constraint_jacobian")


def _pick(evaluation: Evaluation, active: np.ndarray) -> dict[str, np.ndarray]:
    """Active rows of an evaluation, by name, as they are logged."""
    arrays = {"result": np.asarray(code(evaluation.result), np.int32)[active]}
    for name in _FIELDS:
        array = getattr(evaluation, name)
        if array is not None:
            arrays[name] = np.asarray(array)[active]
    return arrays


def _spread(record: Record, active: np.ndarray) -> Evaluation:
    """Inverse of `_pick`; idle rows are zeros, so that no method can come to depend on them."""
    spread = {}
    for name in (*_FIELDS, "result"):
        rows = record.arrays.get(name)
        if rows is None:
            spread[name] = None
            continue
        spread[name] = np.zeros((active.size, *rows.shape[1:]), rows.dtype)
        spread[name][active] = rows
    present = {name: array for name, array in spread.items() if array is not None}
    spread |= jax.device_put(present)
    return Evaluation(result=from_code(spread.pop("result")), **spread)
