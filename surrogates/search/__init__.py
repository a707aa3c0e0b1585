"""Search in surrogates: methods that see nothing else, and directional attacks, alone or with a
simulator that decides."""

from ._ascent import GradientAscent as GradientAscent, NormalisedAscent as NormalisedAscent
from ._attack import (
    FGSM as FGSM,
    L2 as L2,
    PGD as PGD,
    AbstractAttack as AbstractAttack,
    Attacked as Attacked,
    attack_radii as attack_radii,
)
from ._attack_step import AttackState as AttackState, AttackStep as AttackStep
from ._conditioning import ConditioningSearch as ConditioningSearch
from ._correction import (
    CorrectedLandscape as CorrectedLandscape,
    corrected as corrected,
    uncorrected as uncorrected,
)
from ._covariance import CovarianceSearch as CovarianceSearch
from ._evolution import EvolutionSearch as EvolutionSearch
from ._expected_improvement import ExpectedImprovementSearch as ExpectedImprovementSearch
from ._interface import (
    AbstractSearch as AbstractSearch,
    Designs as Designs,
    promised as promised,
)
from ._inverse import InverseSearch as InverseSearch
from ._landscape import (
    AbstractLandscape as AbstractLandscape,
    ProblemLandscape as ProblemLandscape,
    landscape_of as landscape_of,
)
from ._methods import (
    AttackSearch as AttackSearch,
    CorrectedHybrid as CorrectedHybrid,
    HybridSearch as HybridSearch,
    SurrogateSearch as SurrogateSearch,
)
from ._problem import (
    Calibration as Calibration,
    SurrogateSimulator as SurrogateSimulator,
    calibrated as calibrated,
    score_problem as score_problem,
)
from ._profile import SuccessProfile as SuccessProfile, success_profile as success_profile
from ._reinforce import Reinforce as Reinforce
from ._searches import (
    Ascent as Ascent,
    Enumeration as Enumeration,
    Multistart as Multistart,
    Relay as Relay,
    Sampling as Sampling,
    Stay as Stay,
    propose as propose,
)
from ._surrogate_solve import (
    SurrogateSolve as SurrogateSolve,
    solve_on_surrogate as solve_on_surrogate,
)
from ._tangent import (
    project_on_cone as project_on_cone,
    project_on_linearised as project_on_linearised,
)
