"""What is added to the gradient of the loss."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..models import AbstractSurrogate, split_weights
from ._data import TrainingData

Log = dict[str, Float[Array, ""]]


class AbstractRegulariser(eqx.Module):
    """A gradient in weight space beside that of the loss, with a state of its own."""

    def init(self) -> Any:
        """The state before the first step."""
        return ()

    @abc.abstractmethod
    def __call__(
        self, model: AbstractSurrogate, batch: TrainingData, state: Any, key: Array
    ) -> tuple[PyTree, Any, Log]:
        """(gradient shaped as the weights, next state, numbers to be recorded)."""

    def check(self, model: AbstractSurrogate) -> None:
        """Raise `ValueError` if the settings cannot be met by the model."""


class Unregularised(AbstractRegulariser):
    """Nothing is added."""

    def __call__(self, model, batch, state, key):
        return jax.tree.map(jnp.zeros_like, split_weights(model)[0]), state, {}
