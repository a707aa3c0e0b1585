"""Measured curves and the fit to them."""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._labels import axis_label, prefixed
from ._nodes import Curve, curves
from ._style import (
    INK,
    NARROW,
    VERMILION,
    WIDE,
    ordered_colours,
    reference_line,
    styled,
)

_COLUMNS = 3


@styled
def fit_figure(tree: xr.DataTree) -> Figure:
    """Each experiment in a panel of its own: measured, fitted, and the residuals beneath.

    A panel whose residuals have a shape (test of runs, Durbin-Watson) says so.

    **Raises:** `ValueError` if the tree has no fit.
    """
    shown = _required(tree)
    columns = min(_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    width = WIDE if columns > 1 else NARROW
    figure = Figure(figsize=(width, 2.5 * rows + 0.2))
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[3, 1] * rows)
    for i, curve in enumerate(shown):
        row, column = divmod(i, columns)
        factor, unit = _common_unit(shown, curve)
        upper = figure.add_subplot(grid[2 * row, column])
        lower = figure.add_subplot(grid[2 * row + 1, column], sharex=upper)
        _draw(upper, lower, curve, factor)
        upper.tick_params(labelbottom=False)
        if column == 0 or _quantity(curve) != _quantity(shown[i - 1]):
            upper.set_ylabel(axis_label(_quantity(curve), unit))
            lower.set_ylabel(axis_label("Residual", unit))
            figure.align_ylabels([upper, lower])
        lower.set_xlabel(_abscissa_label(curve))
        if i == 0:
            upper.legend(loc="best", handlelength=1.2)
    return figure


@styled
def overview_figure(tree: xr.DataTree) -> Figure:
    """All experiments on one pair of axes (of several quantities, those of the first).

    **Raises:** `ValueError` if the tree has no fit.
    """
    shown = _required(tree)
    shown = [curve for curve in shown if _quantity(curve) == _quantity(shown[0])]
    figure = Figure(figsize=(1.25 * NARROW, 0.9 * NARROW))
    axes = figure.add_subplot()
    factor, unit = _common_unit(shown, shown[0])
    for curve, colour in zip(shown, ordered_colours(len(shown)), strict=True):
        x = curve.data[curve.abscissa].values
        axes.plot(
            x,
            factor * curve.data["measured"].values,
            ".",
            color=colour,
            alpha=0.35,
            markersize=4,
            markeredgewidth=0,
        )
        axes.plot(x, factor * curve.data["fitted"].values, color=colour, label=curve.label)
    reference_line(axes)
    axes.set_xlabel(_abscissa_label(shown[0]))
    axes.set_ylabel(axis_label(_quantity(shown[0]), unit))
    axes.set_xscale(shown[0].data.attrs.get("axis", "linear"))
    axes.legend(title="dots measured, lines fitted", title_fontsize=7, loc="best")
    return figure


def _required(tree: xr.DataTree) -> list[Curve]:
    shown = curves(tree)
    if not shown:
        raise ValueError("the tree must have a fit in it, but has not.")
    return shown


def _common_unit(shown: list[Curve], like: Curve) -> tuple[float, str]:
    """Factor and unit for all curves of one quantity."""
    alike = [curve.data["measured"] for curve in shown if _quantity(curve) == _quantity(like)]
    everything = np.concatenate([measured.values for measured in alike])
    return prefixed(everything, str(alike[0].attrs.get("units", "A")))


def _quantity(curve: Curve) -> str:
    return str(curve.data.attrs.get("quantity", "Current"))


def _abscissa_label(curve: Curve) -> str:
    unit = str(curve.data[curve.abscissa].attrs.get("units", ""))
    return axis_label(curve.abscissa.capitalize(), unit)


def _draw(upper: Axes, lower: Axes, curve: Curve, factor: float) -> None:
    x = curve.data[curve.abscissa].values
    measured, fitted = (factor * curve.data[name].values for name in ("measured", "fitted"))
    upper.plot(
        x,
        measured,
        "o",
        color=INK,
        fillstyle="none",
        markersize=2.2,
        markeredgewidth=0.45,
        alpha=0.7,
        label="measured",
    )
    upper.plot(x, fitted, color=VERMILION, linewidth=1.1, label="fitted")
    upper.set_xscale(curve.data.attrs.get("axis", "linear"))
    reference_line(lower)
    lower.plot(x, fitted - measured, color=VERMILION, linewidth=0.7)
    limit = 1.15 * float(np.max(np.abs(fitted - measured))) or 1.0
    lower.set_ylim(-limit, limit)
    lower.locator_params(axis="y", nbins=3)
    title = upper.set_title(curve.label, loc="left")
    title.set_fontweight("bold")
    if curve.structured:
        upper.set_title("misfit has a shape", loc="right", color=VERMILION, fontsize=6.5)
