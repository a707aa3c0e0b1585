"""Each task for sheets by itself, as `shell_NAME`."""

from .._shell_task import ShellTaskStudy, listed_tasks

STUDIES = [ShellTaskStudy(name, line) for name, line in listed_tasks()]
