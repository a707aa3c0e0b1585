"""A run as datasets: the only place that knows both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import results as names
from .._xarray import xarray as xr
from ._interface import reason_names

if TYPE_CHECKING:
    from ._run import Run


def to_dataset(run: "Run") -> xr.DataTree:
    """The whole run as a tree; see `diffsim.results` for the names in it."""
    nodes = {
        names.HISTORY: history_node(run),
        names.STARTS: starts_node(run),
        names.BEST: best_node(run),
    }
    tree = xr.DataTree.from_dict(nodes | run.extra)
    tree.attrs = root_attributes(run)
    return tree


def history_node(run: "Run") -> xr.Dataset:
    """One row for each evaluation."""
    h, row = run.history, (names.EVALUATION,)
    order = [names.ORDERS.index(name) for name in h.order]
    return xr.Dataset(
        {
            names.X: names.variable(
                (names.EVALUATION, names.VARIABLE), h.x, "point in the unit cube"
            ),
            names.PHYSICAL: names.variable(
                (names.EVALUATION, names.VARIABLE), run.physical_history, "point", "see unit"
            ),
            names.VALUE: names.variable(row, h.value, "value of the objective"),
            names.BEST_SO_FAR: names.variable(row, h.best, "best value so far"),
            names.VIOLATION: names.variable(row, h.violation, "sum of violated constraint slacks"),
            names.RESULT: names.flags(row, h.result, names.result_names(), "result code"),
            names.ORDER: names.flags(row, order, names.ORDERS, "what was evaluated"),
            names.START: names.variable(row, h.start, "index of the start"),
            names.COST: names.variable(row, h.cost, "forward-equivalent evaluations so far"),
            names.COLUMNS: names.variable(row, h.columns, "forward-mode tangents so far"),
            names.SECONDS: names.variable(row, h.seconds, "time of evaluation so far", "s"),
            names.SURROGATE_CALLS: names.variable(
                row, h.surrogate_calls, "values and derivatives of a surrogate so far"
            ),
        },
        coords=names.variable_coordinates(run.names, run.units),
    )


def starts_node(run: "Run") -> xr.Dataset:
    """One row for each start."""
    s, row = run.starts, (names.START,)
    return xr.Dataset(
        {
            names.X_START: names.variable(
                (names.START, names.VARIABLE), s.x_start, "start in the unit cube"
            ),
            names.X_BEST: names.variable(
                (names.START, names.VARIABLE), s.x_best, "best point in the unit cube"
            ),
            names.VALUE: names.variable(row, s.value, "best value"),
            names.EVALUATIONS: names.variable(row, s.evaluations, "evaluations"),
            names.FAILED: names.variable(row, s.failed, "failed evaluations"),
            names.REASON: names.flags(row, s.reason, reason_names(), "why the start ended"),
        },
        coords=names.variable_coordinates(run.names, run.units),
    )


def best_node(run: "Run") -> xr.Dataset:
    """The best point, with gradient, residuals and Jacobian where they are known."""
    physical = [run.best_physical[name] for name in run.names]
    columns = {
        names.X: names.variable(names.VARIABLE, run.best_x, "best point in the unit cube"),
        names.PHYSICAL: names.variable(names.VARIABLE, physical, "best point", "see unit"),
        names.VALUE: names.variable((), run.best_value, "best value"),
        names.VIOLATION: names.variable(
            (), run.best_violation, "sum of violated constraint slacks"
        ),
    }
    dims = {
        names.GRADIENT: (names.VARIABLE,),
        names.RESIDUALS: (names.RESIDUAL,),
        names.JACOBIAN: (names.RESIDUAL, names.VARIABLE),
    }
    for name, array in run.best_arrays.items():
        columns[name] = names.variable(dims[name], array, f"{name} with respect to the unit cube")
    return xr.Dataset(columns, coords=names.variable_coordinates(run.names, run.units))


def root_attributes(run: "Run") -> dict[str, Any]:
    """Configuration, versions, counts and status, as attributes of the root."""
    return {
        "format": names.FORMAT,
        "problem": run.problem_name,
        "status": run.reason_name,
        "status_text": run.reason_text,
        "configuration": json.dumps(run.configuration),
        "counts": json.dumps(run.counts.as_dict()),
    }
