"""One driver for every method: evaluates, counts, keeps the best, records and resumes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._precision import require_x64
from .._problem import Problem
from .._status import SimulationError, remedy_of
from ._answering import Simulation, answer
from ._assemble import assemble
from ._budget import Budget, as_budget
from ._fingerprint import describe, describe_space, problem_hash, versions
from ._interface import REASONS, AbstractOptimiser, AnyArray, Traits, reason_code
from ._ledger import Ledger
from ._progress import progress_bar
from ._run import Run
from ._stepping import RUNNING, Stepper
from ._store import Store


def solve(
    problem: Problem,
    optimiser: AbstractOptimiser,
    *,
    budget: Budget | int | float,
    x0: Float[AnyArray, " d"] | Sequence[float] | Mapping[str, float] | None = None,
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
    kwargs.setdefault("key", jax.random.wrap_key_data(jnp.asarray(stored["key"], jnp.uint32)))
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
    traits = traits_of(problem)
    ledger = Ledger(problem, budget, traits.constraints)
    method, simulate = Stepper(optimiser, ledger), Simulation(problem)
    state, request, reasons = method.begin(x0, key, traits)
    try:
        while np.any(reasons == RUNNING) and ledger.affords(request):
            evaluation = answer(simulate, request, ledger, store)
            state, request, reasons = method.advance(state, request, evaluation)
            bar.show(ledger)
    finally:
        optimiser.close(state)
    if ledger.counts.evaluations == 0:
        raise ValueError(f"the budget must allow a first request, but {budget} does not.")
    return ledger, np.where(reasons == RUNNING, int(reason_code(REASONS.budget)), reasons)


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
