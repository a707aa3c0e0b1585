"""Offline tasks whose truth we own."""

from ._designs import (
    Penalised as Penalised,
    cell_design as cell_design,
    five_scan_recovery as five_scan_recovery,
    penalised as penalised,
    shell_shape as shell_shape,
    waveform_design as waveform_design,
)
from ._digits import (
    Barycentre as Barycentre,
    Counterfactual as Counterfactual,
    barycentre as barycentre,
    classifier_accuracy as classifier_accuracy,
    counterfactual as counterfactual,
)
from ._interface import AbstractTask as AbstractTask
from ._problem_task import ProblemTask as ProblemTask
from ._simulated import (
    analytic_task as analytic_task,
    biased_steady_state_recovery as biased_steady_state_recovery,
    resistive_recovery as resistive_recovery,
    steady_state_recovery as steady_state_recovery,
    sweep_design as sweep_design,
    voltammetric_recovery as voltammetric_recovery,
    wide_analytic_task as wide_analytic_task,
)
from ._tf_bind_8 import TFBind8 as TFBind8, snap as snap
