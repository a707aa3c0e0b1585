"""From a fit to sentences, and to a file."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import diffsim.optimise as opt
from diffsim import results
from diffsim.identifiability import VERDICTS, diagnose
from diffsim.optimise import LevenbergMarquardt, Multistart, solve
from diffsim.problems import (
    DECAY_TRUTH,
    PRODUCT_TRUTH,
    branin,
    exponential_decay,
    formula_problem,
    steady_state_voltammogram,
    unidentifiable_product,
)


def fitted(problem, starts=6):
    method = Multistart(LevenbergMarquardt(), starts)
    return solve(problem, method, budget=5000, key=2, progress=False)


def test_an_identifiable_fit():
    problem = exponential_decay()
    diagnosis = diagnose(problem, fitted(problem))
    for verdict, truth in zip(diagnosis.verdicts.values(), DECAY_TRUTH, strict=True):
        assert verdict.kind == "identified"
        assert verdict.low < truth < verdict.high
        assert verdict.text.startswith("identified: ")
        assert "(95 %)" in verdict.text
    assert diagnosis.profiles == {}
    assert diagnosis.counts.evaluations == 0
    assert diagnosis.structured == []
    assert diagnosis.better_value is None
    assert diagnosis.covariance.noise.scale == pytest.approx(1.0, abs=0.3)


def test_only_the_product_is_identified():
    problem = unidentifiable_product()
    diagnosis = diagnose(problem, fitted(problem))
    a, c, d, slope = PRODUCT_TRUTH
    (product,) = diagnosis.combinations
    assert product.text == "A*C*sqrt(D)"
    assert product.low < a * c * np.sqrt(d) < product.high
    for name in "ACD":
        verdict = diagnosis.verdicts[name]
        assert verdict.kind == "only_in_combination"
        assert "not identified alone: only the product A*C*sqrt(D) = " in verdict.text
        assert (verdict.low, verdict.high) == (-np.inf, np.inf)
    assert diagnosis.verdicts["slope"].kind == "identified"
    assert diagnosis.verdicts["slope"].low < slope < diagnosis.verdicts["slope"].high


def test_a_reversible_couple():
    problem = steady_state_voltammogram(3e-2)
    diagnosis = diagnose(problem, fitted(problem))
    kinds = {name: verdict.kind for name, verdict in diagnosis.verdicts.items()}
    assert kinds == {
        "k0": "bounded_from_below",
        "alpha": "not_identified",
        "E0": "identified",
        "D": "identified",
    }
    assert "bounded from below: at least" in diagnosis.verdicts["k0"].text
    assert diagnosis.verdicts["E0"].low < 0.02 < diagnosis.verdicts["E0"].high


def test_an_irreversible_rate_constant_in_too_narrow_bounds_stands_at_one():
    problem = exponential_decay()
    from diffsim import DesignSpace, Linear, Log, Problem

    space = DesignSpace(amplitude=Log(0.1, 100.0), rate=Log(1.5, 100.0), offset=Linear(-1.0, 5.0))
    narrow = Problem(problem.simulator, problem.inputs, space, problem.objective)
    diagnosis = diagnose(narrow, fitted(narrow))
    assert diagnosis.verdicts["rate"].kind == "bounded_from_above"
    assert "the best fit is at its lower bound" in diagnosis.verdicts["rate"].text
    assert diagnosis.structured == [0]
    assert list(diagnosis.fit.free) == [True, False, True]


@pytest.mark.parametrize("nudge", [1e-7, -1e-7])
def test_a_flat_valley_that_ends_at_a_bound_holds_nothing(nudge):
    """Where D is at its bound only because the fit slid there, the product still has it."""
    problem = unidentifiable_product()
    run = fitted(problem)
    x = np.array(run.best_x)
    a, c, d = (problem.space.names.index(name) for name in "ACD")
    # All three are searched over the same decades: A C sqrt(D) stays what it was, but for a
    # nudge, by whose sign the misfit pushes D against its bound or away from it.
    x[[a, c]] += 0.25 * x[d] + nudge
    x[d] = 0.0
    moved = dataclasses.replace(run, best_x=x, best_arrays={})
    diagnosis = diagnose(problem, moved, profiles=[])
    assert np.all(diagnosis.fit.free)
    assert {frozenset(found.members) for found in diagnosis.combinations} == {frozenset("ACD")}


def _two_lines(x, t):
    return jnp.stack([x[0] + x[1] * t, x[0] - x[1] * t])


def test_a_structured_misfit_is_told_by_experiment():
    from diffsim import Linear

    t = np.linspace(0, 1, 80)
    clean = np.stack([0.5 + 0.3 * t, 0.5 - 0.3 * t])
    data = clean + 0.02 * np.random.default_rng(0).standard_normal((2, 80))
    data[1] += 0.1 * np.sin(12 * t)
    scales = {"a": Linear(0.0, 1.0), "b": Linear(0.0, 1.0)}
    problem = formula_problem(
        _two_lines, scales, start=(0.1, 0.1), inputs=jnp.asarray(t), data=data, noise=0.02,
        name="two_lines",
    )  # fmt: skip
    diagnosis = diagnose(problem, fitted(problem, 1))
    assert diagnosis.structured == [1]
    assert "experiments [1]" in diagnosis.summary()
    assert diagnosis.covariance.noise.time > 2
    white, corrected = diagnosis.covariance.half_width, diagnosis.covariance.corrected_half_width
    assert np.all(corrected > 1.3 * white)


def test_a_fit_that_had_not_converged_is_found_out():
    problem = exponential_decay()
    best = fitted(problem)
    run = solve(
        problem,
        opt.RandomSearch(points=1),
        budget=5,
        x0=best.best_x + np.asarray([0.004, -0.004, 0.001]),
        progress=False,
    )
    diagnosis = diagnose(problem, run)
    assert diagnosis.better_value == pytest.approx(best.best_value, rel=0.05)
    assert diagnosis.better_value < run.best_value
    assert "had not converged" in diagnosis.summary()


def test_scalar_objectives_have_no_error_bars():
    run = solve(branin(), opt.SobolSearch(points=4), budget=10, progress=False)
    with pytest.raises(TypeError, match="must have residuals"):
        diagnose(branin(), run)


def test_the_file_says_the_same(tmp_path):
    problem = steady_state_voltammogram(3e-2)
    run = fitted(problem)
    diagnosis = diagnose(problem, run)
    tree = results.read(diagnosis.attach(run).save(tmp_path / "run.nc"))
    node = tree[results.IDENTIFIABILITY]
    assert results.decode(node["verdict"]) == [v.kind for v in diagnosis.verdicts.values()]
    assert list(node["verdict_text"].values) == [v.text for v in diagnosis.verdicts.values()]
    assert set(results.decode(node["verdict"])) <= set(VERDICTS)
    assert np.array_equal(node["low"], [v.low for v in diagnosis.verdicts.values()])
    assert node.attrs["summary"] == diagnosis.summary()
    assert node.attrs["autocorrelation_time"] == diagnosis.covariance.noise.time
    profiles = tree[results.PROFILES]
    assert list(profiles["profiled"].values) == list(diagnosis.profiles)
    row = profiles["delta"].sel(profiled="k0").values
    assert np.array_equal(row[~np.isnan(row)], diagnosis.profiles["k0"].delta)
