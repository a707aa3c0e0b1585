"""One look for all figures: sizes for a journal's page, colours that everyone can tell apart."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

P = ParamSpec("P")

# Okabe & Ito, "Color Universal Design" (2008), in the order in which they are used.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
INK, GREY, PALE = "#1a1a1a", "#7f7f7f", "#d9d9d9"

# Inches: the text width of a two-column page, and one column.
WIDE, NARROW = 7.0, 3.4

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.direction": "out",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "figure.dpi": 110,
    "savefig.dpi": 300,
    "svg.fonttype": "path",
    "svg.hashsalt": "diffsim",
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw under the common style, whatever the user's own settings are."""

    @functools.wraps(draw)
    def under_style(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return under_style


def ordered_colours(n: int) -> list[Any]:
    """Colours for an ordered family of curves, dark to light, none too pale to see."""
    if n <= 2:
        return list(PALETTE[:n])
    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, n)))


def reference_line(axes: Axes, y: float = 0.0) -> None:
    """A thin horizontal line behind the data."""
    axes.axhline(y, color=GREY, linewidth=0.6, zorder=0)
