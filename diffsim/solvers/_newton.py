"""Newton's method on a potential: a minimum from anywhere, an equilibrium along a path."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._status import RESULTS, code, from_code
from .._types import BoolScalar, IntScalar, Scalar
from ._elements import elements_stress, extrapolated_stress
from ._potential import Potential


class NewtonSettings(eqx.Module):
    """When Newton's method has arrived, and when it gives up.

    **Fields:**

    - `force_tolerance`: largest gradient of a free unknown at which nothing more is done.
    - `step_tolerance`: a whole Newton step shorter than this (largest entry) is the last one. Both
      are absolute: whoever builds the potential knows its scales.
    - `max_steps`: factorisations at most.
    """

    force_tolerance: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.0)
    step_tolerance: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=1e-12)
    max_steps: int = eqx.field(static=True, default=50)


class Minimum(NamedTuple):
    """Where Newton's method ended, with its result code and the number of factorisations."""

    q: Float[Array, " n"]
    result: RESULTS
    steps: IntScalar
    residual: Scalar


class _State(NamedTuple):
    q: Float[Array, " n"]
    gradient: Float[Array, " n"]
    stress: tuple[Float[Array, "_ _"], ...]
    convex: BoolScalar
    shift: Scalar
    steps: IntScalar
    done: BoolScalar
    failed: BoolScalar


# Sufficient decrease (Nocedal & Wright 3.4), and what round-off of the energy may hide of it.
_ARMIJO, _ROUND_OFF = 1e-4, 1e-14
_SHORTEST = 2.0**-30
# Relative to the largest diagonal entry.
_LEAST_SHIFT, _LARGEST_SHIFT = 1e-6, 1e3


def minimise(potential: Potential, q0: Float[Array, " n"], settings: NewtonSettings) -> Minimum:
    """A local minimum: exact Hessians where they are positive definite, else the nearest convex
    ones,
    and halving of the step until the energy decreases, beginning with what is free of collisions.

    Not differentiable; see `differentiable`. Ends with `RESULTS.diverged` at the limit of steps,
    and where no step decreases the energy; with `RESULTS.too_many_pairs` where encounters have no
    room.
    """

    def advance(potential: Potential, state: _State, dq) -> tuple[Float[Array, " n"], BoolScalar]:
        energy, slope = potential(state.q), state.gradient @ dq
        slack = _ROUND_OFF * (jnp.abs(energy) + jnp.sum(jnp.abs(potential.force * state.q)))

        def poor(length):
            found = potential(state.q + length * dq)
            return ~(found <= energy + _ARMIJO * length * slope + slack) & (length > _SHORTEST)

        free = potential.free_path(state.q, potential, state.q + dq)
        length = jax.lax.while_loop(poor, lambda length: 0.5 * length, free)
        # On the convex path the next trial is exact again: it is what converges quadratically.
        return state.q + length * dq, length > _SHORTEST

    return _iterate(potential, q0, settings, advance, None)


def mixed_newton(potential: Potential, q0: Float[Array, " n"], settings: NewtonSettings) -> Minimum:
    """An equilibrium by whole Newton steps whose geometric stiffness takes the extrapolated stress.

    Where bending is soft and stretching stiff, Newton's method on the energy creeps: each step
    stretches, and the false stress stiffens the next. With the stress that the last linear problem
    predicted in its place, as in a mixed formulation, large steps survive (D. Magisano, L.
    Leonetti, G. Garcea, Comput. Methods Appl. Mech. Eng. 313 (2017) 941). The residual is the
    exact one. Steps end before a collision, and obstacles keep the stress that they have. There is
    no line search: it may fail, and then says `RESULTS.diverged`.
    """

    def advance(potential: Potential, state: _State, dq) -> tuple[Float[Array, " n"], BoolScalar]:
        q = state.q + potential.free_path(state.q, potential, state.q + dq) * dq
        return q, jnp.all(jnp.isfinite(q))

    def stress(state: _State, dq, q):
        old, new = potential.supported(state.q), potential.supported(q)
        return tuple(
            elements_stress(batch, new)
            if batch.obstructs
            else extrapolated_stress(batch, old, new - old)
            for batch in potential.elements
        )

    return _iterate(potential, q0, settings, advance, stress)


def _iterate(potential: Potential, q0, settings: NewtonSettings, advance, next_stress) -> Minimum:
    """Factorise, step, measure; a matrix that is not definite is tried again in its convex form,
    and then with a multiple of the identity added (Levenberg).

    `next_stress` is what the geometric stiffness of the next step takes; None for the exact one.
    """

    def cond(state: _State):
        return ~(state.done | state.failed) & (state.steps < settings.max_steps)

    def body(state: _State):
        nearby = potential.near(state.q)
        stress = nearby.stress(state.q)
        if next_stress is not None:
            stress = jax.tree.map(
                lambda own, kept: jnp.where(state.convex, own, kept), stress, state.stress
            )
        matrix = nearby.hessian(state.q, stress, state.convex)
        dq, definite = matrix.shifted(state.shift).cholesky_solve(-state.gradient)
        safe = jnp.where(definite, dq, 0.0)
        step = lambda state, dq: stepped(nearby, state, dq)
        return jax.lax.cond(definite, step, refused, state, safe)

    def stepped(potential: Potential, state: _State, dq):
        q, fine = advance(potential, state, dq)
        gradient = potential.gradient(q)
        finite = jnp.all(jnp.isfinite(gradient))
        small = jnp.max(jnp.abs(gradient)) <= settings.force_tolerance
        short = jnp.max(jnp.abs(dq)) <= settings.step_tolerance
        # A convex step that finds no way down points into an obstacle: it is turned downhill.
        stuck = ~fine & ~short & state.convex
        shift = jnp.where(stuck, jnp.maximum(10.0 * state.shift, _LEAST_SHIFT), 0.0)
        return _State(
            q,
            gradient,
            () if next_stress is None else next_stress(state, dq, q),
            ~fine,
            shift,
            state.steps + 1,
            small | (short & ~state.convex),
            ~finite | (shift > _LARGEST_SHIFT),
        )

    def refused(state: _State, dq):
        # A convex matrix may still be singular: then it is shifted, ever more.
        shift = jnp.where(state.convex, jnp.maximum(10.0 * state.shift, _LEAST_SHIFT), 0.0)
        return state._replace(
            convex=jnp.asarray(True),
            shift=shift,
            steps=state.steps + 1,
            failed=shift > _LARGEST_SHIFT,
        )

    q0 = potential.supported(q0)
    nearby = potential.near(q0)
    gradient = nearby.gradient(q0)
    start = _State(
        q0,
        gradient,
        () if next_stress is None else potential.stress(q0),
        jnp.asarray(False),
        jnp.zeros(()),
        jnp.asarray(0),
        jnp.max(jnp.abs(gradient)) <= settings.force_tolerance,
        ~jnp.all(jnp.isfinite(gradient)) | jnp.isnan(nearby(q0)),
    )
    end = jax.lax.while_loop(cond, body, start)
    fine = end.done & ~end.failed
    crowded = jax.lax.cond(fine, lambda: jnp.asarray(False), lambda: potential.crowded(end.q))
    failure = jnp.where(crowded, code(RESULTS.too_many_pairs), code(RESULTS.diverged))
    result = jnp.where(fine, code(RESULTS.successful), failure)
    return Minimum(end.q, from_code(result), end.steps, jnp.max(jnp.abs(end.gradient)))
