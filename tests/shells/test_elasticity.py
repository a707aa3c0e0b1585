"""Energies against the formulas of their classes, invariances, and linear elasticity in NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from diffsim import shells
from diffsim.shells.energies import hinge_angle
from diffsim.shells.energies._membrane import _tension
from diffsim.solvers import elements_energy, elements_hessian, elements_stress

RANDOM = np.random.default_rng(0)
TURN = Rotation.from_rotvec([0.7, -0.4, 1.9]).as_matrix()
MESH = shells.strip(1.0, 0.6, (3, 2), "unstructured")
ISOTROPIC = shells.IsotropicMaterial(1e3, 0.3, 0.1, 1.0)
ORTHOTROPIC = shells.OrthotropicMaterial(2e3, 1e3, 4e2, 0.2, 0.1, 1.0, direction=(0.8, 0.6, 0.3))
STVK, NEO = shells.StVenantKirchhoff(), shells.NeoHookean()


def energy_of(batch, positions):
    q = jnp.concatenate([jnp.asarray(positions).ravel(), jnp.zeros(200)])
    return float(elements_energy(batch, q))


def test_plane_stress_is_hookes_law_in_space():
    """The compliance of the material, strains from stresses, with nothing across the sheet."""
    young, nu = 1e3, 0.3
    compliance = np.array([[1, -nu, 0], [-nu, 1, 0], [0, 0, 2 * (1 + nu)]]) / young
    np.testing.assert_allclose(ISOTROPIC.stiffness(), np.linalg.inv(compliance), rtol=1e-12)
    each = shells.IsotropicMaterial([1e3, 2e3], [0.3, 0.1], [0.1, 0.2], 1.0)
    assert each.stiffness().shape == (2, 3, 3)
    np.testing.assert_allclose(each.stiffness()[0], np.linalg.inv(compliance), rtol=1e-12)
    assert float(ISOTROPIC.bending_stiffness()) == pytest.approx(1e3 * 1e-3 / (12 * 0.91))
    assert float(ISOTROPIC.per_size()) == pytest.approx(0.1)


def _stretched(gradient):
    return (np.asarray(MESH.positions)[:, :2] @ gradient.T) @ TURN[:2] + [0.3, 2.0, -1.0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["stvk", "neo", "orthotropic"])
def test_membranes_cost_what_their_formula_says(kind, seed):
    """Of any deformation gradient, wherever the sheet is and however it is turned."""
    gradient = np.eye(2) + np.random.default_rng(seed).uniform(-0.3, 0.3, (2, 2))
    right = gradient.T @ gradient
    if kind == "neo":
        shear, lame = 1e3 / 2.6, 1e3 * 0.3 / 0.91
        log = np.log(np.linalg.det(right))
        expected = 0.5 * shear * (np.trace(right) - 2 - log) + 0.125 * lame * log**2
        batch = NEO.elements(MESH, ISOTROPIC)
    else:
        material = ISOTROPIC if kind == "stvk" else ORTHOTROPIC
        # In the axes of the material.
        first = np.array([0.8, 0.6]) if kind == "orthotropic" else np.array([1.0, 0.0])
        axes = np.stack([first, [-first[1], first[0]]])
        strain = 0.5 * axes @ (right - np.eye(2)) @ axes.T
        voigt = np.array([strain[0, 0], strain[1, 1], 2 * strain[0, 1]])
        expected = 0.5 * voigt @ np.asarray(material.stiffness()) @ voigt
        batch = STVK.elements(MESH, material)
    assert energy_of(batch, _stretched(gradient)) == pytest.approx(0.6 * 0.1 * expected, rel=1e-11)


def test_stiffness_at_rest_is_that_of_linear_triangles():
    """Against the textbook's constant-strain triangle, in the plane and across it."""
    batch = STVK.elements(MESH, ISOTROPIC)
    q = jnp.concatenate([MESH.positions.ravel(), jnp.zeros(MESH.num_edges)])
    found = elements_hessian(batch, q, elements_stress(batch, q), False)
    for place, block in zip(np.asarray(MESH.faces), np.asarray(found), strict=True):
        corners = np.asarray(MESH.positions)[place, :2]
        shapes = np.linalg.inv(np.column_stack([np.ones(3), corners]))[1:]  # their gradients
        strains = np.zeros((3, 9))
        strains[0, 0::3], strains[1, 1::3] = shapes
        strains[2, 0::3], strains[2, 1::3] = shapes[::-1]
        area = 0.5 * np.linalg.det(corners[1:] - corners[0])
        expected = area * 0.1 * strains.T @ np.asarray(ISOTROPIC.stiffness()) @ strains
        np.testing.assert_allclose(block, expected, atol=1e-10 * expected.max())


