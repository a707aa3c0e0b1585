"""Newton's method on a few unknowns: how it arrives, what stops it, and what it says then; the
parts of a potential."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from diffsim._status import RESULTS
from diffsim.solvers import (
    AbstractElements,
    AbstractEncounters,
    NewtonSettings,
    Potential,
    congruent,
    minimise,
    mixed_newton,
    sparse_pattern,
)
from diffsim.solvers._elements import extrapolated_stress


class Wells(AbstractElements):
    """a x²/2 + b x⁴/4."""

    indices: Int[Array, "*e 1"]
    square: Float[Array, "*e"]
    fourth: Float[Array, "*e"]

    def measures(self, local):
        return local

    def density(self, measures):
        return 0.5 * self.square * measures[0] ** 2 + 0.25 * self.fourth * measures[0] ** 4

    def convex(self, stress, stiffness):
        return stress, jnp.maximum(stiffness, 0.0)


class Bars(AbstractElements):
    """½ k (|x₁ − x₀|² − L²)² between points of a line."""

    indices: Int[Array, "*e 2"]
    stiffness: Float[Array, "*e"]
    length: Float[Array, "*e"]

    def measures(self, local):
        return ((local[1] - local[0]) ** 2 - self.length**2)[None]

    def density(self, measures):
        return 0.5 * self.stiffness * measures[0] ** 2

    def convex(self, stress, stiffness):
        return jnp.maximum(stress, 0.0), stiffness


class Wall(AbstractElements):
    """−κ ln |x|: what has once got through would be drawn on by forces."""

    indices: Int[Array, "*e 1"]
    strength: Float[Array, "*e"]
    obstructs: ClassVar[bool] = True

    def measures(self, local):
        return local

    def density(self, measures):
        return -self.strength * jnp.log(jnp.abs(measures[0]))

    def convex(self, stress, stiffness):
        return stress, stiffness

    def free_path(self, local, after, moved):
        closing = (local - moved)[0]
        return jnp.where(closing > 0.9 * local[0], 0.9 * local[0] / closing, 1.0)


class Crowd(AbstractEncounters):
    """As many pairs as there is room for, or too many; good for changes of `reach`."""

    full: bool = eqx.field(static=True)
    reach: float = eqx.field(static=True, default=1e3)

    def near(self, q):
        strength = jnp.full(1, jnp.nan if self.full else 1e-3)
        return (Wall(jnp.zeros((1, 1), int), strength),)

    def room(self, q, moved):
        way = jnp.max(jnp.abs(moved - q))
        return jnp.where(way > self.reach, self.reach / way, 1.0)

    def crowded(self, q):
        return jnp.asarray(self.full)


def potential(*batches, size=1, force: Any = 0.0, held: Any = (), **fields):
    """Held unknowns by number and place."""
    zeros = jnp.zeros(size)
    places = dict(held)
    return Potential(
        batches,
        zeros + force,
        zeros,
        zeros,
        jnp.asarray([i not in places for i in range(size)]),
        jnp.asarray([places.get(i, 0.0) for i in range(size)]),
        sparse_pattern(size, tuple(np.asarray(b.indices) for b in batches)),
        **fields,
    )


def wells(square, fourth=0.0, count=1):
    ones = jnp.ones(count)
    return Wells(jnp.arange(count)[:, None], square * ones, fourth * ones)


def wall(strength=1.0):
    return Wall(jnp.zeros((1, 1), int), jnp.full(1, strength))


SETTINGS = NewtonSettings(1e-12, 1e-12)
least, mixed = eqx.filter_jit(minimise), eqx.filter_jit(mixed_newton)


@pytest.mark.parametrize("method", [least, mixed])
def test_a_parabola_takes_one_step_and_its_bottom_none(method):
    form = potential(wells(2.0, count=3), size=3, force=jnp.asarray([1.0, -4.0, 6.0]))
    found = method(form, jnp.asarray([5.0, 5.0, -5.0]), SETTINGS)
    assert found.result == RESULTS.successful
    np.testing.assert_allclose(found.q, [0.5, -2.0, 3.0], atol=1e-14)
    assert int(found.steps) == 1
    again = method(form, found.q, SETTINGS)
    assert int(again.steps) == 0
    np.testing.assert_array_equal(again.q, found.q)


def test_held_unknowns_go_to_their_places_first():
    bars = Bars(jnp.asarray([[0, 1], [1, 2]]), jnp.ones(2), jnp.asarray([1.0, 1.0]))
    form = potential(bars, size=3, held={0: 1.0, 2: 4.0})
    found = least(form, jnp.asarray([-7.0, 2.3, 9.0]), SETTINGS)
    np.testing.assert_allclose(found.q, [1.0, 2.5, 4.0], atol=1e-12)


def hill(force=0.0):
    """Two wells along the first unknown, a bowl along the second."""
    along = jnp.asarray([-1.0, 5.0]), jnp.asarray([1.0, 0.0])
    return potential(Wells(jnp.asarray([[0], [1]]), *along), size=2, force=force)


@pytest.mark.parametrize("start", [0.1, -0.1, 3.0])
def test_a_hill_is_left_for_the_valley_beside_it(start):
    """Where the Hessian is negative, a minimum is found none the less, and no other point at rest:
    Newton's own way from 0.1 leads to the top at zero."""
    found = least(hill(), jnp.asarray([start, 1.0]), SETTINGS)
    assert found.result == RESULTS.successful
    np.testing.assert_allclose(found.q, [np.sign(start), 0.0], atol=1e-12)


