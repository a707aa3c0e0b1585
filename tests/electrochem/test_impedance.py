"""Impedance from the voltammetric equations: Warburg, Randles, Gerischer, gradients, fits."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import electrochem as ec
from diffsim.constants import faraday, gas_constant

AREA, D_OX, D_RED, C_OX, C_RED = 1e-4, 1e-9, 0.6e-9, 2.0, 3.0
K0, ALPHA, FORMAL = 1e-5, 0.4, 0.2
RT_F = gas_constant * 298.15 / faraday
REST = FORMAL + RT_F * np.log(C_OX / C_RED)
FREQUENCIES = np.logspace(-2, 5, 15)
OMEGA = 2j * np.pi * FREQUENCIES


def couple(domain=None, circuit=None):
    return ec.Voltammetry(
        ec.Mechanism(
            "Ox + e- <=> Red", kinetics=ec.ButlerVolmer(K0, ALPHA), formal_potential=FORMAL
        ),
        species={"Ox": ec.Species(D_OX, C_OX), "Red": ec.Species(D_RED, C_RED)},
        electrode=ec.Planar(AREA),
        domain=domain or ec.SemiInfinite(),
        circuit=circuit or ec.Circuit(),
    )


@eqx.filter_jit
def spectrum(impedance, frequencies):
    return impedance(frequencies)


def complex_of(observables):
    parts = np.asarray(observables.checked().values["impedance"])
    return parts[:, 0] + 1j * parts[:, 1]


def warburg(shape=lambda root: 1.0):
    """Of both species at rest; `shape` of the argument L√(iω/D) makes it finite."""
    unit = RT_F / (faraday * AREA)
    terms = ((C_OX, D_OX), (C_RED, D_RED))
    return sum(unit / (c * np.sqrt(OMEGA * d)) * shape(np.sqrt(OMEGA / d)) for c, d in terms)


EXCHANGE = faraday * AREA * K0 * C_OX ** (1 - ALPHA) * C_RED**ALPHA


def test_randles_with_a_semi_infinite_warburg():
    circuit = ec.Circuit(resistance=20.0, capacitance=0.2)
    simulated = complex_of(
        spectrum(ec.Impedance(couple(circuit=circuit), REST, 200.0), FREQUENCIES)
    )
    faradaic = RT_F / EXCHANGE + warburg()
    expected = 20.0 + 1.0 / (OMEGA * 0.2 * AREA + 1.0 / faradaic)
    np.testing.assert_array_less(np.abs(simulated / expected - 1.0), 2e-4)


def test_a_finite_layer():
    depth = 5e-5
    expected = RT_F / EXCHANGE + warburg(lambda root: np.tanh(depth * root))

    def errors(grid):
        cell = dataclasses.replace(couple(ec.DiffusionLayer(depth)), grid=grid)
        simulated = complex_of(spectrum(ec.Impedance(cell, REST, 200.0), FREQUENCIES))
        return np.abs(simulated / expected - 1.0)

    # Two causes, both of the grid: the first cell (1 nm) at 100 kHz, where it is a fortieth of the
    # diffusion length, and the number of cells around 0.1 Hz. Both go away with it.
    default = errors(ec.Grid())
    np.testing.assert_array_less(default, 3e-4)
    np.testing.assert_array_less(default[FREQUENCIES < 2e4], 1.5e-4)
    np.testing.assert_array_less(errors(ec.Grid(cells=120, first=2e-6)), 6e-5)


def test_zero_frequency_is_the_slope_of_the_steady_current():
    """At a bias where the current flows: 1/Z(0) = dI/dE of the stationary cell."""
    cell = couple(ec.DiffusionLayer(5e-5))
    currents = [
        float(
            spectrum(ec.Impedance(cell, FORMAL - 0.06 + step, 200.0), FREQUENCIES[:1]).values[
                "current"
            ]
        )
        for step in (-1e-3, 1e-3)
    ]
    slow = spectrum(ec.Impedance(cell, FORMAL - 0.06, 200.0), FREQUENCIES[:1])
    assert float(slow.values["current"]) < -1e-6
    impedance = complex_of(slow)[0]
    assert impedance.real == pytest.approx(2e-3 / (currents[1] - currents[0]), rel=5e-3)


def test_gerischer():
    """A reactant that a fast equilibrium supplies: its part is RT/(F²Ac√D)/√(k + iω)."""
    forward, backward = 0.5, 500.0
    cell = ec.Voltammetry(
        ec.Mechanism(
            ec.ChemicalReaction("Pre <=> Ox", forward, backward),
            ec.ElectrodeReaction("Ox + e- <=> Red", ec.Nernst(), FORMAL),
        ),
        species={
            "Pre": ec.Species(D_OX, 1000.0),
            "Ox": ec.Species(D_OX, 1.0),
            "Red": ec.Species(D_OX, 1000.0),
        },
        electrode=ec.Planar(AREA),
    )
    rest = FORMAL + RT_F * np.log(1.0 / 1000.0)
    simulated = complex_of(spectrum(ec.Impedance(cell, rest, 200.0), FREQUENCIES))
    unit, k = RT_F / (faraday * AREA * np.sqrt(D_OX)), forward + backward
    supplied = backward / k / np.sqrt(k + OMEGA) + forward / k / np.sqrt(OMEGA)
    expected = unit * (supplied / 1.0 + 1.0 / (1000.0 * np.sqrt(OMEGA)))
    # Above 100 Hz the diffusion layer is thinner than the first cells of the default grid.
    slow = FREQUENCIES < 150.0
    np.testing.assert_array_less(np.abs(simulated / expected - 1.0)[slow], 5e-4)


def _fit(measured=None):
    truth = ec.Impedance(couple(circuit=ec.Circuit(resistance=20.0, capacitance=0.2)), REST, 200.0)
    if measured is None:
        measured = complex_of(spectrum(truth, FREQUENCIES))
    start = eqx.tree_at(
        lambda z: (z.cell.circuit.resistance, z.cell.mechanism.electrode[0].kinetics.k0),
        truth,
        (truth.cell.circuit.resistance * 3.0, truth.cell.mechanism.electrode[0].kinetics.k0 * 0.1),
    )
    space = ds.DesignSpace(
        k0=ds.Log(1e-8, 1e-3, unit="m/s"),
        resistance=ds.Log(1.0, 1e3, unit="ohm"),
        capacitance=ds.Log(0.01, 2.0, unit="F/m2"),
        diffusivity=ds.Log(1e-10, 1e-8, unit="m2/s"),
    )
    return ec.SpectrumFit(start, FREQUENCIES, measured, space)


@pytest.mark.slow
def test_gradients_and_recovery_by_complex_least_squares():
    problem = _fit()
    check = ds.check_gradients(problem)
    assert check.passed(modes=1e-8, finite_differences=1e-5), check.table()
    run = ds.solve(problem, ds.LevenbergMarquardt(), budget=200, progress=False)
    assert run.best_physical["k0"] == pytest.approx(K0, rel=0.02)
    assert run.best_physical["resistance"] == pytest.approx(20.0, rel=1e-3)


def test_harmonics_of_a_known_signal():
    """Slowly varying envelopes, each with its phase, come back."""
    duration, frequency = 40.0, 4.0
    t = np.linspace(0.0, duration, 4001)
    slow = np.exp(-(((t - 20.0) / 6.0) ** 2))
    phase = 2 * np.pi * frequency * t
    signal = 0.3 * slow + 1.5 * slow * np.sin(phase + 0.4) + 0.2 * slow * np.cos(2 * phase)
    direct, first, second = ec.harmonics(jnp.asarray(signal), duration, frequency, 2)
    np.testing.assert_allclose(direct, 0.3 * slow, atol=1e-6)
    np.testing.assert_allclose(np.abs(first), 1.5 * slow, atol=5e-6)
    # Phases are those of a sine, like the waveform's.
    np.testing.assert_allclose(np.angle(first)[1800:2200], 0.4, atol=1e-5)
    np.testing.assert_allclose(np.abs(second), 0.2 * slow, atol=1e-6)
    np.testing.assert_allclose(np.angle(second)[1800:2200], np.pi / 2, atol=1e-4)


@pytest.mark.parametrize(
    ("count", "frequency", "message"),
    [(0, 4.0, "count"), (3, -1.0, "frequency"), (20, 4.0, "sampled"), (1, 0.01, "two periods")],
)
def test_bad_harmonics(count, frequency, message):
    with pytest.raises(ValueError, match=message):
        ec.harmonics(jnp.zeros(401), 10.0, frequency, count)


@pytest.mark.slow
def test_the_first_harmonic_of_a_small_signal_is_the_admittance():
    frequency, amplitude, duration = 1.0, 2e-3, 20.0
    held = ec.PiecewiseLinear([duration], [REST, REST], samples=2)
    wave = ec.Sinusoidal(held, amplitude, frequency, samples=2001)
    current = spectrum(couple(), wave).checked().values["current"]
    first = ec.harmonics(current, duration, frequency, 1)[1]
    impedance = complex_of(spectrum(ec.Impedance(couple(), REST, 200.0), np.array([frequency])))[0]
    expected = amplitude / impedance
    # The record does not end as it began, so that envelopes ring by 2e-3; the mean over whole
    # periods is free of that.
    assert complex(first[1000]) == pytest.approx(expected, rel=3e-3)
    assert complex(np.mean(first[800:1200])) == pytest.approx(expected, rel=3e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ec.Impedance(couple(), REST, -1.0), "hold .* positive"),
        (lambda: ec.Impedance(couple(), REST, 10.0)(np.array([0.05])), "at least 1/hold = 0.1 Hz"),
        (lambda: ec.Impedance(couple(), REST, 10.0)(np.array([-1.0])), "positive and finite"),
        (lambda: ec.Impedance(couple(), REST, 10.0)(np.zeros((2, 2))), "column"),
        (lambda: _fit(np.ones(3, complex)), "one length"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_spectra_at_several_biases_are_those_one_by_one():
    """Of different lengths, so that the shorter one is padded and cut."""
    cell = couple(ec.DiffusionLayer(5e-5))
    columns = (FREQUENCIES, FREQUENCIES[3:9])
    biases = (REST, REST - 0.06)
    given = [ec.Spectrum(e, f, np.ones(f.size)) for e, f in zip(biases, columns, strict=True)]
    spectra = ec.Spectra(ec.Impedance(cell, REST, 200.0), given)
    found = complex_of(spectrum(spectra, None))
    assert found.shape == (21,)
    for bias, place in zip(biases, (slice(0, 15), slice(15, 21)), strict=True):
        alone = complex_of(spectrum(ec.Impedance(cell, bias, 200.0), FREQUENCIES))
        expected = alone if place.start == 0 else alone[3:9]
        np.testing.assert_allclose(found[place], expected, rtol=1e-7)
    assert "potential" not in spectra.lenses()
    problem = ec.SpectraFit(spectra.impedance, given, ds.DesignSpace(k0=ds.Log(1e-8, 1e-3)))
    assert problem.objective.data.shape == (21, 2)


@pytest.mark.slow
def test_envelopes_are_the_harmonics_of_the_current():
    wave = ec.Sinusoidal(ec.LinearSweep(FORMAL + 0.15, FORMAL - 0.15, 0.03), 0.08, 1.0, samples=401)
    observed = spectrum(ec.ACVoltammetry(couple(), 10, count=2, margin=1), wave).checked().values
    current = spectrum(couple(), wave).checked().values["current"]
    whole = ec.harmonics(current, 10.0, 1.0, 2)
    times = np.asarray(observed["time"])
    np.testing.assert_allclose(times, np.arange(1.5, 9.0))
    parts = np.asarray(observed["harmonics"])
    np.testing.assert_allclose(parts[..., 0] + 1j * parts[..., 1], whole[:, 60:360:40], atol=1e-12)
    # The second harmonic of 80 mV stands out.
    assert np.max(np.hypot(*parts[2].T)) > 0.05 * np.max(np.hypot(*parts[1].T))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ec.Spectrum(0.1, np.ones(3), np.ones(2)), "one length"),
        (lambda: ec.Spectrum(0.1, np.ones(2), np.zeros(2)), "not zero"),
        (lambda: ec.Spectra(ec.Impedance(couple(), REST, 10.0), []), "at least one spectrum"),
        (
            lambda: ec.Spectra(
                ec.Impedance(couple(), REST, 10.0),
                [ec.Spectrum(0.1, np.array([0.01]), np.array([1j]))],
            ),
            "at least 1/hold",
        ),
        (lambda: ec.ACVoltammetry(couple(), 10, count=0), "count"),
        (
            lambda: ec.ACVoltammetry(couple(), 10)(ec.LinearSweep(0.3, 0.1, 0.1)),
            "must be Sinusoidal",
        ),
        (lambda: ec.ACVoltammetry(couple(), 5), "leave two within the margins of 2"),
        (
            lambda: ec.ACVoltammetry(couple(), 10)(
                ec.Sinusoidal(ec.LinearSweep(0.3, 0.1, 0.1), 0.01, 2.0)
            ),
            "10 periods of ACVoltammetry, but has 4",
        ),
    ],
)
def test_bad_spectra_and_harmonics(make, message):
    with pytest.raises(ValueError, match=message):
        make()
