"""Implicit time steps that are minimisations, as Diffrax solvers.

A step of M q̈ = −∂Π/∂q with an implicit scheme is a stationary point of the incremental potential

    Π(q) + ½ Σ (m/γ²) (q − q̂)²

where q̂ and γ depend on the scheme. Each step is differentiated by the implicit-function theorem.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .._status import RESULTS, code, from_code, is_successful
from .._types import IntScalar, Scalar, ScalarLike
from ._implicit import differentiable
from ._newton import Minimum, NewtonSettings
from ._path import travel
from ._potential import Potential

# What a solve ends with when a step found no minimum.
MINIMISATION_FAILED = diffrax.RESULTS.internal_error
# And where encounters had no room: a code of Diffrax's that steps of one size do not end with.
_TOO_MANY_PAIRS = diffrax.RESULTS.dt_min_reached


class Motion(eqx.Module):
    """Unknowns (n,) and their rates (n,); the rate of an unknown without mass is zero.

    `newton_steps` counts factorisations, and `residual` is the largest force that was left where
    the last search ended, or by the last try that failed; both ride along and are no part of the
    physics. `memory` is what the system remembers of its past beside q (plastic strain), None if
    nothing. `stages` (k, n) keeps the solutions of the last step for each lag, unless it is None.
    """

    q: Float[Array, " n"]
    velocity: Float[Array, " n"]
    newton_steps: Float[Array, ""]
    memory: PyTree = None
    stages: Float[Array, "k n"] | None = None
    residual: Scalar = eqx.field(converter=jnp.asarray, default=0.0)


class Slip(NamedTuple):
    """What friction wants to know of a step: slip is q − base while `gamma` seconds pass.

    - `start`, `end`: times of the step; `before`: (n,) the state at its start.
    - `at`, `lagged`: the time and the state (n,) whose normal forces and directions count.
    """

    start: ScalarLike
    end: ScalarLike
    before: Float[Array, " n"]
    base: Float[Array, " n"]
    gamma: ScalarLike
    at: ScalarLike
    lagged: Float[Array, " n"]


class AbstractPotentialSystem(eqx.Module):
    """M q̈ = −∂Π/∂q with a diagonal mass, parts of which may be zero."""

    @abc.abstractmethod
    def potential(self, time) -> Potential:
        """Π at a time (supports and loads may move); its `inertia` must be zero."""

    @abc.abstractmethod
    def mass(self) -> Float[Array, " n"]:
        """The diagonal of M."""

    @abc.abstractmethod
    def settings(self) -> NewtonSettings:
        """Where Newton's method stops."""

    @abc.abstractmethod
    def guess(self, time, q: Float[Array, " n"]) -> Float[Array, " n"]:
        """Where to start the search for the state at `time`, `q` being the state before; or, if
        nothing obstructs, where the masses would coast to, if that has the lower potential.

        Obstacles and supports are moved on from where they are at the start of the step, which
        must admit the guess."""

    def solved(self, time) -> Float[Array, "k n"] | None:
        """The solutions of the step to `time` for each lag, where they are known already: then
        nothing is searched for, and they are only differentiated."""
        return None

    def lag_count(self) -> int:
        """How many times a step is solved, each time with the friction of the solution before."""
        return 1

    def potential_with(self, time, slip: Slip, memory: PyTree) -> Potential:
        """Π at a time of a step: with what depends on the step (friction) and on the past."""
        return self.potential(time)

    def remember(self, time, q: Float[Array, " n"], memory: PyTree) -> PyTree:
        """The memory after a step that ended in `q`."""
        return memory


class AbstractIncrementalSolver(diffrax.AbstractSolver):
    """A scheme whose step minimises an incremental potential.

    `args` of `diffrax.diffeqsolve` must be an `AbstractPotentialSystem` and the state a
    `Motion`; the term is there for Diffrax's bookkeeping. The step is as long as the step-size
    controller says (`diffrax.ConstantStepSize` is meant). Where the minimum of a step is not found,
    those of shorter steps are, and lead to it; a step without a minimum ends the integration with
    `MINIMISATION_FAILED`.
    """

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar[Callable[..., diffrax.LocalLinearInterpolation]] = (
        diffrax.LocalLinearInterpolation
    )

    def func(self, terms, t0, y0, args):
        slope = jnp.where(args.mass() > 0, -args.potential(t0).gradient(y0.q), 0.0)
        rate = jnp.where(args.mass() > 0, slope / jnp.where(args.mass() > 0, args.mass(), 1.0), 0.0)
        still = jax.tree.map(jnp.zeros_like, y0)
        return eqx.tree_at(lambda y: (y.q, y.velocity), still, (y0.velocity, rate))


