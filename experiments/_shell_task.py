"""One task for sheets as a study: its motion, dataset, film and report."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from ._schema import Strict
from ._store import Figures, write_text
from ._study import AbstractStudy

Method = Literal[
    "adam", "lbfgs", "gauss_newton", "screened", "cmaes", "relay", "lamarckian", "baldwinian"
]


class ShellTaskSettings(Strict):
    """What can be set of a single task."""

    method: Method = Field("screened", description="how it is searched; see `shell_tasks`")
    seed: int = Field(0, ge=0, description="of the random start")
    cost: float = Field(200.0, ge=10, le=1e5, description="forward-equivalent runs")


class ShellTaskStudy(AbstractStudy):
    """Solve one task, and leave its motion as dataset, GIF, VTU series and report."""

    configuration = ShellTaskSettings

    def __init__(self, task: str, line: str):
        self.task = task
        self.name = f"shell_{task}"  # pyright: ignore[reportAttributeAccessIssue]
        self.line = line  # pyright: ignore[reportAttributeAccessIssue]

    def run(self, configuration: ShellTaskSettings, directory: Path) -> Figures:
        from diffsim.problems import shell_tasks

        from . import _shell_tasks as shared

        task = shell_tasks.shell_task(self.task)
        problem, c = task.build(), configuration
        prices = directory / "prices.json"
        known = shared.kept(prices, lambda: shared.prices(problem, shared.start(problem, c.seed)))
        solve = lambda: shared.solved(task, problem, c.method, c.cost, known, c.seed)
        cell = shared.kept(directory / "cell.json", solve)
        shared.show(task, problem, cell, directory)
        figures = _figures(cell, known, task.is_solved(shared.value_of(cell)))
        write_text(directory / "report.md", _report(task, problem, figures, cell["x"]))
        return figures


def _figures(cell: dict, known: dict, solved: bool) -> Figures:
    names = ("value", "cost", "evaluations", "failed", "cpu_seconds", "cost_to_success")
    return {"solved": solved} | {name: cell[name] for name in names} | known


def _report(task, problem, figures: Figures, x: list[float]) -> str:
    import jax.numpy as jnp

    physical = problem.space.physical(jnp.asarray(x))
    scales = problem.space.scales.items()
    lines = [
        f"# {task.name}: {task.line}",
        "",
        getattr(task.build, "func", task.build).__doc__ or "",
        "",
        "| variable | found |",
        "|---|---|",
        *[f"| {name} | {float(physical[name]):.6g} {scale.unit or ''} |" for name, scale in scales],
        "",
        "| figure | |",
        "|---|---|",
        *[f"| {name} | {value} |" for name, value in figures.items()],
        "",
        f"![{task.name}]({task.name}.gif)",
        "",
    ]
    return "\n".join(lines)


def listed_tasks() -> Iterator[tuple[str, str]]:
    """Name and line of every task, read from the sources: `diffsim list` does not import them."""
    found = importlib.util.find_spec("diffsim")
    assert found is not None
    assert found.origin is not None
    for module in sorted((Path(found.origin).parent / "problems" / "shell_tasks").glob("_*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ShellTask":
                name, line = (ast.literal_eval(value) for value in node.args[:2])
                yield name, line
