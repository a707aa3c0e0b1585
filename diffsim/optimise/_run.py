"""What an optimisation leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from .._status import name_of, remedy_of
from .._xarray import xarray as xr
from ..results import write
from ._budget import Counts
from ._interface import reason_name, reason_text
from ._to_dataset import to_dataset


@dataclass(frozen=True)
class History:
    """One row for each evaluation, in the order in which they were counted (h rows).

    - `start`: which start of a multistart asked; 0 otherwise.
    - `order`: "value", "gradient", "residuals", "jacobian" or "linearised".
    - `value` is NaN and `violation` infinite where the evaluation failed, for the reason in
      `result`.
    - `best`: the best value so far: of the feasible points as soon as there is one, before
      that of the point least infeasible.
    - `cost`, `columns`, `seconds`: cumulative; likewise `surrogate_calls`, values and
      derivatives that the method had taken of a surrogate when it asked.
    """

    x: Float[np.ndarray, "h d"]
    start: Int[np.ndarray, " h"]
    order: np.ndarray
    value: Float[np.ndarray, " h"]
    violation: Float[np.ndarray, " h"]
    result: Int[np.ndarray, " h"]
    best: Float[np.ndarray, " h"]
    cost: Float[np.ndarray, " h"]
    columns: Int[np.ndarray, " h"]
    seconds: Float[np.ndarray, " h"]
    surrogate_calls: Int[np.ndarray, " h"]


@dataclass(frozen=True)
class Starts:
    """One row for each start (s rows; one unless it was a multistart)."""

    x_start: Float[np.ndarray, "s d"]
    x_best: Float[np.ndarray, "s d"]
    value: Float[np.ndarray, " s"]
    evaluations: Int[np.ndarray, " s"]
    failed: Int[np.ndarray, " s"]
    reason: Int[np.ndarray, " s"]

    def agreeing(self, *, relative: float = 1e-4, absolute: float = 0.0) -> Bool[np.ndarray, " s"]:
        """Which starts end within a tolerance of the best value."""
        best = np.nanmin(self.value) if np.any(np.isfinite(self.value)) else np.nan
        return self.value <= best + absolute + relative * abs(best)


@dataclass(frozen=True)
class Run:
    """The result of `solve`: the best point, how it was found, and what that took.

    **Fields:** (`x` in the unit cube)

    - `best_x`, `best_value`, `best_violation`, `best_physical` (by name, in SI units); NaN if
      every evaluation failed.
    - `best_arrays`: gradient (d,), residuals (p,) and Jacobian (p, d) at the best point, as
      far as the method asked for them there.
    - `starts`, `history`, `counts`.
    - `reason`: code of why it ended; `reason_name` and `reason_text` give it in words.
    - `configuration`: everything that identifies the run, as plain data.
    - `extra`: datasets by node name that later steps add (identifiability, fit).
    """

    problem_name: str
    names: tuple[str, ...]
    units: dict[str, str]
    best_x: Float[np.ndarray, " d"]
    best_value: float
    best_violation: float
    best_physical: dict[str, float]
    best_arrays: dict[str, np.ndarray]
    starts: Starts
    history: History
    counts: Counts
    reason: int
    configuration: dict[str, Any]
    physical_history: Float[np.ndarray, "h d"]
    extra: dict[str, xr.Dataset] = field(default_factory=dict)

    @property
    def reason_name(self) -> str:
        """Short name of why the run ended."""
        return reason_name(self.reason)

    @property
    def reason_text(self) -> str:
        """What that reason means."""
        return reason_text(self.reason)

    @property
    def succeeded(self) -> bool:
        """Whether there is a feasible best point."""
        return bool(np.isfinite(self.best_value)) and self.best_violation == 0.0

    def failures(self) -> dict[str, int]:
        """How many evaluations failed, by the name of the result code."""
        codes, numbers = np.unique(self.history.result, return_counts=True)
        return {name_of(int(c)): int(n) for c, n in zip(codes, numbers, strict=True) if c != 0}

    def summary(self) -> str:
        """A few lines of text: best point, cost, reason, failures and where they lie."""
        lines = [
            f"{self.problem_name}: value {self.best_value:.6g} after "
            f"{self.counts.evaluations} evaluations (cost {self.counts.cost:g}, "
            f"{self.counts.evaluation_seconds:.3g} s, compilation "
            f"{self.counts.compile_seconds:.3g} s). {self.reason_text}"
        ]
        for name, value in self.best_physical.items():
            lines.append(f"  {name} = {value:.6g} {self.units[name]}".rstrip())
        lines += self._failure_lines()
        return "\n".join(lines)

    def _failure_lines(self) -> list[str]:
        lines = []
        for code in np.unique(self.history.result[self.history.result != 0]):
            rows = self.physical_history[self.history.result == code]
            where = ", ".join(
                f"{name} in [{low:.3g}, {high:.3g}]"
                for name, low, high in zip(self.names, rows.min(0), rows.max(0), strict=True)
            )
            lines.append(
                f"  {len(rows)} failed ({name_of(int(code))}) at {where}. {remedy_of(int(code))}"
            )
        return lines

    def to_dataset(self) -> xr.DataTree:
        """The run as a tree of datasets; see `diffsim.results` for the names in it."""
        return to_dataset(self)

    def save(self, path: str | Path) -> Path:
        """Write `to_dataset()` to a netCDF file, beside the target and then renamed."""
        return write(self.to_dataset(), path)