class ImplicitEuler(AbstractIncrementalSolver):
    """Backward Euler: first order, damps every vibration, never overshoots.

    γ = h,   q̂ = q₀ + h v₀,   v₁ = (q₁ − q₀)/h
    """

    def order(self, terms):
        return 1

    def init(self, terms, t0, t1, y0, args):
        return None

    def step(
        self, terms, t0, t1, y0: Motion, args: AbstractPotentialSystem, solver_state, made_jump
    ):
        t0, t1 = jnp.asarray(t0), jnp.asarray(t1)
        h = t1 - t0
        slip = Slip(t0, t1, y0.q, y0.q, h, t0, y0.q)
        found = _stationary(args, slip, y0.q + h * y0.velocity, y0.memory)
        y1 = _moved(args, t1, found, (found.q - y0.q) / h, y0)
        return _answer(y0, y1, found, None)


class BDF2(AbstractIncrementalSolver):
    """Second-order backward differentiation with steps of one size, begun by backward Euler.

    γ = 2h/3,   q̂ = (4q₀ − q₋₁)/3 + γ (4v₀ − v₋₁)/3,   v₁ = (q₁ − (4q₀ − q₋₁)/3)/γ
    """

    def order(self, terms):
        return 2

    def init(self, terms, t0, t1, y0: Motion, args):
        return y0.q, y0.velocity, jnp.asarray(True)

    def step(
        self, terms, t0, t1, y0: Motion, args: AbstractPotentialSystem, solver_state, made_jump
    ):
        before, rate, first = solver_state
        t0, t1 = jnp.asarray(t0), jnp.asarray(t1)
        h = t1 - t0
        ratio = jnp.where(first, 0.0, 1.0 / 3.0)
        gamma = jnp.where(first, 1.0, 2.0 / 3.0) * h
        base = y0.q + ratio * (y0.q - before)
        drift = y0.velocity + ratio * (y0.velocity - rate)
        slip = Slip(t0, t1, y0.q, base, gamma, t0, y0.q)
        found = _stationary(args, slip, base + gamma * drift, y0.memory)
        y1 = _moved(args, t1, found, (found.q - base) / gamma, y0)
        return _answer(y0, y1, found, (y0.q, y0.velocity, jnp.asarray(False)))


class ImplicitMidpoint(AbstractIncrementalSolver):
    """The implicit midpoint rule: second order, no damping, linear and angular momentum kept.

        γ = h/2,   q̂ = q₀ + γ v₀,   q₁ = 2q½ − q₀,   v₁ = 2(q½ − q₀)/γ − v₀

    Stiff vibrations are not damped but reflected: steps much longer than their period keep them.
    """

    def order(self, terms):
        return 2

    def init(self, terms, t0, t1, y0, args):
        return None

    def step(
        self, terms, t0, t1, y0: Motion, args: AbstractPotentialSystem, solver_state, made_jump
    ):
        t0, t1 = jnp.asarray(t0), jnp.asarray(t1)
        gamma = 0.5 * (t1 - t0)
        slip = Slip(t0, t0 + gamma, y0.q, y0.q, gamma, t0, y0.q)
        found = _stationary(args, slip, y0.q + gamma * y0.velocity, y0.memory)
        heavy = args.mass() > 0
        velocity = 2.0 * (found.q - y0.q) / gamma - y0.velocity
        q = jnp.where(heavy, 2.0 * found.q - y0.q, found.q)
        y1 = _moved(args, t0 + gamma, found, velocity, y0)
        y1 = eqx.tree_at(lambda y: y.q, y1, q)
        held = args.potential(t1)
        y1 = eqx.tree_at(lambda y: y.q, y1, held.supported(y1.q))
        return _answer(y0, y1, found, None)


class _Found(NamedTuple):
    """What a step has found: the solution for each lag (k, n), the last of which counts."""

    stages: Float[Array, "k n"]
    result: RESULTS
    steps: IntScalar
    residual: Scalar

    @property
    def q(self) -> Float[Array, " n"]:
        return self.stages[-1]


# Jitted, as Diffrax traces a step several times.
@eqx.filter_jit
def _stationary(system: AbstractPotentialSystem, slip: Slip, centre, memory) -> _Found:
    """The minimum of the incremental potential, differentiable.

    With friction it is found several times; each solution is differentiated, and so is what the
    next one takes from it, so that the derivatives are those of what was computed.
    """
    solved = system.solved(slip.end)
    guess, inertia = system.guess(slip.end, slip.before), system.mass() / slip.gamma**2

    def potential(time: ScalarLike, slip: Slip, centre, memory) -> Potential:
        of_time = system.potential_with(time, slip, memory)
        return eqx.tree_at(lambda p: (p.inertia, p.centre), of_time, (inertia, centre))

    def searched(slip, guess, since) -> Minimum:
        fixed, guess = jax.lax.stop_gradient(((slip, centre, memory), guess))
        part = lambda s: jax.lax.stop_gradient(potential(since + s * (slip.end - since), *fixed))
        ends = part(jnp.ones(()))
        if not ends.obstructed:
            coasting = jnp.where(inertia > 0, fixed[1], guess)
            guess = jnp.where(ends(coasting) < ends(guess), coasting, guess)
        settings = jax.lax.stop_gradient(system.settings())
        return _halving(part, fixed[0].before, guess, settings)

    def lag(carry, known):
        at, lagged, guess, worst_code, steps, residual = carry
        now = slip._replace(at=at, lagged=lagged)
        if known is None:
            found = searched(now, guess, at)
            known, worst_code = found.q, jnp.maximum(worst_code, code(found.result))
            steps, residual = steps + found.steps, jnp.maximum(residual, found.residual)
        q = differentiable(potential(slip.end, now, centre, memory), known)
        end = jnp.asarray(slip.end, float)
        return (end, q, jax.lax.stop_gradient(q), worst_code, steps, residual), q

    none = code(RESULTS.successful)
    start = (jnp.asarray(slip.at, float), slip.lagged, guess, none, jnp.asarray(0), jnp.zeros(()))
    end, stages = jax.lax.scan(lag, start, solved, length=system.lag_count())
    return _Found(stages, from_code(end[3]), end[4], end[5])


