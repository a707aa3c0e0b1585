"""The runs of `shell_tasks`: a cell for each task, seed and method."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import diffsim as ds
from diffsim import optimise as opt, results, shells
from diffsim._xarray import xarray as xr
from diffsim.optimise import Request
from diffsim.optimise._answering import Simulation
from diffsim.problems import shell_tasks

from ._shell_film import film
from ._store import Figures, write_text

# What evolution or random points are given before gradients take over.
_SHARE = 1.0 / 3.0
# What one start of a local method is given.
_TRY = 0.25
# Random starts keep away from the bounds, where many tasks do nothing at all.
_LOW, _HIGH = 0.1, 0.9
# Of central differences, in the unit cube.
_SHIFTS = (1e-3, 1e-4, 1e-5, 1e-6)

Cell = dict[str, Any]


def prices(problem: ds.Problem, x0: np.ndarray, repeats: int = 2) -> dict[str, float]:
    """CPU time of a gradient and of a Jacobian over that of a value, warm, at one point; that of a
    value in seconds; and the error of the gradient there against central differences."""
    simulate = Simulation(problem)

    def seconds(order) -> float:
        request = Request.at(x0, order)
        simulate(request)
        return min(simulate(request).cpu_seconds for _ in range(repeats))

    value = seconds("value")
    found = {order: max(seconds(order) / value, 1.0) for order in ("gradient", "jacobian")}
    return found | {"value_seconds": value, "gradient_error": gradient_error(simulate, x0)}


def gradient_error(simulate: Simulation, x: np.ndarray) -> float:
    """Difference of a slope to central differences, over the length of the gradient, in a random
    direction: the least over several steps, since long ones have curvature and short ones
    the tolerance of Newton's method in them."""
    along = np.random.default_rng(x.size).standard_normal(x.size)
    along /= np.linalg.norm(along)

    def value(step: float) -> float:
        return float(simulate(Request.at(x + step * along, "value")).value.value[0])

    gradient = np.asarray(simulate(Request.at(x, "gradient")).value.gradient)[0]
    slopes = [(value(h) - value(-h)) / (2.0 * h) for h in _SHIFTS]
    return float(np.abs(slopes - gradient @ along).min() / np.linalg.norm(gradient))


def start(problem: ds.Problem, seed: int) -> np.ndarray:
    """Where all methods of a seed begin."""
    return np.random.default_rng([seed, 11]).uniform(_LOW, _HIGH, problem.space.size)


def cells(
    task: shell_tasks.ShellTask,
    problem: ds.Problem,
    methods: tuple[str, ...],
    seeds: int,
    cost: float,
    directory: Path,
) -> dict[str, list[Cell]]:
    """Every method's cells, one for each seed; finished ones are read from their files."""
    known = kept(directory / f"{task.name}-prices.json", lambda: prices(problem, start(problem, 0)))
    found: dict[str, list[Cell]] = {method: [] for method in methods}
    for seed in range(seeds):
        for method in methods:
            path = directory / "cells" / f"{task.name}-{method}-{seed:03d}.json"
            solve = lambda: solved(task, problem, method, cost, known, seed)  # noqa: B023
            found[method].append(kept(path, solve))
    return found


class _Allowance:
    """What a method may still spend on a task; each of its runs begins where it is told to."""

    def __init__(self, task, problem: ds.Problem, cost: float, known: dict, seed: int):
        self.task, self.problem, self.seed = task, problem, seed
        self.costs = {order: known[order] for order in ("gradient", "jacobian")}
        self.left = cost
        self.runs: list[ds.Run] = []

    def spend(self, optimiser: ds.AbstractOptimiser, x0: np.ndarray, cost: float) -> ds.Run:
        budget = ds.Budget(cost=min(cost, self.left), costs=self.costs, target=self.task.solved)
        key = int(np.random.default_rng([self.seed, len(self.runs)]).integers(2**31))
        run = ds.solve(
            self.problem, optimiser, budget=budget, x0=x0, key=key, progress=False, throw=False
        )
        self.left -= run.counts.cost
        self.runs.append(run)
        return run

    def descend(self, optimiser: ds.AbstractOptimiser, x0: np.ndarray, cost: float) -> ds.Run:
        """One start of a local method: with its share, which pays for two derivatives at least."""
        return self.spend(optimiser, x0, max(_TRY * cost, self._least))

    @property
    def over(self) -> bool:
        """Whether the task is solved, or what is left does not pay for two derivatives."""
        solved = any(self.task.is_solved(run.best_value) for run in self.runs)
        return solved or self.left < self._least

    @property
    def _least(self) -> float:
        return 2.0 * max(self.costs.values())


