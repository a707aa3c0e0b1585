"""Rigid bodies and solids against textbook mechanics: inertia, momenta, linear tetrahedra."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from diffsim import shells
from diffsim.shells.bodies._rigid import inertia
from diffsim.solvers import elements_hessian, elements_stress

DENSITY = 700.0
TURN = Rotation.from_rotvec([0.9, -0.2, 1.4]).as_matrix()
SHIFT = np.array([0.5, -1.0, 2.0])


def second(found):
    """∫ (x − c)(x − c)ᵀ."""
    return np.asarray(found.volume * found.root @ found.root.T)


def test_the_inertia_of_a_corner_of_a_cube():
    """Of the tetrahedron x, y, z ≥ 0, x + y + z ≤ 1: ∫x² = 1/60 and ∫xy = 1/120 about its tip."""
    corner = shells.TetrahedralMesh(np.concatenate([np.zeros((1, 3)), np.eye(3)]), [[0, 1, 2, 3]])
    found = inertia(corner.skin())
    np.testing.assert_allclose(found.volume, 1 / 6, rtol=1e-12)
    np.testing.assert_allclose(found.centre, 0.25, rtol=1e-12)
    expected = (np.eye(3) + 1) / 120 - 1 / 96
    np.testing.assert_allclose(second(found), expected, atol=1e-14)
    assert np.triu(found.root, 1).max() == 0.0


def test_inertia_moves_with_the_body_and_does_not_know_its_triangles():
    lump = shells.ball(0.4, 3)
    mesh = shells.TriangleMesh(
        np.asarray(lump.skin().positions) * [1.0, 0.7, 1.3], lump.skin().faces
    )
    own = inertia(mesh)
    placed = inertia(shells.TriangleMesh(np.asarray(mesh.positions) @ TURN.T + SHIFT, mesh.faces))
    np.testing.assert_allclose(placed.volume, own.volume, rtol=1e-12)
    np.testing.assert_allclose(placed.centre, TURN @ own.centre + SHIFT, rtol=1e-12)
    np.testing.assert_allclose(second(placed), TURN @ second(own) @ TURN.T, atol=1e-14)
    for cells in ([1, 1, 1], [3, 2, 4]):
        found = inertia(shells.block([1.0, 2.0, 3.0], cells).skin())
        np.testing.assert_allclose(second(found), 0.5 * np.diag([1.0, 4.0, 9.0]), atol=1e-12)


def brick(**kwargs):
    skin = shells.block([0.1, 0.2, 0.3], [1, 1, 1]).skin()
    mesh = shells.TriangleMesh(np.asarray(skin.positions) @ TURN.T + SHIFT, skin.faces)
    return shells.RigidBody(mesh, shells.RigidMaterial(DENSITY, 1e6), **kwargs)


def test_momenta_and_energy_of_a_body_that_moves_and_spins():
    """About the origin, from which its centre is away: L = c × m v + J ω."""
    body, speed, spin = brick(), np.array([1.0, 2.0, -0.5]), np.array([3.0, -1.0, 2.0])
    x, centre = np.asarray(body.mesh.positions), SHIFT
    velocities = speed + np.cross(spin, x - centre)
    q, rates = body.unknowns(jnp.asarray(x)), body.unknowns(jnp.asarray(velocities))
    mass = DENSITY * 0.006
    own = mass / 12 * np.diag([0.13, 0.10, 0.05])
    turning = TURN @ own @ TURN.T @ spin
    momentum, angular = body.momenta(q, rates)
    np.testing.assert_allclose(momentum, mass * speed, rtol=1e-10)
    np.testing.assert_allclose(angular, np.cross(centre, mass * speed) + turning, rtol=1e-9)
    energy = 0.5 * float(jnp.sum(body.mass() * rates**2))
    assert energy == pytest.approx(0.5 * mass * speed @ speed + 0.5 * spin @ turning, rel=1e-9)


def test_turning_a_body_costs_nothing_and_stretching_its_frame_does():
    body = brick()
    x = np.asarray(body.mesh.positions)
    store = lambda q: float(body.energies(q)["rigid_energy"])
    slope = np.asarray(body.potential().full_gradient(body.unknowns(jnp.asarray(x))))
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)  # of a stiffness of 1e5 N/m
    again = Rotation.from_rotvec([-1.0, 2.0, 0.4]).as_matrix()
    assert store(body.unknowns(jnp.asarray(x @ again.T - 3.0))) < 1e-18
    # K/2 |E|² with E = (FᵀF − 1)/2; vertices follow, their ties are slack.
    change = np.array([[1.2, 0.3, 0.0], [-0.1, 0.9, 0.2], [0.0, 0.4, 1.1]])
    strain = 0.5 * (change.T @ change - np.eye(3))
    expected = 0.5 * 1e6 * 0.006 * np.sum(strain**2)
    assert store(body.unknowns(jnp.asarray(x @ change.T))) == pytest.approx(expected, rel=1e-9)
    # A vertex pulled away alone: k/2 d² with k its area times stiffness over size.
    rest = body.unknowns(jnp.asarray(x))
    pulled = rest.at[4].add(1e-3)
    tie = 1e6 * float(body.mesh.vertex_areas()[1]) / np.cbrt(0.006)
    assert store(pulled) == pytest.approx(0.5 * tie * 1e-6, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["implicit_euler", "bdf2"])
def test_a_body_falls_as_a_point_does(scheme):
    """To all digits of the scheme, whatever the body is like."""
    step, steps, pull = 1e-2, 4, np.array([0.3, 0.0, -9.0])
    body = brick(loads=[shells.Gravity(pull)])
    dynamics = shells.Dynamics(body, step=step, steps=steps, scheme=scheme, tolerance=1e-12)
    found = eqx.filter_jit(lambda d: d(None))(dynamics).checked().values
    v = [np.zeros(3), step * pull]
    x = [np.zeros(3), step * v[1]]
    for _ in range(1, steps):
        if scheme == "implicit_euler":
            v.append(v[-1] + step * pull)
            x.append(x[-1] + step * v[-1])
        else:
            v.append((4 * v[-1] - v[-2] + 2 * step * pull) / 3)
            x.append((4 * x[-1] - x[-2] + 2 * step * v[-1]) / 3)
    moved = np.asarray(found["positions"]) - np.asarray(body.mesh.positions)
    np.testing.assert_allclose(moved, np.stack(x)[:, None] * np.ones((1, 8, 1)), atol=1e-9)
    np.testing.assert_allclose(found["momentum"], DENSITY * 0.006 * np.stack(v), atol=1e-7)
    # The angular momentum about the origin grows by the weight's moment.
    turning = np.cross(SHIFT + np.stack(x), found["momentum"])
    np.testing.assert_allclose(found["angular_momentum"], turning, atol=1e-6)


RUBBER = shells.SolidMaterial(1e5, 0.3, DENSITY)
BLOCK = shells.block([1.0, 0.8, 1.2], [1, 1, 1])
SOLID = shells.Solid(
    shells.TetrahedralMesh(np.asarray(BLOCK.positions) @ TURN.T + SHIFT, BLOCK.cells), RUBBER
)
LAME = 1e5 * 0.3 / (1.3 * 0.4)
SHEAR = 1e5 / 2.6


@pytest.mark.parametrize("seed", range(4))
def test_a_solid_costs_what_its_formula_says(seed):
    """With the constants of the paper: μ = 4/3 and λ = Lamé's + 5/6 of the shear modulus."""
    gradient = np.eye(3) + np.random.default_rng(seed).uniform(-0.6, 0.6, (3, 3))
    shear, bulk = 4 / 3 * SHEAR, LAME + 5 / 6 * SHEAR
    alpha = 1 + 3 * shear / (4 * bulk)

    def density(f):
        trace, volume = np.sum(f**2), np.linalg.det(f)
        log = np.log((trace + 1) / 4)
        return 0.5 * shear * (trace - 3 - log) + 0.5 * bulk * (volume - alpha) ** 2

    moved = SOLID.mesh.positions @ jnp.asarray(gradient).T
    found = float(SOLID.energies(moved.ravel())["elastic_energy"])
    expected = 0.96 * (density(gradient) - density(np.eye(3)))
    assert found == pytest.approx(expected, rel=1e-10)


