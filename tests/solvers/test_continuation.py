"""Paths through limit points, on a shallow truss whose path is known in closed form."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from diffsim._status import RESULTS, code, is_successful
from diffsim.solvers import (
    AbstractElements,
    AbstractFamily,
    NewtonSettings,
    PathSettings,
    Potential,
    begin,
    follow,
    on_path,
    sparse_pattern,
)
from diffsim.solvers._continuation import _Border

HEIGHT, STIFFNESS, SERIES, REPULSION = 0.3, 100.0, 2.0, 1e-4
LENGTH = np.hypot(1.0, HEIGHT)


class Springs(AbstractElements):
    """½ k (|x₁ − x₀| − L)² in the plane."""

    indices: Int[Array, "*e 4"]
    stiffness: Float[Array, "*e"]
    length: Float[Array, "*e"]

    def measures(self, local):
        return jnp.linalg.norm(local[2:] - local[:2])[None]

    def density(self, measures):
        return 0.5 * self.stiffness * (measures[0] - self.length) ** 2

    def convex(self, stress, stiffness):
        return jnp.maximum(stress, 0.0), stiffness


class Floor(AbstractElements):
    """−κ ln y: a floor that cannot be reached."""

    indices: Int[Array, "*e 1"]
    strength: Float[Array, "*e"]
    height: Float[Array, "*e"]
    obstructs: ClassVar[bool] = True

    def measures(self, local):
        return local - self.height

    def density(self, measures):
        return -self.strength * jnp.log(measures[0])

    def convex(self, stress, stiffness):
        return stress, stiffness

    def free_path(self, local, after, moved):
        gap, closing = (local - self.height)[0], (local - moved)[0]
        return jnp.where(closing > 0.9 * gap, 0.9 * gap / closing, 1.0)


INDICES = np.array([[0, 1, 4, 5], [2, 3, 4, 5], [4, 5, 6, 7]])
PATTERN = sparse_pattern(8, (INDICES, np.array([[5]])))
# Two bars from (±1, 0) to an apex, and a spring from there up to the load.
REST = jnp.array([-1.0, 0.0, 1.0, 0.0, 0.0, HEIGHT, 0.0, HEIGHT + 1.0])


class Truss(AbstractFamily):
    """Pressed down by λ at the top. `measure`: "apex" or "factor" at a value, or "distance"."""

    bars: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=STIFFNESS)
    top: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=SERIES)
    floor: float = eqx.field(static=True, default=-10.0)
    measure: str = eqx.field(static=True, default="distance")

    def potential(self, factor):
        stiffness = jnp.stack([self.bars, self.bars, self.top])
        lengths = jnp.array([LENGTH, LENGTH, 1.0])
        springs = Springs(jnp.asarray(INDICES), stiffness, lengths)
        strength = jnp.array([0.0 if self.floor < -1 else REPULSION])
        floor = Floor(jnp.array([[5]]), strength, jnp.array([self.floor]))
        free = jnp.array([False] * 4 + [True] * 2 + [False, True])
        zeros = jnp.zeros(8)
        force = zeros.at[7].set(-factor)
        return Potential((springs, floor), force, zeros, zeros, free, REST, PATTERN)

    def weights(self):
        return jnp.ones(8)

    def residual(self, point, before, value):
        if self.measure == "apex":
            return point.q[5] - value
        if self.measure == "factor":
            return point.factor - value
        return 0.5 * (jnp.sum((point.q - before.q) ** 2) / value - value)


def load_at(apex, bars=STIFFNESS):
    """The force at which the apex is at this height."""
    now = np.hypot(1.0, apex)
    return -2.0 * bars * (now - LENGTH) * apex / now


def top_at(apex):
    return apex + 1.0 - load_at(apex) / SERIES


SETTINGS = PathSettings(NewtonSettings(1e-13, 1e-12, max_steps=500), 0.1)


@eqx.filter_jit
def walk(family, values, q=REST, settings=SETTINGS, factor=0.0):
    """The points at the values, and how they were reached."""

    def stop(carry, value):
        reached, before = carry
        reached = reached._replace(point=before)
        reached = follow(*jax.lax.stop_gradient((family, reached, value)), settings)
        point = on_path(family, reached.point, before, value)
        return (reached, point), (point, reached)

    started = begin(q, jnp.asarray(factor))
    return jax.lax.scan(stop, (started, started.point), values)[1]


def test_a_truss_snaps_through_and_its_spring_back():
    distances = jnp.full(120, 0.02)
    points, reached = walk(Truss(), distances)
    assert bool(jnp.all(is_successful(reached.result)))
    apex, top = np.asarray(points.q[:, 5]), np.asarray(points.q[:, 7])
    np.testing.assert_allclose(points.factor, load_at(apex), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(top, top_at(apex), atol=1e-10)
    np.testing.assert_allclose(points.q[:, 4], 0.0, atol=1e-12)
    steps = np.diff(np.concatenate([[REST], np.asarray(points.q)]), axis=0)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), distances, rtol=1e-9)
    # It goes all the way, and the top goes back up in between.
    assert np.all(np.diff(apex) < 0)
    assert apex[-1] < -HEIGHT
    assert np.any(np.diff(top) > 0)
    assert np.diff(np.asarray(points.factor)).min() < 0
    # Under a given load the truss is stable where more load is needed to go on.
    shift = 1e-6
    slope = (load_at(apex - shift) - load_at(apex + shift)) / (2 * shift)
    clear = np.abs(slope) > 1e-3
    np.testing.assert_array_equal(np.asarray(reached.stable)[clear], (slope > 0)[clear])
    assert 0 < np.sum(slope < 0) < slope.size


def test_a_path_ends_at_an_obstacle():
    """Just above a floor at −0.1 the load grows as much as anyone likes."""
    points, reached = walk(
        Truss(top=1e3, measure="factor", floor=-0.1), jnp.array([1.0, 5.0, 50.0, 500.0])
    )
    assert bool(jnp.all(is_successful(reached.result)))
    apex = np.asarray(points.q[:, 5])
    assert np.all(apex > -0.1)
    load = load_at(apex) + REPULSION / (apex + 0.1)
    np.testing.assert_allclose(points.factor, load, rtol=1e-6)


@pytest.mark.parametrize("direction", [0.1, -0.1])
def test_the_first_step_says_which_way(direction):
    settings = PathSettings(SETTINGS.newton, direction)
    points, _ = walk(Truss(), jnp.full(3, 0.05), settings=settings)
    assert np.all(np.sign(points.factor) == np.sign(direction))


def test_a_start_beside_the_path_is_brought_to_rest():
    points, reached = walk(Truss(measure="apex"), jnp.array([0.25]), REST.at[5].add(-0.02))
    assert bool(is_successful(reached.result)[0])
    np.testing.assert_allclose(points.factor[0], load_at(0.25), rtol=1e-9)


def test_a_value_that_is_there_already_costs_no_way():
    points, _ = walk(Truss(measure="apex"), jnp.array([0.2, 0.2, -0.1]))
    np.testing.assert_allclose(points.q[:, 5], [0.2, 0.2, -0.1], atol=1e-11)
    np.testing.assert_allclose(points.factor, load_at(np.array([0.2, 0.2, -0.1])), rtol=1e-9)


def test_what_is_not_on_the_path_is_a_result():
    """Below the limit load the factor can be prescribed, above it the first branch has no point
    and the path must go all the way round."""
    limit = load_at(np.linspace(0.0, HEIGHT, 10001)).max()
    points, reached = walk(Truss(measure="factor"), jnp.array([0.9, 1.1]) * limit)
    assert bool(jnp.all(is_successful(reached.result)))
    assert float(points.q[0, 5]) > 0 > float(points.q[1, 5])
    # A force on nothing, and too few steps.
    still = eqx.tree_at(lambda t: (t.bars, t.top), Truss(), (jnp.asarray(100.0), jnp.asarray(0.0)))
    _, reached = walk(still, jnp.array([0.1]))
    assert int(code(reached.result)[0]) == int(code(RESULTS.diverged))
    few = PathSettings(NewtonSettings(1e-13, 1e-12, max_steps=3), 0.1)
    _, reached = walk(Truss(), jnp.array([0.5, 0.1]), settings=few)
    assert np.all(np.asarray(code(reached.result)) == int(code(RESULTS.diverged)))


@pytest.mark.parametrize("measure", ["apex", "distance"])
def test_derivatives_of_points_on_a_path(measure):
    """At the limit point itself, too, where the Hessian is singular: dλ/d(bars) = λ/bars at a
    given height of the apex."""
    top = np.sqrt(LENGTH ** (2 / 3) - 1.0)
    values = jnp.array([0.25, top, 0.0]) if measure == "apex" else jnp.full(12, 0.06)

    def found(p):
        points, _ = walk(Truss(p[0] * STIFFNESS, p[1] * SERIES, measure=measure), p[2] * values)
        return jnp.concatenate([points.factor, points.q[:, 5], points.q[:, 7]])

    ones = jnp.ones(3)
    forward, reverse = jax.jacfwd(found)(ones), jax.jacrev(found)(ones)
    np.testing.assert_allclose(forward, reverse, atol=1e-9 * np.abs(forward).max())
    h = 1e-4
    parts = [
        sum(w * found(ones.at[i].add(s * h)) for s, w in ((-2, 1), (-1, -8), (1, 8), (2, -1)))
        for i in range(3)
    ]
    differences = np.stack(parts, axis=1) / (12 * h)
    np.testing.assert_allclose(forward, differences, atol=3e-9 * np.abs(differences).max())
    if measure == "apex":
        np.testing.assert_allclose(forward[:3, 0], load_at(np.asarray(values)), atol=1e-10)


class Cubic(AbstractElements):
    """k s³/3 and half the square of a second unknown."""

    indices: Int[Array, "*e 2"]
    stiffness: Float[Array, "*e"]

    def measures(self, local):
        return local

    def density(self, measures):
        return self.stiffness * measures[0] ** 3 / 3.0 + 0.5 * measures[1] ** 2

    def convex(self, stress, stiffness):
        return stress, jnp.abs(stiffness)


class Fold(AbstractFamily):
    """λ = k q²: at its minimum the Hessian is singular to the last digit."""

    stiffness: Float[Array, ""]

    def potential(self, factor):
        both, zeros = np.array([[0, 1]]), jnp.zeros(2)
        cubic = Cubic(jnp.asarray(both), self.stiffness[None])
        force, free = zeros.at[0].set(factor), jnp.ones(2, bool)
        pattern = sparse_pattern(2, (both,))
        return Potential((cubic,), force, zeros, zeros, free, zeros, pattern)

    def weights(self):
        return jnp.ones(2)

    def residual(self, point, before, value):
        return point.q[0] - value


def test_a_path_goes_on_from_where_the_hessian_is_singular_to_the_last_digit():
    values, start = jnp.array([-0.5, 0.0, 0.5]), jnp.array([-1.0, 0.0])
    settings = PathSettings(NewtonSettings(1e-13, 1e-13, max_steps=200), first=-0.1)

    def found(p):
        points, _ = walk(Fold(p[0]), p[1] * values, start, settings, 2.0)
        return jnp.stack([points.q[:, 0], points.factor], axis=1)

    p = jnp.array([2.0, 1.0])
    np.testing.assert_allclose(found(p), [[-0.5, 0.5], [0.0, 0.0], [0.5, 0.5]], atol=1e-10)
    exact = [[[0, -0.5], [0.25, 1.0]], [[0, 0], [0, 0]], [[0, 0.5], [0.25, 1.0]]]
    np.testing.assert_allclose(jax.jacfwd(found)(p), exact, atol=1e-10)
    np.testing.assert_allclose(jax.jacrev(found)(p), exact, atol=1e-10)


@pytest.mark.parametrize("smallest", [1e-6, 1e-15])
def test_the_border_is_solved_where_the_matrix_is_almost_singular(smallest):
    """Eliminating once would leave errors of 7e-10 and 3e-4."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    values = np.concatenate(
        [[smallest], -(10.0 ** rng.uniform(0, 5, 3)), 10 ** rng.uniform(0, 5, 36)]
    )
    matrix = jnp.asarray((axes * values) @ axes.T)
    column, row, right = jnp.asarray(rng.standard_normal((3, 40)))
    border = _Border(jnp.ones(40, bool), column, row, jnp.asarray(0.7))
    whole = np.block([[np.asarray(matrix), column[:, None]], [row[None], np.array([[0.7]])]])
    for one, other in ((border, whole), (border.transposed(), whole.T)):
        x, last = one.solve(
            lambda v: matrix @ v,
            jax.vmap(lambda b: jnp.linalg.solve(matrix, b)),
            (right, jnp.asarray(0.3)),
        )
        exact = np.linalg.solve(other, np.append(right, 0.3))
        scale = np.abs(exact).max()
        np.testing.assert_allclose(np.append(x, last), exact, atol=1e-11 * scale)
