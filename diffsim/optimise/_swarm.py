"""Particle swarm: small enough to be ours, as no maintained library asks and tells it in JAX."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._problem import Evaluation
from .._types import IntScalar, Vector
from ._interface import (
    REASONS,
    AbstractOptimiser,
    Need,
    Request,
    Setting,
    Traits,
    merit,
    reason_code,
)


class ParticleSwarmState(eqx.Module):
    """Positions, velocities (n, d); each particle's best with its merit (violation, value)."""

    x: Float[Array, "n d"]
    velocity: Float[Array, "n d"]
    best_x: Float[Array, "n d"]
    best_violation: Float[Array, " n"]
    best_value: Float[Array, " n"]
    key: Array
    steps: IntScalar
    reason: IntScalar


class ParticleSwarm(AbstractOptimiser):
    """Particle swarm with constriction, every particle knowing the best of all.

    v ← 0.7298 (v + 2.05 r₁ (own best - x) + 2.05 r₂ (best of all - x)), x ← x + v.

    **Bounds:** a particle that would leave the unit cube is reflected, and its velocity with it.

    **Arguments:**

    - `particles`, `steps` (generations).
    - `tolerance`: on the largest distance of own bests from the best of all.

    M. Clerc and J. Kennedy, IEEE Trans. Evol. Comput. 6 (2002) 58-73.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = True
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = True

    particles: int = eqx.field(static=True, default=24)
    steps: int = eqx.field(static=True, default=500)
    tolerance: Setting = 1e-8

    def init(self, x0: Vector, key: Array, traits: Traits) -> ParticleSwarmState:
        key, place, speed = jax.random.split(key, 3)
        shape = (self.particles, traits.size)
        x = jax.random.uniform(place, shape).at[0].set(x0)
        worst = jnp.full(self.particles, jnp.inf)
        return ParticleSwarmState(
            x=x,
            velocity=jax.random.uniform(speed, shape, minval=-0.25, maxval=0.25),
            best_x=x,
            best_violation=worst,
            best_value=worst,
            key=key,
            steps=jnp.asarray(0),
            reason=reason_code(REASONS.running),
        )

    def ask(self, state: ParticleSwarmState) -> Request:
        return Request.at(state.x, "value")

    def status(self, state: ParticleSwarmState) -> Int[Array, " 1"]:
        return state.reason[None]

    def tell(
        self, state: ParticleSwarmState, request: Request, evaluation: Evaluation
    ) -> ParticleSwarmState:
        above, value = merit(evaluation)
        better = (above < state.best_violation) | (
            (above == state.best_violation) & (value < state.best_value)
        )
        best_x = jnp.where(better[:, None], state.x, state.best_x)
        above = jnp.where(better, above, state.best_violation)
        value = jnp.where(better, value, state.best_value)
        leader = best_x[jnp.argmin(jnp.where(above == jnp.min(above), value, jnp.inf))]
        x, velocity, key = _move(state, best_x, leader)
        steps = state.steps + 1
        spread = jnp.max(jnp.abs(best_x - leader))
        reason = jnp.where(steps >= self.steps, reason_code(REASONS.steps), state.reason)
        reason = jnp.where(spread <= self.tolerance, reason_code(REASONS.spread), reason)
        return ParticleSwarmState(x, velocity, best_x, above, value, key, steps, reason)


def _move(state: ParticleSwarmState, best_x, leader: Vector):
    """Positions and velocities of the next generation, and the key after it."""
    key, now = jax.random.split(state.key)
    own, shared = 2.05 * jax.random.uniform(now, (2, *state.x.shape))
    pull = own * (best_x - state.x) + shared * (leader - state.x)
    velocity = jnp.clip(0.7298 * (state.velocity + pull), -0.5, 0.5)
    x = state.x + velocity
    outside = (x < 0) | (x > 1)
    reflected = jnp.where(x < 0, -x, jnp.where(x > 1, 2 - x, x))
    return reflected, jnp.where(outside, -velocity, velocity), key
