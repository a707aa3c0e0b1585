"""How runs came to their values."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import results
from ._nodes import node
from ._style import GREY, INK, PALETTE, WIDE, styled


@styled
def history_figure(runs: xr.DataTree | Mapping[str, xr.DataTree]) -> Figure:
    """Best value so far against counted evaluations and against seconds of evaluation.

    **Arguments:**

    - `runs`: one run, whose starts are then shown one by one; or several by name, overlaid.

    **Raises:** `ValueError` if a tree has no history.
    """
    several = {"": runs} if isinstance(runs, xr.DataTree) else dict(runs)
    histories = {name: _history(tree) for name, tree in several.items()}
    figure = Figure(figsize=(WIDE, 2.4))
    left, right = figure.subplots(1, 2, sharey=True)
    floor = _floor(histories)
    if len(histories) == 1:
        (history,) = histories.values()
        _draw_starts(left, right, history, floor)
    colours = [INK] if len(histories) == 1 else list(PALETTE)
    for i, (name, history) in enumerate(histories.items()):
        best = history[results.BEST_SO_FAR].values - floor
        style = {"color": colours[i % len(colours)], "label": name or "best of all so far"}
        style |= {"linewidth": 1.5, "drawstyle": "steps-post", "zorder": 3}
        left.plot(np.arange(1, best.size + 1), best, **style)
        right.plot(history[results.SECONDS].values, best, **style)
        _draw_failures(left, history)
    left.set_xlabel("Evaluations")
    right.set_xlabel("Time of evaluation / s")
    left.set_ylabel("Value" if floor == 0 else "Value above the lowest")
    for axes in (left, right):
        axes.set_yscale("log")
    left.legend(loc="upper right")
    return figure


def _history(tree: xr.DataTree) -> xr.Dataset:
    history = node(tree, results.HISTORY)
    if history is None:
        raise ValueError("the tree must have a history in it, but has not.")
    return history


def _floor(histories: Mapping[str, xr.Dataset]) -> float:
    """What is taken off, that values which are not positive can stand on a logarithmic axis."""
    values = np.concatenate([h[results.VALUE].values for h in histories.values()])
    values = values[np.isfinite(values)]
    if values.size == 0 or values.min() > 0:
        return 0.0
    return float(values.min() - 1e-6 * max(np.ptp(values), 1e-300))


def _draw_starts(left: Axes, right: Axes, history: xr.Dataset, floor: float) -> None:
    """The values met on the way, one thin line for each start."""
    start = history[results.START].values
    value, seconds = history[results.VALUE].values - floor, history[results.SECONDS].values
    evaluation = np.arange(1, value.size + 1)
    for k, which in enumerate(np.unique(start)):
        rows = (start == which) & np.isfinite(value)
        label = (
            ("each start" if np.unique(start).size > 1 else "each evaluation") if k == 0 else None
        )
        style = {"color": GREY, "linewidth": 0.6, "marker": ".", "markersize": 2.5, "alpha": 0.7}
        left.plot(evaluation[rows], value[rows], label=label, **style)
        right.plot(seconds[rows], value[rows], **style)


def _draw_failures(axes: Axes, history: xr.Dataset) -> None:
    """Marks on the axis of evaluations where one failed."""
    failed = np.flatnonzero(history[results.RESULT].values != 0) + 1
    if failed.size:
        transform = axes.get_xaxis_transform()
        axes.plot(
            failed,
            np.full(failed.size, 0.02),
            "x",
            color=PALETTE[1],
            markersize=4,
            transform=transform,
            label=f"failed ({failed.size})",
        )
