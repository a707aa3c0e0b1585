"""Campaigns and the recovery of parameters from them."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import electrochem as ec
from diffsim.problems import FIVE_SCANS_TRUTH, five_scan_rates

TRUTH = {"k0": 3e-5, "formal_potential": 0.01, "diffusivity": 1e-9}


def cell(**kinetics) -> ec.Voltammetry:
    return ec.Voltammetry(
        ec.Mechanism(
            "O + e- <=> P",
            kinetics=ec.ButlerVolmer(kinetics.get("k0", TRUTH["k0"]), 0.5),
            formal_potential=kinetics.get("formal_potential", TRUTH["formal_potential"]),
        ),
        species={"O": ec.Species(1e-9, 1.0), "P": ec.Species(1e-9)},
        electrode=ec.Planar(1e-6),
    )


def sweep(rate: float) -> ec.CyclicSweep:
    return ec.CyclicSweep(0.3, -0.3, rate, samples=60)


@pytest.fixture(scope="module")
def experiments():
    """Curves of two rates and two lengths, simulated at the truth."""
    simulate = eqx.filter_jit(lambda waveform: cell()(waveform))
    made = []
    for rate, kept in ((0.05, slice(None)), (0.5, slice(0, 41))):
        waveform = sweep(rate)
        current = np.asarray(simulate(waveform).checked().values["current"])[kept]
        times = np.asarray(waveform.times())[kept]
        made.append(ec.Experiment(waveform, times, current, f"{1e3 * rate:g} mV/s"))
    return made


@pytest.fixture(scope="module")
def space():
    return ds.DesignSpace(
        k0=ds.Log(1e-7, 1e-3, unit="m/s"),
        formal_potential=ds.Linear(-0.1, 0.1, unit="V"),
        diffusivity=ds.Log(1e-10, 1e-8, unit="m^2/s"),
    )


class TestCampaign:
    def test_is_the_cell_under_each_waveform(self, experiments):
        campaign = ec.Campaign(cell(), experiments)
        together = eqx.filter_jit(campaign)(None).checked()
        parts = campaign.split(together.values["current"])
        assert campaign.lengths == (60, 41)
        for experiment in experiments:
            # Steps are chosen for each curve, so only the tolerance is common.
            scale = np.max(np.abs(experiment.current))
            np.testing.assert_allclose(
                parts[experiment.label], experiment.current, atol=2e-4 * scale
            )
        np.testing.assert_array_equal(campaign.times, together.values["time"])
        np.testing.assert_allclose(campaign.potential, together.values["potential"], atol=1e-12)
        np.testing.assert_array_equal(
            campaign.experiment_of_point, np.repeat([0, 1], campaign.lengths)
        )

    def test_labels(self, experiments):
        with pytest.raises(ValueError, match="at least one experiment"):
            ec.Campaign(cell(), [])
        with pytest.raises(ValueError, match=r"unique, but \['50 mV/s'\] repeat"):
            ec.Campaign(cell(), [experiments[0], experiments[0]])

    def test_a_parameter_of_all_and_of_one(self, experiments):
        campaign = ec.Campaign(cell(), experiments)
        lenses = campaign.lenses()
        shared = lenses["k0"].set(campaign, jnp.asarray(7.0))
        own = lenses["k0@500 mV/s"].set(campaign, jnp.asarray(7.0))

        def values(campaign):
            (group,) = campaign.groups
            return np.asarray(group.cell.mechanism.electrode[0].kinetics.k0)

        np.testing.assert_array_equal(values(shared), [7.0, 7.0])
        np.testing.assert_array_equal(values(own), [TRUTH["k0"], 7.0])
        assert "ohmic_resistance" not in lenses

    def test_waveforms_of_several_structures(self, experiments):
        """Two programs, but still one vector in the order given."""
        waveform = ec.LinearSweep(0.3, -0.3, 0.1, samples=30)
        times = np.asarray(waveform.times())
        linear = ec.Experiment(waveform, times, np.ones(times.size), "linear")
        campaign = ec.Campaign(cell(), [experiments[0], linear, experiments[1]])
        assert len(campaign.groups) == 2
        assert campaign.lengths == (60, times.size, 41)
        values = campaign.lenses()["alpha@linear"].set(campaign, jnp.asarray(0.3)).groups
        found = [np.asarray(g.cell.mechanism.electrode[0].kinetics.alpha) for g in values]
        np.testing.assert_array_equal(found[0], [0.5, 0.5])
        np.testing.assert_array_equal(found[1], [0.3])


class TestProblem:
    def test_a_curve_of_zeros(self, experiments, space):
        empty = replace(experiments[0], current=np.zeros(60))
        with pytest.raises(ValueError, match="'50 mV/s' must not vanish"):
            ec.ParameterRecovery(cell(), [empty], space)

    def test_an_unknown_name(self, experiments):
        with pytest.raises(ValueError, match="did you mean 'diffusivity'"):
            ec.ParameterRecovery(
                cell(), experiments, ds.DesignSpace(difusivity=ds.Log(1e-10, 1e-8))
            )

    def test_weights(self, experiments, space):
        peaks = [np.max(np.abs(e.current)) for e in experiments]
        known = replace(experiments[1], scale=3e-9)

        def scales(members, **options):
            problem = ec.ParameterRecovery(cell(), members, space, **options)
            return np.asarray(problem.objective.scale)[[0, -1]]

        np.testing.assert_allclose(scales(experiments), peaks)
        np.testing.assert_allclose(scales(experiments, weighting="absolute"), max(peaks))
        np.testing.assert_allclose(scales([experiments[0], known]), [peaks[0], 3e-9])

    @pytest.mark.parametrize(("baseline", "columns"), [("none", 0), ("line", 2), ("charging", 3)])
    def test_baselines_are_of_one_experiment_each(self, experiments, space, baseline, columns):
        problem = ec.ParameterRecovery(cell(), experiments, space, baseline=baseline)
        basis = np.asarray(problem.objective.basis)
        assert basis.shape == (101, 2 * columns)
        touched = np.abs(basis) > 1e-12
        first = problem.simulator.experiment_of_point == 0
        assert not np.any(touched[first].any(0) & touched[~first].any(0))

    def test_a_restricted_problem_is_of_the_same_shape(self, experiments, space):
        """So that it shares the compiled program, though columns of its baseline vanish."""
        problem = ec.ParameterRecovery(cell(), experiments, space, baseline="charging")
        part = ec.restricted(problem, ["50 mV/s"])
        shapes = [[np.shape(a) for a in jax.tree.leaves(p)] for p in (problem, part)]
        assert shapes[0] == shapes[1]
        basis = np.asarray(part.objective.basis)
        assert np.sum(np.any(basis != 0, axis=0)) == 3


@pytest.mark.slow
class TestFit:
    def test_truth_comes_back(self, experiments, space):
        problem = ec.ParameterRecovery(cell(k0=1e-5), experiments, space)
        run = ds.solve(problem, ds.LevenbergMarquardt(), budget=100, progress=False)
        for name, value in TRUTH.items():
            assert run.best_physical[name] == pytest.approx(value, rel=2e-3)

    def test_a_baseline_does_not_disturb(self, experiments, space):
        """An instrument's line and a double layer, added to the data, are fitted out."""
        tilted = []
        for i, e in enumerate(experiments):
            potential = np.asarray(e.waveform.potential(jnp.asarray(e.times)))
            direction = np.sign(np.gradient(potential, e.times))
            peak = np.max(np.abs(e.current))
            extra = peak * ((0.1 + i) + 0.3 * potential + 0.05 * direction)
            tilted.append(replace(e, current=e.current + extra, scale=peak))
        problem = ec.ParameterRecovery(cell(k0=1e-5), tilted, space, baseline="charging")
        run = ds.solve(problem, ds.LevenbergMarquardt(), budget=100, progress=False)
        for name, value in TRUTH.items():
            assert run.best_physical[name] == pytest.approx(value, rel=5e-3)

    def test_the_curves_of_a_fit(self, experiments, space):
        problem = ec.ParameterRecovery(cell(), experiments, space, baseline="line")
        x = jnp.asarray(problem.space.unit_cube(TRUTH | {"k0": 2e-5}))
        simulated = ec.fit_dataset(problem, np.asarray(x))
        evaluation = ds.evaluate(problem, x, "jacobian")
        spared = ec.fit_dataset(problem, np.asarray(x), np.asarray(evaluation.residuals))
        for label, curve in simulated.items():
            np.testing.assert_allclose(
                curve["fitted"] - curve["measured"], curve["residual"], atol=1e-12
            )
            for name in curve:
                # One program more or less: the steps differ by round-off.
                np.testing.assert_allclose(spared[label][name], curve[name], atol=1e-9)
        total = sum(float(np.sum(c["scaled_residual"] ** 2)) for c in simulated.values())
        assert 0.5 * total == pytest.approx(float(evaluation.value), rel=1e-9)

    def test_restricted_to_one_experiment(self, experiments, space):
        problem = ec.ParameterRecovery(cell(k0=1e-5), experiments, space)
        part = ec.restricted(problem, ["500 mV/s"])
        alone = ec.ParameterRecovery(cell(k0=1e-5), experiments[1:], space)
        x = jnp.full(3, 0.4)
        values = [float(ds.evaluate(p, x, "value").value) for p in (part, alone)]
        assert values[0] == pytest.approx(values[1], rel=1e-4)
        with pytest.raises(ValueError, match=r"some of \['50 mV/s', '500 mV/s'\]"):
            ec.restricted(problem, ["5 V/s"])

    def test_resistance_against_the_measured_current(self, experiments):
        """Derivative through `OhmicDrop`, of either sign, against central differences."""
        made = []
        for e in experiments:
            # The turning point is a corner of the waveform, hence of the record.
            turn = float(np.asarray(e.waveform.segments().duration)[0])
            record = ec.Measured(e.times, e.current, corners=[turn], pieces=20)
            made.append(replace(e, waveform=ec.OhmicDrop(e.waveform, record)))
        tight = replace(cell(), integrator=ec.Integrator(tolerance=1e-8, max_steps=16384))
        space = ds.DesignSpace(ohmic_resistance=ds.Linear(-2e4, 2e4, unit="ohm"))
        problem = ec.ParameterRecovery(tight, made, space)
        for x in (0.2, 0.8):
            value = jax.jit(lambda x: problem.evaluate(x, "value").value)
            gradient = problem.evaluate(jnp.array([x]), "jacobian").gradient[0]
            h = 4e-3  # wide: nearer points show that they took other steps
            moved = [float(value(jnp.array([x + i * h]))) for i in (-2, -1, 1, 2)]
            difference = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / (12 * h)
            assert float(gradient) == pytest.approx(difference, rel=1e-5)


@pytest.mark.slow
def test_five_scan_rates():
    """The benchmark's problem: its optimum lies at the truth but for the noise."""
    problem = five_scan_rates(seed=3)
    run = ds.solve(problem, ds.LevenbergMarquardt(), budget=200, progress=False)
    for name, value in FIVE_SCANS_TRUTH.items():
        assert run.best_physical[name] == pytest.approx(value, rel=0.02)
    # The scale of the residuals is the noise, so that their mean square is one.
    assert 2 * run.best_value / problem.objective.data.size == pytest.approx(1.0, abs=0.15)
    other = five_scan_rates(seed=4)
    assert not np.allclose(other.objective.data, problem.objective.data)
