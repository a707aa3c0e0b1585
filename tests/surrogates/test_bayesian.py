"""Bayesian optimisation behind the interface: what it reaches, promises and refuses."""

import numpy as np
import pytest

import diffsim as ds
from diffsim import problems
from surrogates import BayesianOptimisation, _bayesian


def solve(problem, budget, key=0):
    method = BayesianOptimisation(initial=6, restarts=2)
    return ds.solve(problem, method, budget=budget, key=key, progress=False)


def test_it_descends_and_repeats_itself():
    problem = problems.branin()
    first, again = solve(problem, 20), solve(problem, 20)
    assert np.min(first.history.value[:7]) > 1.0
    assert first.best_value < 0.397887 + 0.05  # the optimum, and a little
    assert first.best_value == again.best_value
    assert first.counts.evaluations == 20


def test_failures_count_as_the_worst(monkeypatch):
    seen = []
    whole = _bayesian.largest_improvement
    monkeypatch.setattr(
        _bayesian,
        "largest_improvement",
        lambda x, y, *more: (seen.append(y), whole(x, y, *more))[1],
    )
    run = solve(problems.half_failing(), 12)
    assert run.counts.failed > 0
    assert all(np.all(np.isfinite(y)) for y in seen)
    fine = run.history.value[np.isfinite(run.history.value)]
    assert seen[-1].size == 12
    assert np.sum(seen[-1] == seen[-1].max()) > 1
    assert seen[-1].max() in fine


def test_a_point_that_is_known_is_not_asked_again(monkeypatch):
    monkeypatch.setattr(_bayesian, "largest_improvement", lambda x, y, *more: x[0])
    run = solve(problems.branin(), 12)
    assert len(np.unique(run.history.x, axis=0)) == 12


@pytest.mark.parametrize("name", ["initial", "restarts", "memory"])
def test_settings_below_one(name):
    with pytest.raises(ValueError, match=name):
        BayesianOptimisation(**{name: 0})
