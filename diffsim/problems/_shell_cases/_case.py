"""What a validation case of the shells is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ShellCase:
    """A computation with a known answer.

    **Fields:**

    - `measure`: from a resolution (cells along the larger side; of motions, time steps) to measured
      values by name.
    - `truth`: the known values by the same names; `source`: where they are from.
    - `resolution`: at which every value is within `tolerance` (relative) of the truth.
    - `tags`: "statics", "buckling", "plate", "vibration", "curved", "dynamics", "contact",
      "plastic", "solid"; "path" where a nonlinear path is followed (slow to compile).
    """

    name: str
    measure: Callable[[int], dict[str, float]]
    truth: dict[str, float]
    source: str
    resolution: int
    tolerance: float
    tags: frozenset[str]

    def errors(self, resolution: int | None = None) -> dict[str, float]:
        """Relative errors by name."""
        measured = self.measure(self.resolution if resolution is None else resolution)
        return {name: measured[name] / true - 1.0 for name, true in self.truth.items()}

    def error(self, resolution: int | None = None) -> float:
        """The largest relative error."""
        return float(np.max(np.abs(list(self.errors(resolution).values()))))
