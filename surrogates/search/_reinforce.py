"""REINFORCE: a normal distribution moved towards where the surrogate is high."""

from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

import diffsim as ds
from diffsim import optimise

_Setting = float | int | jax.Array


class ReinforceState(eqx.Module):
    """Mean and log deviation of the distribution, Adam's state, this round's draw."""

    mean: Float[Array, " d"]
    log_deviation: Float[Array, " d"]
    inner: Any
    trial: Float[Array, "b d"]
    key: Array
    steps: Int[Array, ""]


class Reinforce(ds.AbstractOptimiser):
    """Score-function gradient ascent of E[g(x)] over a diagonal normal distribution.

    Rewards are z-scored within a round. R. J. Williams, Machine Learning 8 (1992) 229. The defaults
    follow design-baselines (Adam 0.01, 200 rounds; deviation 0.1 on its z-scored scale).

    **Bounds:** draws are projected onto the unit cube; the gradient is that of the draw itself.
    """

    needs: ClassVar[Literal["value"]] = "value"
    vmappable: ClassVar[bool] = True
    population: ClassVar[bool] = True

    learning_rate: _Setting = 0.01
    deviation: _Setting = 0.1
    members: int = eqx.field(static=True, default=256)
    steps: int = eqx.field(static=True, default=200)

    def init(self, x0, key, traits):
        log_deviation = jnp.full(traits.size, jnp.log(self.deviation))
        inner = optax.adam(self.learning_rate).init((x0, log_deviation))
        key, draw = jax.random.split(key)
        trial = self._draw(x0, log_deviation, draw)
        return ReinforceState(x0, log_deviation, inner, trial, key, jnp.asarray(0))

    def _draw(self, mean, log_deviation, key):
        noise = jax.random.normal(key, (self.members, mean.size))
        return mean + jnp.exp(log_deviation) * noise

    def ask(self, state):
        return optimise.Request.at(jnp.clip(state.trial, 0.0, 1.0), "value")

    def tell(self, state, request, evaluation):
        fine = optimise.succeeded(evaluation)
        reward = jnp.where(fine, -evaluation.value, jnp.nan)
        spread = jnp.maximum(jnp.nanstd(reward), 1e-12)
        advantage = jnp.where(fine, (reward - jnp.nanmean(reward)) / spread, 0.0)

        def surprise(settings):
            mean, log_deviation = settings
            error = (state.trial - mean) / jnp.exp(log_deviation)
            log_density = -0.5 * jnp.sum(error**2, axis=1) - jnp.sum(log_deviation)
            return -jnp.mean(advantage * log_density)

        settings = (state.mean, state.log_deviation)
        gradient = jax.grad(surprise)(settings)
        updates, inner = optax.adam(self.learning_rate).update(gradient, state.inner)
        mean, log_deviation = jax.tree.map(jnp.add, settings, updates)
        mean = jnp.clip(mean, 0.0, 1.0)
        key, draw = jax.random.split(state.key)
        trial = self._draw(mean, log_deviation, draw)
        return ReinforceState(mean, log_deviation, inner, trial, key, state.steps + 1)

    def status(self, state):
        ended = state.steps >= self.steps
        reasons = optimise.REASONS
        return jnp.where(
            ended, optimise.reason_code(reasons.steps), optimise.reason_code(reasons.running)
        )[None]
