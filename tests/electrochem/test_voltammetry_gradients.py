"""Derivatives with respect to every number: forward, reverse, and central differences.

One random direction through all leaves at once (each weighted by its own size) tests every
parameter of a case for the price of one.
"""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import electrochem as ec
from diffsim.electrochem import waveforms
from tests.electrochem.voltammetry_cases import DIFFUSIVITY, UNIT_K0, cell, couple, sweep

D = DIFFUSIVITY
# Below 1e-8 round-off (of rates over the first half cell) is what the step control sees.
TIGHT = ec.Integrator(tolerance=1e-8, max_steps=32768)
UNEQUAL = dict(diffusivities=(D, 0.6 * D), bulk=(1.0, 0.3), formal_potential=0.02)


def _chemical():
    steps = [
        ec.ElectrodeReaction("A + e- <=> B", ec.ButlerVolmer(UNIT_K0), 0.02),
        ec.ChemicalReaction("B + Z <=> A + Q", 2.0, 0.3),
    ]
    return cell(
        steps, dict(A=(D, 1.0), B=(0.7 * D, 0.1), Z=(0.8 * D, 2.0), Q=(1.2 * D, 0.5)),
        grid=ec.Grid(cells=16),
    )  # fmt: skip


CIRCUIT = ec.Circuit(30.0, 0.2, 0.3, 0.2, 0.01)
CASES = {
    "Butler-Volmer, disc, circuit, baseline, cycles": (
        couple(
            ec.ButlerVolmer(UNIT_K0, 0.4, 0.55),
            electrode=ec.Disc(1e-3),
            circuit=CIRCUIT,
            baseline=ec.Baseline(1e-7, 2e-7),
            **UNEQUAL,
        ),
        ec.CyclicSweep(0.25, (-0.25, 0.2), 0.1, end=0.1, samples=50),
    ),
    "Marcus-Hush-Chidsey, sphere": (
        couple(ec.MarcusHushChidsey(UNIT_K0, 0.6), electrode=ec.Sphere(2e-4), **UNEQUAL),
        ec.LinearSweep(0.25, -0.25, 0.1, samples=50),
    ),
    "Marcus-Hush, cylinder, thin layer, double step": (
        couple(
            ec.MarcusHush(UNIT_K0, 0.6),
            electrode=ec.Cylinder(1e-4, 1e-2),
            domain=ec.ThinLayer(1e-4),
            **UNEQUAL,
        ),
        waveforms.DoubleStep(-0.05, 0.1, 1.0, 0.5, samples=20),
    ),
    "asymptotic Marcus-Hush-Chidsey, diffusion layer, AC": (
        couple(
            ec.AsymptoticMarcusHushChidsey(UNIT_K0, 0.6),
            domain=ec.DiffusionLayer(1e-4),
            **UNEQUAL,
        ),
        waveforms.Sinusoidal(ec.LinearSweep(0.1, -0.1, 0.1), 0.01, 2.0, 0.3, samples=50),
    ),
    "Nernst, square wave": (
        couple(electrode=ec.PlanarDisc(1e-3), **UNEQUAL),
        waveforms.SquareWave(0.06, -0.03, 0.025, 10.0, 4),
    ),
    "homogeneous chemistry": (_chemical(), sweep(10.0, -10.0, samples=50)),
}


def _measure(diff, static):
    made, waveform = eqx.combine(diff, static)
    # Skip the start: an ideal first current has no scale.
    current = made(waveform).values["current"][1:]
    weights = jnp.cos(jnp.arange(current.size))
    return 1e5 * weights @ current


def _directions(tree, seed):
    """Per-cent changes of every leaf, of absolute size where the leaf is zero."""
    draw = np.random.default_rng(seed)
    return jax.tree.map(
        lambda x: jnp.asarray(draw.normal(size=x.shape)) * jnp.where(x == 0, 1e-3, jnp.abs(x)), tree
    )


def _prepared(name, adjoint="forward", integrator=None):
    made, waveform = CASES[name]
    made = replace(made.with_adjoint(adjoint), integrator=integrator or made.integrator)
    return eqx.partition((made, waveform), eqx.is_inexact_array)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_against_central_differences(name):
    # Steps carry no derivative, differences see them change: 1e-6 apart at a tolerance of 1e-8.
    diff, static = _prepared(name, integrator=replace(TIGHT, tolerance=1e-9))
    value = eqx.filter_jit(lambda d: _measure(d, static))
    along = _directions(diff, 0)
    _, forward = eqx.filter_jit(lambda d, t: jax.jvp(lambda d: _measure(d, static), (d,), (t,)))(
        diff, along
    )

    def moved(step):
        return float(value(jax.tree.map(lambda x, t: x + step * t, diff, along)))

    # Sixth order: the step must be long, since choices of the step control move the value by
    # about the tolerance.
    h = 4e-3
    odd = [moved(i * h) - moved(-i * h) for i in (1, 2, 3)]
    differences = (45 * odd[0] - 9 * odd[1] + odd[2]) / (60 * h)
    np.testing.assert_allclose(float(forward), differences, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*list(CASES)[:1], "homogeneous chemistry"])
def test_forward_equals_reverse(name):
    diff, static = _prepared(name)
    reverse_diff, reverse_static = _prepared(name, "checkpointed")
    along = _directions(diff, 1)
    _, forward = eqx.filter_jit(lambda d, t: jax.jvp(lambda d: _measure(d, static), (d,), (t,)))(
        diff, along
    )
    gradient = eqx.filter_jit(jax.grad(lambda d: _measure(d, reverse_static)))(reverse_diff)
    assert all(np.all(np.isfinite(g)) for g in jax.tree.leaves(gradient))
    pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(along), strict=True)
    np.testing.assert_allclose(sum(jnp.sum(g * t) for g, t in pairs), forward, rtol=1e-9)
