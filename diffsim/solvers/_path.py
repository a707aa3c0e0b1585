"""From the minimum of one potential to that of another through states without a collision."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._status import RESULTS, code, from_code, is_successful
from .._types import BoolScalar, IntScalar, Scalar
from ._newton import Minimum, NewtonSettings, minimise
from ._potential import Potential

# A stage shorter than this means that something is crushed.
_SHORTEST = 1e-6
# So do more stages than this: before they are that short, there may be hundreds of thousands.
_STAGES = 100


class _State(NamedTuple):
    q: Float[Array, " n"]
    reached: Scalar
    stages: IntScalar
    steps: IntScalar
    residual: Scalar
    code: IntScalar
    done: BoolScalar
    failed: BoolScalar


def travel(
    potential: Callable[[Scalar], Potential], q: Float[Array, " n"], settings: NewtonSettings
) -> Minimum:
    """The minimum of `potential(1)` from a state `q` that `potential(0)` admits.

    Supports and obstacles move with the argument. They go on as far as the gaps allow while the
    unknowns stand still; then these give way, down to the minimum there; and so on. Where nothing
    obstructs, it is one call of `minimise`.

    Ends with the code of `minimise` where a minimum is not found, and with `RESULTS.diverged` where
    a stage becomes too short or there are too many, as between bodies that crush what is between.
    """
    if not potential(jnp.ones(())).obstructed:
        return minimise(potential(jnp.ones(())), q, settings)

    def cond(state: _State):
        return ~(state.done | state.failed) & (state.stages < _STAGES)

    def body(state: _State):
        here = potential(state.reached).near(state.q)
        rest = 1.0 - state.reached

        def free(stage):
            return here.free_path(state.q, potential(state.reached + stage), state.q)

        def shorter(carry):
            # A free path of −1 is the first trial: so the program holds the search once.
            stage, found = carry
            stage = jnp.where(found < 0, stage, stage * jnp.clip(found, 0.1, 0.9))
            return stage, free(stage)

        def blocked(carry):
            stage, found = carry
            return (found < 1.0) & ((stage > _SHORTEST) | (found < 0))

        stage, _ = jax.lax.while_loop(blocked, shorter, (rest, -jnp.ones(())))
        # Rounding must not leave a stage undone, nor repeat one.
        reached = jnp.where(stage >= rest, 1.0, state.reached + stage)
        found = minimise(potential(reached), state.q, settings)
        crushed = (stage <= _SHORTEST) & (rest > _SHORTEST)
        return _State(
            found.q,
            reached,
            state.stages + 1,
            state.steps + found.steps,
            found.residual,
            code(found.result),
            reached >= 1.0,
            ~is_successful(found.result) | crushed,
        )

    zero = jnp.zeros(())
    no, none, count = jnp.asarray(False), code(RESULTS.successful), jnp.asarray(0)
    end = jax.lax.while_loop(cond, body, _State(q, zero, count, count, zero, none, no, no))
    crushed = ~end.done & (end.code == none)
    result = jnp.where(crushed, code(RESULTS.diverged), end.code)
    return Minimum(end.q, from_code(result), end.steps, end.residual)
