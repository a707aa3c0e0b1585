"""Contact of sheets with themselves and each other: distances, candidates, steps, sums."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import SimulationError, shells
from diffsim.shells.contact import _broad_phase as broad
from diffsim.shells.contact._pairs import (
    distance_curvature,
    edge_edge_closest,
    edge_edge_weights,
    parallel_curvature,
    parallel_weight,
    vertex_face_closest,
    vertex_face_weights,
)
from diffsim.shells.contact._self_contact import _positive
from diffsim.solvers import Potential, SlantedMatrix, SparseMatrix

ipctk = pytest.importorskip("ipctk")

MATERIAL = shells.IsotropicMaterial(1e7, 0.3, 2e-4, 500.0)
LAW = shells.Barrier(20.0, 2e-3)


def _two_sheets(cells=(3, 2), height=3e-3):
    """A sheet at z = 0 and another above it, turned."""
    one = shells.strip(0.1, 0.06, cells)
    two = shells.strip(0.1, 0.06, cells, "unstructured")
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    above = np.asarray(two.positions - jnp.array([0.05, 0.0, 0.0])) @ turn.T + [0.05, 0.0, height]
    positions = np.concatenate([np.asarray(one.positions), above])
    faces = np.concatenate([np.asarray(one.faces), np.asarray(two.faces) + one.num_vertices])
    return shells.TriangleMesh(positions, faces)


def _random_fours(count):
    return np.random.default_rng(3).normal(size=(count, 4, 3))


def test_distances_are_those_of_ipctk():
    points = _random_fours(400)
    faces = np.asarray(jax.vmap(lambda p: vertex_face_weights(p) @ p)(points))
    edges = np.asarray(jax.vmap(lambda p: edge_edge_weights(p) @ p)(points))
    squares = [ipctk.point_triangle_distance(*p) for p in points]
    np.testing.assert_allclose(np.sum(faces**2, axis=1), squares, rtol=1e-10)
    squares = [ipctk.edge_edge_distance(*p) for p in points]
    np.testing.assert_allclose(np.sum(edges**2, axis=1), squares, rtol=1e-10)
    # With a threshold in the middle of what occurs.
    turned = jax.vmap(lambda p: parallel_weight(p, jnp.asarray(8.0)))(points)
    known = [ipctk.edge_edge_mollifier(*p, 8.0) for p in points]
    np.testing.assert_allclose(turned, known, rtol=1e-12)
    assert 0.2 < np.mean(np.asarray(known) < 1) < 0.8


def test_parallel_edges_have_a_distance():
    points = jnp.array([[0.0, 0, 0], [1, 0, 0], [0.3, 0, 2.0], [1.3, 0, 2.0]])
    assert float(jnp.linalg.norm(edge_edge_weights(points) @ points)) == pytest.approx(2.0)
    assert float(parallel_weight(points, jnp.asarray(1e-3))) == 0.0


@pytest.mark.parametrize("closest", [vertex_face_closest, edge_edge_closest])
def test_curvatures_of_distances_are_their_second_derivatives(closest):
    """By both ways of differentiating twice, wherever the closest points are."""

    def distance(x):
        points = x.reshape(4, 3)
        return jnp.linalg.norm(closest(points).weights @ points)

    points = jnp.asarray(_random_fours(1000))
    expected = np.asarray(jax.vmap(jax.hessian(distance))(points.reshape(-1, 12)))
    found = np.asarray(jax.vmap(lambda p: distance_curvature(p, closest(p)))(points))
    scale = np.abs(expected).max(axis=(1, 2))
    assert np.abs(found - expected).max(axis=(1, 2)) == pytest.approx(0.0 * scale, abs=1e-9)
    free = np.asarray(jax.vmap(closest)(points).free).sum(axis=1)
    assert set(free) == {0, 1, 2}
    np.testing.assert_allclose(np.linalg.matrix_rank(found[free == 0][:20], tol=1e-9), 2)


def test_the_curvature_of_the_weight_of_parallel_edges():
    points = jnp.asarray(_random_fours(500))
    rest = jnp.asarray(np.random.default_rng(1).uniform(0.5, 40.0, 500))
    weight = lambda x, rest: parallel_weight(x.reshape(4, 3), rest)
    expected = jax.vmap(jax.hessian(weight))(points.reshape(-1, 12), rest)
    found = jax.vmap(parallel_curvature)(points, rest)
    np.testing.assert_allclose(found, expected, atol=1e-11)
    assert 0.1 < np.mean(np.any(np.asarray(found) != 0, axis=(1, 2))) < 0.9


def test_the_positive_part_of_a_small_matrix():
    matrix = np.random.default_rng(2).normal(size=(300, 2, 2))
    matrix = matrix + matrix.swapaxes(1, 2)
    matrix[:100, 1, 1] = matrix[:50, 0, 1] = matrix[:50, 1, 0] = 0.0
    values, axes = np.linalg.eigh(matrix)
    expected = (axes * np.maximum(values, 0.0)[:, None]) @ axes.swapaxes(1, 2)
    np.testing.assert_allclose(jax.vmap(_positive)(matrix), expected, atol=1e-13)
    np.testing.assert_array_equal(_positive(jnp.zeros((2, 2))), 0.0)


def test_the_broad_phase_finds_all_that_is_near():
    mesh = _two_sheets((6, 4), 1e-3)
    positions = np.asarray(mesh.positions)
    positions = positions + np.random.default_rng(0).normal(scale=2e-3, size=positions.shape)
    faces, edges, sheets = (np.asarray(a) for a in (mesh.faces, mesh.edges, mesh.bodies()))
    found = {tuple(row) for row in broad.near_vertex_faces(positions, faces, sheets, 4e-3)}
    for vertex, corner in enumerate(positions):
        for face in faces:
            if vertex not in face:
                distance = ipctk.point_triangle_distance(corner, *positions[face])
                assert np.sqrt(distance) > 4e-3 or (vertex, *face) in found
    pairs = {tuple(row[4:]) for row in broad.near_edges(positions, edges, sheets, 4e-3)}
    for i, one in enumerate(edges):
        for j, two in enumerate(edges[:i]):
            if not set(one) & set(two):
                distance = ipctk.edge_edge_distance(*positions[one], *positions[two])
                assert np.sqrt(distance) > 4e-3 or (j, i) in pairs
    assert 0 < len(found) < 0.1 * len(positions) * len(faces)


def test_crossings_are_those_that_ipctk_sees():
    mesh = _two_sheets((4, 3), 1e-3)
    edges, faces = np.asarray(mesh.edges), np.asarray(mesh.faces)
    seen = []
    for seed in range(12):
        noise = np.random.default_rng(seed).normal(scale=5e-4, size=mesh.positions.shape)
        positions = np.asarray(mesh.positions) + noise
        ours = len(broad.crossings(positions, edges, faces)) > 0
        assert ours == ipctk.has_intersections(
            ipctk.CollisionMesh(positions, edges, faces), positions
        )
        seen.append(ours)
    assert True in seen
    assert False in seen


@pytest.mark.parametrize("seed", range(8))
def test_a_flat_sheet_does_not_cross_itself_however_it_is_turned(seed):
    mesh = shells.strip(0.06, 0.06, (3, 3))
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    positions = np.asarray(mesh.positions) @ turn + random.normal(size=3)
    assert not len(broad.crossings(positions, np.asarray(mesh.edges), np.asarray(mesh.faces)))


def _shell(mesh, **kwargs):
    return shells.Shell(mesh, MATERIAL, self_contact=shells.SelfContact(LAW, **kwargs))


def test_free_paths_keep_sheets_apart():
    mesh = _two_sheets()
    shell = _shell(mesh)
    own = shell.self_contact.encounters(mesh)
    q = shell.rest()
    rows = own.near(q)
    assert all(int(batch.active.sum()) > 3 for batch in rows)
    random = np.random.default_rng(5)
    for batch in rows:
        kept = np.flatnonzero(np.asarray(batch.active))
        some = jax.tree.map(lambda leaf, kept=kept: leaf[kept], batch)
        moved = q + jnp.asarray(random.normal(scale=5e-3, size=q.shape))
        local, after = q[some.indices], moved[some.indices]
        free = jax.vmap(lambda p, a, b: p.free_path(a, p, b))(some, local, after)
        share = jnp.linspace(0.0, 1.0, 100)
        along = local[:, None] + (free[:, None] * share)[..., None] * (after - local)[:, None]
        gap = lambda p, way: jax.vmap(lambda x: p.measures(x)[0])(way)
        gaps = np.asarray(jax.vmap(gap)(some, along))
        assert np.all(gaps.min(axis=1) >= 0.0999 * gaps[:, 0])
        assert 0 < np.mean(np.asarray(free) < 1.0) < 1


def test_the_matrix_with_contacts_is_the_hessian():
    mesh = _two_sheets(height=1.2e-3)
    shell = _shell(mesh)

    @eqx.filter_jit
    def parts(q):
        free: Potential = shell.potential(0.0)
        heavy = eqx.tree_at(lambda p: (p.inertia, p.centre), free, (1e6 * shell.mass(), q))
        potential = heavy.near(q)
        matrix = potential.hessian(q)
        assert isinstance(matrix, SlantedMatrix)
        assert isinstance(matrix.inner, SparseMatrix)
        right = jnp.sin(jnp.arange(q.size) * 1.0)
        found, definite = matrix.cholesky_solve(right)
        many = jax.vmap(matrix.solver())(jnp.stack([right, 2.0 * right]))
        product = jax.jvp(potential.gradient, (q,), (many[0],))[1]
        energy = potential(q) - 0.0
        return right, found, definite, many, product, energy

    right, found, definite, many, product, energy = parts(shell.rest())
    assert energy > 0
    free = np.asarray(shell.potential(0.0).free)
    np.testing.assert_allclose(product[free], right[free], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(many[1], 2.0 * many[0], rtol=1e-9)
    if definite:
        np.testing.assert_allclose(found, many[0], rtol=1e-7)


@pytest.mark.parametrize("capacity", [3, 600])
def test_more_pairs_than_there_is_room_for_are_named(capacity):
    mesh = _two_sheets(height=1.2e-3)
    crowded = shells.SelfContact(LAW, capacity=capacity)
    potential = shells.Shell(mesh, MATERIAL, self_contact=crowded).potential(0.0)
    q = potential.held
    assert bool(potential.crowded(q)) == (capacity == 3)
    assert bool(jnp.isfinite(potential.near(q)(q))) == (capacity == 600)
    assert not potential.crowded(jnp.full_like(q, jnp.nan))


@pytest.mark.slow
def test_the_code_of_too_many_pairs_reaches_the_end():
    mesh = _two_sheets(height=1.2e-3)
    crowded = shells.SelfContact(LAW, capacity=3)
    shell = shells.Shell(mesh, MATERIAL, self_contact=crowded)
    dynamics = shells.Dynamics(shell, step=1e-3, steps=1, scheme="implicit_euler")
    with pytest.raises(SimulationError, match="Raise `capacity` of the SelfContact"):
        eqx.filter_jit(lambda d: d(None))(dynamics).checked()


def test_bad_input():
    mesh = _two_sheets()
    with pytest.raises(ValueError, match="law must be a Barrier for SelfContact"):
        shells.SelfContact(shells.Penalty(1.0, 1e-3))
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        shells.SelfContact(LAW, capacity=0)
    with pytest.raises(ValueError, match="reach must be positive, in m"):
        shells.SelfContact(LAW, reach=-1.0)
    wide = shells.SelfContact(shells.Barrier(20.0, 0.02))
    with pytest.raises(ValueError, match="at most half the shortest edge"):
        shells.Shell(mesh, MATERIAL, self_contact=wide)
    through = np.asarray(mesh.positions).copy()
    through[: mesh.num_vertices // 2, 2] += 0.1 * through[: mesh.num_vertices // 2, 0]
    with pytest.raises(ValueError, match=r"without crossing itself, but edge \d+ \(vertices"):
        shells.Dynamics(_shell(mesh), step=1e-3, steps=1, positions=through)
