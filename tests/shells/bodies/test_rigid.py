"""Rigid bodies: inertia, free motion against Euler's equations, errors."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from diffsim import shells
from diffsim.shells.bodies._rigid import inertia

SIDES = np.array([0.06, 0.04, 0.02])
SPIN = np.array([1.0, 20.0, 2.0])


def _brick(shift=(0.0, 0.0, 0.0)) -> shells.TriangleMesh:
    skin = shells.block(SIDES, [1, 1, 1]).skin()
    return shells.TriangleMesh(np.asarray(skin.positions) + np.array(shift), skin.faces)


def test_the_inertia_of_a_brick_anywhere():
    volume, centre, root = inertia(_brick((0.3, -0.2, 0.1)))
    assert float(volume) == pytest.approx(SIDES.prod(), rel=1e-12)
    np.testing.assert_allclose(centre, [0.3, -0.2, 0.1], rtol=1e-12)
    np.testing.assert_allclose(root @ root.T, np.diag(SIDES**2) / 12.0, atol=1e-12)


def _turned(time: float) -> np.ndarray:
    """Euler's equations of a free brick: its rotation after a time."""
    moments = np.array([SIDES @ SIDES - side**2 for side in SIDES])

    def rates(_, state):
        spin, turn = state[:3], state[3:].reshape(3, 3)
        change = -np.cross(spin, moments * spin) / moments
        return np.concatenate([change, np.cross(turn, spin).ravel()])

    start = np.concatenate([SPIN, np.eye(3).ravel()])
    return solve_ivp(rates, (0.0, time), start, rtol=1e-10, atol=1e-12).y[3:, -1].reshape(3, 3)


def test_a_free_brick_tumbles_by_eulers_equations():
    mesh = _brick()
    body = shells.RigidBody(mesh, shells.RigidMaterial(1000.0))
    spinning = jnp.cross(jnp.asarray(SPIN), mesh.positions)
    dynamics = shells.Dynamics(body, step=1e-3, steps=100, velocities=spinning, tolerance=1e-10)
    found = dynamics(None).checked().values
    expected = np.asarray(mesh.positions) @ _turned(0.1).T
    # Half the step, a quarter of this (0.0030 and 0.00075 of the brick after 0.2 s).
    assert np.abs(found["positions"][-1] - expected).max() < 2e-3 * SIDES.max()
    moments = 1000.0 * SIDES.prod() * np.array([SIDES @ SIDES - side**2 for side in SIDES]) / 12
    np.testing.assert_allclose(found["angular_momentum"][0], moments * SPIN, rtol=1e-9)
    np.testing.assert_allclose(found["angular_momentum"][-1], moments * SPIN, rtol=1e-3)
    assert float(found["kinetic_energy"][0]) == pytest.approx(0.5 * moments @ SPIN**2, rel=1e-9)
    edge = lambda x: np.linalg.norm(x[0] - x[-1])
    assert edge(found["positions"][-1]) == pytest.approx(edge(mesh.positions), rel=1e-7)


def test_what_is_no_rigid_body():
    material = shells.RigidMaterial(1000.0)
    brick = _brick()
    with pytest.raises(ValueError, match="must be closed, but 8 edges"):
        shells.RigidBody(shells.strip(1.0, 1.0, (2, 2)), material)
    inside_out = shells.TriangleMesh(brick.positions, np.asarray(brick.faces)[:, ::-1])
    with pytest.raises(ValueError, match="turned outwards, but enclose -"):
        shells.RigidBody(inside_out, material)
    with pytest.raises(ValueError, match="stiffness of RigidMaterial must be one number, positive"):
        shells.RigidMaterial(1000.0, 0.0)
    body = shells.RigidBody(brick, material)
    with pytest.raises(ValueError, match="implicit_euler or bdf2 for a RigidBody"):
        shells.Dynamics(body, step=1e-3, steps=1, scheme="implicit_midpoint")
    light = eqx.tree_at(lambda b: b.material, body, shells.RigidMaterial(0.0))
    with pytest.raises(ValueError, match="density must be positive"):
        shells.Dynamics(light, step=1e-3, steps=1)
