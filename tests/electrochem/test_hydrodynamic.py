"""The rotating disc: limits that are exact, the flow's refinement, derivatives, bad input."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import electrochem as ec
from diffsim.electrochem import analytic, waveforms
from tests.electrochem.voltammetry_cases import AREA, DIFFUSIVITY, THERMAL, couple, simulate

NU = 1e-6
STEP = waveforms.PotentialStep(-20 * THERMAL, 20.0, samples=3)


def disc(rate, kinetics=None, flow=ec.Levich, diffusivities=(DIFFUSIVITY, DIFFUSIVITY), **options):
    return couple(kinetics, diffusivities=diffusivities, domain=flow(rate, NU), **options)


def steady(cell, waveform=STEP) -> float:
    """The magnitude of the last current."""
    return -float(simulate(cell, waveform).checked().values["current"][-1])


def limit(formula, rate, diffusivity=DIFFUSIVITY):
    return float(
        formula(area=AREA, diffusivity=diffusivity, concentration=1.0, rotation_rate=rate,
                kinematic_viscosity=NU)
    )  # fmt: skip


@pytest.mark.parametrize("rate", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("ratio", [0.1, 1.0, 10.0])
def test_levich_limit(rate, ratio):
    """Whatever the diffusivity of the product, and to far better than 1e-4."""
    found = steady(disc(rate, diffusivities=(DIFFUSIVITY, ratio * DIFFUSIVITY)))
    assert found == pytest.approx(limit(analytic.levich_current, rate), rel=2e-6)


@pytest.mark.parametrize("diffusivity", [5e-10, 9.3e-9])
def test_finite_schmidt_numbers(diffusivity):
    pair = (diffusivity, diffusivity)
    found = steady(disc(100.0, flow=ec.VonKarman, diffusivities=pair))
    newman = limit(analytic.newman_current, 100.0, diffusivity)
    assert found == pytest.approx(newman, rel=2e-4)
    assert newman < 0.99 * limit(analytic.levich_current, 100.0, diffusivity)


def test_koutecky_levich():
    """The intercept of 1/I against ω^(−1/2) is the kinetic current, within 0.1 %."""
    rates = np.array([20.0, 50.0, 100.0, 200.0, 500.0])
    law = ec.Tafel(1e-6, 0.5)
    waveform = waveforms.PotentialStep(-7 * THERMAL, 20.0, samples=3)
    inverse = [1 / steady(disc(rate, law), waveform) for rate in rates]
    slope, intercept = np.polyfit(rates**-0.5, inverse, 1)
    constant = 1e-6 * np.exp(3.5)
    alone = analytic.koutecky_levich_current(
        levich=np.inf, area=AREA, concentration=1.0, rate_constant=constant
    )
    assert 1 / intercept == pytest.approx(float(alone), rel=1e-3)
    assert 1 / slope == pytest.approx(limit(analytic.levich_current, 1.0), rel=1e-3)
    # Between a tenth and a half of the current is transport's: the test is not about nothing.
    assert 0.1 < slope * rates[0] ** -0.5 / inverse[0] < 0.9


def test_reversible_wave():
    """At steady state the half-wave potential is moved by (2/3) ln(D_red/D_ox)."""
    made = disc(100.0, diffusivities=(DIFFUSIVITY, 8 * DIFFUSIVITY))
    sweep = ec.LinearSweep(15 * THERMAL, -15 * THERMAL, 1e-3, samples=3001)
    values = simulate(made, sweep).checked().values
    share = -np.asarray(values["current"]) / limit(analytic.levich_current, 100.0)
    half = np.interp(0.5, share, values["potential"])
    theta = np.log(8.0 ** (2 / 3))
    assert half / THERMAL == pytest.approx(theta, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("scan_rate", [0.02, 10.0])
def test_refinement_changes_less_than_the_tolerance(scan_rate):
    """From the steady wave to the peak, the default grid against four times as many cells."""
    sweep = ec.CyclicSweep(12 * THERMAL, -12 * THERMAL, scan_rate, samples=200)
    made = disc(50.0, diffusivities=(DIFFUSIVITY, 2 * DIFFUSIVITY))
    fine = replace(made, grid=ec.Grid(cells=384), integrator=ec.Integrator(1e-6, max_steps=16384))
    found = np.asarray(simulate(made, sweep).values["current"])[1:]
    exact = np.asarray(simulate(fine, sweep).checked().values["current"])[1:]
    assert np.max(np.abs(found - exact)) < 1e-4 * np.max(np.abs(exact))


@pytest.mark.slow
def test_a_slow_rotation_is_none():
    """Where the layer is out of reach of diffusion, the current is that of a solution at rest."""
    sweep = ec.CyclicSweep(12 * THERMAL, -12 * THERMAL, 1.0, samples=100)
    found = simulate(disc(0.1), sweep).checked().values["current"][1:]
    still = simulate(couple(), sweep).checked().values["current"][1:]
    np.testing.assert_allclose(found, still, atol=1e-4 * np.max(np.abs(still)))


@pytest.mark.slow
def test_derivatives():
    """Forward, reverse and central differences, by every number of cell and waveform."""
    law = ec.ButlerVolmer(2e-5, 0.4, 0.55)
    tight = ec.Integrator(1e-8, max_steps=16384)
    made = disc(60.0, law, ec.VonKarman, diffusivities=(DIFFUSIVITY, 2 * DIFFUSIVITY),
                grid=ec.Grid(cells=32), integrator=tight)  # fmt: skip
    sweep = ec.LinearSweep(0.2, -0.25, 0.3, samples=40)
    weights = jnp.cos(jnp.arange(39))

    def measure(diff, static, adjoint):
        made, sweep = eqx.combine(diff, static)
        return 1e5 * weights @ made.with_adjoint(adjoint)(sweep).values["current"][1:]

    diff, static = eqx.partition((made, sweep), eqx.is_inexact_array)
    draw = np.random.default_rng(0)
    along = jax.tree.map(lambda x: jnp.where(x == 0, 1e-3, x) * draw.normal(size=x.shape), diff)
    forward = eqx.filter_jit(
        lambda d, t: jax.jvp(lambda d: measure(d, static, "forward"), (d,), (t,))[1]
    )(diff, along)
    gradient = eqx.filter_jit(jax.grad(lambda d: measure(d, static, "checkpointed")))(diff)
    pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(along), strict=True)
    np.testing.assert_allclose(sum(jnp.sum(g * t) for g, t in pairs), forward, rtol=1e-9)
    assert float(gradient[0].domain.rotation_rate) != 0
    value = eqx.filter_jit(lambda d: measure(d, static, "forward"))
    h = 4e-3
    odd = [
        float(value(jax.tree.map(lambda x, t, s=s: x + s * h * t, diff, along)))
        - float(value(jax.tree.map(lambda x, t, s=s: x - s * h * t, diff, along)))
        for s in (1, 2, 3)
    ]
    differences = (45 * odd[0] - 9 * odd[1] + odd[2]) / (60 * h)
    np.testing.assert_allclose(float(forward), differences, rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ec.Levich(0.0), "rotation_rate of Levich must be positive.*rotation_rate=0"),
        (lambda: ec.VonKarman(-3.0), "rotation_rate of VonKarman.*=-3"),
        (lambda: ec.Levich(100.0, 0.0), "kinematic_viscosity.*=0"),
        (lambda: disc(100.0, electrode=ec.Disc(1e-3)), "PlanarDisc or Planar.*is Disc"),
    ],
)
def test_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_revolutions_per_minute():
    assert float(ec.Levich("1200 rpm").rotation_rate) == pytest.approx(40 * np.pi)


def test_tafel_is_the_tail_of_butler_volmer():
    tafel, both = ec.Tafel(1e-5, 0.4), ec.ButlerVolmer(1e-5, 0.4)
    assert tafel.log_rates(-0.3, 298.15, 1)[0] == both.log_rates(-0.3, 298.15, 1)[0]
    assert tafel.log_rates(-0.3, 298.15, 1)[1] == -np.inf
    far = waveforms.PotentialStep(-20 * THERMAL, 20.0, samples=3)
    assert steady(disc(100.0, tafel), far) == pytest.approx(steady(disc(100.0, both), far))
