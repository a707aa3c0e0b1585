"""Tests of the misfit: right about noise, right about shapes."""

import numpy as np
import pytest

from diffsim.identifiability import durbin_watson, residual_tests, runs_test


def test_runs_are_counted():
    runs, expected, _ = runs_test(np.array([1.0, 2, -1, -2, -1, 3, 0, 4, -1]))
    assert runs == 4
    assert expected == 1 + 2 * 4 * 4 / 8


def test_durbin_watson_by_hand():
    statistic, _ = durbin_watson(np.array([1.0, 2.0, 0.0, -1.0]))
    assert statistic == pytest.approx((1 + 4 + 1) / (1 + 4 + 0 + 1))


@pytest.mark.parametrize("test", [runs_test, durbin_watson])
def test_p_values_are_uniform_for_noise(test):
    random = np.random.default_rng(0)
    p = np.array([test(random.standard_normal(200))[-1] for _ in range(2000)])
    for level in (0.01, 0.05, 0.5):
        spread = 3 * np.sqrt(level * (1 - level) / 2000)
        assert np.mean(p < level) < level + spread + 0.02
        assert np.mean(p < level) > level - spread - 0.02


def test_noise_is_not_called_structured_but_shapes_are():
    random = np.random.default_rng(1)
    time = np.linspace(0, 1, 200)
    noise = random.standard_normal((50, 200))
    flagged = [residual_tests(row, np.zeros(200, int))[0].structured for row in noise]
    assert np.mean(flagged) < 0.1
    shapes = (np.sin(2 * np.pi * time), time - 0.5, np.sign(time - 0.3), np.full(200, 0.7))
    for shape in shapes:
        assert residual_tests(2 * shape + noise[0], np.zeros(200, int))[0].structured


def test_each_experiment_is_tested_for_itself():
    noise = np.random.default_rng(2).standard_normal(300)
    noise[100:200] += 3 * np.sin(np.linspace(0, 6, 100))
    tests = residual_tests(noise, np.repeat([0, 1, 2], 100))
    assert [test.structured for test in tests] == [False, True, False]
    assert [test.points for test in tests] == [100, 100, 100]


@pytest.mark.parametrize("residuals", [np.zeros(10), np.ones(2), np.ones(1)])
def test_too_few_residuals_prove_nothing(residuals):
    (test,) = residual_tests(residuals, np.zeros(residuals.size, int))
    assert not test.structured


def test_all_of_one_sign_is_structured():
    assert residual_tests(np.ones(30), np.zeros(30, int))[0].structured
