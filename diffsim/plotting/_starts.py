"""Where each start of a multistart ended."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .. import results
from ._labels import symbol
from ._nodes import names_and_units, node
from ._style import BLUE, GREY, VERMILION, WIDE, styled

# Relative to the best value: as `Starts.agreeing` has it.
_AGREEMENT = 1e-4


@styled
def starts_figure(tree: xr.DataTree) -> Figure:
    """Final values in order, evaluations that each took, and the parameters each ended at.

    **Raises:** `ValueError` if the tree has no table of starts.
    """
    starts = node(tree, results.STARTS)
    if starts is None:
        raise ValueError("the tree must have a table of starts in it, but has not.")
    value = starts[results.VALUE].values
    order = np.argsort(np.where(np.isfinite(value), value, np.inf), kind="stable")
    value = value[order]
    agrees = value <= np.nanmin(value) + _AGREEMENT * abs(np.nanmin(value))
    figure = Figure(figsize=(WIDE, 2.4))
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.6])
    rank = np.arange(1, value.size + 1)
    colours = np.where(agrees, BLUE, VERMILION)
    left.scatter(rank, value, c=colours, s=12)
    if np.nanmin(value) > 0 and np.nanmax(value) > 3 * np.nanmin(value):
        left.set_yscale("log")
    elif np.nanmax(value) - np.nanmin(value) <= _AGREEMENT * abs(np.nanmin(value)):
        centre = float(np.nanmin(value))
        left.set_ylim(centre - 0.1 * abs(centre), centre + 0.1 * abs(centre))
    left.set(xlabel="Start, by rank", ylabel="Final value")
    middle.bar(rank, starts[results.EVALUATIONS].values[order], color=colours, width=0.7)
    middle.set(xlabel="Start, by rank", ylabel="Evaluations")
    for axes in (left, middle):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    middle.yaxis.set_major_locator(MaxNLocator(integer=True))
    names = [symbol(name) for name, _ in names_and_units(starts)]
    for k in reversed(range(value.size)):
        colour = BLUE if agrees[k] else VERMILION
        right.plot(names, starts[results.X_START].values[order][k], ".", color=GREY, markersize=3)
        right.plot(
            names, starts[results.X_BEST].values[order][k], ".-", color=colour, linewidth=0.8
        )
    right.set(ylim=(-0.03, 1.03), ylabel="Position between bounds")
    _slant(right, names)
    figure.suptitle(
        f"{int(agrees.sum())} of {value.size} starts agree within {_AGREEMENT:g} (blue); grey "
        "dots: where they began",
        fontsize=8,
        x=0.01,
        ha="left",
    )
    return figure


def _slant(axes, names: list[str]) -> None:
    if sum(map(len, names)) > 24:
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