def test_the_energy_never_rises():
    """Of what each number of steps has reached; and the residual is that of the end."""
    form, start = hill(0.3), jnp.asarray([0.05, -2.0])
    energies = [float(form(start))]
    for most in range(1, 8):
        found = least(form, start, NewtonSettings(1e-12, 1e-12, max_steps=most))
        assert int(found.steps) <= most
        assert float(found.residual) == pytest.approx(
            float(jnp.max(jnp.abs(form.gradient(found.q)))), abs=1e-15
        )
        energies.append(float(form(found.q)))
        arrived = float(found.residual) < 1e-10
        assert (found.result == RESULTS.successful) == arrived
    assert np.all(np.diff(energies) <= 1e-14)
    assert energies[-1] < energies[0]


@pytest.mark.parametrize(("step", "error"), [(1e-1, 1e-2), (1e-4, 1e-8), (1e-9, 1e-14)])
def test_a_looser_tolerance_takes_fewer_steps_and_is_kept(step, error):
    form = potential(wells(0.0, 1.0), force=8.0)
    tight = least(form, jnp.asarray([9.0]), SETTINGS)
    found = least(form, jnp.asarray([9.0]), NewtonSettings(0.0, step))
    assert found.result == RESULTS.successful
    assert int(found.steps) <= int(tight.steps)
    assert abs(float(found.q[0]) - 2.0) <= error


@pytest.mark.parametrize("method", [least, mixed])
@pytest.mark.parametrize("force", [-1e-3, -1.0, -1e6])
def test_nothing_passes_a_wall(method, force):
    """κ/x is what the force is balanced by, however hard it pushes."""
    found = method(potential(wall(), force=force), jnp.asarray([1.0]), NewtonSettings(0.0, 1e-13))
    assert found.result == RESULTS.successful
    np.testing.assert_allclose(found.q, -1.0 / force, rtol=1e-10)


@pytest.mark.parametrize(
    ("form", "start"),
    [
        (potential(wall()), 0.0),  # begins where the energy is infinite
        (potential(wells(1.0), force=jnp.inf), 0.0),
        (potential(wells(0.0), force=1.0), 0.0),  # nothing holds against the force
        (potential(wells(-1.0), force=0.0), 1.0),  # no bottom
    ],
)
def test_what_has_no_minimum_is_said_to_have_diverged(form, start):
    found = least(form, jnp.asarray([start]), NewtonSettings(0.0, 1e-12, max_steps=200))
    assert found.result == RESULTS.diverged


def test_too_many_encounters_have_a_code_of_their_own():
    forms = [potential(wells(1.0), encounters=(Crowd(full),)) for full in (False, True)]
    room, full = (least(form, jnp.asarray([1.0]), SETTINGS) for form in forms)
    assert room.result == RESULTS.successful
    np.testing.assert_allclose(room.q, np.sqrt(1e-3), rtol=1e-9)
    assert full.result == RESULTS.too_many_pairs
    # What fails for another reason says so.
    few = least(forms[0], jnp.asarray([1.0]), NewtonSettings(0.0, 1e-15, max_steps=1))
    assert few.result == RESULTS.diverged


def random_form():
    rng = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(rng.uniform(0.5, 2.0, shape))
    bars = Bars(jnp.asarray([[0, 1], [3, 2], [1, 3]]), draw(3), draw(3))
    loose = (Wells(jnp.asarray([[2], [0]]), draw(2), draw(2)),)
    form = potential(bars, size=4, force=draw(4), held={1: 0.7}, loose=loose)
    parts = (draw(4), draw(4))
    return eqx.tree_at(lambda p: (p.inertia, p.centre), form, parts), jnp.asarray(
        rng.normal(size=4)
    )


