"""Which weights a training returns."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ..models import AbstractSurrogate
from ._data import TrainingData


class AbstractSelection(eqx.Module):
    """Chooses among the weights at the ends of the epochs."""

    @abc.abstractmethod
    def init(self, weights: PyTree) -> Any:
        """The state before the first epoch."""

    @abc.abstractmethod
    def update(self, state: Any, weights: PyTree, model: AbstractSurrogate) -> Any:
        """The state after an epoch that ended with `weights`, which make up `model`."""

    @abc.abstractmethod
    def choose(self, state: Any, weights: PyTree) -> PyTree:
        """The weights to return; `weights` are the last."""


class LastWeights(AbstractSelection):
    """The last ones."""

    def init(self, weights):
        return ()

    def update(self, state, weights, model):
        return state

    def choose(self, state, weights):
        return weights


class BestOnHeldOut(AbstractSelection):
    """Early stopping: the weights with the least squared error on data that are not trained on."""

    held_out: TrainingData

    def init(self, weights):
        return weights, jnp.asarray(jnp.inf)

    def update(self, state, weights, model):
        best, least = state
        targets = model.normalisation.standardise(self.held_out.y)
        error = jnp.mean((jax.vmap(model.standardised)(self.held_out.x) - targets) ** 2)
        better = error < least
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), weights, best)
        return best, jnp.where(better, error, least)

    def choose(self, state, weights):
        return state[0]
