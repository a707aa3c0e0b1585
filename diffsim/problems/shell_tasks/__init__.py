"""Tasks for sheets: lift, follow, throw, form, fold, slide, part, bounce, estimate.

Each module of this package that has `TASKS` is found by the registry: a new task is one module.
"""

from ._design import Launch as Launch, Waypoint as Waypoint
from ._kinks import Kink as Kink, Kinked as Kinked
from ._marks import Mark as Mark, Marks as Marks
from ._recorded import Recorded as Recorded
from ._registry import shell_task as shell_task, shell_tasks as shell_tasks
from ._task import ShellTask as ShellTask
