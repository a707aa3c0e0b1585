"""Motion: momenta, gradients, errors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import SimulationError, shells

MATERIAL = shells.IsotropicMaterial(1e7, 0.3, 1e-3, 200.0)


@pytest.mark.slow
def test_derivatives_through_time_steps():
    mesh = shells.strip(0.3, 0.2, (4, 3))
    motion = shells.Schedule([0.0, 0.05], jnp.zeros((2, 6)))
    clamp = shells.Clamp(lambda x, y, z: x < 1e-9, schedule=motion)
    shell = shells.Shell(mesh, MATERIAL, loads=[shells.Gravity()], supports=[clamp])
    dynamics = shells.Dynamics(shell, step=5e-3, steps=6, tolerance=1e-11)

    def value(p, adjoint):
        """Of Young's modulus, thickness, gravity, width at rest and the clamp's motion."""
        changed = eqx.tree_at(
            lambda d: (
                d.shell.material.young,
                d.shell.material.thickness,
                d.shell.loads[0].acceleration,
                d.shell.mesh.positions,
                d.shell.holds[0].schedule.poses,
            ),
            dynamics.with_adjoint(adjoint),
            (
                p[0] * shell.material.young,
                p[1] * shell.material.thickness,
                p[2] * shell.loads[0].acceleration,
                mesh.positions * jnp.ones(3).at[1].set(p[3]),
                shell.holds[0].schedule.poses.at[1].set(p[4] * jnp.array([0, 0, 0.02, 0, 0.3, 0])),
            ),
        )  # fmt: skip
        found = changed(None).values
        return 1e2 * jnp.sum(found["positions"][-1, :, 2]) + jnp.sum(found["velocities"][-1, :, 0])

    at = jnp.ones(5)
    plain = jax.jit(lambda p: value(p, "checkpointed"))
    reverse = jax.jit(jax.grad(lambda p: value(p, "checkpointed")))(at)
    forward = jax.jit(jax.jacfwd(lambda p: value(p, "forward")))(at)
    np.testing.assert_allclose(forward, reverse, rtol=1e-8, atol=1e-8 * np.abs(reverse).max())
    for i in range(5):
        h = 1e-4
        v = [float(plain(at.at[i].add(s * h))) for s in (-2, -1, 1, 2)]
        differences = (v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * h)
        np.testing.assert_allclose(
            reverse[i], differences, rtol=1e-5, atol=1e-8 * np.abs(reverse).max()
        )


def test_a_step_that_fails_is_found_by_way_of_shorter_ones():
    """With few factorisations a long step is out of reach, and a very few find none at all."""
    shell = shells.Shell(
        shells.strip(1.0, 1.0, (4, 4)),
        MATERIAL,
        loads=[shells.Gravity()],
        supports=[shells.Clamp(lambda x, y, z: x < 1e-9)],
    )

    def run(most):
        dynamics = shells.Dynamics(shell, step=5e-2, steps=6, max_steps=most)
        return eqx.filter_jit(lambda d: d(None))(dynamics)

    whole, halved = run(100).checked(), run(5).checked()
    assert int(halved.stats["newton_steps"]) > int(whole.stats["newton_steps"])
    expected = whole.values["positions"]
    np.testing.assert_allclose(halved.values["positions"], expected, atol=1e-8)
    assert int(whole.stats["failed_step"]) == int(halved.stats["failed_step"]) == 0
    assert float(whole.stats["failed_residual"]) == 0.0


def test_a_motion_that_fails_says_at_which_step_and_how_far_off():
    # At rest for two steps; in the third a plane comes down through another.
    law, down = shells.Barrier(1e3, 1e-3), [0.0, 0.0, -0.03, 0.0, 0.0, 0.0]
    press = shells.Schedule([0.0, 0.02, 0.03], [[0.0] * 6, [0.0] * 6, down])
    shell = shells.Shell(
        shells.strip(1.0, 1.0, (2, 2)),
        MATERIAL,
        contacts=[
            shells.BodyContact(shells.Plane([0.0, 0.0, -0.01]), law),
            shells.BodyContact(shells.Plane([0.0, 0.0, 0.01], [0, 0, -1]), law, schedule=press),
        ],
    )
    dynamics = shells.Dynamics(shell, step=1e-2, steps=4, max_steps=20)
    failed = eqx.filter_jit(lambda d: d(None))(dynamics)
    assert int(failed.stats["failed_step"]) == 3
    assert float(failed.stats["failed_residual"]) > 1e-6
    with pytest.raises(SimulationError, match=r"residual \d.*step 3\).*shorter steps"):
        failed.checked()


def test_bad_input():
    mesh = shells.strip(1.0, 1.0, (2, 2))
    shell = shells.Shell(mesh, MATERIAL)
    with pytest.raises(ValueError, match="step must be positive, in s"):
        shells.Dynamics(shell, step=0.0, steps=3)
    with pytest.raises(ValueError, match="steps must be a whole number"):
        shells.Dynamics(shell, step=1e-3, steps=0)
    with pytest.raises(ValueError, match="scheme must be one of implicit_euler, bdf2"):
        shells.Dynamics(shell, step=1e-3, steps=3, scheme="leapfrog")
    with pytest.raises(ValueError, match=r"velocities must have shape \(9, 3\)"):
        shells.Dynamics(shell, step=1e-3, steps=3, velocities=np.zeros((3, 3)))
    light = shells.Shell(mesh, shells.IsotropicMaterial(1e7, 0.3, 1e-3))
    with pytest.raises(
        ValueError, match="density must be positive for Dynamics, but is zero everywhere"
    ):
        shells.Dynamics(light, step=1e-3, steps=3)
