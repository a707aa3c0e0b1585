"""Design of the next experiment from the Fisher information, by gradient through the simulator."""

from ._criteria import (
    AbstractCriterion as AbstractCriterion,
    AOptimal as AOptimal,
    COptimal as COptimal,
    DOptimal as DOptimal,
    EOptimal as EOptimal,
    efficiency as efficiency,
)
from ._experiment_design import ExperimentDesign as ExperimentDesign
from ._information import (
    gathered_information as gathered_information,
    marginal_root as marginal_root,
)
from ._noise import (
    AbstractNoise as AbstractNoise,
    ConstantNoise as ConstantNoise,
    PeakNoise as PeakNoise,
)
from ._predict import Prediction as Prediction, predict as predict
from ._rehearse import Rehearsal as Rehearsal, rehearse as rehearse
from ._simulator import ExperimentInformation as ExperimentInformation