def test_stiffness_at_rest_is_that_of_linear_tetrahedra():
    """Against the textbook's: BᵀDB of each, and six motions that cost nothing."""
    (cells,) = SOLID.elements()
    q = SOLID.mesh.positions.ravel()
    stress = elements_stress(cells, q)
    found = np.asarray(jax.jit(lambda q: elements_hessian(cells, q, stress, False))(q))
    law = np.zeros((6, 6))
    law[:3, :3] = LAME
    law += SHEAR * np.diag([2.0, 2, 2, 1, 1, 1])
    whole = np.zeros((24, 24))
    for place, block in zip(np.asarray(SOLID.mesh.cells), found, strict=True):
        corners = np.asarray(SOLID.mesh.positions)[place]
        shapes = np.linalg.inv(np.column_stack([np.ones(4), corners]))[1:]
        strains = np.zeros((6, 12))
        for row in range(3):
            strains[row, row::3] = shapes[row]
        for row, (i, j) in enumerate(((1, 2), (0, 2), (0, 1)), start=3):
            strains[row, i::3], strains[row, j::3] = shapes[j], shapes[i]
        volume = np.linalg.det(corners[1:] - corners[0]) / 6
        expected = volume * strains.T @ law @ strains
        np.testing.assert_allclose(block, expected, atol=1e-9 * expected.max())
        at = (3 * place[:, None] + np.arange(3)).ravel()
        whole[np.ix_(at, at)] += block
    values = np.linalg.eigvalsh(whole)
    assert np.abs(values[:6]).max() < 1e-9 * values[-1] < 1e-3 * values[6]


