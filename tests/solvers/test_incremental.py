"""Implicit time steps against the linear multistep formulas they stand for, in NumPy."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from diffsim._status import RESULTS
from diffsim.solvers import (
    BDF2,
    MINIMISATION_FAILED,
    AbstractElements,
    AbstractPotentialSystem,
    ImplicitEuler,
    ImplicitMidpoint,
    Motion,
    NewtonSettings,
    Potential,
    ended,
    sparse_pattern,
)
from diffsim.solvers._incremental import _halving

STEP, STEPS = 0.1, 6
MASSES = np.array([2.0, 0.5, 0.0, 1.0])  # the third follows without mass, the fourth is held
STIFFNESS = np.array([3.0, 5.0, 7.0])
PULL = np.array([0.3, -0.2, 0.5, 0.0])
START, SPEED = np.array([0.1, -0.3, 0.0, 0.0]), np.array([0.5, 1.0, 0.0, 0.0])
INDICES = np.array([[0, 1], [1, 2], [2, 3]])
PATTERN = sparse_pattern(4, (INDICES,))


def place(time):
    """Where the last point is held."""
    return 0.4 * time**2


class Springs(AbstractElements):
    """½ k (x₁ − x₀)²"""

    indices: Int[Array, "*e 2"]
    stiffness: Float[Array, "*e"]

    def measures(self, local):
        return (local[1] - local[0])[None]

    def density(self, measures):
        return 0.5 * self.stiffness * measures[0] ** 2

    def convex(self, stress, stiffness):
        return stress, stiffness


class Chain(AbstractPotentialSystem):
    """Three springs in a row, pulled by `PULL`, and by `lag` times where the lagged state is.

    Remembers the sum of the places of its first point."""

    stiffness: Float[Array, " e"]
    lag: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.0)
    lags: int = eqx.field(static=True, default=1)
    max_steps: int = eqx.field(static=True, default=50)

    def potential(self, time):
        springs = Springs(jnp.asarray(INDICES), self.stiffness)
        zeros = jnp.zeros(4)
        free = jnp.asarray([True, True, True, False])
        held = zeros.at[3].set(place(time))
        return Potential((springs,), jnp.asarray(PULL), zeros, zeros, free, held, PATTERN)

    def potential_with(self, time, slip, memory):
        more = self.lag * (slip.lagged + 0.1 * slip.at + slip.gamma)
        return eqx.tree_at(lambda p: p.force, self.potential(time), PULL + more)

    def lag_count(self):
        return self.lags

    def remember(self, time, q, memory):
        return None if memory is None else memory + q[0]

    def mass(self):
        return jnp.asarray(MASSES)

    def settings(self):
        return NewtonSettings(1e-14, 1e-12, max_steps=self.max_steps)

    def guess(self, time, q):
        return q


def run(system, solver, stages=None, memory=None, adjoint=None) -> Any:
    start = Motion(jnp.asarray(START), jnp.asarray(SPEED), jnp.zeros(()), memory, stages)
    return diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: y),
        solver,
        0.0,
        STEP * STEPS,
        None,
        start,
        system,
        saveat=diffrax.SaveAt(steps=True),
        stepsize_controller=diffrax.StepTo(ts=STEP * jnp.arange(STEPS + 1)),
        max_steps=STEPS,
        adjoint=diffrax.RecursiveCheckpointAdjoint() if adjoint is None else adjoint,
        throw=False,
    )


whole = np.zeros((4, 4))
for (i, j), k in zip(INDICES, STIFFNESS, strict=True):
    whole[np.ix_([i, j], [i, j])] += k * np.array([[1, -1], [-1, 1]])


def solved(gamma, towards, time, force=PULL):
    """The state at rest of the springs and of masses that would be at `towards`."""
    weight = MASSES / gamma**2
    matrix, right = whole + np.diag(weight), force + weight * towards
    q = np.full(4, place(time))
    q[:3] = np.linalg.solve(matrix[:3, :3], right[:3] - matrix[:3, 3] * q[3])
    return q


def by_euler(force=lambda q, time: PULL):
    q, v = START, SPEED
    for n in range(STEPS):
        time = STEP * (n + 1)
        new = solved(STEP, q + STEP * v, time, force(q, time))
        q, v = new, np.where(MASSES > 0, (new - q) / STEP, 0.0)
        yield q, v


def by_bdf2():
    """(3y₁ − 4y₀ + y₋₁)/2h = f(y₁), after a step of Euler's."""
    states = [(START, SPEED), next(by_euler())]
    yield states[1]
    for n in range(1, STEPS):
        (q0, v0), (q1, v1) = states[-2:]
        q, v = (4 * q1 - q0) / 3, (4 * v1 - v0) / 3
        gamma = 2 * STEP / 3
        new = solved(gamma, q + gamma * v, STEP * (n + 1))
        states.append((new, np.where(MASSES > 0, (new - q) / gamma, 0.0)))
        yield states[-1]


