"""Designs of voltammetric experiments: a plan of several, and derivatives through the cell."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import design, electrochem as ec, problems


def cell(tolerance=1e-4):
    return ec.Voltammetry(
        ec.Mechanism("Ox + e- <=> Red", kinetics=ec.ButlerVolmer(4e-5), formal_potential=0.0),
        species={"Ox": ec.Species(6e-10, concentration=1.0), "Red": ec.Species(6e-10)},
        electrode=ec.Planar(1e-6),
        grid=ec.Grid(cells=16),
        integrator=ec.Integrator(tolerance=tolerance),
    )


def sweep(rate, samples=40):
    return ec.CyclicSweep(0.3, -0.3, rate, samples=samples)


class TestPlan:
    def test_it_is_the_cell_under_each_waveform(self):
        plan = ec.Plan(cell(), [sweep(0.05), sweep(2.0)], labels=("slow", "fast"))
        lens = plan.lenses()["scan_rate@fast"]
        together = eqx.filter_jit(lambda plan: plan(None))(lens.set(plan, jnp.asarray(0.5)))
        together = together.checked().values
        alone = eqx.filter_jit(lambda sweep: cell()(sweep))
        for i, rate in enumerate((0.05, 0.5)):
            values = alone(sweep(rate)).checked().values
            peak = float(jnp.max(jnp.abs(values["current"])))
            np.testing.assert_allclose(
                together["current"][i], values["current"], atol=1e-4 * peak, rtol=0
            )
            np.testing.assert_allclose(together["time"][i], values["time"], rtol=1e-12)

    def test_names(self):
        plan = ec.Plan(cell(), [sweep(0.05), sweep(2.0)])
        lenses = plan.lenses()
        assert {"k0", "k0@2", "scan_rate@1", "start@2", "diffusivity"} <= set(lenses)
        assert float(lenses["scan_rate@2"].get(plan)) == 2.0
        tied = lenses["diffusivity"].set(plan, jnp.asarray(1e-9))
        np.testing.assert_allclose(tied.cell.species["Red"].diffusivity, [1e-9, 1e-9])

    def test_bad_input(self):
        with pytest.raises(ValueError, match="must have at least one waveform"):
            ec.Plan(cell(), [])
        with pytest.raises(ValueError, match="labels must be 2 different names"):
            ec.Plan(cell(), [sweep(0.1), sweep(1.0)], labels=("a", "a"))
        with pytest.raises(ValueError, match=r"of one kind .* there are 2 kinds"):
            ec.Plan(cell(), [sweep(0.1), sweep(1.0, samples=50)])


class TestProblems:
    def test_the_usual_choice_is_the_start(self):
        problem = problems.scan_rate_design(3)
        start = problem.space.initial(problem.simulator)
        np.testing.assert_allclose(start, [0.0, 0.5, 1.0], atol=1e-12)
        problem = problems.rotation_rate_design(3)
        x = problem.space.initial(problem.simulator)
        roots = [float(v) ** 0.5 for v in problem.space.physical(jnp.asarray(x)).values()]
        assert np.diff(roots) == pytest.approx([roots[2] / 2 - roots[0] / 2] * 2)

    def test_bad_input(self):
        for make in (problems.scan_rate_design, problems.rotation_rate_design):
            with pytest.raises(ValueError, match="count must be at least 2, but is 1"):
                make(1)
        with pytest.raises(ValueError, match="corners must be at least 2, but are 1"):
            problems.vertex_design(1)


@pytest.mark.slow
def test_derivatives_through_a_cell():
    """The whole of it: sensitivities by forward mode, their derivative in both modes."""
    problem = design.ExperimentDesign(
        cell(1e-8),
        sweep(0.1),
        parameters=ds.DesignSpace(
            k0=ds.Log(1e-6, 1e-3, unit="m/s"), diffusivity=ds.Log(1e-10, 5e-9, unit="m^2/s")
        ),
        design=ds.DesignSpace(
            scan_rate=ds.Log(0.01, 10.0, unit="V/s", where=ds.Leaf("inputs.scan_rate"))
        ),
        noise=design.PeakNoise(0.005),
        criterion=design.DOptimal(),
    )
    check = ds.check_gradients(problem, np.array([0.4]), step=1e-3)
    assert check.mode_disagreement < 1e-9
    assert check.finite_difference_disagreement < 1e-5
