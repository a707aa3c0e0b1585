"""Methods of optimisation behind one interface, and the driver that judges them all alike."""

from ._archive import PointArchive as PointArchive
from ._augmented import AugmentedLagrangian as AugmentedLagrangian
from ._budget import Budget as Budget, Counts as Counts
from ._cma import CMAES as CMAES
from ._cma_gradient import CMAGradient as CMAGradient
from ._cma_lagrangian import CMALagrangian as CMALagrangian
from ._conversation import AbstractConversation as AbstractConversation
from ._covering import (
    FarthestPointCovering as FarthestPointCovering,
    RandomCovering as RandomCovering,
)
from ._direct_search import DirectSearch as DirectSearch, DirectSearchState as DirectSearchState
from ._driver import check_capabilities as check_capabilities, resume as resume, solve as solve
from ._interface import (
    REASONS as REASONS,
    AbstractOptimiser as AbstractOptimiser,
    Request as Request,
    Traits as Traits,
    reason_code as reason_code,
    reason_name as reason_name,
    reason_text as reason_text,
    succeeded as succeeded,
)
from ._levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt
from ._multistart import Multistart as Multistart
from ._nomad import NOMAD as NOMAD
from ._optax import (
    SGD as SGD,
    AbstractFirstOrder as AbstractFirstOrder,
    Adam as Adam,
    AdamSAM as AdamSAM,
    FirstOrder as FirstOrder,
    Lion as Lion,
)
from ._optimistix import BFGS as BFGS, LBFGS as LBFGS
from ._ordering import (
    AbstractOrdering as AbstractOrdering,
    FeasibleFirst as FeasibleFirst,
    Level as Level,
    Penalty as Penalty,
    ProgressiveBarrier as ProgressiveBarrier,
    Standing as Standing,
    Trial as Trial,
)
from ._poll import (
    HouseholderPoll as HouseholderPoll,
    LineSearches as LineSearches,
    RandomDirections as RandomDirections,
)
from ._run import History as History, Run as Run, Starts as Starts
from ._sampling import RandomSearch as RandomSearch, SobolSearch as SobolSearch
from ._scipy import (
    DifferentialEvolution as DifferentialEvolution,
    NelderMead as NelderMead,
    ScipyMinimise as ScipyMinimise,
)
from ._search_step import (
    AbstractSearchStep as AbstractSearchStep,
    Outcome as Outcome,
    Scene as Scene,
    Verdict as Verdict,
)
from ._swarm import ParticleSwarm as ParticleSwarm
