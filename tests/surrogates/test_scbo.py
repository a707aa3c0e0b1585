"""SCBO behind the interface: what it reaches, what it promises, what it refuses."""

import importlib

import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import problems
from diffsim.optimise import REASONS, Traits, reason_code

if importlib.util.find_spec("botorch") is None:
    pytest.skip("the extra `bo` is not installed", allow_module_level=True)

from surrogates import SCBO, _scbo


def solve(problem, method, evaluations, **kwargs):
    budget = ds.Budget(evaluations=evaluations)
    return ds.solve(problem, method, budget=budget, progress=False, **kwargs)


@pytest.mark.slow
def test_it_finds_a_constrained_optimum_and_repeats_it():
    """Eight random points do not come near what Thompson sampling finds with five rounds more."""
    case = problems.CASES["disc"]
    method = SCBO(initial=7, candidates=400)
    run, again = (solve(case.build(), method, budget, key=3) for budget in (28, 12))
    assert run.history.x[:12].tobytes() == again.history.x.tobytes()
    assert run.best_violation == 0.0
    first = run.history.value[:8][run.history.violation[:8] == 0].min()
    assert run.best_value - case.value < 0.1 * (first - case.value)


@pytest.mark.slow
def test_without_constraints_it_is_turbo():
    run = solve(problems.branin(), SCBO(initial=7, candidates=400), 48)
    assert run.best_value < 0.397887 + 0.1
    assert run.best_value < 0.2 * np.min(run.history.value[:8])


@pytest.mark.slow
def test_failures_are_left_out():
    run = solve(problems.half_failing(), SCBO(initial=7, candidates=200), 20)
    assert run.counts.failed > 0
    assert np.isfinite(run.best_value)


def _state(method, answers, best=0, length=0.8):
    state = method.init(jnp.full(2, 0.5), ds.optimise._driver._as_key(0), Traits(2, 1, False))
    points = np.random.default_rng(0).uniform(size=(len(answers), 2))
    return state._replace(
        points=points, answers=np.asarray(answers, float), best=best, length=length, round=5
    )


def test_the_trust_region_grows_and_shrinks():
    method = SCBO(batch=2, successes=2)
    state = _state(method, [[0.0, -1.0]])
    grown = method._resized(method._resized(state, True), True)
    assert grown.length == 1.6
    assert method._resized(grown, True).length == 1.6  # one success is no reason yet
    shrunk = method._resized(method._resized(state, False), False)
    assert shrunk.length == 0.4
    anew = method._resized(state._replace(length=0.5**7, failures=1), False)
    assert anew.length == 0.8


def test_candidates_stay_in_region_and_cube_and_none_is_the_centre():
    method = SCBO(candidates=300)
    centre = np.full(40, 0.95)
    candidates = method._candidates(centre, 0.2, np.random.default_rng(0))
    assert np.all((candidates >= 0.85 - 1e-12) & (candidates <= 1.0))
    moved = np.sum(candidates != centre, axis=1)
    assert moved.min() >= 1
    assert 15 < moved.mean() < 25


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([[5.0, 1.0], [9.0, -1.0], [8.0, -2.0]], 2),  # feasible ones first, then by value
        ([[5.0, 1.0], [9.0, 0.5]], 1),  # the less violating
        ([[np.nan, np.nan], [3.0, 2.0]], 1),
        ([[np.nan, np.nan]], -1),
    ],
)
def test_the_best(answers, expected):
    assert _scbo._best(np.array(answers)) == expected


def test_slacks_keep_sign_and_order():
    answers = np.array([[1.0, -50.0], [2.0, -0.1], [3.0, 0.0], [4.0, 0.2], [5.0, 900.0]])
    warped = _scbo._warped(answers)
    assert np.array_equal(np.sign(warped[:, 1]), np.sign(answers[:, 1]))
    assert np.all(np.diff(warped[:, 1]) > 0)
    assert np.array_equal(warped[:, 0], answers[:, 0])


@pytest.mark.parametrize("name", ["batch", "initial", "candidates", "successes", "memory"])
def test_bad_settings(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        SCBO(**{name: 0})


def test_it_goes_on_after_a_batch_of_failures():
    method = SCBO(batch=3, initial=2)
    state = _state(method, np.zeros((0, 2)), best=-1)
    request = method.ask(state)
    broken = ds.Evaluation(
        np.full(3, np.nan), np.full((3, 1), np.nan), ds._status.wrapped_code(np.full(3, 3))
    )
    state = method.tell(state, request, broken)
    assert state.batch.shape == (3, 2)
    assert method.status(state)[0] == reason_code(REASONS.running)
