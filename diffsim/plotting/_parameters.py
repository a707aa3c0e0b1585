"""Parameters with their intervals, within the bounds that were searched."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import results
from ._identifiability import _required
from ._labels import interval, number, pretty_unit, symbol
from ._nodes import names_and_units, space_of, unit_interval
from ._style import BLUE, GREY, ORANGE, PALE, VERMILION, WIDE, styled

_COLOURS = {
    "identified": BLUE,
    "bounded_from_below": ORANGE,
    "bounded_from_above": ORANGE,
    "only_in_combination": VERMILION,
    "not_identified": VERMILION,
}

# Where the columns of the table begin, as fractions of its width.
_VALUE, _VERDICT = 0.0, 0.68


@styled
def parameter_figure(tree: xr.DataTree) -> Figure:
    """A table of the parameters; each interval is drawn between the bounds of its search.

    The thin bar is the interval that counts neighbouring residuals as correlated, the thick one
    would hold if they were independent.

    **Raises:** `ValueError` if the tree has no identifiability node.
    """
    data = _required(tree)
    verdicts = results.decode(data["verdict"])
    names = names_and_units(data)
    figure = Figure(figsize=(WIDE, 0.27 * len(names) + 0.62))
    axes, table = figure.subplots(1, 2, sharey=True, width_ratios=[1, 1.45])
    space = space_of(tree)
    for row, ((name, unit), verdict) in enumerate(zip(names, verdicts, strict=True)):
        point = data.isel({results.VARIABLE: row})
        _draw(axes, row, point, space.get(name), _COLOURS.get(verdict, GREY))
        _write(table, row, unit, point, verdict)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.4, -0.9))
    axes.set_yticks(range(len(names)), [symbol(name) for name, _ in names])
    axes.set_xticks([0, 1], ["lower bound", "upper bound"])
    left, right = axes.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    table.set_axis_off()
    _heading(table, f"{100 * float(data.attrs.get('confidence', 0.95)):g} %")
    return figure


def _draw(axes: Axes, row: int, point: xr.Dataset, scale: dict | None, colour: str) -> None:
    axes.plot([0, 1], [row, row], color=PALE, linewidth=4, solid_capstyle="butt", zorder=0)
    if scale is None:
        return

    def place(name: str, default: float) -> float:
        value = float(point[name])
        if not np.isfinite(value):
            return default
        position = unit_interval(value, scale)
        return min(max(position, 0.0), 1.0) if np.isfinite(position) else default

    low, high = place("low", 0.0), place("high", 1.0)
    axes.plot([low, high], [row, row], color=colour, linewidth=1.2, solid_capstyle="butt")
    if np.isfinite(float(point["low"])) and np.isfinite(float(point["high"])):
        inner = [place("white_low", 0.0), place("white_high", 1.0)]
        axes.plot(inner, [row, row], color=colour, linewidth=4, solid_capstyle="butt", alpha=0.55)
    axes.plot(place("value", 0.5), row, "o", color=colour, markersize=4, zorder=3)


def _write(table: Axes, row: int, unit: str, point: xr.Dataset, verdict: str) -> None:
    value, low, high = (float(point[key]) for key in ("value", "low", "high"))
    shown = pretty_unit(unit)
    text = {
        "identified": interval(value, low, high),
        "bounded_from_below": f"≥ {number(low, 3)}",
        "bounded_from_above": f"≤ {number(high, 3)}",
    }.get(verdict, number(value, 3))
    style = {"transform": table.get_yaxis_transform(), "va": "center", "fontsize": 7.5}
    table.text(_VALUE, row, f"{text} {shown}".rstrip() + _remark(verdict), **style)
    table.text(_VERDICT, row, verdict.replace("_", " "), color=_COLOURS.get(verdict), **style)


def _remark(verdict: str) -> str:
    """No bare number where there is no interval."""
    return " (no interval)" if verdict in ("only_in_combination", "not_identified") else ""


def _heading(table: Axes, percent: str) -> None:
    style = {"transform": table.get_yaxis_transform(), "fontweight": "bold", "fontsize": 7.5}
    for x, text in ((_VALUE, f"value ({percent} interval)"), (_VERDICT, "verdict")):
        table.text(x, -0.6, text, va="bottom", **style)
