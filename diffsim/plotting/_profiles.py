"""Profile likelihoods."""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import results
from ._labels import axis_label, symbol
from ._nodes import node, space_of
from ._style import BLUE, GREY, NARROW, VERMILION, WIDE, styled


@styled
def profile_figure(tree: xr.DataTree) -> Figure:
    """How the misfit rises when one parameter is held and the others make up for it.

    The dashed line is the threshold of the interval, which is shaded; a side that never reaches
    the threshold is open: the data do not bound the parameter there.

    **Raises:** `ValueError` if the tree has no profiles.
    """
    profiles = node(tree, results.PROFILES)
    if profiles is None:
        raise ValueError("the tree must have profiles in it, but has not.")
    names = [str(name) for name in profiles["profiled"].values]
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(WIDE if columns > 1 else NARROW, 2.1 * rows))
    every = figure.subplots(rows, columns, squeeze=False)
    units = _units(tree)
    for axes, name in zip(every.ravel(), names, strict=False):
        scale = space_of(tree).get(name, {})
        _draw(axes, profiles.sel(profiled=name), scale)
        axes.set_xlabel(axis_label(symbol(name), units.get(name, "")))
    for axes in every.ravel()[len(names) :]:
        axes.set_visible(False)
    for axes in every[:, 0]:
        axes.set_ylabel("Rise of the misfit")
    return figure


def _units(tree: xr.DataTree) -> dict[str, str]:
    return {name: entry.get("unit", "") for name, entry in space_of(tree).items()}


def _draw(axes: Axes, profile: xr.Dataset, scale: dict) -> None:
    x, delta = profile["physical"].values, profile["delta"].values
    rows = np.isfinite(x) & np.isfinite(delta)
    order = np.argsort(x[rows])
    x, delta = x[rows][order], delta[rows][order]
    threshold = float(profile["threshold"])
    if scale.get("scale") == "Log":
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=5)
    low, high = float(profile["low"]), float(profile["high"])
    edges = (x.min() if not np.isfinite(low) else low, x.max() if not np.isfinite(high) else high)
    axes.axvspan(*edges, color=BLUE, alpha=0.12, linewidth=0)
    axes.plot(x, delta, ".-", color=BLUE)
    axes.axhline(threshold, color=GREY, linestyle="--", linewidth=0.8)
    axes.plot(x[np.argmin(delta)], delta.min(), "o", color=VERMILION, markersize=4, zorder=3)
    axes.set_ylim(min(0.0, delta.min()) - 0.08 * threshold, 1.6 * threshold)
    open_sides = [side for side, end in (("below", low), ("above", high)) if not np.isfinite(end)]
    if open_sides:
        axes.set_title(f"open {' and '.join(open_sides)}", loc="right", color=VERMILION, fontsize=7)
