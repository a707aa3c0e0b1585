"""One driver for every method: evaluates, counts, keeps the best, records and resumes."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._precision import require_x64
from .._problem import Evaluation, Problem
from .._status import SimulationError, code, from_code, remedy_of
from ._assemble import assemble
from ._budget import Budget, as_budget
from ._compiled import Timed, timed_call
from ._fingerprint import describe, describe_space, problem_hash, versions
from ._interface import REASONS, AbstractOptimiser, Request, Traits, reason_code
from ._ledger import Ledger
from ._progress import progress_bar
from ._records import Record
from ._run import Run
from ._store import Store


def solve(
    problem: Problem,
    optimiser: AbstractOptimiser,
    *,
    budget: Budget | int,
    x0: Float[Array, " d"] | Mapping[str, float] | None = None,
    key: Array | int | None = None,
    directory: str | Path | None = None,
    progress: bool = True,
    throw: bool = True,
) -> Run:
    """Let a method answer a problem under a budget.

    **Arguments:**

    - `budget`: a `Budget`, or a number of forward-equivalent evaluations.
    - `x0`: where to start: a point of the unit cube, or physical values by name; by default
      the problem's own start.
    - `key`: of the random stream, or an integer; by default 0. The same key, the same run.
    - `directory`: keep an append-only log of every evaluation there. The same call with the
      same directory continues a run that was killed, with the same bits as if it had not
      been; a larger budget continues a finished one.
    - `progress`: show a bar on standard error, if that is a terminal.
    - `throw`: raise if no evaluation succeeded; else the run says so.

    **Raises:**

    - `ValueError` if the method does not suit the problem, the budget does not allow the
      first request, `x0` lies outside the unit cube, or the directory holds another run.
    - `SimulationError` if every evaluation failed (with `throw`).
    """
    require_x64()
    budget, key = as_budget(budget), _as_key(key)
    check_capabilities(problem, optimiser)
    x0 = _start(problem, x0)
    configuration = {
        "problem": problem.name,
        "problem_sha256": problem_hash(problem),
        "space": describe_space(problem.space),
        "optimiser": describe(optimiser),
        "x0": describe(x0),
        "key": describe(key),
        "versions": dict(versions()),
    }
    with Store(directory, configuration) as store, progress_bar(budget, enabled=progress) as bar:
        ledger, reasons = _loop(problem, optimiser, budget, x0, key, store, bar)
    configuration["budget"] = describe(budget)
    run = assemble(problem, ledger, reasons, configuration)
    if throw and not np.isfinite(run.best_value):
        first = int(run.history.result[0]) if run.history.result.size else 0
        raise SimulationError(
            f"all {run.counts.evaluations} evaluations of {problem.name!r} failed: "
            f"{remedy_of(first)}"
        )
    return run


def resume(directory: str | Path, problem: Problem, optimiser: AbstractOptimiser, **kwargs) -> Run:
    """`solve` for a directory that must hold a run already; start and key are its own.

    **Raises:** `FileNotFoundError` if there is no run in the directory.
    """
    stored = Store.configuration(directory)
    kwargs.setdefault("x0", np.asarray(stored["x0"], float))
    kwargs.setdefault("key", jax.random.wrap_key_data(np.asarray(stored["key"], np.uint32)))
    return solve(problem, optimiser, directory=directory, **kwargs)


def check_capabilities(problem: Problem, optimiser: AbstractOptimiser) -> None:
    """Whether the method suits the problem, before any compute.

    **Raises:** `ValueError` saying what is missing and what to use instead.
    """
    name = type(optimiser).__name__
    if optimiser.needs == "jacobian" and not problem.has_residuals:
        raise ValueError(
            f"the objective must have residuals for {name}, but "
            f"{type(problem.objective).__name__} is a scalar. Use BFGS or a gradient-free method."
        )
    if problem.constraints and not optimiser.handles_constraints:
        raise ValueError(
            f"the problem must have no constraints for {name}, but has "
            f"{[constraint.name for constraint in problem.constraints]}. Use a method that "
            "handles constraints, such as CMAES, DifferentialEvolution or ScipyMinimise('COBYQA')."
        )


def traits_of(problem: Problem) -> Traits:
    """What a method may know of the problem; computes nothing, traces it for constraints."""
    size, constraints = problem.space.size, 0
    if problem.constraints:
        point = jax.ShapeDtypeStruct((size,), float)
        slacks = eqx.filter_eval_shape(lambda x: problem.evaluate(x).constraints, point)
        constraints = int(slacks.shape[0])
    return Traits(size, constraints, problem.has_residuals)


def _loop(problem, optimiser, budget, x0, key, store, bar):
    """Ask, evaluate, tell until the method ends or the budget would be exceeded."""
    ledger = Ledger(problem, budget)
    method = _Method(optimiser, ledger)
    state, request, reasons = method(_begin, x0, key, traits_of(problem))
    try:
        while np.any(reasons == _RUNNING) and ledger.affords(request):
            evaluation = _answer(problem, request, ledger, store)
            state, request, reasons = method(_advance, state, request, evaluation)
            bar.show(ledger)
    finally:
        optimiser.close(state)
    if ledger.counts.evaluations == 0:
        raise ValueError(f"the budget must allow a first request, but {budget} does not.")
    return ledger, np.where(reasons == _RUNNING, int(reason_code(REASONS.budget)), reasons)


_RUNNING = int(reason_code(REASONS.running))


def _begin(optimiser: AbstractOptimiser, x0, key, traits: Traits):
    """State, first request and reasons."""
    return _outlook(optimiser, optimiser.init(x0, key, traits))


def _advance(optimiser: AbstractOptimiser, state, request: Request, evaluation: Evaluation):
    """State, next request and reasons after an answer."""
    return _outlook(optimiser, optimiser.tell(state, request, evaluation))


def _outlook(optimiser: AbstractOptimiser, state):
    reasons = optimiser.status(state)
    # Methods that are not pure JAX are not asked once they have ended.
    ended = not optimiser.vmappable and np.all(np.asarray(reasons) != _RUNNING)
    return state, None if ended else optimiser.ask(state), reasons


class _Method:
    """The steps of a method: jitted if they are pure JAX; timed either way."""

    def __init__(self, optimiser: AbstractOptimiser, ledger: Ledger):
        self._ledger = ledger
        self._optimiser = optimiser

    def __call__(self, step: Callable, *args: Any) -> Any:
        optimiser = self._optimiser if step is _begin else self._optimiser.begun()
        if optimiser.vmappable:
            timed = timed_call(step, _with_arrays(optimiser), *args)
        else:
            wall, cpu = time.perf_counter(), time.process_time()
            value = step(optimiser, *args)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            timed = Timed(value, wall, cpu, 0.0)
        self._ledger.spend_on_method(timed)
        state, request, reasons = timed.value
        return state, request, np.atleast_1d(np.asarray(reasons))


def _with_arrays(optimiser: AbstractOptimiser) -> AbstractOptimiser:
    """Settings as arrays, so that a new tolerance does not recompile."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, float) else leaf, optimiser
    )


