"""Tasks for sheets: gradients, evolution, and both in turn, on equal budgets."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy

TASKS = ("sliding", "forming")
METHODS = ("lbfgs", "adam", "cmaes", "hybrid")
Task = Literal["sliding", "forming"]


class ShellTasksSettings(Strict):
    """What can be set of the study."""

    seeds: int = Field(5, ge=1, le=100, description="random starts of each task")
    cost: float = Field(200.0, ge=10, le=1e5, description="forward-equivalent runs of each method")
    tasks: tuple[Task, ...] = Field(TASKS, description="which are run")
    film: bool = Field(True, description="draw the best motion of each task as a GIF")


class ShellTasks(AbstractStudy):
    """Success, evaluations and cost to success of every method on every task.

    All methods of a seed start at the same random point of the design space and have the same
    budget of forward-equivalent runs, a gradient counted at the CPU time that it was measured to
    take. The hybrid gives a third of its budget to CMA-ES and the rest to L-BFGS from the best
    point.
    """

    name = "shell_tasks"
    line = "tasks for sheets with contact, friction and creases: gradients, CMA-ES and both in turn"
    configuration = ShellTasksSettings

    def run(self, configuration: ShellTasksSettings, directory: Path) -> Figures:
        from .. import _shell_tasks as shared
        from .._shell_film import film

        figures: Figures = {}
        for name in configuration.tasks:
            cells = shared.cells(name, configuration.seeds, configuration.cost, directory)
            figures |= shared.table(name, cells)
            if configuration.film:
                film(shared.TASKS[name](), shared.best(cells), directory / f"{name}.gif")
        return figures
