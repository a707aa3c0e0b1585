"""Pools of simulated designs: even ones, and those that a bad optimiser leaves behind."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.stats import qmc

import diffsim as ds
from diffsim._status import code, name_of

from ._dataset import Pool
from ._scores import AbstractScore, Negative

_BATCH = 256


def simulate(
    problem: ds.Problem, x: Float[np.ndarray, "n d"], score: AbstractScore, *, gradients: bool
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n d"] | None, np.ndarray]:
    """(score, its gradients, result code) at many designs, in batches; NaN where it failed.

    **Raises:** `ValueError` for a problem with constraints: what an infeasible design is worth is
    not defined here.
    """
    if problem.constraints:
        raise ValueError(
            f"the problem must have no constraints, but {problem.name} has "
            f"{[constraint.name for constraint in problem.constraints]}."
        )
    order = "gradient" if gradients else "value"
    values, slopes, codes = [], [], []
    # Batches of one shape, one program, and as even as can be: little is simulated in vain.
    size = -(-len(x) // -(-len(x) // _BATCH))
    for start in range(0, len(x), size):
        batch = x[start : start + size]
        filled = np.resize(batch, (size, x.shape[1]))
        answer = ds.evaluate_batch(problem, jnp.asarray(filled), order)
        values.append(np.asarray(answer.value)[: len(batch)])
        codes.append(np.asarray(code(answer.result))[: len(batch)])
        if gradients:
            slopes.append(np.asarray(answer.gradient)[: len(batch)])
    value, codes = np.concatenate(values), np.concatenate(codes)
    value = np.where(codes == 0, value, np.nan)
    found = np.concatenate(slopes) * score.slope(value)[:, None] if gradients else None
    return score(value), found, codes


def _pool(problem, x, score, gradients) -> Pool:
    values, slopes, codes = simulate(problem, x, score, gradients=gradients)
    fine = np.isfinite(values)
    if slopes is not None:
        fine &= np.all(np.isfinite(slopes), axis=1)
    failed = {}
    for number in codes[~fine]:
        name = name_of(int(number)) if number else "nonfinite"
        failed[name] = failed.get(name, 0) + 1
    if not fine.any():
        raise ValueError(f"all {len(x)} simulations of the pool of {problem.name} failed: {failed}")
    return Pool(x[fine], values[fine], failed, None if slopes is None else slopes[fine])


def sobol_pool(
    problem: ds.Problem,
    count: int,
    *,
    seed: int,
    score: AbstractScore | None = None,
    gradients: bool = False,
) -> Pool:
    """Designs of a scrambled Sobol sequence over the unit cube.

    **Raises:** `ValueError` if the count is not positive or every simulation fails.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, but is {count}.")
    sequence = qmc.Sobol(problem.space.size, scramble=True, rng=np.random.default_rng(seed))
    x = sequence.random_base2(int(np.ceil(np.log2(max(count, 2)))))[:count]
    return _pool(problem, x, score or Negative(), gradients)


def trajectory_pool(
    problem: ds.Problem,
    optimiser: ds.AbstractOptimiser,
    *,
    budget: int,
    starts: int,
    seed: int,
    score: AbstractScore | None = None,
    gradients: bool = False,
) -> Pool:
    """A biased pool: every design that a method tried from some random starts.

    Uniform pools are unusually kind; those of practice follow somebody's search.

    **Raises:** `ValueError` if every simulation fails.
    """
    random = np.random.default_rng(seed)
    tried = []
    for start in range(starts):
        run = ds.solve(
            problem,
            optimiser,
            budget=budget,
            x0=random.uniform(size=problem.space.size),
            key=seed * 1000 + start,
            progress=False,
            throw=False,
        )
        tried.append(run.history.x)
    x = np.unique(np.concatenate(tried), axis=0)
    return _pool(problem, x, score or Negative(), gradients)


def best_score(
    problem: ds.Problem,
    *,
    starts: int = 16,
    budget: int = 3000,
    score: AbstractScore | None = None,
    seed: int = 0,
) -> float:
    """The best score that simulator gradients from many starts find.

    Least squares are solved by Levenberg-Marquardt, other objectives by BFGS.
    """
    method = ds.LevenbergMarquardt() if problem.has_residuals else ds.BFGS()
    run = ds.solve(problem, ds.Multistart(method, starts), budget=budget, key=seed, progress=False)
    return float((score or Negative())(np.asarray([run.best_value]))[0])