def solved(
    task: shell_tasks.ShellTask,
    problem: ds.Problem,
    method: str,
    cost: float,
    known: dict[str, float],
    seed: int,
) -> Cell:
    """What a method reaches from the start of a seed within its budget, and what it spends."""
    allowance = _Allowance(task, problem, cost, known, seed)
    _METHODS[method](allowance, start(problem, seed), cost)
    return _traced(task, allowance.runs)


Method = Callable[[_Allowance, np.ndarray, float], None]


def _once(make: Callable[[], ds.AbstractOptimiser]) -> Method:
    def method(allowance: _Allowance, x0: np.ndarray, cost: float) -> None:
        allowance.spend(make(), x0, cost)

    return method


def _restarted(make: Callable[[], ds.AbstractOptimiser]) -> Method:
    """Again from random points until the budget is spent, each start with its share at most."""

    def method(allowance: _Allowance, x0: np.ndarray, cost: float) -> None:
        random = np.random.default_rng([allowance.seed, 12])
        while not allowance.over:
            allowance.descend(make(), x0, cost)
            x0 = random.uniform(_LOW, _HIGH, x0.size)

    return method


def _relay(allowance: _Allowance, x0: np.ndarray, cost: float) -> None:
    generation = 4 + int(3 * np.log(x0.size))
    run = allowance.spend(opt.CMAES(), x0, max(_SHARE * cost, generation))
    if not allowance.over:
        allowance.spend(opt.LBFGS(), run.best_x if np.isfinite(run.best_value) else x0, cost)


def _screened(allowance: _Allowance, x0: np.ndarray, cost: float) -> None:
    """Random points, then Gauss-Newton from the best of them, one after another."""
    points = max(2, int(_SHARE * cost))
    history = allowance.spend(opt.RandomSearch(points, batch=1), x0, _SHARE * cost).history
    values = np.where(np.isfinite(history.value), history.value, np.inf)
    for x in history.x[np.argsort(values)]:
        if allowance.over:
            return
        allowance.descend(opt.LevenbergMarquardt(), x, cost)


_METHODS: dict[str, Method] = {
    "adam": _once(lambda: opt.Adam(learning_rate=0.05)),
    "lbfgs": _restarted(opt.LBFGS),
    "gauss_newton": _restarted(opt.LevenbergMarquardt),
    "screened": _screened,
    "cmaes": _once(opt.CMAES),
    "relay": _relay,
    "lamarckian": _once(lambda: opt.CMAGradient("lamarckian")),
    "baldwinian": _once(lambda: opt.CMAGradient("baldwinian")),
}


def _traced(task: shell_tasks.ShellTask, runs: list[ds.Run]) -> Cell:
    """What was reached and spent, across runs that follow each other."""
    values = np.concatenate([run.history.value for run in runs])
    before = np.cumsum([0.0, *[run.counts.cost for run in runs]])
    spent = np.concatenate([r.history.cost + b for r, b in zip(runs, before[:-1], strict=True)])
    solved = np.flatnonzero([task.is_solved(value) for value in values])
    last = min(runs, key=lambda run: run.best_value if np.isfinite(run.best_value) else np.inf)
    return {
        "value": float(last.best_value) if np.isfinite(last.best_value) else None,
        "x": [float(v) for v in last.best_x],
        "cost_to_success": float(spent[solved[0]]) if solved.size else None,
        "evaluations_to_success": int(solved[0]) + 1 if solved.size else None,
        "cost": float(spent[-1]),
        "evaluations": sum(run.counts.evaluations for run in runs),
        "failed": sum(run.counts.failed for run in runs),
        "cpu_seconds": sum(run.counts.evaluation_cpu_seconds for run in runs),
    }


