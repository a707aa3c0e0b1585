"""The runs of `shell_tasks`: a cell for each task, seed and method."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import diffsim as ds
from diffsim import problems

from ._store import Figures, write_text

TASKS: dict[str, Callable[[], ds.Problem]] = {
    "sliding": problems.shell_sliding,
    "forming": problems.shell_forming,
}
METHODS = ("lbfgs", "adam", "cmaes", "hybrid")
# What the hybrid gives to evolution before it takes gradients.
_SHARE = 1.0 / 3.0


def gradient_price(problem: ds.Problem, repeats: int = 5) -> float:
    """CPU time of a value with its gradient over that of a value, both warm, at the start."""
    x = jnp.asarray(problem.space.initial(problem.simulator))

    def seconds(order) -> float:
        program = jax.jit(lambda x: problem.evaluate(x, order).value)
        if order == "gradient":
            program = jax.jit(lambda x: problem.evaluate(x, order).gradient)
        jax.block_until_ready(program(x))
        start = time.process_time()
        for _ in range(repeats):
            jax.block_until_ready(program(x))
        return time.process_time() - start

    return max(seconds("gradient") / seconds("value"), 1.0)


def cells(task: str, seeds: int, cost: float, directory: Path) -> dict[str, list[dict[str, Any]]]:
    """Every method's cells, one for each seed; finished ones are read from their files."""
    problem = TASKS[task]()
    price = _kept(directory / f"{task}-price.json", lambda: {"gradient": gradient_price(problem)})
    found: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
    for seed in range(seeds):
        x0 = np.random.default_rng([seed, 11]).uniform(0.1, 0.9, problem.space.size)
        for method in METHODS:
            path = directory / f"{task}-{method}-{seed:03d}.json"
            solve = lambda: _solved(problem, method, x0, cost, price["gradient"], seed)  # noqa: B023
            found[method].append(_kept(path, solve) | {"price": price["gradient"]})
    return found


def _solved(problem, method: str, x0, cost: float, price: float, seed: int) -> dict[str, Any]:
    def part(optimiser, x0, cost: float) -> ds.Run:
        budget = ds.Budget(cost=cost, costs={"gradient": price})
        return ds.solve(
            problem, optimiser, budget=budget, x0=x0, key=seed, progress=False, throw=False
        )

    if method != "hybrid":
        optimisers = {
            "lbfgs": lambda: ds.LBFGS(),
            "adam": lambda: ds.Adam(learning_rate=0.05),
            "cmaes": lambda: ds.CMAES(),
        }
        return _traced([part(optimisers[method](), x0, cost)])
    first = part(ds.CMAES(), x0, _SHARE * cost)
    left = cost - first.counts.cost
    start = first.best_x if np.isfinite(first.best_value) else x0
    return _traced([first, part(ds.LBFGS(), start, left)])


def _traced(runs: list[ds.Run]) -> dict[str, Any]:
    """Best value so far over what was spent, across the runs that follow each other."""
    values = np.concatenate([run.history.value for run in runs])
    before = np.cumsum([0.0, *[run.counts.cost for run in runs]])
    spent = np.concatenate([r.history.cost + b for r, b in zip(runs, before[:-1], strict=True)])
    best = np.minimum.accumulate(np.where(np.isfinite(values), values, np.inf))
    last = min(runs, key=lambda run: run.best_value if np.isfinite(run.best_value) else np.inf)
    return {
        "best": [float(v) if np.isfinite(v) else None for v in best],
        "cost": [float(c) for c in spent],
        "x": [float(v) for v in last.best_x],
        "evaluations": sum(run.counts.evaluations for run in runs),
        "failed": sum(run.counts.failed for run in runs),
    }


def _kept(path: Path, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    cell = compute()
    write_text(path, json.dumps(cell))
    return cell


def end(cell: dict[str, Any]) -> float:
    """The best value of a cell; infinite if every run failed."""
    return np.inf if cell["best"][-1] is None else cell["best"][-1]


def best(cells: dict[str, list[dict[str, Any]]]) -> np.ndarray:
    """The best point that any method found."""
    return np.asarray(min((c for row in cells.values() for c in row), key=end)["x"])


def table(task: str, cells: dict[str, list[dict[str, Any]]]) -> Figures:
    """Successes, median cost to success (None unless most succeed), evaluations, best value."""
    figures: Figures = {f"{task}_gradient_price": cells[METHODS[0]][0]["price"]}
    for method, row in cells.items():
        solved = [_cost_to_success(cell) for cell in row]
        middle = float(np.median(solved))
        key = f"{task}_{method}"
        figures[f"{key}_success"] = float(np.mean(np.isfinite(solved)))
        figures[f"{key}_cost_to_success"] = middle if np.isfinite(middle) else None
        figures[f"{key}_evaluations"] = float(np.median([cell["evaluations"] for cell in row]))
        figures[f"{key}_failed"] = int(sum(cell["failed"] for cell in row))
        figures[f"{key}_median_value"] = float(np.median([end(cell) for cell in row]))
    return figures


def _cost_to_success(cell: dict[str, Any]) -> float:
    for value, cost in zip(cell["best"], cell["cost"], strict=True):
        if value is not None and value <= problems.SOLVED:
            return cost
    return np.inf
