"""Losses that look at the derivative of the model in the design."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ._losses import AbstractLoss, _targets


class Sobolev(AbstractLoss):
    """Squared error of values and, times `weight`, of true gradients.

    The gradients are per z-score of the inputs. W. M. Czarnecki et al., NeurIPS 2017 (1706.04859).
    """

    weight: float | int | Array = 1.0

    def check(self, model, data):
        if data.gradients is None:
            raise ValueError("the data must hold gradients for Sobolev, but do not.")

    def __call__(self, model, batch, state, key):
        scales = model.normalisation
        # One product with each output's unit vector gives its gradient: reverse, for m << d.
        predicted, slopes = jax.vmap(lambda x: _value_and_slopes(model, x))(batch.x)
        truth = batch.gradients / scales.y_scale[:, None]  # pyright: ignore (see `check`)
        values = jnp.mean((predicted - _targets(model, batch)) ** 2)
        return values + self.weight * jnp.mean(((slopes - truth) * scales.x_scale) ** 2), state


def _value_and_slopes(model, x):
    value, back = jax.vjp(model.standardised, x)
    return value, jax.vmap(lambda unit: back(unit)[0])(jnp.eye(value.size, dtype=value.dtype))


class MatchOpt(AbstractLoss):
    """Squared error of values and, times `weight`, of line integrals of the model's gradient.

    Pairs of designs of the batch: (∫₀¹ ∇g(x + t Δx)·Δx dt - Δy)², the integral by the trapezoidal
    rule with `points` nodes. It is value-only information, laid on the gradient. M. Hoang et al.
    (MATCH-OPT), ICML 2024.
    """

    weight: float | int | Array = 1.0
    points: int = 5

    def __check_init__(self):
        if self.points < 2:
            raise ValueError(f"points must be at least 2, but is {self.points}.")

    def __call__(self, model, batch, state, key):
        targets = _targets(model, batch)
        other = jax.random.permutation(key, len(batch.x))
        times = jnp.linspace(0.0, 1.0, self.points)
        share = jnp.ones(self.points).at[jnp.array([0, -1])].set(0.5) / (self.points - 1)

        def integral(start, end):
            def slope(t):
                at = start + t * (end - start)
                return jax.jvp(model.standardised, (at,), (end - start,))[1]

            return share @ jax.vmap(slope)(times)

        integrals = jax.vmap(integral)(batch.x, batch.x[other])
        error = jax.vmap(model.standardised)(batch.x) - targets
        mismatch = integrals - (targets[other] - targets)
        return jnp.mean(error**2) + self.weight * jnp.mean(mismatch**2), state
