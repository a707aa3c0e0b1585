"""Sheets that snap through: the path of their equilibria, its derivatives, errors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells

RADIUS, LENGTH, ANGLE, PUSH = 2.54, 0.508, 0.1, 3000.0
VALUES = -jnp.array([0.005, 0.01, 0.0125, 0.018, 0.03])


def top(x, y, z):
    return (np.abs(x) < 1e-9) & (y > 0.5 * LENGTH - 1e-9)


def roof(cells=4, *, moved=False):
    """A quarter of a hinged shallow roof, 12.7 mm thick, pushed down in the middle: by a load of
    3 kN, or by a support that moves 30 mm."""
    mesh = shells.cylinder(RADIUS, 0.5 * LENGTH, (cells, cells), (0.0, ANGLE))
    low = RADIUS * np.cos(ANGLE) + 1e-9
    supports = [
        shells.Pin(lambda x, y, z: z < low),
        shells.Symmetry(lambda x, y, z: np.abs(x) < 1e-9, "x"),
        shells.Symmetry(lambda x, y, z: y > 0.5 * LENGTH - 1e-9, "y"),
    ]
    loads = []
    if moved:
        poses = [[0.0] * 6, [0.0, 0.0, -0.03, 0.0, 0.0, 0.0]]
        supports.append(shells.Pin(top, "z", shells.Schedule([0.0, 1.0], poses)))
    else:
        loads.append(shells.PointLoad((0.0, 0.0, -0.25 * PUSH), top))
    material = shells.IsotropicMaterial(3.10275e9, 0.3, 12.7e-3, 1.0)
    return shells.Shell(mesh, material, loads=loads, supports=supports)


@pytest.fixture(scope="module")
def pushed():
    """Observables at the values of the control and of modulus, thickness, height and load."""
    shell = roof()

    def run(control, values, p):
        path = shells.EquilibriumPath(shell, control)
        changed = eqx.tree_at(
            lambda s: (
                s.material.young,
                s.material.thickness,
                s.mesh.positions,
                s.loads[0].force,
            ),
            shell,
            (
                p[0] * shell.material.young,
                p[1] * shell.material.thickness,
                shell.mesh.positions.at[:, 2].multiply(p[2]),
                p[3] * shell.loads[0].force,
            ),
        )
        return eqx.tree_at(lambda e: e.shell, path, changed)(p[4] * values)

    return eqx.filter_jit(run)


AT = jnp.ones(5)


def test_a_roof_snaps_through(pushed):
    """Along the path the stored energy grows by what the load does: dU = λF dw."""
    control, step = shells.ByDisplacement(top), 1e-5
    values = (VALUES[:, None] + step * jnp.array([1.0, 0.0, -1.0])).ravel()
    found = pushed(control, values, AT).checked().values
    energy = np.asarray(found["membrane_energy"] + found["bending_energy"]).reshape(-1, 3)
    work = (energy[:, 2] - energy[:, 0]) / (2 * step)
    factor = np.asarray(found["factor"]).reshape(-1, 3)[:, 1]
    np.testing.assert_allclose(0.25 * PUSH * factor, work, rtol=1e-5)
    # The load has a maximum and a minimum, between which the roof would jump.
    assert factor[1] < factor[2] > factor[3] < factor[4]
    np.testing.assert_array_equal(found["stable"].reshape(-1, 3)[:, 1], [1.0, 1.0, 0.0, 0.0, 1.0])
    # The supports carry the load.
    pushes = np.asarray(found["reactions"]).sum(axis=1).reshape(-1, 3, 3)[:, 1, 2]
    np.testing.assert_allclose(pushes, 0.25 * PUSH * factor, rtol=1e-6)


@pytest.mark.slow
def test_the_path_is_that_under_a_prescribed_displacement(pushed):
    found = pushed(shells.ByDisplacement(top), VALUES, AT).checked().values
    held = roof(moved=True)
    other = eqx.filter_jit(shells.Equilibrium(held))(VALUES / -0.03).checked().values
    middle = held.mesh.select(top)
    pushes = -np.asarray(other["reactions"])[:, middle, 2].sum(axis=1)
    np.testing.assert_allclose(0.25 * PUSH * found["factor"], pushes, rtol=1e-8)
    np.testing.assert_allclose(found["positions"], other["positions"], atol=1e-9)


@pytest.mark.slow
def test_derivatives_of_a_path(pushed):
    """Of points that depend on the ones before, on both sides of the limit point."""
    values = jnp.array([3e-3, 3e-3, 1.5e-3, 1e-3])
    weights = jnp.sin(1.0 + jnp.arange(8))
    # Modulus, thickness, height, load and the values themselves.
    along = jnp.array([0.5, -0.3, 0.01, 0.7, 0.4])

    def observed(p):
        found = pushed(shells.ByDistance(), values, p).values
        places = 1e2 * found["positions"][:, 3, 2]
        return jnp.concatenate([found["factor"], places]) @ weights

    gradient = jax.grad(observed)(AT)
    slope = jax.jvp(observed, (AT,), (along,))[1]
    np.testing.assert_allclose(gradient @ along, slope, rtol=1e-10)
    for h, directions in ((1e-4, np.eye(5)[[0, 1, 3, 4]]), (1e-6, np.eye(5)[[2]])):
        for one in directions:
            parts = [observed(AT + s * h * one) for s in (-2, -1, 1, 2)]
            differences = (parts[0] - 8 * parts[1] + 8 * parts[2] - parts[3]) / (12 * h)
            np.testing.assert_allclose(gradient @ one, differences, rtol=1e-6)


def test_bad_input():
    shell = roof(2)
    with pytest.raises(ValueError, match="first must be a change of the factor"):
        shells.EquilibriumPath(shell, first=0.0)
    with pytest.raises(ValueError, match="axis must be x, y or z, but is 'w'"):
        shells.ByDisplacement([0], "w")
    loose = shells.Shell(shell.mesh, shell.material)
    with pytest.raises(ValueError, match="must hold the sheet"):
        shells.EquilibriumPath(loose)
    with pytest.raises(ValueError, match="tolerance must be between"):
        shells.EquilibriumPath(shell, tolerance=1.0)
    with pytest.raises(ValueError, match="selects none"):
        shells.EquilibriumPath(shell, shells.ByDisplacement(lambda x, y, z: x > 10))
