"""Points between vertices that meet bodies: areas, what they carry, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.shells.bodies import block
from diffsim.shells.contact._points import contact_points

MATERIAL = shells.IsotropicMaterial(1e7, 0.3, 2e-4, 500.0)


def every(mesh):
    return np.ones(mesh.num_vertices, bool)


@pytest.mark.parametrize("subdivisions", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "mesh",
    [shells.strip(0.3, 0.2, (3, 2), "unstructured"), block([1.0, 2.0, 0.5], [1, 2, 1])],
    ids=["strip", "block"],
)
def test_points_share_the_area_and_its_moments(mesh, subdivisions):
    points = contact_points(mesh, every(mesh), subdivisions)
    corners = np.asarray(mesh.positions)[np.asarray(mesh.faces)]
    areas, area = np.asarray(mesh.areas()), np.asarray(points.areas(mesh))
    places = np.asarray(points.places(mesh.positions))
    assert area.sum() == pytest.approx(areas.sum(), rel=1e-13)
    np.testing.assert_allclose(area @ places, areas @ corners.mean(axis=1), atol=1e-14)
    assert len(np.unique(np.round(places, 9), axis=0)) == points.count
    # Of V vertices, E edges and F faces (of closed surfaces and open ones alike).
    edges = len(
        np.unique(
            np.sort(np.asarray(mesh.faces)[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)), axis=0
        )
    )
    between, n = (subdivisions - 1) * edges, subdivisions
    inner = (n - 1) * (n - 2) // 2 * len(areas)
    assert points.count == mesh.surface().size + between + inner


def test_of_one_part_the_points_are_the_vertices():
    mesh = shells.strip(0.3, 0.2, (3, 2))
    points = contact_points(mesh, every(mesh), 1)
    np.testing.assert_array_equal(points.vertices[:, 0], np.arange(mesh.num_vertices))
    np.testing.assert_array_equal(points.weights, 1.0)
    np.testing.assert_allclose(points.areas(mesh), mesh.vertex_areas(), rtol=1e-14)


def test_points_lie_between_chosen_vertices_only():
    mesh = shells.strip(0.3, 0.2, (3, 2))
    chosen = np.asarray(mesh.positions)[:, 0] < 0.15
    points = contact_points(mesh, chosen, 4)
    places = np.asarray(points.places(mesh.positions))
    assert places[:, 0].max() == pytest.approx(0.1)
    assert np.all(chosen[np.asarray(points.vertices)] | (np.asarray(points.weights) == 0))
    assert points.count == 5 * 9  # one square beside another, each side of a square in four parts


def falling(subdivisions, **options):
    """A sheet of one square above a pin that is finer than its faces."""
    mesh = shells.strip(0.1, 0.1, (1, 1))
    centre = np.asarray(mesh.positions)[np.asarray(mesh.faces)[0]].mean(axis=0)
    pin = shells.Sphere(centre - np.array([0.0, 0.0, 7e-3]), 5e-3)
    contact = shells.BodyContact(
        pin, shells.Barrier(1e3, 1e-3), subdivisions=subdivisions, **options
    )
    shell = shells.Shell(mesh, MATERIAL, loads=[shells.Gravity()], contacts=[contact])
    return shells.Dynamics(shell, step=2e-3, steps=20, scheme="implicit_euler", tolerance=1e-8)


def test_a_pin_between_vertices_carries_what_falls_on_it():
    run = lambda n: eqx.filter_jit(lambda d: d(None))(falling(n)).checked().values
    passed, carried = run(1), run(3)
    face = np.asarray(falling(1).shell.mesh.faces)[0]
    pin = falling(1).shell.contacts[0].shape
    gap = lambda values: np.asarray(
        jax.vmap(pin.gap)(values["positions"][:, face].mean(axis=1))
    ).min()
    # Through the pin without a force; or stopped in front of it.
    assert gap(passed) < 0
    assert float(np.abs(passed["contact_force"]).max()) == 0.0
    assert gap(carried) > 0
    assert float(carried["gap"].min()) == pytest.approx(gap(carried), rel=1e-9)
    assert float(carried["contact_force"][:, 0, 2].max()) > 0


@pytest.mark.slow
def test_derivatives_with_friction_between_vertices():
    dynamics = falling(3, friction=shells.Friction(0.4, 1e-2))

    def value(p, adjoint="checkpointed"):
        parts = lambda d: (d.velocities, d.shell.contacts[0].friction.coefficient)
        push = p[0] * jnp.array([0.05, 0.02, 0.0])
        moving = jnp.broadcast_to(push, dynamics.positions.shape)
        end = eqx.tree_at(parts, dynamics.with_adjoint(adjoint), (moving, 0.4 * p[1]))(None)
        return 1e3 * jnp.sum(end.values["positions"][-1] @ jnp.array([1.0, 0.3, 1.0]))

    run = jax.jit(jax.value_and_grad(value))
    at = jnp.ones(2)
    _, reverse = run(at)
    central = [(run(at + h)[0] - run(at - h)[0]) / 2e-5 for h in 1e-5 * jnp.eye(2)]
    assert np.all(np.abs(central) > 1e-3)
    np.testing.assert_allclose(reverse, central, rtol=1e-5)
    forward = jax.jit(lambda v: jax.jvp(lambda p: value(p, "forward"), (at,), (v,))[1])
    np.testing.assert_allclose([forward(v) for v in jnp.eye(2)], reverse, rtol=1e-8)


def test_bad_input():
    with pytest.raises(
        ValueError, match="subdivisions must be a whole number, at least 1, but is 0"
    ):
        shells.BodyContact(shells.Plane(), shells.Barrier(1e3, 1e-3), subdivisions=0)
    mesh = shells.strip(0.1, 0.1, (1, 1))
    law = shells.Barrier(1e3, 1e-3)
    centre = np.asarray(mesh.positions)[np.asarray(mesh.faces)[0]].mean(axis=0)
    pierced = shells.BodyContact(shells.Sphere(centre, 5e-3), law, subdivisions=3)
    with pytest.raises(ValueError, match="begin outside every body, but vertices"):
        shells.Dynamics(shells.Shell(mesh, MATERIAL, contacts=[pierced]), step=1e-3, steps=1)
