"""Residuals in their order, with what the tests say of them."""

import xarray as xr
from matplotlib.figure import Figure

from ._fit import _required
from ._labels import axis_label, p_value, prefixed
from ._style import BLUE, VERMILION, WIDE, reference_line, styled


@styled
def residual_figure(tree: xr.DataTree) -> Figure:
    """Scaled residuals of each experiment against time, in the order they were measured.

    Noise jumps about zero; a curve means that the model lacks something there.

    **Raises:** `ValueError` if the tree has no fit.
    """
    shown = _required(tree)
    figure = Figure(figsize=(WIDE, 0.3 + 0.95 * len(shown)))
    every = figure.subplots(len(shown), 1, sharey=True, squeeze=False)[:, 0]
    for axes, curve in zip(every, shown, strict=True):
        name = str(curve.data.attrs.get("abscissa", "time"))
        place = curve.data[name]
        factor, unit = prefixed(place.values, str(place.attrs.get("units", "s")))
        colour = VERMILION if curve.structured else BLUE
        reference_line(axes)
        axes.plot(
            factor * place.values,
            100 * curve.data["scaled_residual"].values,
            ".-",
            color=colour,
            linewidth=0.5,
            markersize=2.5,
        )
        axes.set_title(curve.label, loc="left", fontweight="bold")
        if curve.runs_p_value == curve.runs_p_value:
            verdict = "has a shape" if curve.structured else "looks like noise"
            text = (
                f"{verdict}: {curve.runs:.0f} runs of sign, {curve.expected_runs:.0f} expected of "
                f"noise, {p_value(curve.runs_p_value)}"
            )
            axes.set_title(text, loc="right", color=colour, fontsize=7)
        axes.set_xscale(curve.data.attrs.get("axis", "linear"))
        label = axis_label(name.capitalize(), unit)
        axes.set_xlabel(label if axes is every[-1] or unit != "s" else "")
    figure.supylabel("Residual / % of scale", fontsize=8)
    return figure
