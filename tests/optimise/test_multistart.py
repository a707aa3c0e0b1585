"""Many starts abreast are the same as one after another."""

import jax
import numpy as np
import pytest

import diffsim.optimise as opt
from diffsim.optimise import Budget, LevenbergMarquardt, Multistart, solve
from diffsim.problems import branin, exponential_decay, half_failing


def test_abreast_equals_one_by_one():
    problem = exponential_decay()
    x0 = np.random.default_rng(0).uniform(size=(6, 3))
    run = solve(problem, Multistart(LevenbergMarquardt(), x0), budget=2000, progress=False)
    for i, start in enumerate(x0):
        alone = solve(problem, LevenbergMarquardt(), budget=2000, x0=start, progress=False)
        rows = run.history.start == i
        assert np.array_equal(run.starts.x_start[i], start)
        assert run.starts.evaluations[i] == alone.counts.evaluations == rows.sum()
        assert np.allclose(run.history.x[rows], alone.history.x, atol=1e-7)
        assert run.starts.value[i] == pytest.approx(alone.best_value, rel=1e-12)
        assert run.starts.reason[i] == alone.reason


def test_failed_starts_stand_in_the_table():
    x0 = np.asarray([[0.3, 0.4], [0.0, 0.0], [0.6, 0.5]])
    run = solve(half_failing(), Multistart(LevenbergMarquardt(), x0), budget=500, progress=False)
    names = [opt.reason_name(code) for code in run.starts.reason]
    assert names[1] == "start_failed"
    assert "start_failed" not in (names[0], names[2])
    assert np.isnan(run.starts.value[1])
    assert list(run.starts.agreeing(absolute=1e-9)) == [True, False, True]
    assert run.starts.failed[1] == run.starts.evaluations[1] == 1


@pytest.mark.parametrize("method", [opt.BFGS(), opt.ParticleSwarm(particles=5, steps=8)])
def test_other_methods_run_abreast(method):
    run = solve(branin(), Multistart(method, 4), budget=Budget(evaluations=400), progress=False)
    assert len(run.starts.value) == 4
    assert np.all(run.starts.evaluations > 0)
    assert run.best_value == np.nanmin(run.starts.value)


def test_methods_that_cannot_be_stacked_run_in_turn():
    method = opt.ScipyMinimise("L-BFGS-B")
    run = solve(branin(), Multistart(method, 3), budget=Budget(evaluations=300), progress=False)
    assert np.all(np.diff(run.history.start) >= 0)
    assert set(run.history.start) == {0, 1, 2}
    assert np.all(run.starts.value < 0.4)


def test_budget_cuts_the_starts_that_still_run():
    method = opt.ScipyMinimise("Nelder-Mead")
    run = solve(branin(), Multistart(method, 3), budget=Budget(evaluations=100), progress=False)
    names = [opt.reason_name(code) for code in run.starts.reason]
    assert names[-1] == "budget"
    assert run.reason_name == "budget"


def test_the_first_start_is_the_given_one_and_the_key_draws_the_others():
    problem = exponential_decay()
    x0 = np.asarray([0.4, 0.5, 0.2])

    def starts(key):
        run = solve(
            problem, Multistart(LevenbergMarquardt(), 4), budget=1000, x0=x0, key=key,
            progress=False,
        )  # fmt: skip
        return run.starts.x_start

    one, same, other = starts(1), starts(jax.random.key(1)), starts(2)
    assert np.array_equal(one[0], x0)
    assert np.array_equal(one, same)
    assert not np.array_equal(one[1:], other[1:])


@pytest.mark.parametrize("starts", [0, np.zeros(3), np.full((2, 3), 1.5)])
def test_bad_starts(starts):
    with pytest.raises(ValueError, match="starts must be"):
        Multistart(LevenbergMarquardt(), starts)
