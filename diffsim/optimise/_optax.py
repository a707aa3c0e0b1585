"""Optax's first-order methods, with the box kept by projection."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from .._problem import Evaluation
from .._types import IntScalar, Vector
from ._interface import (
    REASONS,
    AbstractOptimiser,
    Need,
    Request,
    Setting,
    Traits,
    given,
    reason_code,
    succeeded,
)


class FirstOrderState(eqx.Module):
    """`x` is asked next; `good` is the last point that did not fail."""

    x: Vector
    good: Vector
    inner: Any
    steps: IntScalar
    reason: IntScalar


class AbstractFirstOrder(AbstractOptimiser):
    """A chain of Optax, applied to the gradient in the unit cube.

    **Bounds:** the point is projected onto the unit cube after each update (and the chain
    sees the projected point).

    A failed evaluation does not reach the chain: the next point is halfway back to the last
    one that succeeded. Best-so-far is the driver's affair. There is no test of convergence: it
    makes the `steps` it was given.
    """

    needs: ClassVar[Need] = "gradient"
    vmappable: ClassVar[bool] = True

    steps: eqx.AbstractVar[int]

    @abc.abstractmethod
    def transform(self) -> optax.GradientTransformation:
        """The chain. Learning rates are lengths in the unit cube."""

    def init(self, x0: Vector, key: Array, traits: Traits) -> FirstOrderState:
        return FirstOrderState(
            x=x0,
            good=x0,
            inner=self.transform().init(x0),
            steps=jnp.asarray(0),
            reason=reason_code(REASONS.running),
        )

    def ask(self, state: FirstOrderState) -> Request:
        return Request.at(state.x, "gradient")

    def status(self, state: FirstOrderState) -> Int[Array, " 1"]:
        return state.reason[None]

    def tell(
        self, state: FirstOrderState, request: Request, evaluation: Evaluation
    ) -> FirstOrderState:
        fine = succeeded(evaluation)[0]
        gradient = jnp.where(fine, given(evaluation.gradient)[0], 0.0)
        updates, inner = self.transform().update(gradient, state.inner, state.x)
        updates = jnp.asarray(updates)
        # A chain that normalises divides 0 by 0 where the gradient vanishes.
        updates = jnp.where(jnp.isfinite(updates), updates, 0.0)
        forward = jnp.clip(state.x + updates, 0.0, 1.0)
        steps = state.steps + 1
        reason = jnp.where(steps >= self.steps, reason_code(REASONS.steps), state.reason)
        start_failed = ~fine & (state.steps == 0)
        return FirstOrderState(
            x=jnp.where(fine, forward, 0.5 * (state.x + state.good)),
            good=jnp.where(fine, state.x, state.good),
            inner=jax.tree.map(lambda new, old: jnp.where(fine, new, old), inner, state.inner),
            steps=steps,
            reason=jnp.where(start_failed, reason_code(REASONS.start_failed), reason),
        )


class FirstOrder(AbstractFirstOrder):
    """Any chain of Optax: `FirstOrder(optax.chain(...), steps=300, name="my chain")`.

    The name identifies the chain in run files: a chain is a pair of functions and cannot be
    written down. Runs are resumed on the strength of it.
    """

    chain: optax.GradientTransformation = eqx.field(static=True)
    steps: int = eqx.field(static=True, kw_only=True)
    name: str = eqx.field(static=True, kw_only=True)

    def transform(self) -> optax.GradientTransformation:
        return self.chain


class SGD(AbstractFirstOrder):
    """Gradient descent with momentum.

    `learning_rate` is per unit of the objective's gradient: there is no scale-free default.
    """

    learning_rate: Setting
    momentum: Setting = 0.0
    steps: int = eqx.field(static=True, default=500)

    def transform(self) -> optax.GradientTransformation:
        return optax.sgd(self.learning_rate, self.momentum)


class Adam(AbstractFirstOrder):
    """Adam (Kingma and Ba 2015); the step is at most about `learning_rate` per variable."""

    learning_rate: Setting = 0.02
    b1: Setting = 0.9
    b2: Setting = 0.999
    steps: int = eqx.field(static=True, default=500)

    def transform(self) -> optax.GradientTransformation:
        return optax.adam(self.learning_rate, self.b1, self.b2)


class Lion(AbstractFirstOrder):
    """Lion (Chen et al. 2023): every variable moves by `learning_rate`, by sign. No decay."""

    learning_rate: Setting = 0.005
    b1: Setting = 0.9
    b2: Setting = 0.99
    steps: int = eqx.field(static=True, default=500)

    def transform(self) -> optax.GradientTransformation:
        return optax.lion(self.learning_rate, self.b1, self.b2, weight_decay=0.0)


class AdamSAM(AbstractFirstOrder):
    """Adam at the worst point nearby: sharpness-aware minimisation (Foret et al. 2021).

    Every second evaluation is at the ascent point, `radius` away (in the unit cube, projected
    onto it); both are counted.
    """

    learning_rate: Setting = 0.02
    radius: Setting = 0.01
    steps: int = eqx.field(static=True, default=500)

    def transform(self) -> optax.GradientTransformation:
        ascent = optax.chain(optax.contrib.normalize(), optax.sgd(self.radius))
        return optax.contrib.sam(optax.adam(self.learning_rate), ascent, sync_period=2)
