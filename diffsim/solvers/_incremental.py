"""Implicit time steps that are minimisations, as Diffrax solvers.

A step of M q̈ = −∂Π/∂q with an implicit scheme is a stationary point of the incremental potential

    Π(q) + ½ Σ (m/γ²) (q − q̂)²

where q̂ and γ depend on the scheme. Each step is differentiated by the implicit-function theorem.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._status import RESULTS, is_successful
from ._implicit import differentiable
from ._newton import Minimum, NewtonSettings, minimise
from ._potential import Potential

# What a solve ends with when a step found no minimum.
MINIMISATION_FAILED = diffrax.RESULTS.internal_error


class Motion(eqx.Module):
    """Unknowns (n,) and their rates (n,); the rate of an unknown without mass is zero.

    `newton_steps` counts factorisations; it rides along and is no part of the physics.
    """

    q: Float[Array, " n"]
    velocity: Float[Array, " n"]
    newton_steps: Float[Array, ""]


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
        """Where to start the search for the state at `time`, `q` being the state before."""


class AbstractIncrementalSolver(diffrax.AbstractSolver):
    """A scheme whose step minimises an incremental potential.

    `args` of `diffrax.diffeqsolve` must be an `AbstractPotentialSystem` and the state a
    `Motion`; the term is there for Diffrax's bookkeeping. The step is as long as the step-size
    controller says (`diffrax.ConstantStepSize` is meant). A step without a minimum ends the
    integration with `MINIMISATION_FAILED`.
    """

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar[Callable[..., diffrax.LocalLinearInterpolation]] = (
        diffrax.LocalLinearInterpolation
    )

    def func(self, terms, t0, y0, args):
        slope = jnp.where(args.mass() > 0, -args.potential(t0).gradient(y0.q), 0.0)
        rate = jnp.where(args.mass() > 0, slope / jnp.where(args.mass() > 0, args.mass(), 1.0), 0.0)
        return Motion(y0.velocity, rate, jnp.zeros(()))


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
        h = t1 - t0
        found = _stationary(args, t1, h, y0.q + h * y0.velocity, y0.q)
        y1 = _moved(args, found, (found.q - y0.q) / h, y0)
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
        h = t1 - t0
        ratio = jnp.where(first, 0.0, 1.0 / 3.0)
        gamma = jnp.where(first, 1.0, 2.0 / 3.0) * h
        base = y0.q + ratio * (y0.q - before)
        drift = y0.velocity + ratio * (y0.velocity - rate)
        found = _stationary(args, t1, gamma, base + gamma * drift, y0.q)
        y1 = _moved(args, found, (found.q - base) / gamma, y0)
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
        gamma = 0.5 * (t1 - t0)
        found = _stationary(args, t0 + gamma, gamma, y0.q + gamma * y0.velocity, y0.q)
        heavy = args.mass() > 0
        velocity = 2.0 * (found.q - y0.q) / gamma - y0.velocity
        q = jnp.where(heavy, 2.0 * found.q - y0.q, found.q)
        y1 = _moved(args, found._replace(q=q), velocity, y0)
        held = args.potential(t1)
        y1 = eqx.tree_at(lambda y: y.q, y1, held.supported(y1.q))
        return _answer(y0, y1, found, None)


def _stationary(system: AbstractPotentialSystem, time, gamma, centre, q0) -> Minimum:
    """The minimum of the incremental potential, differentiable."""
    potential = system.potential(time)
    inertia = system.mass() / gamma**2
    potential = eqx.tree_at(lambda p: (p.inertia, p.centre), potential, (inertia, centre))
    fixed = jax.lax.stop_gradient(potential)
    guess = jax.lax.stop_gradient(system.guess(time, q0))
    found = minimise(fixed, guess, jax.lax.stop_gradient(system.settings()))
    return found._replace(q=differentiable(potential, found.q))


def _moved(system: AbstractPotentialSystem, found: Minimum, velocity, y0: Motion) -> Motion:
    velocity = jnp.where(system.mass() > 0, velocity, 0.0)
    return Motion(found.q, velocity, y0.newton_steps + found.steps)


def _answer(y0: Motion, y1: Motion, found: Minimum, state: Any):
    result = diffrax.RESULTS.where(
        is_successful(found.result), diffrax.RESULTS.successful, MINIMISATION_FAILED
    )
    return y1, None, dict(y0=y0, y1=y1), state, result


def ended(result: diffrax.RESULTS) -> RESULTS:
    """diffsim's code for how an integration with these solvers ended."""
    return RESULTS.where(result == diffrax.RESULTS.successful, RESULTS.successful, RESULTS.diverged)