def test_a_potential_is_the_sum_of_its_parts():
    """By the formula of the class; what is held costs no inertia."""
    form, q = random_form()
    x = np.asarray(q).copy()
    x[1] = 0.7
    (bars,), (loose,) = form.elements, form.loose
    ends = x[np.asarray(bars.indices)]
    gaps = (ends[:, 1] - ends[:, 0]) ** 2 - np.asarray(bars.length) ** 2
    at = x[np.asarray(loose.indices)[:, 0]]
    stored = np.sum(0.5 * bars.stiffness * gaps**2)
    stored += np.sum(0.5 * loose.square * at**2 + 0.25 * loose.fourth * at**4)
    kept = 0.5 * np.asarray(form.inertia) * (x - np.asarray(form.centre)) ** 2
    expected = stored - np.asarray(form.force) @ x + kept[[0, 2, 3]].sum()
    assert float(form(q)) == pytest.approx(float(expected), rel=1e-13)


def test_forces_reactions_and_stiffness_are_its_derivatives():
    form, q = random_form()
    free = np.asarray(form.free)
    slope = np.asarray(jax.grad(form)(q))
    np.testing.assert_allclose(form.gradient(q), slope, atol=1e-12)
    # At what is held, the reaction: the change of energy as its place moves.
    lifted = lambda place: eqx.tree_at(lambda p: p.held, form, form.held.at[1].set(place))(q)
    reaction = float(form.full_gradient(q)[1])
    assert reaction == pytest.approx(float(jax.grad(lifted)(0.7)), rel=1e-12)
    np.testing.assert_allclose(np.asarray(form.full_gradient(q))[free], slope[free], atol=1e-12)
    exact = np.asarray(jax.hessian(form)(q)) + np.diag(~free)
    matrix = form.hessian(q)
    solved = np.stack([matrix.solver()(jnp.asarray(right)) for right in np.eye(4)])
    np.testing.assert_allclose(solved, np.linalg.inv(exact), atol=1e-9)
    whole = np.diag(np.where(free, form.inertia, 1.0))
    for batch, blocks in zip(form.batches, form.blocks(q, form.stress(q)), strict=True):
        for place, block in zip(np.asarray(batch.indices), np.asarray(blocks), strict=True):
            whole[np.ix_(place, place)] += block
    np.testing.assert_allclose(whole, exact, atol=1e-12)


def test_the_shortest_free_path_counts():
    """Of elements, loose ones, and of what encounters are good for."""
    at, to = jnp.asarray([1.0, 1.0]), jnp.asarray([-1.0, 0.5])
    rest = wells(1.0, count=2)
    forms = [
        (potential(rest, size=2), 1.0),
        (potential(rest, wall(), size=2), 0.45),
        (potential(rest, size=2, loose=(wall(),)), 0.45),
        (potential(rest, size=2, encounters=(Crowd(False, 0.5),)), 0.25),
        (potential(rest, wall(), size=2, encounters=(Crowd(False, 0.5),)), 0.25),
        (potential(rest, wall(), size=2, encounters=(Crowd(False, 1.5),)), 0.45),
    ]
    for form, free in forms:
        assert float(form.free_path(at, form, to)) == pytest.approx(free)
        assert form.obstructed == (free < 1)
    near, far = (bool(forms[3][0].covers(at, at + way)) for way in (0.4, 0.6))
    assert (near, far) == (True, False)
    # Supports that move count where they are: here the wall's own point goes on.
    held = potential(rest, wall(), size=2, held={0: 1.0})
    later = eqx.tree_at(lambda p: p.held, held, jnp.asarray([-0.8, 0.0]))
    assert float(held.free_path(at, later, at)) == pytest.approx(0.5)


def test_extrapolated_stress_is_the_linear_prediction():
    form, q = random_form()
    (bars,), dq = form.elements, jnp.asarray([0.1, -0.2, 0.3, 0.05])
    predicted = extrapolated_stress(bars, q, dq)
    free = eqx.tree_at(lambda p: p.free, form, jnp.ones(4, bool))
    exact = lambda s: free.stress(q + s * dq)[0]
    value, slope = jax.jvp(exact, (0.0,), (1.0,))
    np.testing.assert_allclose(predicted, value + slope, rtol=1e-12)


def test_congruent_products():
    rng = np.random.default_rng(2)
    jacobian, inner = rng.normal(size=(3, 5)), rng.normal(size=(3, 3))
    found = congruent(jnp.asarray(jacobian), jnp.asarray(inner))
    np.testing.assert_allclose(found, jacobian.T @ inner @ jacobian, atol=1e-13)
