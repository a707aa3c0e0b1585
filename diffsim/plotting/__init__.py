"""Figures, drawn from saved runs alone: nothing here simulates, and nothing below imports this.

Every function takes the tree of a run (`diffsim.results.read`, or `run.to_dataset()`) and returns a
Matplotlib figure; `figures` draws all that the tree has the data for.
"""

from ._all import figures as figures, save_figures as save_figures
from ._fit import fit_figure as fit_figure, overview_figure as overview_figure
from ._history import history_figure as history_figure
from ._identifiability import (
    correlation_figure as correlation_figure,
    singular_value_figure as singular_value_figure,
)
from ._parameters import parameter_figure as parameter_figure
from ._profiles import profile_figure as profile_figure
from ._residuals import residual_figure as residual_figure
from ._starts import starts_figure as starts_figure
