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
    energy: Scalar
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
# Of steps with an old factor: what they must shrink by, how many may still be needed, and how much
# of the tolerance may be left, since they converge linearly.
_SHRINKS, _REPEATS, _LEFT = 0.3, 4.0, 1e-6
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

    def advance(potential: Potential, state: _State, dq):
        q, energy, slope = state.q, state.energy, state.gradient @ dq
        slack = _ROUND_OFF * (jnp.abs(energy) + jnp.sum(jnp.abs(potential.force * q)))

        def poor(trial):
            length, found = trial
            return ~(found <= energy + _ARMIJO * length * slope + slack) & (length > _SHORTEST)

        def shorter(trial):
            length = 0.5 * trial[0]
            return length, potential(q + length * dq)

        # Begun at twice the length, so that the program holds the search once.
        first = 2.0 * potential.free_path(q, potential, q + dq), jnp.asarray(jnp.inf)
        length, found = jax.lax.while_loop(poor, shorter, first)
        # On the convex path the next trial is exact again: it is what converges quadratically.
        return q + length * dq, found, length > _SHORTEST

    return _iterate(potential, q0, settings, advance, None)


def mixed_newton(potential: Potential, q0: Float[Array, " n"], settings: NewtonSettings) -> Minimum:
    """An equilibrium by whole Newton steps whose geometric stiffness takes the extrapolated stress.

    Where bending is soft and stretching stiff, Newton's method on the energy creeps: each step
    stretches, and the false stress stiffens the next. With the stress that the last linear problem
    predicted in its place, as in a mixed formulation, large steps survive (D. Magisano, L.
    Leonetti, G. Garcea, Comput. Methods Appl. Mech. Eng. 313 (2017) 941). The residual is the
    exact one. Steps end before a collision, and obstacles keep the stress that they have. There is
    no line search: it may fail, and then says `RESULTS.diverged`. Takes potentials without loose
    elements and encounters.
    """

    def advance(potential: Potential, state: _State, dq):
        q = state.q + potential.free_path(state.q, potential, state.q + dq) * dq
        return q, state.energy, jnp.all(jnp.isfinite(q))

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

    `next_stress` is what the geometric stiffness of the next step takes; None for the exact one,
    whose factor serves for the last steps too (see `_simplified`).
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
        matrix = nearby.hessian(state.q, stress, state.convex).shifted(state.shift)
        dq, definite = matrix.cholesky_solve(-state.gradient)
        safe = jnp.where(definite, dq, 0.0)
        step = lambda state, dq: stepped(nearby, matrix, state, dq)
        return jax.lax.cond(definite, step, refused, state, safe)

    def stepped(potential: Potential, matrix, state: _State, dq):
        q, energy, fine = advance(potential, state, dq)
        gradient = potential.gradient(q)
        arrived = jnp.asarray(False)
        if next_stress is None:
            exact = fine & ~state.convex & (jnp.max(jnp.abs(dq)) > settings.step_tolerance)
            start = _Simplified(q, gradient, jnp.max(jnp.abs(dq)), exact, arrived)
            end = _simplified(potential, matrix, settings.step_tolerance, state.q, start)
            q, gradient, arrived = end.q, end.gradient, end.done
            # What is left of a search that goes on must begin with the energy where it is.
            left = exact & ~arrived
            energy = jax.lax.cond(left, lambda: potential(q), lambda: energy)
        finite = jnp.all(jnp.isfinite(gradient))
        small = jnp.max(jnp.abs(gradient)) <= settings.force_tolerance
        short = jnp.max(jnp.abs(dq)) <= settings.step_tolerance
        # A convex step that finds no way down points into an obstacle: it is turned downhill.
        stuck = ~fine & ~short & state.convex
        shift = jnp.where(stuck, jnp.maximum(10.0 * state.shift, _LEAST_SHIFT), 0.0)
        return _State(
            q,
            energy,
            gradient,
            () if next_stress is None else next_stress(state, dq, q),
            ~fine,
            shift,
            state.steps + 1,
            small | arrived | (short & ~state.convex),
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
    energy, gradient = nearby(q0), nearby.gradient(q0)
    start = _State(
        q0,
        energy,
        gradient,
        () if next_stress is None else potential.stress(q0),
        jnp.asarray(False),
        jnp.zeros(()),
        jnp.asarray(0),
        jnp.max(jnp.abs(gradient)) <= settings.force_tolerance,
        ~jnp.all(jnp.isfinite(gradient)) | jnp.isnan(energy),
    )
    end = jax.lax.while_loop(cond, body, start)
    fine = end.done & ~end.failed
    crowded = jax.lax.cond(fine, lambda: jnp.asarray(False), lambda: potential.crowded(end.q))
    failure = jnp.where(crowded, code(RESULTS.too_many_pairs), code(RESULTS.diverged))
    result = jnp.where(fine, code(RESULTS.successful), failure)
    return Minimum(end.q, from_code(result), end.steps, jnp.max(jnp.abs(end.gradient)))


class _Simplified(NamedTuple):
    q: Float[Array, " n"]
    gradient: Float[Array, " n"]
    length: Scalar
    going: BoolScalar
    done: BoolScalar


def _simplified(potential: Potential, matrix, tolerance, origin, start: _Simplified) -> _Simplified:
    """Newton steps on with the matrix of `origin`, already factorised, while they shrink so fast
    that a few will do: a substitution costs little beside a factorisation.

    They end where what is left is below the tolerance. The rate at which steps shrink bounds it, as
    in the simplified iterations of E. Hairer, G. Wanner, Solving ordinary differential equations II
    (1996), IV.8; a step that does not shrink, or meets an obstacle, is not taken.
    """

    def body(state: _Simplified) -> _Simplified:
        dq, _ = matrix.cholesky_solve(-state.gradient)
        length = jnp.max(jnp.abs(dq))
        rate = length / state.length
        moved = state.q + dq
        gradient = potential.gradient(moved)
        kept = (rate < _SHRINKS) & potential.covers(origin, moved)
        kept &= potential.free_path(state.q, potential, moved) >= 1.0
        kept &= jnp.all(jnp.isfinite(gradient))
        left = length * rate / (1.0 - rate)
        needed = jnp.log(_LEFT * tolerance / length) / jnp.log(rate)
        after = _Simplified(
            moved,
            gradient,
            length,
            (left > _LEFT * tolerance) & (needed <= _REPEATS),
            left <= _LEFT * tolerance,
        )
        stay = state._replace(going=jnp.asarray(False))
        return jax.tree.map(lambda new, old: jnp.where(kept, new, old), after, stay)

    return jax.lax.while_loop(lambda state: state.going, body, start)
