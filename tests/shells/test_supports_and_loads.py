"""Supports and how they move, loads and their sums, materials, mechanisms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.spatial.transform

from diffsim import shells
from diffsim.shells._mechanism import check_supported
from diffsim.shells._supports import guided_edges, held_unknowns, rotation_matrix

MESH = shells.strip(1.0, 0.4, (4, 2))
MATERIAL = shells.IsotropicMaterial(1e6, 0.3, 1e-3, 500.0)


def left(x, y, z):
    return x < 1e-9


def right(x, y, z):
    return x > 1 - 1e-9


@pytest.mark.parametrize(
    "vector", [(0.3, -0.2, 0.5), (2.0, 1.0, -2.0), (1e-5, 2e-5, -1e-5), (0, 0, 0)]
)
def test_rotations(vector):
    exact = scipy.spatial.transform.Rotation.from_rotvec(vector).as_matrix()
    found = rotation_matrix(jnp.asarray(vector, float))
    np.testing.assert_allclose(found, exact, atol=1e-14)
    skew = lambda v: jnp.cross(v, jnp.eye(3)).T
    slope = jax.jacfwd(lambda v: jax.scipy.linalg.expm(skew(v)))(jnp.asarray(vector, float))
    np.testing.assert_allclose(
        jax.jacfwd(rotation_matrix)(jnp.asarray(vector, float)), slope, atol=1e-13
    )
    # Smooth where the angle is zero: the derivative is the cross product.
    slope = jax.jacfwd(rotation_matrix)(jnp.zeros(3))
    point = np.array([0.2, 0.5, -0.3])
    for k, axis in enumerate(np.eye(3)):
        np.testing.assert_allclose(slope[:, :, k] @ point, np.cross(axis, point), atol=1e-14)


def test_a_schedule_is_linear_between_poses_and_rests_outside():
    poses = np.array([[0.0] * 6, [0.1, 0, 0.2, 0, 0.4, 0], [0.3, 0, 0, 0, 0.4, 0]])
    schedule = shells.Schedule([1.0, 2.0, 4.0], poses)
    for time, shift, angle in ((0.0, 0.0, 0.0), (1.5, 0.05, 0.2), (3.0, 0.2, 0.4), (9.0, 0.3, 0.4)):
        moved, turn = schedule.at(jnp.asarray(time))
        np.testing.assert_allclose(moved[0], shift, atol=1e-14)
        np.testing.assert_allclose(turn[0, 0], np.cos(angle), atol=1e-14)
    with pytest.raises(ValueError, match="times must increase"):
        shells.Schedule([1.0, 1.0], np.zeros((2, 6)))


def test_what_is_held_turns_about_its_middle():
    schedule = shells.Schedule([0.0, 1.0], [[0.0] * 6, [0.1, 0.0, 0.2, 0.0, 0.5 * np.pi, 0.0]])
    clamp = shells.Clamp(right, schedule=schedule).on(MESH)
    held, places = held_unknowns(MESH, (clamp,), jnp.asarray(1.0))
    chosen = MESH.select(right)
    assert held[chosen].all()
    assert not held[np.setdiff1d(np.arange(MESH.num_vertices), chosen)].any()
    # About y, through (1, 0, 0): the edge lies on the axis and only moves.
    expected = np.asarray(MESH.positions)[chosen] + [0.1, 0.0, 0.2]
    np.testing.assert_allclose(places[chosen], expected, atol=1e-14)
    guided, after, before = guided_edges(MESH, (clamp,), jnp.asarray(1.0))
    assert int(guided.sum()) == 2
    np.testing.assert_allclose(before[guided], [[1.0, 0, 0]] * 2, atol=1e-14)
    np.testing.assert_allclose(after[guided], [[0, 0, -1.0]] * 2, atol=1e-14)


def test_only_edges_of_the_border_are_guided():
    whole = shells.Clamp(lambda x, y, z: x > -1.0).on(MESH)
    assert sorted(np.asarray(whole.edges).tolist()) == np.flatnonzero(MESH.border).tolist()


def test_axes_are_held_one_by_one_and_supports_add_up():
    pins = (shells.Pin(left, "z").on(MESH), shells.Pin([0], "xy").on(MESH))
    held, places = held_unknowns(MESH, pins, jnp.asarray(0.0))
    assert held[0].all()
    others = np.setdiff1d(MESH.select(left), [0])
    assert np.asarray(held)[others].tolist() == [[False, False, True]] * others.size
    np.testing.assert_allclose(places, MESH.positions, atol=1e-15)
    for side, outward in ((right, 1.0), (left, -1.0)):
        plane = shells.Symmetry(side, "x").on(MESH)
        assert np.asarray(plane.axes).tolist() == [[True, False, False]] * 3
        np.testing.assert_allclose(plane.directions, [[outward, 0, 0]] * 2, atol=1e-14)


def forces(*loads, mesh=MESH, material=MATERIAL):
    shell = shells.Shell(mesh, material, loads=loads)
    return -np.asarray(shell.positions(shell.potential().full_gradient(shell.rest())))


def test_loads_and_their_sums():
    weight = 500.0 * 1e-3 * 0.4 * np.array([0.0, 0.0, -9.80665])
    np.testing.assert_allclose(forces(shells.Gravity()).sum(axis=0), weight, atol=1e-12)
    pull = forces(shells.Traction((3.0, 0.0, 1.0)))
    np.testing.assert_allclose(pull.sum(axis=0), [1.2, 0.0, 0.4], atol=1e-12)
    shares = np.asarray(MESH.vertex_areas())[:, None] * [3.0, 0.0, 1.0]
    np.testing.assert_allclose(pull, shares, atol=1e-13)
    both = forces(shells.Gravity(), shells.Traction((3.0, 0.0, 1.0)))
    np.testing.assert_allclose(both, forces(shells.Gravity()) + pull, atol=1e-13)
    # An edge carries a load as a beam would: its ends have half of what is between.
    edge = forces(shells.PointLoad((0.0, 0.0, 8.0), right))
    np.testing.assert_allclose(np.sort(edge[MESH.select(right), 2]), [2.0, 2.0, 4.0])
    np.testing.assert_allclose(forces(shells.PointLoad((0, 1.0, 0), [6, 8]))[[6, 8], 1], 0.5)
    # A pressure on a flat sheet pushes along its normal (inside: at a border it is not exact).
    inside = MESH.select(lambda x, y, z: (x > 1e-9) & (x < 1 - 1e-9) & (np.abs(y) < 0.1))
    push = forces(shells.Pressure(2.0))[inside]
    areas = np.asarray(MESH.vertex_areas())[inside]
    np.testing.assert_allclose(push, 2.0 * areas[:, None] * [0.0, 0.0, 1.0], atol=1e-13)
    with pytest.raises(ValueError, match="3 components"):
        shells.Traction((1.0, 0.0))


def test_a_pressure_in_a_closed_surface_has_no_sum():
    ball = shells.ball(0.5, cells=3).skin()
    push = forces(shells.Pressure(2.0), mesh=ball)
    np.testing.assert_allclose(push.sum(axis=0), 0.0, atol=1e-12)
    outward = np.sum(push * np.asarray(ball.positions), axis=1)
    assert outward.min() > 0
    # Virtual work of growing by a factor: 3 p V.
    corners = np.asarray(ball.positions)[np.asarray(ball.faces)]
    volume = np.linalg.det(corners).sum() / 6.0
    np.testing.assert_allclose(outward.sum(), 3.0 * 2.0 * volume, rtol=1e-12)


def test_an_orthotropic_sheet_with_equal_moduli_is_isotropic():
    alike = shells.OrthotropicMaterial(1e6, 1e6, 1e6 / 2.6, 0.3, 1e-3)
    np.testing.assert_allclose(alike.stiffness(), MATERIAL.stiffness(), rtol=1e-14)
    paper = shells.OrthotropicMaterial(3e9, 1e9, 5e8, 0.25, 1e-4)
    compliance = np.linalg.inv(np.asarray(paper.stiffness()))
    np.testing.assert_allclose(np.diag(compliance), [1 / 3e9, 1 / 1e9, 1 / 5e8], rtol=1e-12)
    np.testing.assert_allclose(compliance[0, 1], -0.25 / 3e9, rtol=1e-12)
    with pytest.raises(ValueError, match="square below young_1/young_2"):
        shells.OrthotropicMaterial(1e9, 3e9, 5e8, 0.6, 1e-4)


@pytest.mark.parametrize(
    ("supports", "motion"),
    [
        ([shells.Pin(left)], "turning about y"),
        ([shells.Pin([0])], "leave 3 rigid motion"),
        ([shells.Pin(lambda x, y, z: x >= 0, "z")], "leave 3 rigid motion"),
        ([shells.Pin(left, "yz"), shells.Pin(right, "yz")], "moving along x"),
        ([shells.Guide(left)], "leave 5 rigid motion"),
        ([shells.Symmetry(left, "x")], "leave 3 rigid motion"),
    ],
)
def test_motions_that_are_left_free(supports, motion):
    with pytest.raises(ValueError, match=motion):
        check_supported(shells.Shell(MESH, MATERIAL, supports=supports))


@pytest.mark.parametrize(
    "supports",
    [
        [shells.Clamp(left)],
        [shells.Pin(left), shells.Pin([8], "z")],
        [shells.Pin([0, 2, 12])],
        [shells.Pin(left, "yz"), shells.Pin(right, "yz"), shells.Pin([6], "xz")],
        [shells.Symmetry(left, "x"), shells.Clamp([0, 3], "yz")],
    ],
)
def test_supports_that_hold(supports):
    check_supported(shells.Shell(MESH, MATERIAL, supports=supports))
