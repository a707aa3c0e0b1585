"""Solids: meshes, the energy and its derivatives, gradients through contact, errors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.problems._shell_cases._solids import block_on_incline
from diffsim.solvers import elements_energy, elements_hessian, elements_stress

MATERIAL = shells.SolidMaterial(1e5, 0.3, 1e3)


def test_a_block_and_a_ball_are_filled():
    block = shells.block([1.0, 2.0, 3.0], [2, 3, 2])
    assert float(block.volumes().sum()) == pytest.approx(6.0)
    assert float(block.vertex_areas().sum()) == pytest.approx(22.0)
    assert float(block.vertex_masses(MATERIAL).sum()) == pytest.approx(6e3)
    outward = np.asarray(block.positions)[np.asarray(block.faces)]
    normal = np.cross(outward[:, 1] - outward[:, 0], outward[:, 2] - outward[:, 0])
    assert np.all(np.sum(normal * outward.mean(axis=1), axis=1) > 0)
    ball = shells.ball(0.5, 4)
    assert float(ball.volumes().sum()) == pytest.approx(np.pi / 6, rel=7e-2)
    radii = np.linalg.norm(np.asarray(ball.positions)[ball.surface()], axis=1)
    np.testing.assert_allclose(radii, 0.5, rtol=1e-12)
    assert len(ball.surface()) < ball.num_vertices


def test_small_strains_are_hookes_law():
    solid = shells.Solid(shells.block([1.0, 1.0, 1.0], [1, 2, 1]), MATERIAL)
    small = 1e-5

    def energy(gradient):
        moved = solid.mesh.positions @ (jnp.eye(3) + small * jnp.asarray(gradient)).T
        return float(solid.energies(moved.ravel())["elastic_energy"]) / small**2

    assert energy(np.diag([1.0, -0.3, -0.3])) == pytest.approx(0.5e5, rel=1e-4)
    shear = np.zeros((3, 3))
    shear[0, 1] = 1.0
    assert energy(shear) == pytest.approx(0.5e5 / 2.6, rel=1e-4)
    bulk = 1e5 / (3.0 * (1.0 - 0.6))
    assert energy(np.eye(3)) == pytest.approx(4.5 * bulk, rel=1e-4)


def test_the_energy_turns_with_the_solid_and_survives_inversion():
    solid = shells.Solid(shells.ball(0.1, 2), MATERIAL)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turn = turn * np.sign(np.linalg.det(turn))
    stored = lambda x: float(solid.energies(x.ravel())["elastic_energy"])
    rest = solid.mesh.positions
    # Round-off of the turned shape must not show: searches along lines would fail on it.
    assert abs(stored(rest @ turn.T + 0.3)) < 1e-24
    crushed = rest * jnp.array([1.0, 1.0, -0.2])
    assert np.isfinite(stored(crushed))
    # The force of what is turned inside out points back.
    slope = jax.grad(lambda s: solid.energies((rest * jnp.array([1, 1, s])).ravel())[
        "elastic_energy"
    ])(-0.2)  # fmt: skip
    assert float(slope) < 0


def test_hessians_are_exact_and_the_convex_ones_are_convex():
    solid = shells.Solid(shells.block([1.0, 1.0, 1.0], [1, 1, 1]), MATERIAL)
    noise = jax.random.normal(jax.random.key(0), (solid.size,))
    q = solid.unknowns(solid.mesh.positions) + 0.2 * noise
    (cells,) = solid.potential().elements
    stress = elements_stress(cells, q)
    exact = np.asarray(jax.hessian(lambda q: elements_energy(cells, q))(q))
    summed = np.zeros_like(exact)
    for place, part in zip(np.asarray(cells.indices), elements_hessian(cells, q, stress, False)):  # noqa: B905
        summed[np.ix_(place, place)] += part
    np.testing.assert_allclose(summed, exact, rtol=1e-10, atol=1e-10 * np.abs(exact).max())
    assert np.linalg.eigvalsh(exact).min() < 0
    safe = np.asarray(elements_hessian(cells, q, stress, jnp.asarray(True)))
    assert np.linalg.eigvalsh(safe).min() > -1e-9 * np.abs(safe).max()


@pytest.mark.slow
def test_gradients_through_sliding():
    """Of modulus, friction, weight and rest shape, against central differences."""
    dynamics = block_on_incline(0.15, 0.05, 40)
    short = shells.Dynamics(
        dynamics.shell,
        step=5e-3,
        steps=5,
        scheme="implicit_euler",
        velocities=dynamics.velocities,
        tolerance=1e-12,
    )

    def value(p):
        parts = lambda d: (
            d.shell.material.young,
            d.shell.contacts[0].friction.coefficient,
            d.shell.loads[0].acceleration,
            d.shell.mesh.positions,
        )
        young, friction, weight, rest = parts(short)
        wide = rest * jnp.ones(3).at[1].set(p[3])
        changed = eqx.tree_at(parts, short, (young * p[0], friction * p[1], weight * p[2], wide))
        found = changed(None).values
        return 1e3 * jnp.sum(found["positions"][-1] @ jnp.array([1.0, 0.5, 3.0]))

    program = jax.jit(jax.value_and_grad(value))
    at, h = jnp.ones(4), 1e-4
    _, gradient = program(at)
    for i in range(4):
        v = [float(program(at.at[i].add(s * h))[0]) for s in (-2, -1, 1, 2)]
        differences = (v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * h)
        assert float(gradient[i]) == pytest.approx(
            differences, rel=1e-5, abs=1e-6 * float(jnp.abs(gradient).max())
        )


def test_bad_input():
    mesh = shells.block([1.0, 1.0, 1.0], [1, 1, 1])
    with pytest.raises(ValueError, match="flat or inside out are cells 0"):
        shells.TetrahedralMesh(np.eye(4, 3), [[0, 1, 2, 3]][:1] * np.array(1))
    with pytest.raises(ValueError, match="unreferenced are vertices 4"):
        shells.TetrahedralMesh(
            [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 2, 2]], np.array([[0, 1, 2, 3]])
        )
    with pytest.raises(ValueError, match="cells must refer to vertices 0 to 7"):
        shells.TetrahedralMesh(mesh.positions, np.asarray(mesh.cells) + 1)
    with pytest.raises(ValueError, match="cells must be three whole numbers"):
        shells.block([1.0, 1.0, 1.0], [0, 1, 1])
    with pytest.raises(ValueError, match="radius must be positive, in m"):
        shells.ball(-1.0, 2)
    with pytest.raises(ValueError, match=r"poisson of SolidMaterial .* below 0.5, but is 0.5"):
        shells.SolidMaterial(1e5, 0.5)
    # Under the type checks of the tests their error comes first.
    with pytest.raises((ValueError, TypeError), match="loads"):
        shells.Solid(mesh, MATERIAL, loads=[shells.Traction((0.0, 0.0, 1.0))])  # pyright: ignore
    with pytest.raises(
        ValueError, match="density must be positive for Dynamics, but is zero everywhere"
    ):
        shells.Dynamics(shells.Solid(mesh, shells.SolidMaterial(1e5, 0.3)), step=1e-3, steps=1)
