"""Adsorption: textbook limits, an independent scheme, derivatives, bad input."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import electrochem as ec
from diffsim._status import code, name_of
from diffsim.constants import faraday
from diffsim.electrochem import waveforms
from diffsim.electrochem.adsorption._equilibrium import equilibrium_coverage
from experiments._backward_euler_adsorption import Rates, voltammogram
from tests.electrochem.voltammetry_cases import AREA, DIFFUSIVITY, THERMAL, couple, simulate

GAMMA = 1e-6
LENGTH = 1e-5
SPEED, CLOCK = DIFFUSIVITY / LENGTH, LENGTH**2 / DIFFUSIVITY


def fixed_layer(isotherm=None, k0=1e4, coverage=(1.0, 0.0)):
    """A couple that is bound for good; its solution takes no part."""
    bound = [ec.Adsorbate(1e-15, 1e-12, value) for value in coverage]
    layer = ec.AdsorbedLayer(
        GAMMA,
        dict(zip("OP", bound, strict=True)),
        isotherm or ec.Langmuir(),
        kinetics=ec.ButlerVolmer(k0),
        formal_potential=0.0,
    )
    return ec.AdsorptiveVoltammetry(couple(ec.Inert()), layer)


def exchanging(rates: Rates, isotherm=None, **options):
    """The published problem, in SI units."""
    cell = couple(ec.ButlerVolmer(rates.k0 * SPEED, rates.alpha, rates.beta), **options)
    layer = ec.AdsorbedLayer(
        LENGTH,
        {
            "O": ec.Adsorbate(rates.adsorption_a * SPEED, rates.desorption_a / CLOCK),
            "P": ec.Adsorbate(rates.adsorption_b * SPEED, rates.desorption_b / CLOCK),
        },
        isotherm or ec.Langmuir(),
        kinetics=ec.ButlerVolmer(
            rates.adsorbed_k0 / CLOCK, rates.adsorbed_alpha, rates.adsorbed_beta
        ),
    )
    return ec.AdsorptiveVoltammetry(cell, layer)


RATES = Rates(1e-3, 0.4, 0.6, 0.5, 0.45, 0.55, 4.5, 1.0, 1.0, 1.0)
SWEEP = ec.CyclicSweep(15 * THERMAL, -15 * THERMAL, 0.1, samples=4001)
# Peak of a reversible adsorbed couple, F²AΓν/4RT: σ/4 in units of a monolayer.
PEAK = faraday * AREA * GAMMA * 0.1 / (4 * THERMAL)


def test_reversible_adsorbed_couple():
    """The whole curve, 4 I_p x/(1+x)², its peak and its charge."""
    values = simulate(fixed_layer(k0=1e6), SWEEP).checked().values
    current, potential = (np.asarray(values[name])[5:] for name in ("current", "potential"))
    sign = np.where(np.arange(5, 4001) <= 2000, -1.0, 1.0)
    x = np.exp(potential / THERMAL)
    assert current.max() == pytest.approx(PEAK, rel=1e-3)
    assert -current.min() == pytest.approx(PEAK, rel=1e-3)
    assert np.max(np.abs(current - sign * 4 * PEAK * x / (1 + x) ** 2)) < 1e-3 * PEAK
    time = np.asarray(values["time"])[5:]
    charge = np.trapezoid(current[:1996], time[:1996]) / (faraday * AREA * GAMMA)
    assert -charge == pytest.approx(1.0, abs=1e-4)
    assert np.asarray(values["coverage[P]"])[2000] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("interaction", [-1.5, 0.8])
def test_interactions_narrow_or_widen_the_peak(interaction):
    """Between like adsorbates only: I_p = F²AΓν / RT(4 − 2g), exact at half coverage."""
    matrix = interaction * np.eye(2)
    values = simulate(fixed_layer(ec.Frumkin(matrix), k0=1e6), SWEEP).checked().values
    peak = np.max(values["current"][5:])
    assert peak == pytest.approx(4 * PEAK / (4 - 2 * interaction), rel=1e-3)


def test_interactions_of_all_with_all_change_nothing():
    """They cancel in the ratio of activities at full coverage."""
    plain, same = (
        simulate(fixed_layer(ec.Frumkin(g * np.ones((2, 2))), 1e6), SWEEP).values["current"]
        for g in (0.0, 1.3)
    )
    np.testing.assert_allclose(same[5:], plain[5:], atol=3e-4 * PEAK)


def test_coverage_grows_as_diffusion_allows():
    """Koryta's law, θ = 2c √(Dt/π) / Γ, for adsorption that is fast and for good."""
    layer = ec.AdsorbedLayer(1e-4, {"O": ec.Adsorbate(1.0, 1e-9, 0.0)})
    made = ec.AdsorptiveVoltammetry(couple(ec.Inert()), layer)
    values = simulate(made, waveforms.PotentialStep(0.0, 1.0, samples=200)).checked().values
    exact = 2 * np.sqrt(DIFFUSIVITY * np.asarray(values["time"]) / np.pi) / 1e-4
    assert 0.3 < exact[-1] < 0.5
    np.testing.assert_allclose(values["coverage[O]"][10:], exact[10:], rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [40.0, 4.0])
