"""What a model is trained to do: one exchangeable module for each loss."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import AbstractProbabilistic, AbstractSurrogate
from ._data import TrainingData

Scalar = Float[Array, ""]


class AbstractLoss(eqx.Module):
    """A scalar to be lowered, on the z-scored scale of the scores.

    A loss may keep a state (a multiplier, say): `init` makes the first one, and a call returns
    the next beside the value.
    """

    def init(self) -> Any:
        """The state before the first step."""
        return ()

    @abc.abstractmethod
    def __call__(
        self, model: AbstractSurrogate, batch: TrainingData, state: Any, key: Array
    ) -> tuple[Scalar, Any]:
        """The value on a batch, and the next state."""

    def check(self, model: AbstractSurrogate, data: TrainingData) -> None:
        """Raise `ValueError` or `TypeError` if model or data lack what the loss needs."""


def _targets(model: AbstractSurrogate, batch: TrainingData) -> Float[Array, "b m"]:
    return model.normalisation.standardise(batch.y)


class MSE(AbstractLoss):
    """Mean squared error."""

    def __call__(self, model, batch, state, key):
        error = jax.vmap(model.standardised)(batch.x) - _targets(model, batch)
        return jnp.mean(error**2), state


class GaussianNLL(AbstractLoss):
    """Negative log-likelihood of a model that gives mean and standard deviation, up to log √2π."""

    def check(self, model, data):
        if not isinstance(model, AbstractProbabilistic):
            raise TypeError(
                "the model must be probabilistic for GaussianNLL, such as GaussianMLP, but is "
                f"{type(model).__name__}."
            )

    def __call__(self, model, batch, state, key):
        distribution = model.standardised_distribution  # pyright: ignore (see `check`)
        mean, deviation = jax.vmap(distribution)(batch.x)
        error = (mean - _targets(model, batch)) / deviation
        return jnp.mean(0.5 * error**2 + jnp.log(deviation)), state


class ListNet(AbstractLoss):
    """Cross-entropy between the soft orders of scores and predictions; a batch is a list.

    Only differences between predictions matter, so that the level of the model is undetermined.
    Z. Cao et al., ICML 2007; for offline optimisation R.-X. Tan et al. (RaM), 2410.11502.

    `temperature` divides both sides.
    """

    temperature: float | int | Array = 1.0

    def __call__(self, model, batch, state, key):
        predicted = jax.vmap(model.standardised)(batch.x) / self.temperature
        wanted = jax.nn.softmax(_targets(model, batch) / self.temperature, axis=0)
        return -jnp.mean(jnp.sum(wanted * jax.nn.log_softmax(predicted, axis=0), axis=0)), state