def by_midpoint():
    """y₁ = y₀ + h f((y₀ + y₁)/2); what has no mass stays where it was in the middle."""
    q, v = START, SPEED
    for n in range(STEPS):
        half = solved(STEP / 2, q + STEP / 2 * v, STEP * (n + 0.5))
        v = np.where(MASSES > 0, 4 * (half - q) / STEP - v, 0.0)
        q = np.where(MASSES > 0, 2 * half - q, half)
        q[3] = place(STEP * (n + 1))
        yield q, v


SCHEMES = {
    "euler": (ImplicitEuler(), by_euler),
    "bdf2": (BDF2(), by_bdf2),
    "midpoint": (ImplicitMidpoint(), by_midpoint),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_steps_are_those_of_the_formulas(scheme):
    """Of masses, of what follows without, and of what is held and moves."""
    solver, expected = SCHEMES[scheme]
    found = eqx.filter_jit(run)(Chain(jnp.asarray(STIFFNESS)), solver, memory=jnp.zeros(()))
    assert ended(found.result) == RESULTS.successful
    q, v = (np.stack(part) for part in zip(*expected(), strict=True))
    np.testing.assert_allclose(found.ys.q, q, atol=1e-11)
    # Of a support that moves only the place counts: its rate differs from scheme to scheme.
    np.testing.assert_allclose(found.ys.velocity[:, :3], v[:, :3], atol=1e-10)
    # A linear system takes one factorisation a step.
    np.testing.assert_array_equal(found.ys.newton_steps, np.arange(1, STEPS + 1))
    ends = 0.5 * (q + np.vstack([START, q[:-1]])) if scheme == "midpoint" else q
    np.testing.assert_allclose(found.ys.memory, np.cumsum(ends[:, 0]), atol=1e-11)


def test_the_midpoint_rule_keeps_the_energy_of_vibrations():
    free = eqx.tree_at(lambda c: c.stiffness, Chain(jnp.zeros(3)), jnp.asarray([300.0, 0.0, 1.0]))
    found = eqx.filter_jit(run)(free, ImplicitMidpoint()).ys
    gap = found.q[:, 1] - found.q[:, 0]
    energy = 150.0 * gap**2 + 0.5 * found.velocity[:, :2] ** 2 @ MASSES[:2]
    energy -= found.q[:, :2] @ PULL[:2]
    np.testing.assert_allclose(energy, energy[0], rtol=1e-12)
    assert float(jnp.ptp(gap)) > 0.1


def test_each_lag_takes_the_solution_before():
    """The first that of the start of the step, with its time; all are kept as stages."""
    lag = 0.7
    found = eqx.filter_jit(run)(
        Chain(jnp.asarray(STIFFNESS), lag, 2), ImplicitEuler(), jnp.zeros((2, 4))
    ).ys

    q, v = START, SPEED
    for n in range(STEPS):
        stages, at, lagged = [], STEP * n, q
        for _ in range(2):
            force = PULL + lag * (lagged + 0.1 * at + STEP)
            lagged = solved(STEP, q + STEP * v, STEP * (n + 1), force)
            at = STEP * (n + 1)
            stages.append(lagged)
        np.testing.assert_allclose(found.stages[n], stages, atol=1e-10)
        q, v = lagged, (lagged - q) / STEP
        np.testing.assert_allclose(found.q[n], q, atol=1e-10)


@pytest.mark.slow
def test_derivatives_go_through_steps_and_lags():
    """Forward, reverse and by differences, of springs and of the lag."""

    def value(p, adjoint=None):
        system = Chain(p[:3] * STIFFNESS, p[3], 2)
        found = run(system, BDF2(), adjoint=adjoint).ys
        return jnp.sum(jnp.sin(1.0 + jnp.arange(4)) * found.q[-1]) + found.velocity[-1, 0]

    at = jnp.asarray([1.0, 1.2, 0.8, 0.7])
    forward = jax.jit(jax.jacfwd(lambda p: value(p, diffrax.ForwardMode())))(at)
    reverse = jax.jit(jax.jacrev(value))(at)
    np.testing.assert_allclose(forward, reverse, rtol=1e-10)
    program = jax.jit(value)
    for i in range(4):
        low, high = (float(program(at.at[i].add(s * 1e-5))) for s in (-1, 1))
        assert float(forward[i]) == pytest.approx((high - low) / 2e-5, rel=1e-6)


def test_a_step_that_is_not_found_ends_the_motion():
    nothing = eqx.filter_jit(run)(Chain(jnp.asarray(STIFFNESS), max_steps=0), ImplicitEuler())
    assert nothing.result == MINIMISATION_FAILED
    assert ended(nothing.result) == RESULTS.diverged
    assert not np.isfinite(np.asarray(nothing.ys.q[1:])).any()
    for other in (diffrax.RESULTS.max_steps_reached, diffrax.RESULTS.nonlinear_divergence):
        assert ended(other) == RESULTS.diverged  # pyright: ignore
    assert ended(diffrax.RESULTS.successful) == RESULTS.successful


class Repelled(AbstractElements):
    """−½ k s²: has a minimum with enough inertia only."""

    indices: Int[Array, "*e 1"]
    stiffness: Float[Array, "*e"]

    def measures(self, local):
        return local

    def density(self, measures):
        return -0.5 * self.stiffness * measures[0] ** 2

    def convex(self, stress, stiffness):
        return stress, jnp.abs(stiffness)


@pytest.mark.parametrize(("stiffness", "halvings"), [(0.5, 0.0), (3.0, 0.875), (14.0, 1.9375)])
def test_shorter_steps_than_was_asked_for_are_no_success(stiffness, halvings):
    """k halvings mean 4ᵏ times the inertia and 2⁻ᵏ of the way to where the mass coasts. Of eight
    tries, those with less inertia than stiffness fail; in turn 0, 1, 0, ½, ¾ and ⅞ for the second
    case."""
    indices, one = jnp.zeros((1, 1), int), jnp.ones(1)
    pattern = sparse_pattern(1, (np.zeros((1, 1), int),))

    def part(share):
        pushed = Repelled(indices, stiffness * one)
        return Potential((pushed,), 0 * one, one, one, one > 0, 0 * one, pattern)

    found = _halving(part, 0 * one, 0 * one, NewtonSettings(1e-12, 1e-12, max_steps=20))
    # What is kept is where the step ended that was found last.
    inertia = 4.0**halvings
    np.testing.assert_allclose(found.q, inertia / 2.0**halvings / (inertia - stiffness), rtol=1e-9)
    assert found.result == (RESULTS.successful if halvings == 0 else RESULTS.diverged)
