"""Energies: rigid motions, derivatives, hinges in curvature modes, membranes in strain modes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.problems._shell_cases._modes import measured_modes, plate_energy
from diffsim.solvers import elements_energy, elements_hessian, elements_stress

MATERIAL = shells.IsotropicMaterial(1e9, 0.3, 1e-3, 500.0)


@pytest.mark.parametrize(
    ("weight", "pattern", "height", "poisson"),
    [("uniform", "alternating", 1.0, 0.0), ("equilateral", "equilateral", np.sqrt(0.75), -1 / 3)],
)
def test_hinges_are_exact_on_their_meshes(weight, pattern, height, poisson):
    mesh = shells.strip(1.0, height, (60, 60), pattern)
    shell = shells.Shell(mesh, MATERIAL, bending=shells.HingeBending(weight))
    rigidity = float(MATERIAL.bending_stiffness())
    for name, energy in measured_modes(shell).items():
        # The window cuts rows of edges: 2 % of a count of 30.
        expected = plate_energy(name, rigidity, poisson)
        assert energy == pytest.approx(expected, rel=5e-2), name


def two_faces(material, membrane, bending):
    """A bent pair of faces with a clamped border edge, in general position."""
    places = [[0.0, 0, 0], [1.0, 0.1, 0], [0.3, 0.9, 0.2], [-0.5, 0.7, 0.1]]
    mesh = shells.TriangleMesh(places, [[0, 1, 2], [0, 2, 3]])
    return shells.Shell(
        mesh, material, membrane=membrane, bending=bending, supports=[shells.Clamp([0, 1])]
    )


ORTHOTROPIC = shells.OrthotropicMaterial(2e3, 1e3, 4e2, 0.2, 0.3, 1.0, direction=(1.0, 0.2, 0.1))
SOFT = shells.IsotropicMaterial(1e3, 0.3, 0.3, 1.0)


@pytest.mark.parametrize(
    ("material", "membrane", "bending"),
    [
        (SOFT, shells.NeoHookean(), shells.MidEdgeBending()),
        (ORTHOTROPIC, shells.StVenantKirchhoff(), shells.HingeBending()),
    ],
)
def test_energies_and_their_derivatives(material, membrane, bending):
    shell = two_faces(material, membrane, bending)
    noise = jax.random.normal(jax.random.key(1), (2, shell.size))
    q = shell.rest() + 0.1 * noise[0]

    @eqx.filter_jit
    def everything(shell, q, v):
        out = []
        for batch in shell.potential().elements:
            slope, curved = jax.jvp(jax.grad(lambda q, b=batch: elements_energy(b, q)), (q,), (v,))
            blocks = elements_hessian(batch, q, elements_stress(batch, q), False)
            local = jnp.einsum("eij,ej->ei", blocks, v[batch.indices])
            ours = jnp.zeros_like(q).at[batch.indices].add(local)
            safe = elements_hessian(batch, q, elements_stress(batch, q), True)
            out.append((elements_energy(batch, q), slope, curved, ours, safe))
        return out

    step = 1e-5
    at, more, less = (everything(shell, q + s * noise[1], noise[1]) for s in (0.0, step, -step))
    for (_, slope, curved, ours, safe), plus, minus in zip(at, more, less, strict=True):
        np.testing.assert_allclose(slope @ noise[1], (plus[0] - minus[0]) / (2 * step), rtol=2e-6)
        np.testing.assert_allclose(ours, curved, rtol=1e-9, atol=1e-9 * np.abs(curved).max())
        differences = (plus[1] - minus[1]) / (2 * step)
        np.testing.assert_allclose(ours, differences, atol=1e-7 * np.abs(differences).max())
        values = np.linalg.eigvalsh(np.asarray(safe))
        assert values.min() > -1e-9 * values.max()

    # Rigid motions of the rest shape cost nothing (the clamped edge's guide stays behind).
    free = eqx.tree_at(lambda s: s.holds, shell, ())
    turn = np.linalg.qr(np.asarray(noise[0, :9]).reshape(3, 3))[0]
    turn = turn * np.linalg.det(turn)
    moved = shell.unknowns(shell.mesh.positions @ turn.T + 1.0)
    assert abs(float(free.potential()(moved))) < 1e-12
    assert float(free.potential()(q)) > 1e-3


@pytest.mark.parametrize("membrane", [shells.StVenantKirchhoff(), shells.NeoHookean()])
def test_membranes_obey_hooke_when_strains_are_small(membrane):
    mesh = shells.strip(1.0, 1.0, (3, 3), "unstructured")
    shell = shells.Shell(mesh, MATERIAL, membrane=membrane)
    stiffness = np.asarray(MATERIAL.stiffness())
    for strain in np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [1.0, -2.0, 0.5]]):
        stretch = np.array(
            [[strain[0], strain[2] / 2, 0], [strain[2] / 2, strain[1], 0], [0, 0, 0]]
        )
        moved = mesh.positions @ (np.eye(3) + 1e-5 * stretch)
        energy = float(elements_energy(shell.potential().elements[0], shell.unknowns(moved)))
        assert energy == pytest.approx(1e-10 * 0.5e-3 * strain @ stiffness @ strain, rel=2e-4)


def test_pressure_pushes_along_the_normals():
    ball = shells.cylinder(1.0, 1.0, (24, 4))
    shell = shells.Shell(ball, MATERIAL, loads=[shells.Pressure(2.0)])
    force = shell.positions(-shell.potential().gradient(shell.rest()))
    inner = ball.select(lambda x, y, z: (y > 0.1) & (y < 0.9))
    x, _, z = np.asarray(ball.positions)[inner].T
    outward = np.asarray(force)[inner, 0] * x + np.asarray(force)[inner, 2] * z
    areas = np.asarray(ball.vertex_areas())[inner]
    np.testing.assert_allclose(outward, 2.0 * areas, rtol=2e-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(thickness=-1e-3), "thickness of IsotropicMaterial must be positive, in m, but"),
        (dict(thickness=[1e-3, -1.0]), "thickness=-1 in face 1"),
        (dict(young=0.0), "young of IsotropicMaterial must be positive"),
        (dict(poisson=0.7), "above -1 and at most 0.5, but poisson=0.7"),
        (dict(density=np.nan), "density of IsotropicMaterial must be at least zero"),
    ],
)
def test_bad_materials(changes, message):
    with pytest.raises(ValueError, match=message):
        shells.IsotropicMaterial(**{"young": 1.0, "poisson": 0.3, "thickness": 1.0, **changes})


def test_bad_shells():
    mesh = shells.strip(1.0, 1.0, (2, 2))
    wrong = shells.IsotropicMaterial(1.0, 0.3, [1.0, 2.0], 1.0)
    with pytest.raises(ValueError, match=r"thickness .* one for each of the 8 faces"):
        shells.Shell(mesh, wrong)
    with pytest.raises(TypeError, match="NeoHookean needs an IsotropicMaterial"):
        shells.Shell(mesh, ORTHOTROPIC, membrane=shells.NeoHookean())
    with pytest.raises(ValueError, match="weight must be uniform or equilateral"):
        shells.HingeBending("cotangent")  # pyright: ignore
    with pytest.raises(ValueError, match="border edge between its vertices"):
        shells.Shell(mesh, MATERIAL, supports=[shells.Guide([4])])
    with pytest.raises(ValueError, match="axes must be made of x, y and z"):
        shells.Shell(mesh, MATERIAL, supports=[shells.Pin([0], "xq")])
    with pytest.raises(ValueError, match="poses must have shape"):
        shells.Schedule([0.0, 1.0], [[0.0] * 6])
