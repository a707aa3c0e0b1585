"""The books of a run, entry by entry."""

import dataclasses
from typing import Any

import numpy as np

from .._problem import Problem
from .._status import RESULTS, code
from ._budget import Budget, Counts
from ._compiled import Timed
from ._interface import Request
from ._records import Record

_NONFINITE = int(code(RESULTS.nonfinite))


class Ledger:
    """Counts, history and the best so far."""

    def __init__(self, problem: Problem, budget: Budget, constraints: int = 0):
        self.problem = problem
        self.constraints = constraints
        self.budget = budget
        self.counts = Counts()
        self.best_merit = (np.inf, np.inf)
        self.best_arrays: dict[str, np.ndarray] = {}
        self.best_x = np.full(problem.space.size, np.nan)
        self.rows: list[dict[str, Any]] = []

    @property
    def best_value(self) -> float:
        """Value at the best point so far; NaN before the first success."""
        return self.best_merit[1] if np.isfinite(self.best_merit[1]) else np.nan

    def affords(self, request: Request) -> bool:
        """Whether the budget allows the request: never, once its target is reached."""
        above, value = self.best_merit
        if self.budget.target is not None and above == 0 and value <= self.budget.target:
            return False
        points = int(np.sum(np.asarray(request.active)))
        after = self.counts.charge(
            self.problem, self.budget, request.order, points, self.constraints
        )
        return after.fits(self.budget)

    def note_surrogate(self, values: int, derivatives: int) -> None:
        """How many calls of a surrogate the method has made so far."""
        if values or derivatives:
            self.counts = dataclasses.replace(
                self.counts, surrogate_values=values, surrogate_derivatives=derivatives
            )

    def spend_on_method(self, timed: Timed) -> None:
        """Account for the time of a step of the method."""
        self.counts = self.counts.plus(
            method_seconds=timed.seconds,
            method_cpu_seconds=timed.cpu_seconds,
            compile_seconds=timed.compile_seconds,
        )

    def enter(self, record: Record) -> None:
        """Account for one answered request."""
        header, arrays = record
        merits = _merits(arrays)
        failed = int(np.sum(merits[2] != 0))
        points = len(arrays["x"])
        before = self.counts
        order = header["order"]
        charged = before.charge(self.problem, self.budget, order, points, self.constraints)
        self.counts = charged.plus(
            failed=failed,
            idle=header["idle"],
            evaluation_seconds=header["seconds"],
            evaluation_cpu_seconds=header["cpu_seconds"],
            compile_seconds=header["compile_seconds"],
        )
        for i in range(points):
            self._enter_point(before, header["order"], arrays, merits, i, (i + 1) / points)

    def _enter_point(self, before: Counts, order, arrays, merits, i: int, share: float) -> None:
        above, value, result = (column[i] for column in merits)
        if (above, value) < self.best_merit:
            self.best_merit = (float(above), float(value))
            self.best_x = arrays["x"][i]
            self.best_arrays = {
                name: arrays[name][i]
                for name in ("gradient", "residuals", "jacobian")
                if name in arrays
            }
        after = self.counts

        def so_far(name: str) -> float:
            return (1 - share) * getattr(before, name) + share * getattr(after, name)

        self.rows.append(
            {
                "x": arrays["x"][i],
                "start": arrays["start"][i],
                "order": order,
                "value": value if result == 0 else np.nan,
                "violation": above,
                "result": result,
                "best": self.best_value,
                "cost": so_far("cost"),
                "columns": round(so_far("columns")),
                "seconds": so_far("evaluation_seconds"),
                "surrogate_calls": after.surrogate_values + after.surrogate_derivatives,
            }
        )


def _merits(arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Violation, value (both infinite where failed) and result codes of a record."""
    fine = (arrays["result"] == 0) & np.isfinite(arrays["value"])
    for name in ("gradient", "residuals", "jacobian", "constraint_jacobian"):
        if name in arrays:
            flat = arrays[name].reshape(len(fine), -1)
            fine &= np.all(np.isfinite(flat), axis=1)
    slacks = np.nan_to_num(np.maximum(arrays["constraints"], 0.0), nan=np.inf)
    above = np.where(fine, slacks.sum(axis=1), np.inf)
    return above, np.where(fine, arrays["value"], np.inf), _codes(arrays["result"], fine)


def _codes(result: np.ndarray, fine: np.ndarray) -> np.ndarray:
    return np.where((result == 0) & ~fine, _NONFINITE, result).astype(np.int32)
