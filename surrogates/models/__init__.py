"""Models of scores over the unit cube, behind one interface."""

from ._activations import ACTIVATIONS as ACTIVATIONS, Smoothness as Smoothness
from ._derivative_gp import (
    DerivativeProcess as DerivativeProcess,
    fit_derivative_process as fit_derivative_process,
)
from ._ensemble import (
    AbstractAggregate as AbstractAggregate,
    Ensemble as Ensemble,
    MeanOf as MeanOf,
    MinimumOf as MinimumOf,
    initialise_members as initialise_members,
    member_of as member_of,
    stack_members as stack_members,
)
from ._files import load as load, save as save
from ._gp import (
    GaussianProcess as GaussianProcess,
    fit_gaussian_process as fit_gaussian_process,
)
from ._interface import (
    AbstractProbabilistic as AbstractProbabilistic,
    AbstractSurrogate as AbstractSurrogate,
    predict as predict,
    split_weights as split_weights,
    trainable as trainable,
)
from ._kernels import RBF as RBF, AbstractKernel as AbstractKernel, Matern52 as Matern52
from ._lower_bound import Committee as Committee, LowerBound as LowerBound
from ._mlp import MLP as MLP, GaussianMLP as GaussianMLP
from ._normalisation import Normalisation as Normalisation
from ._projected import Projected as Projected