def _answer(problem: Problem, request: Request, ledger: Ledger, store: Store) -> Evaluation:
    """The evaluation of a request: from the log if it is there, else simulated and logged."""
    active = np.asarray(request.active)
    points = np.asarray(request.points)[active]
    starts = np.asarray(request.starts)[active]
    record = store.next(points, request.order)
    if record is None:
        timed = _simulate(problem, request)
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


def _simulate(problem: Problem, request: Request) -> Timed:
    points = jnp.asarray(request.points)
    if points.shape[0] > 1:
        return timed_call(_many, problem, points, request.order)
    return timed_call(_one, problem, points, request.order)


def _one(problem: Problem, x: Array, order) -> Evaluation:
    # Not a batch of one: under `vmap` a simulator's branches would both be computed.
    return jax.tree.map(lambda leaf: leaf[None], problem.evaluate(x[0], order))


def _many(problem: Problem, x: Array, order) -> Evaluation:
    return jax.vmap(lambda point: problem.evaluate(point, order))(x)


_FIELDS = ("value", "constraints", "gradient", "residuals", "jacobian")


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
    result = from_code(jnp.asarray(spread.pop("result")))
    return Evaluation(result=result, **{k: _device(v) for k, v in spread.items()})


def _device(array: np.ndarray | None) -> Array | None:
    return None if array is None else jnp.asarray(array)


def _as_key(key: Array | int | None) -> Array:
    if key is None or isinstance(key, int | np.integer):
        return jax.random.key(0 if key is None else int(key))
    if jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    return jax.random.wrap_key_data(key)


def _start(problem: Problem, x0) -> Float[Array, " d"]:
    """The start in the unit cube, checked."""
    if x0 is None:
        return jnp.asarray(problem.space.initial(problem.simulator))
    if isinstance(x0, Mapping):
        x0 = problem.space.unit_cube(x0)
    x0 = np.asarray(x0, float)
    if x0.shape != (problem.space.size,):
        raise ValueError(f"x0 must have shape {(problem.space.size,)}, but has {x0.shape}.")
    for name, value in zip(problem.space.names, x0, strict=True):
        if not -1e-12 <= value <= 1 + 1e-12:
            raise ValueError(
                f"x0 must lie within the bounds, but {name} is at {value:.6g} of the unit interval."
            )
    return jnp.clip(jnp.asarray(x0), 0.0, 1.0)
