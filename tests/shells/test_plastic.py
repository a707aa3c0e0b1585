"""Bending that yields: loops, dissipation, creases, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells

YIELD, HARDENING = 4.0, 0.25


def _loop(path, limit, hardening):
    """(elastic, plastic, hardened) after each point of a path of curvatures: the textbook's bar."""
    plastic = hardened = 0.0
    rows = []
    for curvature in path:
        elastic = curvature - plastic
        more = max(abs(elastic) - limit - hardening * hardened, 0.0) / (1.0 + hardening)
        plastic += more * np.sign(elastic)
        hardened += more
        rows.append((curvature - plastic, plastic, hardened))
    return np.array(rows)


@pytest.mark.parametrize("hardening", [0.0, HARDENING])
def test_loop_and_dissipation_of_one_hinge(hardening):
    """The diagonal of a flat square is turned to and fro by its own rotation."""
    mesh = shells.strip(0.1, 0.1, (1, 1))
    inner = int(np.flatnonzero(~mesh.border)[0])
    material = shells.IsotropicMaterial(1e7, 0.0, 1e-3, 500.0)
    shell = shells.Shell(mesh, material, bending=shells.PlasticBending(YIELD, hardening))
    unknown = 3 * mesh.num_vertices + inner
    # Bending about the diagonal only: κ = ξ l/A, and the sum of both faces is D A.
    area = 0.5e-2
    per_angle = np.sqrt(2.0) * 0.1 / area
    weight = 2.0 * area * 1e7 * 1e-9 / 12.0

    @jax.jit
    def step(angle, memory):
        q = shell.rest().at[unknown].set(angle)
        moment = shell.potential(0.0, memory=memory).full_gradient(q)[unknown]
        memory = shell.remembered(q, 0.0, memory)
        return moment, memory, shell.energies(q, 0.0, memory)

    path = np.concatenate([np.linspace(0, 10, 8), np.linspace(10, -12, 9), np.linspace(-12, 0, 7)])
    memory, before = shell.fresh(), 0.0
    for curvature, row in zip(path, _loop(path, YIELD, hardening), strict=True):
        moment, memory, energy = step(curvature / per_angle, memory)
        elastic, _, hardened = row
        work = weight * (YIELD * hardened + 0.5 * hardening * hardened**2)
        assert float(moment) == pytest.approx(weight * per_angle * elastic, abs=1e-12)
        assert float(energy["bending_energy"]) == pytest.approx(
            0.5 * weight * elastic**2, abs=1e-14
        )
        assert float(energy["plastic_work"]) == pytest.approx(work, rel=1e-10, abs=1e-18)
        assert float(energy["plastic_work"]) >= before
        before = float(energy["plastic_work"])
    # Unfolded to flat, the crease is still there.
    assert np.abs(memory.angles).max() * per_angle > 0.9 * YIELD


@pytest.mark.slow
def test_a_strip_bent_and_straightened_and_its_derivatives():
    """A strip is rolled to 10/m by turning its end, and turned back to flat."""
    length, width = 0.1, 0.02
    mesh = shells.strip(length, width, (8, 1))
    turn = shells.Schedule([0.0, 1.0, 2.0], jnp.zeros((3, 6)).at[1, 4].set(10.0 * length))
    supports = [
        shells.Clamp(lambda x, y, z: x < 1e-9),
        shells.Guide(lambda x, y, z: x > length - 1e-9, schedule=turn),
    ]
    material = shells.IsotropicMaterial(1e9, 0.0, 5e-4)
    bending = shells.PlasticBending(YIELD, HARDENING)
    shell = shells.Shell(mesh, material, bending=bending, supports=supports)
    equilibrium = shells.Equilibrium(shell, tolerance=1e-12)
    factors = jnp.array([0.25, 0.5, 1.0, 1.5, 2.0])

    def value(p):
        changed = eqx.tree_at(
            lambda e: (e.shell.bending.yield_curvature, e.shell.bending.hardening,
                       e.shell.material.young, e.shell.material.thickness),
            equilibrium,
            (YIELD * p[0], HARDENING * p[1], 1e9 * p[2], 5e-4 * p[3]),
        )  # fmt: skip
        found = changed(factors)
        tips = found.values["positions"][:, -1]
        return jnp.sum(1e3 * found.values["plastic_work"]) + 10.0 * jnp.sum(tips), found

    program = jax.jit(jax.value_and_grad(value, has_aux=True))
    (_, found), gradient = program(jnp.ones(4))
    values = found.checked().values
    path = np.array([2.5, 5.0, 10.0, 5.0, 0.0])
    elastic, _, hardened = _loop(path, YIELD, HARDENING).T
    weight = 1e9 * 5e-4**3 / 12.0 * length * width
    work = weight * (YIELD * hardened + 0.5 * HARDENING * hardened**2)
    np.testing.assert_allclose(values["bending_energy"], 0.5 * weight * elastic**2, rtol=5e-3)
    np.testing.assert_allclose(values["plastic_work"], work, rtol=5e-3)
    for i in range(4):
        step = jnp.zeros(4).at[i].set(1e-4)
        low, high = (float(program(1.0 + s * step)[0][0]) for s in (-1, 1))
        np.testing.assert_allclose(
            gradient[i], (high - low) / 2e-4, rtol=1e-5, atol=1e-7 * np.abs(gradient).max()
        )


def test_bad_input():
    with pytest.raises(ValueError, match="yield_curvature of PlasticBending must be positive"):
        shells.PlasticBending(0.0)
    with pytest.raises(ValueError, match="hardening of PlasticBending must be at least zero"):
        shells.PlasticBending(1.0, -0.1)