def test_against_an_independent_scheme(sigma):
    """Backward Euler on another grid, extrapolated to small steps."""
    coarse, fine = (voltammogram(RATES, sigma, step) for step in (0.1, 0.05))
    end = 25 * THERMAL
    sweep = ec.CyclicSweep(end, -end, sigma * THERMAL / CLOCK, samples=4001)
    found = simulate(exchanging(RATES), sweep).checked().values
    unit = faraday * AREA * SPEED
    forward = slice(10, 500)
    theta = coarse[0][forward]
    limit = 2 * np.interp(-theta, -fine[0][:1000], fine[1][:1000]) - coarse[1][forward]
    ours = np.interp(50 - (25 + theta), np.arange(4001) * 0.025, found["current"]) / unit
    assert np.max(np.abs(ours - limit)) < 3e-3 * np.max(np.abs(limit))


class TestEquilibrium:
    load = jnp.array([3.0, 0.2])

    def test_langmuir(self):
        exact = self.load / (1 + self.load.sum())
        np.testing.assert_allclose(equilibrium_coverage(ec.Langmuir(), self.load), exact)

    @pytest.mark.parametrize("interaction", [-6.0, -1.0, 2.5])
    def test_frumkin(self, interaction):
        isotherm = ec.Frumkin(interaction)
        found = equilibrium_coverage(isotherm, self.load)
        assert np.all(found > 0)
        assert np.sum(found) < 1
        left = self.load * isotherm.sites(found)
        np.testing.assert_allclose(left, isotherm.activity(found), rtol=1e-9)

    def test_temkin(self):
        found = equilibrium_coverage(ec.Temkin(8.0), jnp.array([30.0]))
        assert found[0] == pytest.approx(np.log(30.0) / 8.0)

    def test_derivative(self):
        def coverage(g, load):
            return equilibrium_coverage(ec.Frumkin(g), load)[0]

        slope = jax.grad(coverage)(-1.0, self.load)
        h = 1e-5
        above, below = (float(coverage(-1.0 + step, self.load)) for step in (h, -h))
        assert float(slope) == pytest.approx((above - below) / (2 * h), rel=1e-7)


def test_the_start_is_at_rest():
    """With solution, layer and potential at equilibrium nothing happens."""
    cell = couple(ec.ButlerVolmer(1e-5), bulk=(1.0, 1.0))
    layer = ec.AdsorbedLayer(
        GAMMA,
        {"O": ec.Adsorbate(1e-4, 10.0), "P": ec.Adsorbate(3e-4, 5.0)},
        ec.Frumkin(-1.0),
        kinetics=ec.ButlerVolmer(10.0),
    )
    hold = waveforms.PotentialStep(0.0, 10.0, samples=20)
    values = simulate(ec.AdsorptiveVoltammetry(cell, layer), hold).checked().values
    scale = faraday * AREA * 1e-5
    assert np.max(np.abs(values["current"])) < 1e-9 * scale
    assert np.ptp(values["coverage[O]"]) < 1e-9


def test_temkin_out_of_its_range_is_found_out():
    made = fixed_layer(ec.Temkin(2.0), k0=1e3, coverage=(0.6, 0.3))
    observed = simulate(made, SWEEP)
    assert name_of(int(code(observed.result))) == "out_of_range"
    assert np.all(np.isnan(observed.values["current"]))


