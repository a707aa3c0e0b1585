"""The update rule of training: chains of Optax whose numbers are leaves."""

import abc

import equinox as eqx
import optax
from jaxtyping import Array

Setting = float | int | Array


class AbstractChain(eqx.Module):
    """A recipe for an Optax chain; numbers in it may be stacked and mapped over by `vmap`."""

    @abc.abstractmethod
    def transform(self) -> optax.GradientTransformationExtraArgs:
        """The chain. It is given `grad_fn(weights, step)`, the gradient on the same batch."""


class Adam(AbstractChain):
    """Adam (Kingma and Ba 2015)."""

    learning_rate: Setting = 1e-3

    def transform(self):
        return optax.with_extra_args_support(optax.adam(self.learning_rate))


class AdamW(AbstractChain):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    learning_rate: Setting = 1e-3
    weight_decay: Setting = 1e-4

    def transform(self):
        return optax.with_extra_args_support(
            optax.adamw(self.learning_rate, weight_decay=self.weight_decay)
        )


class SAM(AbstractChain):
    """Adam at the worst loss nearby: sharpness-aware minimisation (Foret et al. 2021).

    `optax.contrib.sam`: one step of length `radius` up the loss, then Adam with the gradient
    found there, both on one batch. Two gradients for each step.
    """

    learning_rate: Setting = 1e-3
    radius: Setting = 0.05

    def transform(self):
        ascent = optax.chain(optax.contrib.normalize(), optax.sgd(self.radius))
        return optax.contrib.sam(
            optax.adam(self.learning_rate), ascent, sync_period=2, opaque_mode=True
        )


class Chain(AbstractChain):
    """Any chain of Optax. Each new chain is a new program."""

    chain: optax.GradientTransformation = eqx.field(static=True)

    def transform(self):
        return optax.with_extra_args_support(self.chain)
