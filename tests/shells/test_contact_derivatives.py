"""Derivatives through contact with bodies and other sheets, friction and yielding, in one scene."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells

STEPS = 4
POSE = np.array([1.5e-3, 1e-3, -4e-3, 0.1, 0.3, 0.1])


def _scene():
    """A finger presses and turns on two sheets that lie on a table; the upper one is thrown."""
    one = shells.strip(0.06, 0.04, (2, 1))
    two = shells.strip(0.06, 0.04, (2, 1), "aligned")
    turn = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
    above = np.asarray(two.positions) @ turn.T + [0.0, 0.0, 3e-3]
    positions = np.concatenate([np.asarray(one.positions + jnp.array([0.0, 0.0, 1.5e-3])), above])
    faces = np.concatenate([np.asarray(one.faces), np.asarray(two.faces) + one.num_vertices])
    mesh = shells.TriangleMesh(positions, faces)
    law = shells.Barrier(200.0, 2e-3)
    finger = shells.BodyContact(
        shells.Capsule([0.03, -0.1, 9.5e-3], [0.03, 0.1, 9.5e-3], 5e-3),
        law,
        friction=shells.Friction(0.4, 5e-2),
        schedule=shells.Schedule([0.0, 2e-3 * STEPS], jnp.zeros((2, 6))),
    )
    shell = shells.Shell(
        mesh,
        shells.IsotropicMaterial(1e7, 0.3, 2e-4, 500.0),
        bending=shells.PlasticBending(0.3, 0.1),
        loads=[shells.Gravity()],
        contacts=[finger, shells.BodyContact(shells.Plane(), law, friction=shells.Friction(0.2))],
        self_contact=shells.SelfContact(law, friction=shells.Friction(0.3, 5e-2), capacity=100),
    )
    return shells.Dynamics(shell, step=2e-3, steps=STEPS, tolerance=1e-12)


def _simulated(dynamics, p, adjoint):
    """With the finger's motion, friction, radius, barriers, material, yield and speed times p."""
    shell = dynamics.shell
    thrown = (jnp.arange(shell.mesh.num_vertices) >= 6)[:, None] * jnp.array([0.5, 0.1, -0.3])
    parts = lambda d: (
        d.shell.contacts[0].schedule.poses,
        d.shell.contacts[0].friction.coefficient,
        d.shell.contacts[0].shape.radius,
        d.shell.contacts[1].law.distance,
        d.shell.self_contact.law.stiffness,
        d.shell.self_contact.friction.coefficient,
        d.shell.material.young,
        d.shell.bending.yield_curvature,
        d.shell.bending.hardening,
        d.velocities,
    )
    values = (
        jnp.zeros((2, 6)).at[1].set(p[0] * POSE),
        0.4 * p[1],
        5e-3 * p[2],
        2e-3 * p[3],
        200.0 * p[4],
        0.3 * p[5],
        1e7 * p[6],
        0.3 * p[7],
        0.1 * p[8],
        p[9] * thrown,
    )
    found = eqx.tree_at(parts, dynamics.with_adjoint(adjoint), values)(None)
    ends = found.values["positions"][-1]
    weights = jnp.sin(1.0 + jnp.arange(ends.size).reshape(ends.shape))
    return 1e3 * jnp.sum(weights * ends), found


def _long_scene(steps: int) -> shells.Dynamics:
    """A sheet that is held at one end and lies on a table: a finger comes down, goes sideways with
    friction, folds the sheet so that it yields, and goes up again."""
    mesh = shells.strip(0.06, 0.02, (3, 1))
    places = np.asarray(mesh.positions).copy()
    places[:, 2] = 4e-3
    mesh = shells.TriangleMesh(places, mesh.faces)
    law = shells.Barrier(200.0, 2e-3)
    end = 1e-3 * steps
    poses = np.zeros((4, 6))
    poses[1, 2], poses[2, [0, 2]] = -5.5e-3, (4e-3, -5.5e-3)
    finger = shells.BodyContact(
        shells.Capsule([0.042, -0.1, 1.2e-2], [0.042, 0.1, 1.2e-2], 5e-3),
        law,
        friction=shells.Friction(0.4, 5e-2),
        schedule=shells.Schedule(np.array([0.0, 0.3, 0.7, 1.0]) * end, poses),
    )
    table = shells.BodyContact(shells.Plane(), law, friction=shells.Friction(0.2, 5e-2))
    shell = shells.Shell(
        mesh,
        shells.IsotropicMaterial(1e7, 0.3, 3e-4, 500.0),
        bending=shells.PlasticBending(1.0, 0.1),
        loads=[shells.Gravity()],
        supports=[shells.Clamp(lambda x, y, z: x < 1e-9)],
        contacts=[finger, table],
    )
    return shells.Dynamics(shell, step=1e-3, steps=steps, scheme="implicit_euler", tolerance=1e-12)


@pytest.mark.slow
def test_the_adjoint_goes_back_through_a_hundred_steps():
    """With contact, friction and yielding on the way."""
    dynamics = _long_scene(100)
    parts = lambda d: (
        d.shell.contacts[0].schedule.poses,
        d.shell.contacts[0].friction.coefficient,
        d.shell.contacts[1].friction.coefficient,
        d.shell.material.young,
        d.shell.bending.yield_curvature,
    )

    def simulated(p):
        scaled = tuple(s * part for s, part in zip(p, parts(dynamics), strict=True))
        found = eqx.tree_at(parts, dynamics, scaled)(None)
        ends = found.values["positions"][-1]
        weights = jnp.sin(1.0 + jnp.arange(ends.size).reshape(ends.shape))
        return 1e3 * jnp.sum(weights * ends), found

    program = jax.jit(jax.value_and_grad(simulated, has_aux=True))
    (_, found), reverse = program(jnp.ones(5))
    values = found.checked().values
    assert np.all(np.asarray(values["gap"]).min(axis=0) < 1.9e-3)
    assert float(jnp.abs(values["contact_force"][:, 0, 0]).max()) > 0
    assert float(values["plastic_work"][-1]) > 0.1 * float(values["bending_energy"].max())
    differences = []
    for one in np.eye(5):
        h = 1e-5
        low, high = (float(program(1.0 + s * h * one)[0][0]) for s in (-1, 1))
        differences.append((high - low) / (2 * h))
    scale = np.abs(reverse).max()
    np.testing.assert_allclose(reverse, differences, rtol=1e-5, atol=1e-6 * scale)
    assert np.abs(reverse).min() > 1e-6 * scale


@pytest.mark.slow
def test_derivatives_through_contact_friction_and_yielding():
    dynamics = _scene()
    at = jnp.ones(10)
    # One program for values and derivatives: it takes minutes to compile.
    program = jax.jit(
        jax.value_and_grad(lambda p: _simulated(dynamics, p, "checkpointed"), has_aux=True)
    )
    (_, found), reverse = program(at)
    values = found.checked().values
    # Everything that is tested happens: both bodies and both sheets touch, and the sheets yield.
    assert np.all(np.asarray(values["gap"]).min(axis=0) < 1.9e-3)
    assert 0 < float(values["self_gap"].min()) < 1.9e-3
    assert float(values["plastic_work"][-1]) > 0.5 * float(values["bending_energy"][-1])
    differences = []
    for i in range(at.size):
        h = 2e-5
        low, high = (float(program(at.at[i].add(s * h))[0][0]) for s in (-1, 1))
        differences.append((high - low) / (2 * h))
    scale = np.abs(reverse).max()
    np.testing.assert_allclose(reverse, differences, rtol=1e-5, atol=1e-7 * scale)