def test_resistance():
    """The coverages obey Nernst's law at the potential of the interface; the charge stays."""
    made, resistance = fixed_layer(k0=1e6), 0.5 * THERMAL / PEAK
    cell = replace(made.cell, circuit=ec.Circuit(resistance=resistance))
    made = eqx.tree_at(lambda m: m.cell, made, cell)
    values = {name: np.asarray(v)[5:] for name, v in simulate(made, SWEEP).checked().values.items()}
    interface = values["potential"] - resistance * values["current"]
    reduced = 1 / (1 + np.exp(interface / THERMAL))
    np.testing.assert_allclose(values["coverage[P]"], reduced, atol=3e-4)
    assert np.max(np.abs(resistance * values["current"])) > 0.4 * THERMAL
    charge = np.trapezoid(values["current"][:1996], values["time"][:1996])
    assert -charge == pytest.approx(faraday * AREA * GAMMA, rel=1e-3)


@pytest.mark.slow
def test_derivatives():
    """Forward, reverse and central differences, by every number of cell, layer and sweep."""
    tight = ec.Integrator(1e-7, max_steps=8192)
    made = exchanging(RATES, ec.Frumkin(-0.7), integrator=tight, grid=ec.Grid(cells=16))
    sweep = ec.CyclicSweep(0.25, -0.3, 10 * THERMAL / CLOCK, samples=40)
    weights = jnp.cos(jnp.arange(39))

    def measure(diff, static, adjoint):
        made, sweep = eqx.combine(diff, static)
        return 1e4 * weights @ made.with_adjoint(adjoint)(sweep).values["current"][1:]

    diff, static = eqx.partition((made, sweep), eqx.is_inexact_array)
    draw = np.random.default_rng(0)
    along = jax.tree.map(lambda x: jnp.where(x == 0, 1e-3, x) * draw.normal(size=x.shape), diff)
    forward = eqx.filter_jit(
        lambda d, t: jax.jvp(lambda d: measure(d, static, "forward"), (d,), (t,))[1]
    )(diff, along)
    gradient = eqx.filter_jit(jax.grad(lambda d: measure(d, static, "checkpointed")))(diff)
    pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(along), strict=True)
    np.testing.assert_allclose(sum(jnp.sum(g * t) for g, t in pairs), forward, rtol=1e-9)
    assert all(np.all(np.isfinite(g)) for g in jax.tree.leaves(gradient))
    value = eqx.filter_jit(lambda d: measure(d, static, "forward"))
    h = 4e-3
    odd = [
        float(value(jax.tree.map(lambda x, t, s=s: x + s * h * t, diff, along)))
        - float(value(jax.tree.map(lambda x, t, s=s: x - s * h * t, diff, along)))
        for s in (1, 2, 3)
    ]
    differences = (45 * odd[0] - 9 * odd[1] + odd[2]) / (60 * h)
    np.testing.assert_allclose(float(forward), differences, rtol=1e-4)


def test_names_of_parameters():
    lenses = exchanging(RATES).lenses()
    assert {"k0", "adsorbed_k0", "adsorption[O]", "desorption[P]", "saturation"} <= set(lenses)
    made = lenses["adsorbed_k0"].set(exchanging(RATES), jnp.asarray(7.0))
    assert float(made.layer.kinetics.k0) == 7.0
    assert float(lenses["k0"].get(made)) == pytest.approx(1e-3 * SPEED)


O, P = ec.Adsorbate(1.0, 1.0, 0.7), ec.Adsorbate(1.0, 1.0, 0.6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ec.AdsorbedLayer(GAMMA, {"O": O, "P": P}), r"at most 1.*1\.3"),
        (lambda: ec.Adsorbate(1.0, 1.0, 1.2), r"coverage.*=1\.2"),
        (lambda: ec.Adsorbate(0.0, 1.0), "adsorption.*=0"),
        (lambda: ec.Adsorbate(1.0, -1.0), "desorption.*=-1"),
        (lambda: ec.AdsorbedLayer(0.0, {"O": O}), "saturation.*=0"),
        (lambda: ec.AdsorbedLayer(GAMMA, {}), "at least one"),
        (lambda: ec.AdsorbedLayer(GAMMA, {"O": O}, kinetics=ec.Nernst()), "finite rate.*Nernst"),
        (lambda: ec.Temkin(0.0), "heterogeneity.*=0"),
        (
            lambda: ec.AdsorptiveVoltammetry(couple(), ec.AdsorbedLayer(GAMMA, {"Oo": O})),
            "'Oo'.*did you mean 'O'",
        ),
        (
            lambda: ec.AdsorptiveVoltammetry(
                couple(), ec.AdsorbedLayer(GAMMA, {"O": O}, kinetics=ec.ButlerVolmer(1.0))
            ),
            "both partners",
        ),
    ],
)
def test_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
