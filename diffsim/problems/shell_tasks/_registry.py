"""All tasks, found in this package."""

import difflib
import importlib
import pkgutil
from pathlib import Path

from ._task import ShellTask


def shell_tasks() -> dict[str, ShellTask]:
    """Every task by name, in alphabetical order: the `TASKS` of the modules of this package."""
    found: list[ShellTask] = []
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        loaded = importlib.import_module(f"{__package__}.{module.name}")
        found.extend(getattr(loaded, "TASKS", ()))
    return {task.name: task for task in sorted(found, key=lambda task: task.name)}


def shell_task(name: str) -> ShellTask:
    """The task of a name.

    **Raises:** `ValueError` naming the nearest one.
    """
    known = shell_tasks()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise ValueError(f"a shell task must be one of {', '.join(known)}, but is {name!r}{hint}")
    return known[name]
