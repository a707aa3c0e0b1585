"""Conservative objective models."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import AbstractSurrogate
from ._losses import MSE, AbstractLoss

_Setting = float | int | Array


class AbstractClimb(eqx.Module):
    """Where a search would go from a design: what COMs hold down."""

    steps: eqx.AbstractVar[int]

    @abc.abstractmethod
    def step(self, gradient: Float[Array, " d"], scale: Float[Array, " d"]) -> Float[Array, " d"]:
        """A step in the unit cube, from a gradient there and the scale of the inputs' z-scores."""


class RawClimb(AbstractClimb):
    """z += `rate`·√d·∇g with the raw gradient on the z-scored scale, as published."""

    rate: _Setting = 0.05
    steps: int = eqx.field(static=True, default=50)

    def step(self, gradient, scale):
        # z moves by rate √d dg/dz, and x is scale times z.
        return self.rate * gradient.size**0.5 * scale**2 * gradient


class NormalisedClimb(AbstractClimb):
    """Steps of one length, as `search.NormalisedAscent` makes them.

    With `length` times `steps` the path of the search itself, the model is held down where that
    search ends. A raw climb of a few steps stays nearby, its gap below the limit: the multiplier
    then falls to zero and what is left is plain training.
    """

    length: _Setting = 0.05
    steps: int = eqx.field(static=True, default=10)

    def step(self, gradient, scale):
        norm = jnp.sqrt(jnp.sum(gradient**2))
        return self.length * gradient / jnp.where(norm > 0, norm, 1.0)


class Conservative(AbstractLoss):
    """A loss and α·(mean g(x⁻) - mean g(x)): where the search would go, the model is held down.

    x⁻ are the designs of the batch after `climb`, kept in the unit cube. α follows the gap by dual
    ascent, α <- max(0, α + rate·(gap - limit)): a training of few steps needs a larger `rate` than
    the published one, which has ten thousand, or α stays where it begins. B. Trabucco et al.
    (COMs), ICML 2021 (2107.06882).
    """

    base: AbstractLoss = eqx.field(default_factory=MSE)
    limit: _Setting = 0.5
    rate: _Setting = 0.01
    initial: _Setting = 0.1
    climb: AbstractClimb = eqx.field(default_factory=RawClimb)

    def init(self) -> Any:
        return self.base.init(), jnp.asarray(self.initial, float)

    def check(self, model, data):
        self.base.check(model, data)

    def __call__(self, model, batch, state, key):
        inner, multiplier = state
        value, inner = self.base(model, batch, inner, key)
        gap = conservative_gap(model, batch.x, self.climb)
        raised = multiplier + self.rate * (jax.lax.stop_gradient(gap) - self.limit)
        return value + multiplier * gap, (inner, jnp.maximum(raised, 0.0))


def conservative_gap(
    model: AbstractSurrogate, x: Float[Array, "b d"], climb: AbstractClimb
) -> Float[Array, ""]:
    """Mean prediction after a climb minus that before it, z-scored; x⁻ is not differentiated, since
    it is found by a model whose weights are constants."""
    frozen = jax.lax.stop_gradient(eqx.filter(model, eqx.is_array))
    frozen = eqx.combine(frozen, model)
    beyond = jax.vmap(lambda x: climbed(frozen, x, climb))(x)
    predict = jax.vmap(model.standardised)
    return jnp.mean(predict(beyond)) - jnp.mean(predict(x))


def climbed(
    model: AbstractSurrogate, x: Float[Array, " d"], climb: AbstractClimb
) -> Float[Array, " d"]:
    """Gradient ascent on the mean output from one design, in the unit cube."""
    scale = model.normalisation.x_scale

    def forward(x, _):
        gradient = jax.grad(lambda x: jnp.mean(model.standardised(x)))(x)
        return jnp.clip(x + climb.step(gradient, scale), 0.0, 1.0), None

    return jax.lax.scan(forward, x, None, length=climb.steps)[0]
