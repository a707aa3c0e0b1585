"""What the Jacobian knows: correlations and singular values."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import results
from ._labels import symbol
from ._nodes import names_and_units, node
from ._style import BLUE, INK, NARROW, VERMILION, WIDE, styled


@styled
def correlation_figure(tree: xr.DataTree) -> Figure:
    """Correlations of the parameters; ±1 where only a combination is determined.

    **Raises:** `ValueError` if the tree has no identifiability node.
    """
    data = _required(tree)
    names = [symbol(name) for name, _ in names_and_units(data)]
    matrix = data["correlation"].values
    size = min(NARROW + 0.25 * max(len(names) - 4, 0), WIDE)
    figure = Figure(figsize=(size, 0.87 * size))
    axes = figure.add_subplot()
    # PuOr is told apart with every kind of colour vision; its middle is white.
    image = axes.imshow(matrix, cmap="PuOr", vmin=-1, vmax=1)
    _name_axes(axes, names, names)
    if len(names) <= 12:
        _write(axes, matrix, "{:+.2f}", dark=0.6)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("Correlation")
    bar.outline.set_visible(False)  # pyright: ignore
    return figure


@styled
def singular_value_figure(tree: xr.DataTree) -> Figure:
    """Singular values of the scaled Jacobian, and which parameters make up each direction.

    Directions below the line are not determined by the data within the bounds.

    **Raises:** `ValueError` if the tree has no identifiability node.
    """
    data = _required(tree)
    names = [symbol(name) for name, _ in names_and_units(data)]
    singular, null = data["singular_value"].values, data["null"].values.astype(bool)
    figure = Figure(figsize=(WIDE, max(2.3, 0.24 * len(names) + 0.9)))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.3])
    rank = np.arange(1, singular.size + 1)
    floor = 0.3 * singular[singular > 0].min() if np.any(singular > 0) else 1e-16
    shown = np.maximum(singular, floor)
    for kind, colour, label in ((~null, BLUE, "determined"), (null, VERMILION, "not determined")):
        if np.any(kind):
            left.vlines(rank[kind], 0.5 * floor, shown[kind], color=colour, linewidth=1.5)
            left.plot(rank[kind], shown[kind], "o", color=colour, markersize=5, label=label)
    left.set_yscale("log")
    left.set(xlabel="Direction", ylabel="Singular value", xticks=rank, ylim=(0.5 * floor, None))
    left.margins(x=0.1)
    left.legend(loc="upper right")
    weights = data["direction_vector"].values ** 2
    right.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _name_axes(right, names, [str(k) for k in rank], slant=False)
    right.set_xlabel("Direction")
    right.set_title("Share of each parameter", loc="left")
    if weights.size <= 100:
        _write(right, weights, "{:.2f}", dark=0.55)
    for label, is_null in zip(right.get_xticklabels(), null, strict=True):
        label.set_color(VERMILION if is_null else INK)
    return figure


def _required(tree: xr.DataTree) -> xr.Dataset:
    data = node(tree, results.IDENTIFIABILITY)
    if data is None:
        raise ValueError("the tree must have an identifiability node in it, but has not.")
    return data


def _name_axes(axes: Axes, rows: list[str], columns: list[str], *, slant: bool = True) -> None:
    options = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slant else {}
    axes.set_xticks(range(len(columns)), columns, **options)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write(axes: Axes, matrix: np.ndarray, form: str, *, dark: float) -> None:
    for i, j in np.ndindex(*matrix.shape):
        value = matrix[i, j]
        text = form.format(value).replace("-", "−") if np.isfinite(value) else "–"
        colour = "white" if abs(value) > dark else INK
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=6.5)
