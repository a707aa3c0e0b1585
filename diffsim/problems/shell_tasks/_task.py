"""What a task is."""

from collections.abc import Callable
from dataclasses import dataclass

from ..._problem import Problem


@dataclass(frozen=True)
class ShellTask:
    """A named problem with a criterion of success.

    **Fields:**

    - `name`; `line`: one line of what has to be done.
    - `build`: makes the `Problem`, in SI units; every method minimises its one objective.
    - `solved`: the task is solved where the value is at most this. With residuals that are
      scaled by tolerances (see `Marks`) ½ says that their root sum of squares is at most one.
    """

    name: str
    line: str
    build: Callable[[], Problem]
    solved: float = 0.5

    def is_solved(self, value: float) -> bool:
        """Whether a value (NaN: a failed simulation) meets the criterion."""
        return bool(value <= self.solved)
