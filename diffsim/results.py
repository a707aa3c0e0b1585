"""The border to files: names, units and attributes of every dataset, reading and writing.

A run is an `xarray.DataTree`. Root attributes carry versions, configuration and status; the
nodes are the constants below. Files are NetCDF-4; reading executes nothing in them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._status import RESULTS, name_of
from ._xarray import xarray as xr

FORMAT = "diffsim run 1"

# Nodes.
HISTORY, STARTS, BEST = "history", "starts", "best"
IDENTIFIABILITY, PROFILES, FIT = "identifiability", "profiles", "fit"

# Dimensions.
EVALUATION, START, VARIABLE, RESIDUAL = "evaluation", "start", "variable", "residual"

# Variables of `history`, `starts` and `best`.
X, PHYSICAL, VALUE, BEST_SO_FAR, VIOLATION = "x", "physical", "value", "best_so_far", "violation"
RESULT, ORDER, REASON = "result", "order", "reason"
COST, COLUMNS, SECONDS = "cost", "columns", "seconds"
SURROGATE_CALLS = "surrogate_calls"
X_START, X_BEST, EVALUATIONS, FAILED = "x_start", "x_best", "evaluations", "failed"
UNIT = "unit"
GRADIENT, RESIDUALS, JACOBIAN = "gradient", "residuals", "jacobian"

ORDERS = ("value", "gradient", "residuals", "jacobian", "linearised")


def decode(column: xr.DataArray) -> list[str]:
    """The meanings of a column of codes (1-d or a single one)."""
    meanings = column.attrs["flag_meanings"].split(" ")
    return [meanings[int(value)] for value in np.atleast_1d(column.values)]


def result_names() -> tuple[str, ...]:
    """Names of the result codes, in the order of their values."""
    return tuple(name_of(i) for i in range(len(RESULTS._name_to_item)))


def variable(dims: Any, data: Any, long_name: str, units: str = "1") -> xr.Variable:
    """A variable with the two attributes that everything in a file has."""
    return xr.Variable(dims, np.asarray(data), {"long_name": long_name, "units": units})


def flags(dims: Any, values: Any, meanings: tuple[str, ...], long_name: str) -> xr.Variable:
    """A variable of codes, by the CF conventions for flags; inverse of `decode`."""
    attrs = {
        "long_name": long_name,
        "flag_values": np.arange(len(meanings), dtype=np.int32),
        "flag_meanings": " ".join(meanings),
    }
    return xr.Variable(dims, np.asarray(values, np.int32), attrs)


def variable_coordinates(names: tuple[str, ...], units: Mapping[str, str]) -> dict:
    """Coordinates of the axis of design variables: their names and units."""
    return {
        VARIABLE: xr.Variable(VARIABLE, np.asarray(names, object)),
        UNIT: xr.Variable(VARIABLE, np.asarray([units[name] or "1" for name in names], object)),
    }


def attributes(tree: xr.DataTree) -> dict[str, Any]:
    """Root attributes, with the JSON ones read."""
    parsed: dict[str, Any] = {str(name): value for name, value in tree.attrs.items()}
    for name in ("configuration", "counts"):
        if name in parsed:
            parsed[name] = json.loads(parsed[name])
    return parsed


def write(tree: xr.DataTree, path: str | Path) -> Path:
    """Write a tree to NetCDF such that `path` never holds half a file."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        tree.to_netcdf(beside, engine="netcdf4")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def read(path: str | Path) -> xr.DataTree:
    """Load a whole tree into memory.

    **Raises:** `ValueError` if the file was not written by diffsim.
    """
    with xr.open_datatree(path, engine="netcdf4") as opened:
        tree = opened.load()
    if not str(tree.attrs.get("format", "")).startswith("diffsim"):
        raise ValueError(f"{path} must be written by diffsim, but has no such format attribute.")
    return tree


def with_nodes(tree: xr.DataTree, nodes: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """A copy of the tree with more nodes."""
    copy = tree.copy()
    for name, node in nodes.items():
        copy[name] = xr.DataTree(node)
    return copy
