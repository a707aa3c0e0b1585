"""Steps that round-off does not decide."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.solvers import RoundedSteps
from diffsim.solvers._steps import _rounded


def test_steps_are_rounded_down_a_little_and_to_few_sizes():
    steps = np.random.default_rng(0).uniform(1e-6, 1.0, 2000)
    rounded = np.asarray(_rounded(jnp.asarray(steps)))
    assert np.all(rounded <= steps * (1 + 1e-12))
    assert np.all(rounded >= steps * 2 ** (-1 / 256) * (1 - 1e-12))
    sizes = 256 * np.log2(rounded)
    np.testing.assert_allclose(sizes - sizes[0], np.round(sizes - sizes[0]), atol=1e-9)


@pytest.mark.parametrize("step", [2.0**-k for k in range(12)])
def test_powers_of_two_are_not_at_an_edge(step):
    assert _rounded(jnp.asarray(step * (1 - 1e-12))) == _rounded(jnp.asarray(step * (1 + 1e-12)))


def test_noise_in_the_last_digits_changes_no_step():
    """The errors of the steps are perturbed by what another order of summation would."""

    def noisy(noise):
        def field(t, y, _):
            return -y * (1 + jnp.sin(20 * t)) + noise * jnp.sin(1e9 * t)

        controller = diffrax.PIDController(rtol=1e-7, atol=1e-9)
        return diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Tsit5(),
            0.0,
            3.0,
            1e-3,
            jnp.asarray(1.0),
            stepsize_controller=RoundedSteps(controller),
            saveat=diffrax.SaveAt(steps=True),
        ).ts

    quiet, disturbed = jax.jit(noisy)(0.0), jax.jit(noisy)(1e-13)
    assert jnp.sum(jnp.isfinite(quiet)) > 50
    np.testing.assert_allclose(quiet, disturbed, rtol=1e-13)


def test_the_controller_within_is_asked():
    inner = diffrax.PIDController(rtol=1e-3, atol=1e-5)
    made = RoundedSteps(inner)
    assert (made.rtol, made.atol, made.norm) == (inner.rtol, inner.atol, inner.norm)
    assert isinstance(made.wrap(1), RoundedSteps)
