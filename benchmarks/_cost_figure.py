"""Cost to target per method, from the finished cells alone."""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullLocator

from ._methods import USES

# Okabe & Ito, distinguishable by everyone; by what the method is told.
_COLOURS = {"jacobian": "#0072B2", "gradient": "#009E73", "value": "#D55E00"}


def draw(rows: list[dict], path: Path, *, budget: float) -> None:
    """One line of dots for each method: a seed each, the median as a bar, failures hollow."""
    rows = sorted(rows, key=lambda row: (np.isinf(row["cost"]["median"]), row["cost"]["median"],
                                         np.median(row["costs"])))  # fmt: skip
    with plt.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(figsize=(6.6, 0.9 + 0.27 * len(rows)), layout="constrained")
        for i, row in enumerate(rows):
            _row(axes, i, row)
        axes.set_yticks(range(len(rows)), [row["method"] for row in rows])
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlim(10, 1.3 * budget)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.axvline(budget, color="0.75", linewidth=0.8, zorder=0)
        axes.text(budget, -0.75, "budget", ha="right", va="bottom", color="0.45", fontsize=7)
        axes.set_xlabel(
            "cost until every parameter is within 0.1 % of the optimum, forward-equivalent runs"
        )
        axes.grid(axis="x", color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
        dot = {"marker": "o", "linestyle": "", "markersize": 4}
        handles = [
            plt.Line2D([], [], color=_COLOURS[need], label=text, **dot)
            for need, text in USES.items()
        ]
        hollow = {"color": "0.4", "markerfacecolor": "white", "label": "not reached"}
        handles.append(plt.Line2D([], [], **hollow, **dot))
        figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200)
        plt.close(figure)


def _row(axes, i: int, row: dict) -> None:
    costs, reached = np.array(row["costs"], float), np.array(row["reached"], bool)
    colour = _COLOURS[row["needs"]]
    # Spread by the order of the seeds, not at random: the same data, the same figure.
    y = i + 0.5 * (np.linspace(0.0, 1.0, costs.size) - 0.5) if costs.size > 1 else np.array([i])
    axes.scatter(costs[reached], y[reached], s=9, color=colour, alpha=0.65, linewidths=0)
    axes.scatter(costs[~reached], y[~reached], s=9, facecolors="white", edgecolors=colour,
                 linewidths=0.7)  # fmt: skip
    if np.isfinite(row["cost"]["median"]):
        axes.plot([row["cost"]["median"]] * 2, [i - 0.36, i + 0.36], color="black", linewidth=1.4)
