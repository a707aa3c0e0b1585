"""The springs of ThinShellLab: what they tend to, kinks, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.problems._shell_cases._modes import measured_modes, plate_energy
from diffsim.shells.energies import Kinks
from diffsim.solvers import elements_energy, elements_hessian, elements_stress

MASS_ONLY = shells.IsotropicMaterial(1e6, 0.0, 1e-3, 4e4)
SPACING, EDGE, AREA, FOLD = 4e-3, 1000.0, 700.0, 100.0


def published(mesh, bending=None):
    bending = shells.SpringBending(FOLD) if bending is None else bending
    return shells.Shell(
        mesh, MASS_ONLY, membrane=shells.SpringMembrane(EDGE, AREA), bending=bending
    )


def test_bending_tends_to_a_plate_without_contraction_whose_stiffness_falls_with_the_mesh():
    shell = published(shells.strip(1.0, 1.0, (60, 60)))
    rigidity = 2.0 / 3.0 * FOLD / 60**2
    for name, energy in measured_modes(shell).items():
        # The window cuts rows of edges: 2 % of a count of 30.
        assert energy == pytest.approx(plate_energy(name, rigidity, 0.0), rel=5e-2), name


@pytest.mark.parametrize("stretch", [(0.02, 0.0, 0.0), (0.3, -0.2, 0.1), (0.0, 0.0, 0.4)])
def test_uniform_strain_costs_what_the_springs_of_two_cells_do(stretch):
    cells = 4
    side = cells * SPACING
    mesh = shells.strip(side, side, (cells, cells))
    shell = published(mesh)
    a, b, shear = stretch
    gradient = np.array([[1.0 + a, shear, 0.0], [0.0, 1.0 + b, 0.0], [0.0, 0.0, 1.0]])
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0] @ gradient
    moved = shell.unknowns(mesh.positions @ turned.T)

    def excess(*way):
        return (np.linalg.norm(gradient @ [*way, 0.0]) / np.hypot(*way) - 1.0) ** 2

    # Of each cell: four sides and twice one of the two diagonals, and two halves.
    sides = EDGE * SPACING * (2.0 * excess(1, 0) + 2.0 * excess(0, 1))
    diagonals = EDGE * SPACING * np.sqrt(2.0) * (excess(1, 1) + excess(1, -1))
    areas = AREA * SPACING**2 * (np.linalg.det(gradient) - 1.0) ** 2
    found = elements_energy(shell.elements()[0], moved)
    assert float(found) == pytest.approx(cells**2 * (sides + diagonals + areas), rel=1e-12)


def test_small_strains_cost_as_much_as_the_documented_tensions_say():
    mesh = shells.strip(8 * SPACING, 8 * SPACING, (8, 8))
    shell, k = published(mesh), EDGE / SPACING
    along, cross, shear = (4 + 2**0.5) * k + 2 * AREA, 2**0.5 * k + 2 * AREA, 2**0.5 * k
    tensions = np.array([[along, cross, 0], [cross, along, 0], [0, 0, shear]])
    for e in np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [1.0, -2.0, 0.5]]):
        strained = np.eye(3) + 1e-5 * np.array([[e[0], e[2] / 2, 0], [e[2] / 2, e[1], 0], [0] * 3])
        found = elements_energy(shell.elements()[0], shell.unknowns(mesh.positions @ strained))
        area = (8 * SPACING) ** 2
        assert float(found) == pytest.approx(0.5e-10 * area * e @ tensions @ e, rel=2e-4)


def test_energies_and_their_derivatives():
    places = [[0.0, 0, 0], [1.0, 0.1, 0], [0.3, 0.9, 0.2], [-0.5, 0.7, 0.1]]
    shell = published(shells.TriangleMesh(places, [[0, 1, 2], [0, 2, 3]]))
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
        values = np.linalg.eigvalsh(np.asarray(safe))
        assert values.min() > -1e-9 * values.max()


def test_rest_angles_follow_folds_beyond_the_yield_angle():
    mesh = shells.strip(2 * SPACING, SPACING, (2, 1))
    limit = 0.5
    bending = shells.SpringBending(FOLD, limit)
    shell = published(mesh, bending)
    middle = np.flatnonzero(
        np.ptp(np.asarray(mesh.positions)[np.asarray(mesh.edges)][..., 0], 1) == 0
    )
    middle = middle[np.asarray(mesh.edge_opposites)[middle, 1] >= 0]

    def folded(angle):
        s, y, _ = np.asarray(mesh.positions).T
        ahead = np.maximum(s - SPACING, 0.0)
        x = np.where(s > SPACING, SPACING + ahead * np.cos(angle), s)
        return shell.unknowns(jnp.asarray(np.stack([x, y, -ahead * np.sin(angle)], 1)))

    memory, weight = shell.fresh(), FOLD * SPACING**2 / 3.0
    for angle, rest, lost in (
        (0.4, 0.0, 0.0),
        (1.5, 1.0, 1.5**2 - limit**2),
        (1.2, 1.0, 1.5**2 - limit**2),
        (0.0, 0.5, 1.5**2 - limit**2 + 1.0 - limit**2),
    ):
        memory = shell.remembered(folded(angle), 0.0, memory)
        assert isinstance(memory, Kinks)
        np.testing.assert_allclose(memory.angles[middle], rest, atol=1e-12)
        energies = shell.energies(folded(angle), 0.0, memory)
        assert float(energies["bending_energy"]) == pytest.approx(weight * (angle - rest) ** 2)
        assert float(energies["plastic_work"]) == pytest.approx(weight * lost)


@pytest.mark.slow
def test_the_gradient_of_a_strip_that_kinks_as_it_moves():
    mesh = shells.strip(0.04, 0.02, (6, 3))
    turn = shells.Schedule([0.0, 0.01], jnp.zeros((2, 6)).at[1, 4].set(1.2))
    supports = [shells.Clamp(lambda x, y, z: x < 1e-9, schedule=turn)]
    shell = shells.Shell(
        mesh,
        MASS_ONLY,
        membrane=shells.SpringMembrane(),
        bending=shells.SpringBending(FOLD, 0.1),
        supports=supports,
        loads=[shells.Gravity()],
    )
    moving = shells.Dynamics(shell, step=2e-3, steps=10, scheme="implicit_euler", tolerance=1e-11)

    def value(p):
        changed = eqx.tree_at(
            lambda d: (d.shell.membrane.edge, d.shell.membrane.area, d.shell.bending.stiffness,
                       d.shell.bending.yield_angle),
            moving,
            (1000.0 * p[0], 1000.0 * p[1], FOLD * p[2], 0.1 * p[3]),
        )  # fmt: skip
        found = changed(None)
        return 1e3 * jnp.mean(found.values["positions"][-1, :, 2]), found

    program = jax.jit(jax.value_and_grad(value, has_aux=True))
    (_, found), gradient = program(jnp.ones(4))
    assert float(found.checked().values["plastic_work"][-1]) > 0.0
    for i in range(4):
        errors = []
        for h in (1e-3, 1e-4):
            step = jnp.zeros(4).at[i].set(h)
            low, high = (float(program(1.0 + s * step)[0][0]) for s in (-1, 1))
            errors.append(abs(gradient[i] - (high - low) / (2 * h)))
        assert min(errors) < 1e-6 * np.abs(gradient).max()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shells.SpringMembrane(edge=0.0), "edge of SpringMembrane must be positive, in N"),
        (lambda: shells.SpringMembrane(area=np.nan), "area of SpringMembrane"),
        (lambda: shells.SpringBending(-1.0), "stiffness of SpringBending must be positive, in N/m"),
        (lambda: shells.SpringBending(yield_angle=0.0), "yield_angle of SpringBending"),
    ],
)
def test_bad_springs(make, message):
    with pytest.raises(ValueError, match=message):
        make()