@pytest.mark.parametrize("seed", range(4))
def test_compression_is_cut_off_along_the_main_axes(seed):
    """Stresses keep their tensions only."""
    stress = np.random.default_rng(seed).normal(size=3)
    values, axes = np.linalg.eigh([[stress[0], stress[2]], [stress[2], stress[1]]])
    kept = (axes * np.maximum(values, 0.0)) @ axes.T
    found = np.asarray(_tension(jnp.asarray(stress)))
    np.testing.assert_allclose(found, [kept[0, 0], kept[1, 1], kept[0, 1]], atol=1e-14)
    np.testing.assert_allclose(_tension(jnp.asarray([2.0, 2.0, 0.0])), [2.0, 2.0, 0.0])


@pytest.mark.parametrize("angle", [-3.0, -0.4, 0.0, 1e-9, 1.3, 3.1])
def test_folds_have_the_angle_by_which_they_turn(angle):
    """A ridge on the side of the normals is positive; from either face it is the same."""
    start, end, near = np.array([[0.2, 0, 0], [1.5, 0, 0], [0.9, 1.1, 0]])
    far = np.array([0.4, -0.8 * np.cos(angle), -0.8 * np.sin(angle)])
    places = [jnp.asarray(p @ TURN.T + 1.0) for p in (start, end, near, far)]
    assert float(hinge_angle(*places)) == pytest.approx(angle, abs=1e-13)
    start, end, near, far = places
    assert float(hinge_angle(end, start, far, near)) == pytest.approx(angle, abs=1e-13)
    assert float(hinge_angle(end, start, near, far)) == pytest.approx(-angle, abs=1e-13)


BENDINGS = {
    "mid-edge": shells.MidEdgeBending(),
    "hinges": shells.HingeBending(),
    "equilateral": shells.HingeBending("equilateral"),
    "plastic": shells.PlasticBending(0.5, 0.1),
    "springs": shells.SpringBending(2.0),
}
PLACES = np.asarray(MESH.positions) + RANDOM.normal(scale=0.05, size=MESH.positions.shape)
ROTATIONS = RANDOM.normal(scale=0.1, size=MESH.num_edges)


def _bent(mesh, bending, positions, rotations, material=ISOTROPIC):
    """Energy and forces on vertices and edges."""
    shell = shells.Shell(mesh, material, bending=bending)
    batch = shell.elements()[1]
    q = jnp.concatenate([jnp.asarray(positions).ravel(), jnp.asarray(rotations)])
    energy, slope = jax.value_and_grad(lambda q: elements_energy(batch, q))(q)
    count = 3 * mesh.num_vertices
    return float(energy), np.asarray(slope[:count]).reshape(-1, 3), np.asarray(slope[count:])


