"""Models of scores over the unit cube, behind one interface."""

from ._activations import ACTIVATIONS as ACTIVATIONS, Smoothness as Smoothness
from ._ensemble import (
    AbstractAggregate as AbstractAggregate,
    Ensemble as Ensemble,
    MeanOf as MeanOf,
    MinimumOf as MinimumOf,
    initialise_members as initialise_members,
    member_of as member_of,
    stack_members as stack_members,
)
from ._interface import (
    AbstractProbabilistic as AbstractProbabilistic,
    AbstractSurrogate as AbstractSurrogate,
    predict as predict,
    split_weights as split_weights,
    trainable as trainable,
)
from ._mlp import MLP as MLP, GaussianMLP as GaussianMLP
from ._normalisation import Normalisation as Normalisation
