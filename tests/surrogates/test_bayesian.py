"""Bayesian optimisation behind the interface: what it reaches, promises and refuses."""

import numpy as np
import pytest

import diffsim as ds
from diffsim import problems
from surrogates import (
    BayesianOptimisation,
    LogImprovement,
    NoisyImprovement,
    _bayesian,
    _botorch,
)


def solve(problem, budget, key=0, **settings):
    method = BayesianOptimisation(initial=6, restarts=2, **settings)
    return ds.solve(problem, method, budget=budget, key=key, progress=False)


def test_it_descends_and_repeats_itself():
    problem = problems.branin()
    first, again = solve(problem, 20), solve(problem, 12)
    assert np.min(first.history.value[:7]) > 1.0
    assert first.best_value < 0.397887 + 0.05  # the optimum, and a little
    assert first.history.x[:12].tobytes() == again.history.x.tobytes()
    assert first.counts.evaluations == 20


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", [LogImprovement(), NoisyImprovement(batch=3, samples=32)])
def test_a_constrained_optimum(acquisition):
    """The best feasible of the first seven is far off; what violates is not returned."""
    case = problems.CASES["disc"]
    run = solve(case.build(), 22, acquisition=acquisition)
    assert run.best_violation == 0.0
    feasible = run.history.violation == 0
    first = np.min(np.where(feasible, run.history.value, np.inf)[:7])
    assert run.best_value - case.value < 0.1 * (first - case.value)


def test_while_nothing_is_feasible_it_looks_for_what_is():
    random = np.random.default_rng(0)
    x = random.uniform(size=(20, 2))
    answers = np.column_stack([x[:, 0], 1.5 - x.sum(axis=1)])
    answers, x = answers[answers[:, 1] > 0], x[answers[:, 1] > 0]
    function = LogImprovement().function(x, answers)
    found = _botorch.best_batch(lambda: function, 2, 1, 2, 0)
    assert found.sum() > 1.5  # feasible, though there the value is worse than at x = 0
    assert "Feasibility" in type(function).__name__


def test_failures_count_as_the_worst(monkeypatch):
    seen = []
    whole = LogImprovement.function

    def watched(self, x, answers):
        seen.append(answers[:, 0])
        return whole(self, x, answers)

    monkeypatch.setattr(LogImprovement, "function", watched)
    run = solve(problems.half_failing(), 12)
    assert run.counts.failed > 0
    assert all(np.all(np.isfinite(y)) for y in seen)
    fine = run.history.value[np.isfinite(run.history.value)]
    assert seen[-1].size in (11, 12)
    assert np.sum(seen[-1] == seen[-1].max()) > 1
    assert seen[-1].max() in fine


def test_a_point_that_is_known_is_not_asked_again(monkeypatch):
    known = []

    def same(make, size, *more):
        known.append(np.full((1, size), 0.25))
        return known[-1]

    monkeypatch.setattr(_bayesian, "best_batch", same)
    run = solve(problems.branin(), 12)
    assert len(known) > 2
    assert len(np.unique(run.history.x, axis=0)) == 12


@pytest.mark.parametrize("name", ["initial", "restarts", "memory"])
def test_settings_below_one(name):
    with pytest.raises(ValueError, match=name):
        BayesianOptimisation(**{name: 0})


def test_batches():
    with pytest.raises(ValueError, match="batch must be 1 for LogImprovement, but is 2"):
        LogImprovement(batch=2)
    with pytest.raises(ValueError, match="samples must be at least 1"):
        NoisyImprovement(samples=0)