@pytest.mark.parametrize("name", BENDINGS)
def test_bending_does_not_know_directions_nor_numbers(name):
    """Turned and shifted, vertices, faces and corners in another order, and faces turned over."""
    bending = BENDINGS[name]
    energy, force, turns = _bent(MESH, bending, PLACES, ROTATIONS)
    assert energy > 0.01
    np.testing.assert_allclose(force.sum(axis=0), 0.0, atol=1e-11 * np.abs(force).max())
    np.testing.assert_allclose(
        np.cross(PLACES, force).sum(axis=0), 0.0, atol=1e-11 * np.abs(force).max()
    )
    moved, along, spun = _bent(MESH, bending, PLACES @ TURN.T + 2.0, ROTATIONS)
    assert moved == pytest.approx(energy, rel=1e-10)
    np.testing.assert_allclose(along, force @ TURN.T, atol=1e-9 * np.abs(force).max())
    np.testing.assert_allclose(spun, turns, atol=1e-9 * max(np.abs(turns).max(), 1e-300))

    # Vertex i becomes number[i], corners go round, and faces come in another order.
    faces = np.asarray(MESH.faces)
    number = RANDOM.permutation(MESH.num_vertices)
    back = np.argsort(number)
    shifts = RANDOM.integers(0, 3, len(faces))
    turned = np.stack([np.roll(f, s) for f, s in zip(number[faces], shifts, strict=True)])
    order = RANDOM.permutation(len(faces))
    other = shells.TriangleMesh(np.asarray(MESH.positions)[back], turned[order])
    renamed = {tuple(sorted(pair)): i for i, pair in enumerate(np.asarray(other.edges).tolist())}
    same = [renamed[tuple(sorted(number[pair].tolist()))] for pair in np.asarray(MESH.edges)]
    # A rotation is counted from the first face of its edge, which may be the other one now.
    sign = np.ones(MESH.num_edges)
    first = np.asarray(MESH.edge_opposites)[:, 0]
    sign[number[first] != np.asarray(other.edge_opposites)[same, 0]] = -1.0
    rotations = np.zeros(MESH.num_edges)
    rotations[same] = sign * ROTATIONS
    again, permuted, spun = _bent(other, bending, PLACES[back], rotations)
    assert again == pytest.approx(energy, rel=1e-10)
    np.testing.assert_allclose(permuted[number], force, atol=1e-10 * np.abs(force).max())
    np.testing.assert_allclose(spun[same] * sign, turns, atol=1e-10 * np.abs(force).max())

    flipped = shells.TriangleMesh(MESH.positions, faces[:, ::-1])
    over, _, _ = _bent(flipped, bending, PLACES, -ROTATIONS)
    assert over == pytest.approx(energy, rel=1e-10)


@pytest.mark.parametrize("name", BENDINGS)
def test_bending_is_quadratic_in_small_folds_and_cubic_in_thickness(name):
    bending = BENDINGS[name]
    flat = np.asarray(MESH.positions)
    folded = lambda s: flat + s * np.sin(1.0 + np.arange(flat.size)).reshape(-1, 3) * [0, 0, 1]
    costs = [_bent(MESH, bending, folded(s), s * ROTATIONS)[0] for s in (1e-4, 2e-4, -1e-4)]
    assert costs[1] / costs[0] == pytest.approx(4.0, rel=1e-5)
    assert costs[2] == pytest.approx(costs[0], rel=1e-6)
    thick = shells.IsotropicMaterial(1e3, 0.3, 0.2, 1.0)
    thicker = _bent(MESH, bending, folded(1e-4), 1e-4 * ROTATIONS, thick)[0]
    # The springs know nothing of the sheet.
    assert thicker / costs[0] == pytest.approx(1.0 if name == "springs" else 8.0, rel=1e-9)


def test_yielding_in_parts_is_yielding_at_once_and_only_along_the_way():
    """Under growth of one curvature the return is radial: any number of steps leaves the same
    crease; what is stored and spent is the work of the moments, and coming back is elastic."""
    bending = BENDINGS["plastic"]
    shell = shells.Shell(MESH, ISOTROPIC, bending=bending)
    way = np.zeros(shell.size)
    way[3 * MESH.num_vertices :] = ROTATIONS
    bent = lambda s: shell.rest() + s * way
    once = shell.remembered(bent(1.0), 0.0, shell.fresh())
    parts = shell.fresh()
    for s in np.linspace(0.2, 1.0, 5):
        parts = shell.remembered(bent(s), 0.0, parts)
    for ours, theirs in zip(parts, once, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-13)
    # Some faces yield, some do not.
    assert 0 < np.count_nonzero(np.asarray(once.hardened)) <= MESH.num_faces
    slope = jax.jit(lambda s: jax.grad(lambda s: shell.potential()(bent(s)))(s))
    points, weights = np.polynomial.legendre.leggauss(8)
    cuts = np.linspace(0.0, 1.0, 81)
    work = sum(
        0.5 * (b - a) * weights @ [float(slope(0.5 * (a + b) + 0.5 * (b - a) * p)) for p in points]
        for a, b in itertools.pairwise(cuts)
    )
    spent = shell.energies(bent(1.0), 0.0, once)
    total = float(spent["bending_energy"] + spent["plastic_work"] + spent["membrane_energy"])
    assert work == pytest.approx(total, rel=1e-5)
    assert float(spent["plastic_work"]) > 0.0
    for ours, theirs in zip(shell.remembered(bent(0.95), 0.0, once), once, strict=True):
        np.testing.assert_array_equal(ours, theirs)
