"""What the figures need of a tree, taken from it in one place."""

import json
from typing import NamedTuple

import numpy as np
import xarray as xr

from .. import results


class Curve(NamedTuple):
    """A measured and a fitted curve, and what the tests of its residuals said (NaN: untested).

    `abscissa` is what the curve is best drawn against: what its `abscissa` attribute says, else
    "potential" or "time".
    """

    label: str
    data: xr.Dataset
    abscissa: str
    runs: float
    expected_runs: float
    runs_p_value: float
    structured: bool


def curves(tree: xr.DataTree) -> list[Curve]:
    """The curves of the fit, in their order; none if there is no fit in the tree."""
    if results.FIT not in tree.children:
        return []
    fit = tree[results.FIT]
    nodes = [child.to_dataset() for _, child in sorted(fit.children.items(), key=_position)]
    tests = node(tree, results.IDENTIFIABILITY)
    return [_curve(i, data, tests) for i, data in enumerate(nodes)]


def _position(item) -> tuple[int, str]:
    name = item[0]
    return (int(name), "") if name.isdigit() else (len(name) + 10**6, name)


def _curve(i: int, data: xr.Dataset, tests: xr.Dataset | None) -> Curve:
    def tested(name: str) -> float:
        if tests is None or name not in tests or i >= tests[name].size:
            return float("nan")
        return float(tests[name].values[i])

    sweeps = "potential" in data and np.ptp(data["potential"].values) > 1e-6
    return Curve(
        str(data.attrs.get("label", f"experiment {i + 1}")),
        data,
        str(data.attrs.get("abscissa", "potential" if sweeps else "time")),
        tested("runs"),
        tested("expected_runs"),
        tested("runs_p_value"),
        tested("structured") == 1.0,
    )


def node(tree: xr.DataTree, name: str) -> xr.Dataset | None:
    """A node as a dataset; None if the tree has none of that name."""
    return tree[name].to_dataset() if name in tree.children else None


def names_and_units(data: xr.Dataset) -> list[tuple[str, str]]:
    """Names and units of the design variables of a node."""
    names = [str(v) for v in data[results.VARIABLE].values]
    units = [str(u) for u in data[results.UNIT].values]
    return list(zip(names, ["" if u == "1" else u for u in units], strict=True))


def space_of(tree: xr.DataTree) -> dict[str, dict]:
    """Scale and bounds of each design variable, as the configuration tells."""
    return json.loads(tree.attrs.get("configuration", "{}")).get("space", {})


def unit_interval(value: float, scale: dict) -> float:
    """Physical value to the unit interval, for the kinds of scale that a file can name."""
    warp = {
        "Log": lambda v: np.log(np.maximum(v, 1e-300)),
        "Logit": lambda v: np.log(v) - np.log1p(-v),
    }.get(scale.get("scale", "Linear"), lambda v: v)
    with np.errstate(all="ignore"):
        low, high = warp(np.asarray(scale["low"])), warp(np.asarray(scale["high"]))
        return float((warp(np.asarray(value)) - low) / (high - low))
