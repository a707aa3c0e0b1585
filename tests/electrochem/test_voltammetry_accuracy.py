"""The engine against the truth: the table of cases, and the numbers of the textbooks."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import electrochem as ec
from diffsim.constants import faraday
from diffsim.electrochem import analytic, waveforms
from tests.electrochem.voltammetry_cases import (
    AREA,
    CASES,
    DIFFUSIVITY,
    SCAN_RATE,
    TEMPERATURE,
    THERMAL,
    UNIT_K0,
    cell,
    couple,
    planar_truth,
    simulate,
    sweep,
)

BY_NAME = {case.name: case for case in CASES}
EXACT = [case for case in CASES if case.truth is not None]
REFINED = [case for case in CASES if case.truth is None]
COSTLY = {"electrons", "law", "many segments", "cycles", "curved"}


class TestTheTable:
    def test_is_large_and_names_are_unique(self):
        assert len(CASES) >= 60
        assert len(BY_NAME) == len(CASES)
        assert len(EXACT) >= 30

    @pytest.mark.parametrize(
        "tag",
        [
            "Nernst",
            "BV",
            "ratio",
            "law",
            "hindered",
            "bulk",
            "electrons",
            "scan",
            "cycles",
            "step",
            "sphere",
            "cylinder",
            "disc",
            "thin",
            "layer",
            "circuit",
            "AC",
            "EC",
            "CE",
            "ECE",
            "EC2",
            "EC'",
            "EE",
        ],
    )
    def test_covers(self, tag):
        assert any(tag in case.tags for case in CASES)

    def test_slack_has_a_reason(self):
        assert all(case.slack == 1.0 or case.reason for case in CASES)


def _marked(case):
    return pytest.param(case.name, marks=[pytest.mark.slow] if case.tags & COSTLY else [])


@pytest.mark.parametrize("name", [_marked(case) for case in EXACT])
def test_error_is_below_the_tolerance(name):
    case = BY_NAME[name]
    assert case.error() < case.slack * case.cell.integrator.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("name", [case.name for case in REFINED])
def test_refinement_changes_less_than_the_tolerance(name):
    case = BY_NAME[name]
    assert case.error() < case.slack * case.cell.integrator.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-6])
@pytest.mark.parametrize(
    "name",
    ["Nernst", "Butler-Volmer, K0=1", "Butler-Volmer, K0=0.001", "Butler-Volmer, K0=1e-09", "step"],
)
def test_other_tolerances(name, tolerance):
    assert BY_NAME[name].with_tolerance(tolerance).error() < tolerance


class TestReversiblePeaks:
    """Values of Nicholson and Shain, at default settings."""

    waveform = sweep(20.0, -12.0)
    made = couple()

    def peak(self, around):
        """Largest magnitude near a time: a parabola through samples 0.02 RT/F apart."""
        step = 0.02 * THERMAL / SCAN_RATE
        times = around + step * jnp.arange(-20, 21)
        current = np.asarray(simulate(self.made, (self.waveform, times)).values["current"])
        fit = np.polyfit(np.arange(-20, 21), current, 4)
        roots = np.roots(np.polyder(fit))
        root = min(roots[np.abs(roots.imag) < 1e-9].real, key=abs)
        potential = float(self.waveform.potential(around + step * jnp.array([root]))[0])
        return potential, float(np.polyval(fit, root))

    def test_forward_and_backward(self):
        truth = planar_truth(self.made, self.waveform).peaks()
        forward = min(truth, key=lambda p: p[2])
        backward = max(truth, key=lambda p: p[2])
        potential, height = self.peak(forward[0])
        expected = analytic.randles_sevcik(
            area=AREA,
            diffusivity=DIFFUSIVITY,
            concentration=1.0,
            scan_rate=SCAN_RATE,
            temperature=TEMPERATURE,
        )
        assert -height == pytest.approx(float(expected), rel=1e-4)
        exact = analytic.reversible_peak_potential(half_wave_potential=0.0, temperature=TEMPERATURE)
        assert abs(potential - float(exact)) < 1e-3 * THERMAL
        back, _ = self.peak(backward[0])
        separation = back - potential
        assert abs(separation - (backward[1] - forward[1])) < 0.05e-3


class TestSteps:
    def test_cottrell_from_the_tenth_output_on(self):
        case = BY_NAME["step"]
        times = np.asarray(case.waveform.times())
        found = np.asarray(simulate(case.cell, case.waveform).values["current"])
        exact = -np.asarray(
            analytic.cottrell(times, area=AREA, diffusivity=DIFFUSIVITY, concentration=1.0)
        )
        assert np.max(np.abs(found / exact - 1)[9:]) < 1e-3

    def test_disc(self):
        """Against the exact two-dimensional solution: the claim in the docstring of `Disc`."""
        times = np.geomspace(1e-3, 1.0, 7)
        waveform = waveforms.PotentialStep(-30 * THERMAL, 1.0, samples=500)
        worst = []
        for tau in (1.0, 1e3, 1e6):
            radius = np.sqrt(DIFFUSIVITY / tau)
            made = couple(electrode=ec.Disc(radius))
            found = simulate(made, (waveform, jnp.asarray(times))).values["current"]
            values = dict(radius=radius, diffusivity=DIFFUSIVITY, concentration=1.0)
            worst.append(np.abs(-found / analytic.disc_step_exact(times, **values) - 1))
        assert 0.013 < np.max(worst) < 0.014
        # Steady state, from the last run: Dt/a² = 1e6, where 1/√τ is 6e-4 from the limit.
        steady = analytic.microdisc_limiting_current(**values)
        excess = 8 / np.pi**2.5 * np.pi / 4e3
        assert -float(found[-1]) == pytest.approx(float(steady) * (1 + excess), rel=1e-3)

    def test_hemisphere_reaches_its_steady_state(self):
        case = BY_NAME["step at a hemisphere, Dt/r²=10000"]
        found = np.asarray(simulate(case.cell, case.waveform).values["current"])
        exact = analytic.hemisphere_limiting_current(
            radius=float(case.cell.electrode.radius), diffusivity=DIFFUSIVITY, concentration=1.0
        )
        assert -found[-1] == pytest.approx(float(exact) * (1 + 1 / np.sqrt(np.pi * 1e4)), rel=1e-4)


def test_nernst_shift_with_unequal_diffusivities():
    """Every reversible planar voltammogram is that with equal diffusivities, moved."""
    shift = analytic.planar_half_wave_potential(
        formal_potential=0.0,
        diffusivity_ox=DIFFUSIVITY,
        diffusivity_red=4 * DIFFUSIVITY,
        temperature=TEMPERATURE,
    )
    # Compared against a couple with the formal potential there.
    moved = simulate(couple(diffusivities=(DIFFUSIVITY, 4 * DIFFUSIVITY)), sweep())
    equal = simulate(couple(formal_potential=float(shift)), sweep())
    difference = moved.values["current"] - equal.values["current"]
    assert np.max(np.abs(difference)) < 1e-4 * np.max(np.abs(equal.values["current"]))


def test_irreversible_peak():
    k0 = 1e-6 * UNIT_K0
    made, waveform = couple(ec.ButlerVolmer(k0)), sweep(10.0, -40.0, samples=20001)
    observed = simulate(made, waveform)
    at = int(np.argmin(observed.values["current"]))
    values = dict(diffusivity=DIFFUSIVITY, scan_rate=SCAN_RATE, temperature=TEMPERATURE)
    height = analytic.irreversible_peak_current(area=AREA, concentration=1.0, **values)
    place = analytic.irreversible_peak_potential(formal_potential=0.0, k0=k0, **values)
    assert -float(observed.values["current"][at]) == pytest.approx(float(height), rel=1e-4)
    assert float(observed.values["potential"][at]) == pytest.approx(
        float(place), abs=0.02 * THERMAL
    )


@pytest.mark.slow
def test_catalytic_plateau():
    """EC' with a large excess: closed form for equal diffusivities."""
    constant, substrate = 0.05, 2e4
    made = cell(
        [
            ec.ElectrodeReaction("A + e- <=> B", ec.Nernst(), 0.0),
            ec.ChemicalReaction("B + Z -> A + Q", constant),
        ],
        {
            name: (DIFFUSIVITY, bulk)
            for name, bulk in dict(A=1.0, B=0.0, Z=substrate, Q=0.0).items()
        },
    )
    waveform = sweep(15.0, -15.0)
    plateau = analytic.catalytic_plateau_current(
        area=AREA,
        diffusivity=DIFFUSIVITY,
        concentration=1.0,
        rate_constant=constant,
        substrate_concentration=substrate,
    )
    found = simulate(made, waveform).checked()
    wave = analytic.catalytic_wave(
        found.values["potential"],
        plateau_current=plateau,
        formal_potential=0.0,
        temperature=TEMPERATURE,
    )
    # The formula is the limit of k c_Z far above Fν/RT (257 times here), and of c_Z ≫ c.
    assert np.max(np.abs(found.values["current"] + wave)) < 3e-3 * float(plateau)


def test_charge_is_conserved_in_a_thin_layer():
    """∫ I dt = n F V c for all that a sealed layer holds."""
    depth = 2e-5
    made = couple(ec.ButlerVolmer(UNIT_K0), domain=ec.ThinLayer(depth))
    waveform = ec.LinearSweep(15 * THERMAL, -25 * THERMAL, 0.01, samples=4001)
    observed = simulate(made, waveform).checked()
    charge = np.trapezoid(observed.values["current"], observed.values["time"])
    assert -charge == pytest.approx(faraday * AREA * depth, rel=2e-5)


@pytest.mark.slow
def test_the_flux_converges_spectrally_in_space():
    case = BY_NAME["Nernst"]
    tight = ec.Integrator(tolerance=1e-8, max_steps=16384)
    exact, errors = case.exact()[1:], []
    for cells in (12, 16, 24):
        made = replace(case.cell, grid=ec.Grid(cells=cells), integrator=tight)
        found = np.asarray(simulate(made, case.waveform).values["current"])[1:]
        errors.append(np.max(np.abs(found - exact)) / np.max(np.abs(exact)))
    # Twice the cells: a factor of 4 would be second order.
    assert errors[2] < errors[0] / 100
