"""The `Run` made of the books at the end."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._problem import Problem
from .._space import DesignSpace
from ._compiled import timed_call
from ._interface import REASONS, reason_code
from ._ledger import Ledger
from ._run import History, Run, Starts

_CHUNK = 64
_DTYPES = {
    "start": np.int64,
    "result": np.int32,
    "columns": np.int64,
    "surrogate_calls": np.int64,
    "order": object,
}


def assemble(
    problem: Problem, ledger: Ledger, reasons: np.ndarray, configuration: dict[str, Any]
) -> Run:
    """The run that the ledger describes; `reasons` holds a code for each start."""
    history = _history(ledger)
    physical = _physical(problem, np.concatenate([history.x, ledger.best_x[None]]))
    names = problem.space.names
    return Run(
        problem_name=problem.name,
        names=names,
        units=problem.space.units,
        best_x=ledger.best_x,
        best_value=ledger.best_value,
        best_violation=ledger.best_merit[0],
        best_physical=dict(zip(names, map(float, physical[-1]), strict=True)),
        best_arrays=ledger.best_arrays,
        starts=_starts(history, reasons),
        history=history,
        counts=ledger.counts,
        reason=_overall(ledger, history, reasons),
        configuration=configuration,
        physical_history=physical[:-1],
    )


def _history(ledger: Ledger) -> History:
    columns = {
        name: np.array([row[name] for row in ledger.rows], _DTYPES.get(name, float))
        for name in History.__dataclass_fields__
    }
    columns["x"] = columns["x"].reshape(-1, ledger.problem.space.size)
    return History(**columns)


def _physical(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Physical values (h, d); in chunks of one shape, so that one program serves every run."""
    space, rows = problem.space, -(-len(x) // _CHUNK) * _CHUNK
    padded = np.pad(x, ((0, rows - len(x)), (0, 0)))
    chunks = padded.reshape(-1, _CHUNK, x.shape[1])
    values = [np.asarray(timed_call(_physical_chunk, space, chunk).value) for chunk in chunks]
    return np.concatenate(values)[: len(x)]


def _physical_chunk(space: DesignSpace, x: Float[Array, "c d"]) -> Float[Array, "c d"]:
    values = jax.vmap(space.physical)(x)
    return jnp.stack([values[name] for name in space.names], axis=-1)


def _starts(history: History, reasons: np.ndarray) -> Starts:
    count, d = reasons.size, history.x.shape[1]
    x_start, x_best = np.full((2, count, d), np.nan)
    value = np.full(count, np.nan)
    evaluations, failed = np.zeros((2, count), int)
    for s in range(count):
        rows = np.flatnonzero(history.start == s)
        evaluations[s] = rows.size
        failed[s] = np.sum(history.result[rows] != 0)
        if rows.size:
            x_start[s] = history.x[rows[0]]
        fine = rows[history.result[rows] == 0]
        if fine.size:
            best = fine[np.lexsort((history.value[fine], history.violation[fine]))[0]]
            x_best[s], value[s] = history.x[best], history.value[best]
    return Starts(x_start, x_best, value, evaluations, failed, reasons.astype(np.int32))


def _overall(ledger: Ledger, history: History, reasons: np.ndarray) -> int:
    """Why the run ended: the budget if that cut any start short, else the best start's reason."""
    budget = int(reason_code(REASONS.budget))
    if np.any(reasons == budget) or not np.isfinite(ledger.best_value):
        return int(budget if np.any(reasons == budget) else reasons[0])
    rows = np.flatnonzero(np.all(history.x == ledger.best_x, axis=1))
    return int(reasons[history.start[rows[0]]])
