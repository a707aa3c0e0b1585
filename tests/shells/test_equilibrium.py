"""Equilibrium: known answers, derivatives, errors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import shells


def test_analytic_answers_against_the_literature():
    x, droop, angle = shells.analytic.heavy_elastica(10.0)
    assert (x, droop, np.rad2deg(angle)) == pytest.approx((0.65635, 0.70020, 60.312), abs=1e-4)
    x, droop, _ = shells.analytic.tip_loaded_elastica(4.0)
    assert (1 - x, droop) == pytest.approx((0.32894, 0.66996), abs=1e-5)
    assert shells.analytic.buckled_strip(np.pi / 3) == pytest.approx(
        (1.1517, 0.2590, 0.2966), abs=1e-4
    )
    assert shells.analytic.greenhill() == pytest.approx(7.8373, abs=1e-4)
    assert shells.analytic.lateral_tip_load() == pytest.approx(4.0126, abs=1e-4)
    assert shells.analytic.lateral_self_weight() == pytest.approx(12.854, abs=1e-3)
    with pytest.raises(ValueError, match="between 0 and 1000"):
        shells.analytic.heavy_elastica(-1.0)
    with pytest.raises(ValueError, match="between 0 and π"):
        shells.analytic.buckled_strip(4.0)


def hanging(cells=(20, 2), supports=None):
    """A strip of 1 m by 0.1 m, Γ = 10, about 0.7 m of droop."""
    mesh = shells.strip(1.0, 0.1, cells)
    material = shells.IsotropicMaterial(1e9, 0.0, 1e-3, 10 * 1e9 * 1e-6 / 12 / 9.80665)
    clamp = shells.Clamp(
        lambda x, y, z: x < 1e-9, schedule=shells.Schedule([0.0, 1.0], jnp.zeros((2, 6)))
    )
    supports = [clamp] if supports is None else supports
    return shells.Shell(mesh, material, loads=[shells.Gravity()], supports=supports)


def with_parameters(shell, p):
    """Young's modulus, thickness, gravity, width at rest and turn of the clamp, scaled to one."""
    return eqx.tree_at(
        lambda s: (
            s.material.young,
            s.material.thickness,
            s.loads[0].acceleration,
            s.mesh.positions,
            s.holds[0].schedule.poses,
        ),
        shell,
        (
            p[0] * shell.material.young,
            p[1] * shell.material.thickness,
            p[2] * shell.loads[0].acceleration,
            shell.mesh.positions * jnp.array([1.0, 1.0, 1.0]).at[0].set(p[3]),
            shell.holds[0].schedule.poses.at[1, 4].set(p[4]),
        ),
    )


@pytest.fixture(scope="module")
def droop():
    equilibrium = shells.Equilibrium(hanging())

    def value(p):
        changed = eqx.tree_at(lambda e: e.shell, equilibrium, with_parameters(equilibrium.shell, p))
        observables = changed(jnp.array([0.5, 1.0]))
        positions = observables.values["positions"]
        return positions[-1, -1, 2] + 0.3 * positions[0, -1, 0], observables

    return jax.jit(value)


AT = jnp.array([1.0, 1.0, 1.0, 1.0, 0.1])


def test_a_strip_hangs(droop):
    _, observables = droop(AT.at[4].set(0.0))
    tip = observables.checked().values["positions"][-1, -3:].mean(axis=0)
    x, fall, _ = shells.analytic.heavy_elastica(10.0)
    np.testing.assert_allclose([tip[0], -tip[2]], [x, fall], rtol=5e-3)
    # The supports carry the weight.
    weight = 0.1 * 1e-3 * float(hanging().material.density) * 9.80665
    reactions = np.asarray(observables.values["reactions"]).sum(axis=1)
    np.testing.assert_allclose(reactions[:, 2], [0.5 * weight, weight], rtol=1e-7)
    np.testing.assert_allclose(reactions[:, :2], 0.0, atol=1e-7 * weight)


