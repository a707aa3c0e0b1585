"""Every figure that a saved run has the data for."""

import os
from pathlib import Path

import matplotlib
import xarray as xr
from matplotlib.figure import Figure

from .. import results
from ._fit import fit_figure, overview_figure
from ._history import history_figure
from ._identifiability import correlation_figure, singular_value_figure
from ._parameters import parameter_figure
from ._profiles import profile_figure
from ._residuals import residual_figure
from ._starts import starts_figure
from ._style import STYLE

# Name -> how it is drawn, and the node that it needs.
_DRAWN = {
    "overview": (overview_figure, results.FIT),
    "fit": (fit_figure, results.FIT),
    "residuals": (residual_figure, results.FIT),
    "parameters": (parameter_figure, results.IDENTIFIABILITY),
    "singular_values": (singular_value_figure, results.IDENTIFIABILITY),
    "correlation": (correlation_figure, results.IDENTIFIABILITY),
    "profiles": (profile_figure, results.PROFILES),
    "history": (history_figure, results.HISTORY),
    "starts": (starts_figure, results.STARTS),
}


def figures(tree: xr.DataTree) -> dict[str, Figure]:
    """All figures by name; the table of starts only if there were several."""
    drawn = {}
    for name, (draw, needed) in _DRAWN.items():
        if needed not in tree.children:
            continue
        if name == "starts" and tree[needed].sizes[results.START] < 2:
            continue
        drawn[name] = draw(tree)
    return drawn


def save_figures(tree: xr.DataTree, directory: str | Path, *, format: str = "png") -> list[Path]:
    """Draw all figures into a directory, each written beside its place and renamed.

    **Returns:**

    The paths of the files.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    return [
        save_figure(figure, directory / f"{name}.{format}")
        for name, figure in figures(tree).items()
    ]


def save_figure(figure: Figure, path: Path) -> Path:
    """Write one figure under the common style."""
    beside = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    metadata = {"Date": None} if path.suffix == ".svg" else {}
    try:
        with matplotlib.rc_context(STYLE):
            figure.savefig(beside, metadata=metadata)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path
