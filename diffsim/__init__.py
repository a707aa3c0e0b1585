"""diffsim: simulators that are differentiable end to end, and every way of optimising over them
judged on the same problem."""

from ._precision import enable_x64 as _enable_x64
from ._xla import tune_for_small_programs as _tune_for_small_programs

_tune_for_small_programs()
_enable_x64()

from ._gradient_check import GradientCheck as GradientCheck, check_gradients as check_gradients
from ._objective import (
    AbstractObjective as AbstractObjective,
    AbstractResidualObjective as AbstractResidualObjective,
    Constraint as Constraint,
    LeastSquares as LeastSquares,
    Maximise as Maximise,
    Minimise as Minimise,
)
from ._observables import Observables as Observables, observe as observe
from ._problem import (
    Evaluation as Evaluation,
    Problem as Problem,
    evaluate as evaluate,
    evaluate_batch as evaluate_batch,
)
from ._simulator import (
    AbstractLens as AbstractLens,
    AbstractSimulator as AbstractSimulator,
    At as At,
    Leaf as Leaf,
)
from ._space import (
    AbstractScale as AbstractScale,
    DesignSpace as DesignSpace,
    Linear as Linear,
    Log as Log,
    Logit as Logit,
)
from ._status import RESULTS as RESULTS, SimulationError as SimulationError
from .identifiability import (
    Diagnosis as Diagnosis,
    diagnose as diagnose,
    profile_likelihood as profile_likelihood,
)
from .optimise import (
    BFGS as BFGS,
    CMAES as CMAES,
    LBFGS as LBFGS,
    REASONS as REASONS,
    SGD as SGD,
    AbstractFirstOrder as AbstractFirstOrder,
    AbstractOptimiser as AbstractOptimiser,
    Adam as Adam,
    AdamSAM as AdamSAM,
    Budget as Budget,
    Counts as Counts,
    DifferentialEvolution as DifferentialEvolution,
    DirectSearch as DirectSearch,
    FirstOrder as FirstOrder,
    History as History,
    LevenbergMarquardt as LevenbergMarquardt,
    Lion as Lion,
    Multistart as Multistart,
    NelderMead as NelderMead,
    ParticleSwarm as ParticleSwarm,
    RandomSearch as RandomSearch,
    Request as Request,
    Run as Run,
    ScipyMinimise as ScipyMinimise,
    SobolSearch as SobolSearch,
    Starts as Starts,
    Traits as Traits,
    check_capabilities as check_capabilities,
    resume as resume,
    solve as solve,
)

__version__ = "0.1.0"
