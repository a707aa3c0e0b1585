"""Loads: pressure that follows the surface, its work and its stiffness; dead forces and shares."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from diffsim import shells
from diffsim.shells import tangent_stiffness
from diffsim.solvers import elements_energy

SOFT = shells.IsotropicMaterial(1.0, 0.3, 1e-3, 500.0)
PRESSURE = 3.0
BALL = shells.ball(0.5, 2).skin()
TURN = Rotation.from_rotvec([0.4, -1.1, 0.7]).as_matrix()


def follower(mesh, factor=1.0):
    """The energy of a pressure, of positions (v, 3)."""
    (batch,) = shells.Pressure(PRESSURE).elements(mesh, SOFT, jnp.asarray(factor))
    return lambda x: elements_energy(batch, x.ravel())


@pytest.fixture(scope="module")
def pushed():
    """Energy and forces of the pressure in a ball of any shape."""
    return jax.jit(jax.value_and_grad(follower(BALL)))


def crumpled(seed=0):
    noise = np.random.default_rng(seed).normal(scale=0.05, size=BALL.positions.shape)
    return np.asarray(BALL.positions) + noise


def test_the_work_of_a_pressure_is_that_on_the_volume_wherever_it_is(pushed):
    x = crumpled()
    volume = np.linalg.det(x[np.asarray(BALL.faces)]).sum() / 6.0
    for placed in (x, x @ TURN.T, x + np.array([3.0, -2.0, 1.0])):
        np.testing.assert_allclose(pushed(placed)[0], -PRESSURE * volume, rtol=1e-12)
    np.testing.assert_allclose(pushed(2.0 * x)[0], -8.0 * PRESSURE * volume, rtol=1e-12)


def test_a_pressure_follows_the_surface_and_pushes_nothing_away(pushed):
    x = crumpled(1)
    forces = -np.asarray(pushed(x)[1])
    np.testing.assert_allclose(-np.asarray(pushed(x @ TURN.T)[1]), forces @ TURN.T, atol=1e-13)
    np.testing.assert_allclose(-np.asarray(pushed(x + 5.0)[1]), forces, atol=1e-11)
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-13)
    np.testing.assert_allclose(np.cross(x, forces).sum(axis=0), 0.0, atol=1e-13)
    # Each face pushes with pressure times its area, as it is now, a third on each corner.
    corners = x[np.asarray(BALL.faces)]
    areas = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    expected = np.zeros_like(x)
    np.add.at(expected, np.asarray(BALL.faces), PRESSURE * areas[:, None] / 3.0)
    np.testing.assert_allclose(forces, expected, atol=1e-13)


def test_the_stiffness_of_a_pressure_is_symmetric_and_turns_its_forces():
    """Without elasticity to speak of: K is that of the load, times its factor."""
    shell = shells.Shell(BALL, SOFT, loads=[shells.Pressure(PRESSURE)])
    x = crumpled(2)
    q, factor = shell.unknowns(jnp.asarray(x)), 0.7
    hessian = {}
    for name, loaded in (("with", shell), ("without", eqx.tree_at(lambda s: s.loads, shell, ()))):
        matrix, free = tangent_stiffness(loaded, q, 0.0, factor)
        hessian[name] = matrix.toarray()
        assert free.size == shell.size
    count = x.size
    stiffness = (hessian["with"] - hessian["without"])[:count, :count]
    scale = np.abs(stiffness).max()
    np.testing.assert_allclose(stiffness, stiffness.T, atol=1e-12 * scale)
    forces = -factor * np.asarray(jax.grad(follower(BALL))(jnp.asarray(x)))
    for axis in np.eye(3):
        np.testing.assert_allclose(stiffness @ np.tile(axis, len(x)), 0.0, atol=1e-9 * scale)
        turned = stiffness @ np.cross(axis, x).ravel()
        np.testing.assert_allclose(turned, -np.cross(axis, forces).ravel(), atol=1e-9 * scale)


def test_a_factor_multiplies_every_kind_of_load():
    loads = [
        shells.Gravity((1.0, 2.0, 3.0)),
        shells.Traction((0.3, -0.2, 0.1)),
        shells.PointLoad((1.0, 0.0, 2.0), [0]),
        shells.Pressure(0.5),
    ]
    shell = shells.Shell(BALL, SOFT, loads=loads)
    slope = lambda factor: np.asarray(shell.potential(0.0, factor).full_gradient(shell.rest()))
    # The elasticity at rest has none.
    np.testing.assert_allclose(slope(-2.5), -2.5 * slope(1.0), atol=1e-11)
    assert np.abs(slope(1.0)).max() > 0.1


def test_dead_loads_do_not_follow():
    """Of the rest shape only: stretching and turning the sheet changes nothing."""
    mesh = shells.strip(1.0, 0.5, (3, 2), "unstructured")
    loads = [shells.Gravity(), shells.Traction((1.0, 2.0, 3.0)), shells.PointLoad((1, 0, 0), [2])]
    shell = shells.Shell(mesh, SOFT, loads=loads)
    work = lambda x: float(-shell.potential().force @ shell.unknowns(jnp.asarray(x)))
    rest = np.asarray(mesh.positions)
    forces = sum(np.asarray(load.forces(mesh, SOFT)) for load in shell.loads)
    for x in (rest, 2.0 * rest @ TURN.T):
        assert work(x) == pytest.approx(-np.sum(forces * x), rel=1e-12)


def test_an_edge_shares_a_force_by_its_lengths():
    """Of the border edges between the chosen vertices; inner edges do not count."""
    y = np.array([0.0, 0.1, 0.4, 1.0])
    points = np.array([[x, t, 0.0] for x in (0.0, 0.5, 1.0) for t in y])
    faces = [
        face
        for i in range(2)
        for j in range(3)
        for face in (
            [4 * i + j, 4 * i + 4 + j, 4 * i + 5 + j],
            [4 * i + j, 4 * i + 5 + j, 4 * i + 1 + j],
        )
    ]
    mesh = shells.TriangleMesh(points, faces)

    def shares(where):
        return np.asarray(shells.PointLoad((0.0, 10.0, 0.0), where).forces(mesh, SOFT))[:, 1]

    right = shares(lambda x, y, z: x > 0.9)
    np.testing.assert_allclose(right[8:], [0.5, 2.0, 4.5, 3.0], rtol=1e-12)
    assert right[:8].tolist() == [0.0] * 8
    # A row inside has no border edge, though its vertices at the ends are of the border.
    np.testing.assert_allclose(shares([4, 5, 6, 7])[4:8], 2.5, rtol=1e-12)
    # One that is on no chosen border edge gets nothing beside others that are.
    np.testing.assert_allclose(shares([8, 9, 6])[[8, 9, 6]], [5.0, 5.0, 0.0], rtol=1e-12)


def test_the_weight_of_solids_and_rigid_bodies_is_that_of_their_mass():
    pull, block = (1.0, -2.0, 3.0), shells.block([0.1, 0.2, 0.3], [1, 1, 1])
    solid = shells.Solid(block, shells.SolidMaterial(1e5, 0.3, 800.0), loads=[shells.Gravity(pull)])
    rigid = shells.RigidBody(
        block.skin(), shells.RigidMaterial(800.0), loads=[shells.Gravity(pull)] * 2
    )
    weight = 800.0 * 0.006 * np.array(pull)
    force = np.asarray(solid.potential(0.0, 0.5).force).reshape(-1, 3)
    np.testing.assert_allclose(force.sum(axis=0), 0.5 * weight, rtol=1e-12)
    force = np.asarray(rigid.potential(0.0, 0.5).force)
    np.testing.assert_allclose(force[-12:-9], weight, rtol=1e-12)
    np.testing.assert_array_equal(np.delete(force, [-12, -11, -10]), 0.0)


@pytest.mark.parametrize("kind", [shells.Gravity, shells.Traction])
def test_forces_have_three_components(kind):
    with pytest.raises(ValueError, match=r"must have 3 components, but has \(2,\)"):
        kind((1.0, 2.0))
