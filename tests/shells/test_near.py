"""What may come close and what crosses, against all pairs in NumPy; the laws of contact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.shells.contact import _broad_phase as broad
from diffsim.shells.contact._friction import Rubbing, smooth_distance
from diffsim.solvers import elements_energy

REACH = 0.03


def scene(seed):
    """Triangles of very different sizes, three bodies and two sheets, and vertices of no face."""
    random = np.random.default_rng(seed)
    count = 40
    sizes = np.where(np.arange(count) % 10 == 0, 0.5, 0.04)
    corners = random.uniform(size=(count, 1, 3)) + sizes[:, None, None] * random.uniform(
        -1, 1, (count, 3, 3)
    )
    positions = np.concatenate([corners.reshape(-1, 3), random.uniform(size=(20, 3))])
    faces = np.arange(3 * count).reshape(-1, 3)
    # Some share a vertex with the one before.
    faces[5::7, 0] = faces[4:-1:7, 2]
    bodies = np.repeat(random.choice([-1, -1, 0, 1, 2], count), 3)
    bodies[faces] = bodies[faces[:, :1]]
    bodies = np.concatenate([bodies, np.zeros(20, int)])
    edges = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    return positions, faces, edges, bodies


def boxes(positions, cells):
    return positions[cells].min(axis=1), positions[cells].max(axis=1)


def may_meet(bodies, one, two):
    return bodies[one] < 0 or bodies[one] != bodies[two]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shift", [0.0, -1.0, 1e3])
def test_every_vertex_and_face_whose_boxes_are_near_is_found_once(seed, shift):
    positions, faces, _, bodies = scene(seed)
    found = broad.near_vertex_faces(positions + shift, faces, bodies, REACH)
    low, high = boxes(positions, faces)
    expected = [
        (v, *face)
        for v in np.unique(faces)
        for face, a, b in zip(faces, low, high, strict=True)
        if np.all((positions[v] > a - REACH) & (positions[v] < b + REACH))
        and v not in face
        and may_meet(bodies, v, face[0])
    ]
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, np.array(expected).tolist()))
    assert 20 < len(expected) < 0.2 * faces.size * len(faces)


@pytest.mark.parametrize("seed", range(3))
def test_every_two_edges_whose_boxes_are_near_are_found_once(seed):
    positions, _, edges, bodies = scene(seed)
    found = broad.near_edges(positions, edges, bodies, REACH)
    low, high = boxes(positions, edges)
    expected = {
        (i, j)
        for i in range(len(edges))
        for j in range(i + 1, len(edges))
        if np.all((low[i] < high[j] + REACH) & (low[j] < high[i] + REACH))
        and not set(edges[i].tolist()) & set(edges[j].tolist())
        and may_meet(bodies, edges[i, 0], edges[j, 0])
    }
    assert {tuple(sorted(row)) for row in found[:, 4:].tolist()} == expected
    assert len(found) == len(expected) > 20
    np.testing.assert_array_equal(found[:, :2], edges[found[:, 4]])
    np.testing.assert_array_equal(found[:, 2:4], edges[found[:, 5]])


@pytest.mark.parametrize("seed", range(3))
def test_edges_that_pierce_faces_are_all_found(seed):
    """Small edges in large faces and long ones through small faces."""
    positions, faces, edges, _ = scene(seed)
    expected = set()
    for i, (p, q) in enumerate(positions[edges]):
        for j, (a, b, c) in enumerate(positions[faces]):
            if set(edges[i].tolist()) & set(faces[j].tolist()):
                continue
            share, one, two = np.linalg.solve(np.stack([p - q, b - a, c - a], axis=1), p - a)
            if 0 < share < 1 and one > 0 and two > 0 and one + two < 1:
                expected.add((i, j))
    for shift in (0.0, -0.5):
        found = broad.crossings(positions + shift, edges, faces)
        assert {tuple(row) for row in found.tolist()} == expected
        assert len(found) == len(expected)
    assert len(expected) > 3


def test_a_needle_through_small_faces_is_found_to_its_ends():
    heights = np.linspace(0.0, 9.0, 10)
    around = 0.01 * np.array([[1.0, 0.0], [-0.5, 0.8], [-0.5, -0.8]])
    corners = np.concatenate([np.column_stack([around, np.full(3, z)]) for z in heights])
    positions = np.concatenate([corners, [[0.0, 0.0, -0.1], [0.0, 0.0, 9.1]]])
    found = broad.crossings(positions, np.array([[30, 31]]), np.arange(30).reshape(10, 3))
    assert sorted(found[:, 1].tolist()) == list(range(10))


def test_nothing_is_near_in_nothing_that_has_no_extent():
    """One point three times over: its size is zero, and so is its tree's."""
    positions, faces = np.zeros((6, 3)), np.arange(6).reshape(2, 3)
    found = broad.near_vertex_faces(positions, faces, np.full(6, -1), REACH)
    assert len(found) == 6


