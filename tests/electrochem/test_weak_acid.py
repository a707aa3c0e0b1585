"""Steady currents of a weak acid: the two limits, derivatives, bad input."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import electrochem as ec
from diffsim.constants import faraday

RADIUS = 1e-5 / np.pi
TOTAL = jnp.array([10.0, 100.0])
CONSTANT = 0.0175
simulate = eqx.filter_jit(lambda simulator, total: simulator(total))


def acid(forward, **options):
    return ec.WeakAcidReduction(CONSTANT, forward, radius=RADIUS, **options)


def limits():
    """Of no dissociation and of equilibrium throughout, in A, without the last of the transient."""
    free = (-CONSTANT + np.sqrt(CONSTANT**2 + 4 * CONSTANT * TOTAL)) / 2
    protons = 2 * np.pi * faraday * RADIUS * 9.311e-9 * free
    return protons, protons + 2 * np.pi * faraday * RADIUS * 1.29e-9 * (TOTAL - free)


def test_the_limits_of_slow_and_of_fast_dissociation():
    slow, fast = limits()
    frozen = -simulate(acid(1e-6), TOTAL).checked().values["current"]
    tail = 1 + RADIUS / np.sqrt(np.pi * 9.311e-9 * 95.0)
    np.testing.assert_allclose(frozen, tail * slow, rtol=2e-4)
    # With k_f = 1e9 the reaction layer still takes a per cent at the higher concentration.
    quick = -simulate(acid(1e11), TOTAL).checked().values["current"]
    np.testing.assert_allclose(quick, fast, rtol=5e-3)
    between = -simulate(acid(1e6), TOTAL).checked().values["current"]
    assert np.all((between > 1.5 * slow) & (between < 0.98 * fast))


def test_free_protons_are_at_equilibrium():
    free = acid(1.0).free_protons(TOTAL)
    np.testing.assert_allclose(free**2 / (TOTAL - free), CONSTANT, rtol=1e-12)


@pytest.mark.slow
def test_derivatives():
    """Forward and reverse against central differences, by K and k_f."""
    made = acid(1e6, integrator=ec.Integrator(1e-6, max_steps=8192), grid=ec.Grid(cells=40))

    def current(logs, adjoint):
        changed = eqx.tree_at(
            lambda s: (s.dissociation_constant, s.forward), made, tuple(jnp.exp(logs))
        )
        return 1e9 * jnp.sum(changed.with_adjoint(adjoint)(TOTAL).values["current"])

    at = jnp.log(jnp.array([CONSTANT, 1e6]))
    forward = eqx.filter_jit(jax.jacfwd(lambda logs: current(logs, "forward")))(at)
    reverse = eqx.filter_jit(jax.grad(lambda logs: current(logs, "checkpointed")))(at)
    np.testing.assert_allclose(reverse, forward, rtol=1e-7)
    value = eqx.filter_jit(lambda logs: current(logs, "forward"))
    h = 0.02
    for i in range(2):
        step = h * jnp.eye(2)[i]
        near, far = (float(value(at + k * step) - value(at - k * step)) for k in (1, 2))
        assert forward[i] == pytest.approx((8 * near - far) / (12 * h), rel=2e-4)


@pytest.mark.parametrize("name", ["dissociation_constant", "forward", "radius", "duration"])
def test_refused(name):
    values = {"dissociation_constant": CONSTANT, "forward": 1.0} | {name: 0.0}
    with pytest.raises(ValueError, match=f"{name}.*=0"):
        ec.WeakAcidReduction(**values)
