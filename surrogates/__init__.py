"""Models learnt from simulations, and the search for designs in them.

- `surrogates.models`: perceptrons, true ensembles, Gaussian processes, behind one interface;
- `surrogates.training`: one loop; losses, sharpness and other regularisers, update rules;
- `surrogates.offline`: pools of simulations, what is hidden of them, files with a hash;
- `surrogates.tasks`: offline tasks whose truth we own;
- `surrogates.search`: searches on a surrogate behind diffsim's optimiser interface;
- `surrogates.statistics`: paired comparisons, and the rule that decides them.

It imports `diffsim`; `diffsim` never imports it.
"""

import diffsim as _diffsim  # noqa: F401  (switches on double precision)

from . import (
    models as models,
    offline as offline,
    search as search,
    statistics as statistics,
    tasks as tasks,
    training as training,
)
from ._acquisitions import (
    AbstractAcquisition as AbstractAcquisition,
    LogImprovement as LogImprovement,
    NoisyImprovement as NoisyImprovement,
)
from ._bayesian import BayesianOptimisation as BayesianOptimisation
from ._botorch import fit_botorch_process as fit_botorch_process
from ._network import (
    CallbackSimulator as CallbackSimulator,
    NetworkSimulator as NetworkSimulator,
    flat_observables as flat_observables,
    network_problem as network_problem,
    surrogate_problem as surrogate_problem,
)
from ._scbo import SCBO as SCBO
from .search import (
    FGSM as FGSM,
    L2 as L2,
    PGD as PGD,
    AttackSearch as AttackSearch,
    CorrectedHybrid as CorrectedHybrid,
    HybridSearch as HybridSearch,
    SurrogateSearch as SurrogateSearch,
    success_profile as success_profile,
)
