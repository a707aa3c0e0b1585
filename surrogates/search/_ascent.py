"""Gradient ascent on a surrogate, as methods of diffsim."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from diffsim.optimise import AbstractFirstOrder

_Setting = float | int | jax.Array


class GradientAscent(AbstractFirstOrder):
    """x += rate·√d·∇g with the raw gradient, projected onto the unit cube.

    `rate` is per unit cube. Design-baselines steps 0.01·√d on the z-scored scale; a z-score is
    0.29 for uniform designs, so that 0.01 there is 0.01·0.29² here.
    """

    rate: _Setting = 0.01 / 12.0
    steps: int = eqx.field(static=True, default=200)

    def transform(self) -> optax.GradientTransformation:
        def update(updates, state, params=None):
            return jax.tree.map(lambda g: -self.rate * jnp.size(g) ** 0.5 * g, updates), state

        return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


class NormalisedAscent(AbstractFirstOrder):
    """Steps of one length, whatever the gradient: x += length·∇g/‖∇g‖.

    The distance travelled is then a setting, and not a consequence of how steep a model happens to
    be: `length` times `steps` at most.
    """

    length: _Setting = 0.01
    steps: int = eqx.field(static=True, default=50)

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(optax.contrib.normalize(), optax.sgd(self.length))
