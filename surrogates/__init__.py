"""Models learnt from simulations, and the search for designs in them.

This package will hold offline datasets, models (multilayer perceptrons, true ensembles, Gaussian
processes), their training, and the search (ascent, directional attack, acquisition, offline
methods), all behind diffsim's optimiser interface, so that surrogate search and direct search
meet in one driver and one budget. It imports `diffsim`; `diffsim` never imports it.
"""

from ._network import (
    CallbackSimulator as CallbackSimulator,
    NetworkSimulator as NetworkSimulator,
    flat_observables as flat_observables,
    network_problem as network_problem,
    surrogate_problem as surrogate_problem,
)
from .search import (
    FGSM as FGSM,
    L2 as L2,
    PGD as PGD,
    AttackSearch as AttackSearch,
    HybridSearch as HybridSearch,
    SurrogateSearch as SurrogateSearch,
    success_profile as success_profile,
)