class _Halving(NamedTuple):
    halvings: Scalar  # of the step that is tried
    solved: Scalar  # of the longest that has been solved; infinite if none
    tries: IntScalar
    found: Minimum


# Steps tried before a search is given up.
_TRIES = 8


def _halving(
    part: Callable[[Scalar], Potential], before, guess: Float[Array, " n"], settings: NewtonSettings
) -> Minimum:
    """The minimum of `part(1)`; where it is not found, those of shorter and then longer steps lead
    there: k halvings mean 4ᵏ times the inertia, 2⁻ᵏ of the way from `before` to where the masses
    coast. What is found at the end is the step as it was asked for."""

    def body(state: _Halving) -> _Halving:
        share, none = 0.5**state.halvings, jnp.isinf(state.solved)

        def shortened(s):
            # What has been solved stands where obstacles end.
            whole = part(jnp.where(none, s, 1.0))
            centre = before + share * (whole.centre - before)
            inertia = whole.inertia / share**2
            return eqx.tree_at(lambda p: (p.inertia, p.centre), whole, (inertia, centre))

        found = travel(shortened, jnp.where(none, guess, state.found.q), settings)
        fine = is_successful(found.result)
        shorter = jnp.where(none, state.halvings + 1.0, 0.5 * (state.halvings + state.solved))
        kept = jnp.where(fine, found.q, state.found.q)
        # What a shorter step has left says nothing of the one that was asked for.
        whole = fine & (state.halvings == 0.0)
        left = jnp.where(fine & ~whole, state.found.residual, found.residual)
        return _Halving(
            jnp.where(fine, jnp.maximum(state.halvings - 1.0, 0.0), shorter),
            jnp.where(fine, state.halvings, state.solved),
            state.tries + 1,
            found._replace(q=kept, steps=state.found.steps + found.steps, residual=left),
        )

    def going(state: _Halving):
        whole = is_successful(state.found.result) & (state.solved == 0.0)
        crowded = code(state.found.result) == code(RESULTS.too_many_pairs)
        return ~whole & ~crowded & (state.tries < _TRIES)

    none = Minimum(guess, from_code(code(RESULTS.diverged)), jnp.asarray(0), jnp.zeros(()))
    start = _Halving(jnp.zeros(()), jnp.asarray(jnp.inf), jnp.asarray(0), none)
    end = jax.lax.while_loop(going, body, start)
    lost = is_successful(end.found.result) & (end.solved > 0.0)
    ended = jnp.where(lost, code(RESULTS.diverged), code(end.found.result))
    return end.found._replace(result=from_code(ended))


def _moved(system: AbstractPotentialSystem, time, found: _Found, velocity, y0: Motion) -> Motion:
    velocity = jnp.where(system.mass() > 0, velocity, 0.0)
    memory = system.remember(time, found.q, y0.memory)
    stages = None if y0.stages is None else found.stages
    steps = y0.newton_steps + found.steps
    return Motion(found.q, velocity, steps, memory, stages, found.residual)


def _answer(y0: Motion, y1: Motion, found: _Found, state: Any):
    crowded = code(found.result) == code(RESULTS.too_many_pairs)
    failure = diffrax.RESULTS.where(crowded, _TOO_MANY_PAIRS, MINIMISATION_FAILED)
    result = diffrax.RESULTS.where(is_successful(found.result), diffrax.RESULTS.successful, failure)
    return y1, None, dict(y0=y0, y1=y1), state, result


def ended(result: diffrax.RESULTS) -> RESULTS:
    """diffsim's code for how an integration with these solvers ended."""
    crowded = result == _TOO_MANY_PAIRS
    failure = RESULTS.where(crowded, RESULTS.too_many_pairs, RESULTS.diverged)
    return RESULTS.where(result == diffrax.RESULTS.successful, RESULTS.successful, failure)