def test_forces_inside_a_solid_have_no_sum_and_no_moment():
    x = np.asarray(SOLID.mesh.positions)
    crushed = x + np.random.default_rng(1).normal(scale=0.2, size=x.shape)
    energy = lambda x: SOLID.energies(x.ravel())["elastic_energy"]
    value, force = jax.jit(jax.value_and_grad(energy))(jnp.asarray(crushed))
    scale = float(jnp.abs(force).max())
    np.testing.assert_allclose(np.sum(force, axis=0), 0.0, atol=1e-10 * scale)
    np.testing.assert_allclose(np.cross(crushed, force).sum(axis=0), 0.0, atol=1e-9 * scale)
    turned, along = jax.value_and_grad(energy)(jnp.asarray(crushed @ TURN.T - 1.0))
    assert float(turned) == pytest.approx(float(value), rel=1e-11)
    np.testing.assert_allclose(along, np.asarray(force) @ TURN.T, atol=1e-9 * scale)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shells.SolidMaterial(0.0, 0.3, 1.0), "young of SolidMaterial .* positive, in Pa"),
        (lambda: shells.SolidMaterial(1.0, -0.1, 1.0), "poisson of SolidMaterial .* at least 0"),
        (
            lambda: shells.SolidMaterial([1.0, 2.0], 0.3, 1.0),
            "young of SolidMaterial must be one number",
        ),
        (lambda: shells.RigidMaterial(-1.0), "density of RigidMaterial .* at least zero, in kg/m3"),
        (lambda: shells.RigidMaterial(np.nan), "density of RigidMaterial"),
        (lambda: shells.TetrahedralMesh(np.eye(3, 2), [[0, 1, 2, 0]]), r"shape \(v, 3\)"),
        (lambda: shells.TetrahedralMesh(BLOCK.positions, [[0, 1, 2]]), r"shape \(c, 4\)"),
        (
            lambda: shells.TetrahedralMesh(
                BLOCK.positions, np.asarray(BLOCK.cells)[:, [0, 2, 1, 3]]
            ),
            "flat or inside out are cells 0, 1, 2, 3, 4, 5",
        ),
        (
            lambda: shells.TetrahedralMesh(BLOCK.positions.at[5].set(jnp.inf), BLOCK.cells),
            "finite, but are not at vertices 5",
        ),
    ],
)
def test_what_solids_and_bodies_refuse(make, message):
    # Under the type checks of the tests that of a single number comes first.
    with pytest.raises((ValueError, TypeError), match=f"{message}|type-check"):
        make()