def test_derivatives_of_an_equilibrium(droop):
    forward = jax.jit(lambda p: jax.jacfwd(lambda p: droop(p)[0])(p))(AT)
    reverse = jax.jit(lambda p: jax.grad(lambda p: droop(p)[0])(p))(AT)
    np.testing.assert_allclose(forward, reverse, rtol=1e-9)
    for i in range(AT.size):
        h = 1e-4
        value = [float(droop(AT.at[i].add(s * h))[0]) for s in (-2, -1, 1, 2)]
        differences = (value[0] - 8 * value[1] + 8 * value[2] - value[3]) / (12 * h)
        np.testing.assert_allclose(forward[i], differences, rtol=2e-7)


def test_an_equilibrium_is_a_simulator():
    equilibrium = shells.Equilibrium(hanging((4, 2)))
    assert set(equilibrium.lenses()) == {"young", "poisson", "thickness", "density"}
    space = ds.DesignSpace(young=ds.Log(1e8, 1e10, unit="Pa"))
    goal = ds.Minimise(lambda o: o.values["positions"][-1, -1, 2])
    problem = ds.Problem(equilibrium, None, space, goal)
    assert problem.space.names == ("young",)


def test_a_mechanism_is_refused():
    with pytest.raises(ValueError, match="must hold the sheet, but leave 6 rigid"):
        shells.Equilibrium(hanging(supports=[]))
    along = shells.Pin(lambda x, y, z: x < 1e-9)
    with pytest.raises(
        ValueError, match=r"leave 1 rigid .*turning about y; held are vertices 0, 1"
    ):
        shells.Equilibrium(hanging(supports=[along]))
    with pytest.raises(ValueError, match="must hold the sheet"):
        shells.natural_frequencies(hanging(supports=[along]), 1)


def test_each_of_several_sheets_must_be_held():
    one, two = shells.strip(1.0, 0.1, (4, 2)), shells.strip(1.0, 0.1, (4, 2))
    positions = np.concatenate(
        [one.positions, np.asarray(two.positions) + np.array([0.0, 0.0, 0.1])]
    )
    faces = np.concatenate([one.faces, np.asarray(two.faces) + one.num_vertices])
    material = shells.IsotropicMaterial(1e9, 0.0, 1e-3, 1.0)
    mesh = shells.TriangleMesh(positions, faces)
    lower = shells.Clamp(lambda x, y, z: (x < 1e-9) & (z < 0.05))
    named = r"hold piece 1 of the mesh \(vertices 15, 16.*leave 6 rigid .* vertices none"
    with pytest.raises(ValueError, match=named):
        shells.Equilibrium(shells.Shell(mesh, material, supports=[lower]))
    shells.Equilibrium(
        shells.Shell(mesh, material, supports=[shells.Clamp(lambda x, y, z: x < 1e-9)])
    )


def test_a_load_that_is_too_much_at_once_is_halved():
    """Fourteen factorisations from flat to hanging are not allowed, a few at a time are. Where
    nothing helps, load and residual are told."""
    shell = hanging((8, 2))
    solve = eqx.filter_jit(lambda e, factors: e(factors))
    whole = solve(shells.Equilibrium(shell), None).checked()
    halved = solve(shells.Equilibrium(shell, max_steps=6), None).checked()
    assert int(whole.stats["halvings"]) == 0 < int(halved.stats["halvings"])
    expected = whole.values["positions"]
    np.testing.assert_allclose(halved.values["positions"], expected, atol=1e-8)
    failed = solve(shells.Equilibrium(shell, max_steps=1), jnp.array([0.0, 1.0]))
    assert np.all(np.isnan(failed.values["positions"]))
    with pytest.raises(
        ds.SimulationError, match=r"diverged \(load 2, residual [\d.e+-]+\): .*short"
    ):
        failed.checked()


def test_other_bad_input():
    shell = hanging((4, 2))
    with pytest.raises(ValueError, match="tolerance must be between"):
        shells.Equilibrium(shell, tolerance=0.0)
    with pytest.raises(ValueError, match="start must be finite, of shape"):
        shells.Equilibrium(shell, np.zeros((2, 3)))
    still = eqx.tree_at(lambda s: s.loads, shell, ())
    with pytest.raises(ValueError, match="linear response is zero"):
        shells.buckling_factors(
            shells.Shell(
                still.mesh, still.material, supports=[shells.Clamp(lambda x, y, z: x < 1e-9)]
            )
        )
