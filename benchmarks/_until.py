"""Any method, ended as soon as its best point lies within a box: what "cost to target" means."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffsim import AbstractOptimiser, Problem
from diffsim.optimise import REASONS, Request, Traits, reason_code, succeeded


class UntilState(eqx.Module):
    """The method's own state, the best value it has been told, and whether that is in the box."""

    inner: Any
    best: Float[Array, ""]
    inside: Bool[Array, ""]


class Until(AbstractOptimiser):
    """`optimiser`, stopped once the best point it knows is in [low, high] (unit cube, (d,)).

    The method is neither told nor changed. A population is counted to the end of the
    generation in which it arrives, as the driver evaluates whole generations.
    """

    optimiser: AbstractOptimiser
    low: Float[Array, " d"]
    high: Float[Array, " d"]

    @property
    def needs(self):
        return self.optimiser.needs

    @property
    def vmappable(self):
        return self.optimiser.vmappable

    @property
    def population(self):
        return self.optimiser.population

    @property
    def handles_constraints(self):
        return self.optimiser.handles_constraints

    def init(self, x0: Array, key: Array, traits: Traits) -> UntilState:
        inner = self.optimiser.init(x0, key, traits)
        return UntilState(inner, jnp.asarray(jnp.inf), jnp.asarray(False))

    def ask(self, state: UntilState) -> Request:
        return self.optimiser.ask(state.inner)

    def tell(self, state: UntilState, request: Request, evaluation) -> UntilState:
        inner = self.optimiser.tell(state.inner, request, evaluation)
        values = jnp.where(succeeded(evaluation), evaluation.value, jnp.inf)
        i = jnp.argmin(values)
        point = jnp.asarray(request.points)[i]
        arrived = jnp.all((point >= self.low) & (point <= self.high))
        better = values[i] < state.best
        return UntilState(
            inner,
            jnp.where(better, values[i], state.best),
            jnp.where(better, arrived, state.inside),
        )

    def status(self, state: UntilState) -> Int[Array, " 1"]:
        reason = self.optimiser.status(state.inner)
        return jnp.where(state.inside, reason_code(REASONS.method), reason)

    def begun(self) -> "Until":
        return dataclasses.replace(self, optimiser=self.optimiser.begun())

    def close(self, state: UntilState) -> None:
        self.optimiser.close(state.inner)


def until(
    optimiser: AbstractOptimiser, problem: Problem, optimum: dict[str, float], within: float
) -> Until:
    """Stop when every parameter is within a fraction `within` of the optimum's."""
    edges = [
        problem.space.unit_cube({name: value * factor for name, value in optimum.items()})
        for factor in (1.0 - within, 1.0 + within)
    ]
    return Until(optimiser, jnp.minimum(*edges), jnp.maximum(*edges))