LAWS = {
    "barrier": (
        shells.Barrier(3.0, 0.2),
        lambda d: -3.0 * 0.2 * (1 - d / 0.2) ** 2 * np.log(d / 0.2),
    ),
    "penalty": (shells.Penalty(3.0, 0.2), lambda d: 1.5 * (0.2 - d) ** 2),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws_cost_what_their_formulas_say(name):
    law, formula = LAWS[name]
    energy = jax.jit(jax.vmap(law.energy))
    gaps = np.array([1e-6, 0.01, 0.1, 0.1999])
    np.testing.assert_allclose(energy(jnp.asarray(gaps)), formula(gaps), rtol=1e-12)
    np.testing.assert_array_equal(energy(jnp.asarray([0.2, 0.2001, 5.0])), 0.0)
    inside = np.asarray(energy(jnp.asarray([0.0, -0.1])))
    if law.impenetrable:
        assert np.isposinf(inside).all()
        # The pressure at half the distance, and that contact begins without a corner.
        slope, curve = jax.grad(law.energy), jax.grad(jax.grad(law.energy))
        assert -float(slope(0.1)) == pytest.approx(1.2 * 3.0, rel=0.01)
        assert float(slope(0.2 * (1 - 1e-9))) == pytest.approx(0.0, abs=1e-8)
        assert float(curve(0.2 * (1 - 1e-9))) == pytest.approx(0.0, abs=1e-5)
    else:
        np.testing.assert_allclose(inside, formula(np.array([0.0, -0.1])), rtol=1e-12)


def test_friction_costs_what_its_formula_says_and_creeps_as_told():
    width = 0.02
    r = np.array([0.0, 1e-3, 0.01, 0.0199, 0.0201, 1.0])
    low = -(r**3) / (3 * width**2) + r**2 / width + width / 3
    found = jax.vmap(lambda r: smooth_distance(r**2, jnp.asarray(width)))(jnp.asarray(r))
    np.testing.assert_allclose(found, np.where(r < width, low, r), rtol=1e-12)
    # Under half the limit: speed × (1 − √½) while a step of γ = width/speed passes.
    creep = width * (1.0 - np.sqrt(0.5))
    force = jax.grad(lambda r: smooth_distance(r**2, jnp.asarray(width)))(creep)
    assert float(force) == pytest.approx(0.5, rel=1e-12)


def test_friction_pulls_back_against_the_slip_with_its_limit():
    """Of a weighted point, without a part along the normal, which would be a change of gap."""
    weights, normal = np.array([0.3, 0.7]), np.array([0.0, 0.6, 0.8])
    unslipped, limit, width = np.array([0.2, 0.1, 0.0]), 5.0, 1e-6
    rub = Rubbing(
        jnp.arange(6)[None],
        *(jnp.asarray(a)[None] for a in (weights, unslipped, normal, limit, width)),
    )
    points = np.random.default_rng(0).normal(size=(2, 3))
    force = -np.asarray(jax.grad(lambda q: elements_energy(rub, q))(jnp.asarray(points.ravel())))
    slip = weights @ points - unslipped
    slip -= slip @ normal * normal
    expected = -limit * weights[:, None] * slip / np.linalg.norm(slip)
    np.testing.assert_allclose(force.reshape(2, 3), expected, atol=1e-12)