def kept(path: Path, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file holds, or what is computed for it."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    cell = compute()
    write_text(path, json.dumps(cell))
    return cell


def value_of(cell: Cell) -> float:
    """The best value of a cell; infinite if every evaluation failed."""
    return np.inf if cell["value"] is None else cell["value"]


def best(cells: dict[str, list[Cell]]) -> Cell:
    """The best cell of any method."""
    return min((cell for row in cells.values() for cell in row), key=value_of)


def table(task: str, cells: dict[str, list[Cell]], known: dict[str, float]) -> Figures:
    """Success and medians over the seeds; cost to success is None unless most succeed."""
    names = {"gradient": "gradient_price", "jacobian": "jacobian_price"}
    figures: Figures = {f"{task}_{names.get(name, name)}": known[name] for name in known}
    for method, row in cells.items():
        key = f"{task}_{method}"
        figures[f"{key}_success"] = float(np.mean([c["cost_to_success"] is not None for c in row]))
        for name in ("cost_to_success", "evaluations_to_success"):
            middle = float(np.median([np.inf if c[name] is None else c[name] for c in row]))
            figures[f"{key}_{name}"] = middle if np.isfinite(middle) else None
        figures[f"{key}_value"] = float(np.median([value_of(c) for c in row]))
        figures[f"{key}_evaluations"] = float(np.median([c["evaluations"] for c in row]))
        figures[f"{key}_failed"] = int(sum(c["failed"] for c in row))
        figures[f"{key}_cpu_seconds"] = float(np.median([c["cpu_seconds"] for c in row]))
    return figures


def show(task: shell_tasks.ShellTask, problem: ds.Problem, cell: Cell, directory: Path) -> None:
    """The best motion: a GIF, a series of VTU files and a dataset."""
    x = jnp.asarray(cell["x"])
    motion = problem.space.apply(problem.simulator, x)
    assert isinstance(motion, shells.Dynamics)
    assert isinstance(motion.shell.mesh, shells.AbstractSurface)
    observed = jax.jit(lambda x: problem.observe(x).values)(x)
    values = {name: np.asarray(value) for name, value in observed.items()}
    goals = problem.objective
    marks = goals.marks if isinstance(goals, shell_tasks.Recorded) else goals
    # What is asked of angles is not drawn.
    marks = marks if isinstance(marks, shell_tasks.Marks) else None
    title, path = f"{task.name}, J = {value_of(cell):.3g}", directory / f"{task.name}.gif"
    film(motion, marks, values, title, path)
    shells.write_series(
        motion.shell.mesh,
        directory / "vtk" / task.name,
        values["time"],
        values["positions"],
        name=task.name,
    )
    results.write(_dataset(problem, x, values), directory / f"{task.name}.nc")


def _dataset(problem: ds.Problem, x: jax.Array, values: dict[str, np.ndarray]) -> xr.DataTree:
    names = list(problem.space.names)
    physical = [float(problem.space.physical(x)[name]) for name in names]
    units = ", ".join(f"{n} {s.unit or '1'}" for n, s in problem.space.scales.items())
    motion = xr.Dataset(
        {
            "positions": (("time", "vertex", "axis"), values["positions"], {"units": "m"}),
            "velocities": (("time", "vertex", "axis"), values["velocities"], {"units": "m/s"}),
            "variables": (("variable",), physical, {"units": units}),
        },
        coords={"time": values["time"], "axis": ["x", "y", "z"], "variable": names},
        attrs={"problem": problem.name},
    )
    return xr.DataTree.from_dict({"motion": motion})
