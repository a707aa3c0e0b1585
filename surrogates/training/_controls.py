"""Other regularisers, against which sharpness must show what it adds."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import AbstractSurrogate, split_weights
from ._data import TrainingData
from ._regulariser import AbstractRegulariser

_Setting = float | int | Array


class AbstractPenalty(AbstractRegulariser):
    """strength·value, differentiated as it stands."""

    strength: eqx.AbstractVar[_Setting]

    @abc.abstractmethod
    def value(self, model: AbstractSurrogate, batch: TrainingData, key: Array) -> Float[Array, ""]:
        """What is to be kept small."""

    def __call__(self, model, batch, state, key):
        weights, rest = split_weights(model)

        def penalty(weights):
            return self.value(eqx.combine(weights, rest), batch, key)

        value, gradient = jax.value_and_grad(penalty)(weights)
        scaled = jax.tree.map(lambda g: jnp.asarray(self.strength, g.dtype) * g, gradient)
        return scaled, state, {"penalty": value}


class InputSmoothness(AbstractPenalty):
    """Mean squared gradient of the prediction in the design, per z-score of the inputs."""

    strength: _Setting = 0.01

    def value(self, model, batch, key):
        slope = jax.vmap(jax.grad(lambda x: jnp.mean(model.standardised(x))))(batch.x)
        return jnp.mean(jnp.sum((slope * model.normalisation.x_scale) ** 2, axis=1))


class RandomPerturbation(AbstractPenalty):
    """Mean squared change of the predictions under a random change of the weights.

    The weights are moved by normal noise of standard deviation `deviation`, anew at each step.
    After the sensitivity of BOSS (ICML 2024, 2503.04181), with a square in place of its probability
    of exceeding a threshold.
    """

    strength: _Setting = 0.1
    deviation: _Setting = 0.01

    def value(self, model, batch, key):
        weights, rest = split_weights(model)
        leaves, tree = jax.tree.flatten(weights)
        keys = jax.random.split(key, len(leaves))
        moved = [
            w + jnp.asarray(self.deviation, w.dtype) * jax.random.normal(k, w.shape, w.dtype)
            for w, k in zip(leaves, keys, strict=True)
        ]
        shaken = eqx.combine(jax.tree.unflatten(tree, moved), rest)
        change = jax.vmap(shaken.standardised)(batch.x) - jax.vmap(model.standardised)(batch.x)
        return jnp.mean(change**2)


class Placebo(AbstractRegulariser):
    """Computes and records a regulariser and applies none of it: what chance alone does."""

    inner: AbstractRegulariser

    def init(self):
        return self.inner.init()

    def check(self, model):
        self.inner.check(model)

    def __call__(self, model, batch, state, key):
        gradient, state, log = self.inner(model, batch, state, key)
        return jax.tree.map(jnp.zeros_like, gradient), state, log
