"""Bending that yields: loops, dissipation, creases, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.problems._shell_cases._moving import HARDENING, YIELD, hinge_loop


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
    elastic, _, hardened = hinge_loop(path, YIELD, HARDENING).T
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
