"""Conservative objective models."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import AbstractSurrogate
from ._losses import MSE, AbstractLoss

_Setting = float | int | Array


class Conservative(AbstractLoss):
    """A loss and α·(mean g(x⁻) - mean g(x)): where the search would go, the model is held down.

    x⁻ are the designs of the batch after `steps` steps of ascent on the model, x += `step`·√d·∇g
    on the z-scored scale, kept in the unit cube. α follows the gap by dual ascent,
    α <- max(0, α + rate·(gap - limit)). B. Trabucco et al. (COMs), ICML 2021 (2107.06882).
    """

    base: AbstractLoss = eqx.field(default_factory=MSE)
    limit: _Setting = 0.5
    step: _Setting = 0.05
    rate: _Setting = 0.01
    initial: _Setting = 0.1
    steps: int = eqx.field(static=True, default=50)

    def init(self) -> Any:
        return self.base.init(), jnp.asarray(self.initial, float)

    def check(self, model, data):
        self.base.check(model, data)

    def __call__(self, model, batch, state, key):
        inner, multiplier = state
        value, inner = self.base(model, batch, inner, key)
        frozen = jax.lax.stop_gradient(eqx.filter(model, eqx.is_array))
        frozen = eqx.combine(frozen, model)
        beyond = jax.vmap(lambda x: climb(frozen, x, self.step, self.steps))(batch.x)
        predict = jax.vmap(model.standardised)
        gap = jnp.mean(predict(jax.lax.stop_gradient(beyond))) - jnp.mean(predict(batch.x))
        raised = multiplier + self.rate * (jax.lax.stop_gradient(gap) - self.limit)
        return value + multiplier * gap, (inner, jnp.maximum(raised, 0.0))


def climb(
    model: AbstractSurrogate, x: Float[Array, " d"], step: _Setting, steps: int
) -> Float[Array, " d"]:
    """Gradient ascent on the mean output from one design, in the unit cube."""
    scale = model.normalisation.x_scale

    def forward(x, _):
        gradient = jax.grad(lambda x: jnp.mean(model.standardised(x)))(x)
        # z moves by step √d dg/dz, and x is scale times z.
        moved = x + step * x.size**0.5 * scale**2 * gradient
        return jnp.clip(moved, 0.0, 1.0), None

    return jax.lax.scan(forward, x, None, length=steps)[0]
