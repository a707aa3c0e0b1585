"""Tasks for sheets: gradients, evolution, and hybrids of both, on equal budgets."""

from pathlib import Path
from typing import get_args

from pydantic import Field

from .._schema import ConfigurationError, Strict
from .._shell_task import Method
from .._store import Figures, write_text
from .._study import AbstractStudy

METHODS: tuple[Method, ...] = get_args(Method)


class ShellTasksSettings(Strict):
    """What can be set of the study."""

    tasks: tuple[str, ...] = Field((), description="which are run; all if none is named")
    methods: tuple[Method, ...] = Field(METHODS, description="which are compared")
    seeds: int = Field(5, ge=1, le=100, description="random starts of each task")
    cost: float = Field(200.0, ge=10, le=1e5, description="forward-equivalent runs of each method")
    film: bool = Field(True, description="draw the best motion of each task")


class ShellTasks(AbstractStudy):
    """Success, evaluations and cost to success of every method on every task.

    All methods of a seed start at the same random point of the design space and have the same
    budget of forward-equivalent runs, a gradient or Jacobian counted at the CPU time that it was
    measured to take; a run ends with its first success. `lbfgs` and `gauss_newton` begin anew at a
    random point when they have ended or a quarter of the budget is spent. `screened` gives a third
    of its budget to random points and the rest to Gauss-Newton from the best of them, in turn;
    `relay` gives a third to CMA-ES and the rest to L-BFGS from the best point; `lamarckian` and
    `baldwinian` are `optimise.CMAGradient`.
    """

    name = "shell_tasks"
    line = "tasks for sheets with contact, friction, creases: gradients, CMA-ES and hybrids"
    configuration = ShellTasksSettings

    def run(self, configuration: ShellTasksSettings, directory: Path) -> Figures:
        from .. import _shell_tasks as shared

        figures: Figures = {}
        for task in _chosen(configuration.tasks):
            problem = task.build()
            cells = shared.cells(
                task,
                problem,
                configuration.methods,
                configuration.seeds,
                configuration.cost,
                directory,
            )
            known = shared.kept(directory / f"{task.name}-prices.json", dict)
            figures |= shared.table(task.name, cells, known)
            if configuration.film and not (directory / f"{task.name}.nc").exists():
                shared.show(task, problem, shared.best(cells), directory)
            write_text(directory / "report.md", _report(figures, configuration))
        return figures


def _chosen(names: tuple[str, ...]) -> list:
    """**Raises:** `ConfigurationError` for a task that there is not."""
    from diffsim.problems import shell_tasks

    try:
        known = shell_tasks.shell_tasks().values()
        return [shell_tasks.shell_task(name) for name in names] if names else list(known)
    except ValueError as error:
        raise ConfigurationError(f"shell_tasks: tasks: {error}") from None


def _report(figures: Figures, settings: ShellTasksSettings) -> str:
    """A table of successes and costs, and the films."""
    tasks = [key.removesuffix("_gradient_price") for key in figures if "_gradient_price" in key]
    lines = [
        "# Tasks for sheets",
        "",
        f"{settings.seeds} starts, {settings.cost:g} forward-equivalent runs each. Share of the "
        "starts solved; in brackets the median cost to success where most are.",
        "",
        "| task | gradient costs | " + " | ".join(settings.methods) + " |",
        "|---" * (len(settings.methods) + 2) + "|",
    ]
    for task in tasks:
        entries = [_entry(figures, f"{task}_{method}") for method in settings.methods]
        price = figures[f"{task}_gradient_price"]
        lines.append(f"| {task} | {price:.2f} | " + " | ".join(entries) + " |")
    films = [f"![{task}]({task}.gif)" for task in tasks] if settings.film else []
    return "\n".join([*lines, "", *films, ""])


def _entry(figures: Figures, key: str) -> str:
    cost = figures[f"{key}_cost_to_success"]
    share = f"{figures[f'{key}_success']:.0%}"
    return share if cost is None else f"{share} ({cost:.0f})"
