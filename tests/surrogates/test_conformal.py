"""Certificates: they cover as often as they say where they can, and say nothing where not."""

import numpy as np
import pytest
from scipy import stats

from diffsim import problems
from surrogates import offline
from surrogates.statistics import conformal_lower_bounds, density_ratio

LEVEL = 0.9


def _normal(x, mean, deviation):
    """A density that is normal and cut to the cube, up to a factor."""
    return np.exp(-0.5 * np.sum(((x - mean) / deviation) ** 2, axis=1))


def _inside(random, mean, deviation, count):
    x = random.normal(mean, deviation, (20 * count, 2))
    return x[np.all((x >= 0) & (x <= 1), axis=1)][:count]


@pytest.fixture(scope="module")
def trials():
    """Simulated truth of a voltammogram's misfit; a crude model of it; candidates from elsewhere.

    The model, linear in log k0 and E0, is bad where the candidates are: that is the point.
    """
    problem, score = problems.steady_state_voltammogram(), offline.NegativeLog(1.0)
    random, found = np.random.default_rng(0), []

    def truth(x):
        whole = np.full((len(x), problem.space.size), 0.5)
        whole[:, :2] = x
        return offline.simulate(problem, whole, score, gradients=False)[0]

    mean, deviation = np.array([0.2, 0.25]), 0.12
    fit_x = random.uniform(size=(60, 2))
    plane = np.linalg.lstsq(np.c_[np.ones(60), fit_x], truth(fit_x), rcond=None)[0]
    model = lambda x: np.c_[np.ones(len(x)), x] @ plane
    for _ in range(15):
        known, candidates = random.uniform(size=(300, 2)), _inside(random, mean, deviation, 40)
        found.append((known, model(known) - truth(known), candidates, model(candidates),
                      truth(candidates)))  # fmt: skip
    return found, lambda x: _normal(x, mean, deviation)


def _covered(trials, weigh):
    covered = []
    for known, over, candidates, predicted, true in trials:
        first, second = weigh(known, candidates)
        bounds = conformal_lower_bounds(predicted, over, first, second, confidence=LEVEL)
        covered.append(bounds.coverage(true))
    return float(np.mean(covered))


def test_exact_weights_cover_where_ignoring_the_shift_does_not(trials):
    found, density = trials
    weighted = _covered(found, lambda known, new: (density(known), density(new)))
    ignored = _covered(found, lambda known, new: (np.ones(len(known)), np.ones(len(new))))
    assert ignored < 0.7
    assert LEVEL - 0.02 < weighted < LEVEL + 0.06
    estimated = _covered(found, density_ratio)
    assert abs(estimated - LEVEL) < 0.06


def test_without_a_shift_it_is_the_split_conformal_bound():
    random = np.random.default_rng(1)
    over, predicted = random.normal(size=99), random.normal(size=7)
    bounds = conformal_lower_bounds(predicted, over, np.ones(99), np.ones(7), confidence=0.9)
    np.testing.assert_allclose(predicted - bounds.bound, np.sort(over)[89])  # the 90th of 99
    assert bounds.effective[0] == pytest.approx(99.0)


def test_far_from_the_data_there_is_no_bound():
    ratio = np.array([0.0, 1.0, 1e4])
    bounds = conformal_lower_bounds(np.zeros(3), np.arange(50.0), np.ones(50), ratio)
    assert np.isfinite(bounds.bound[:2]).all()
    assert bounds.bound[2] == -np.inf
    assert bounds.informative == pytest.approx(2 / 3)
    assert bounds.coverage(np.array([-np.inf, np.nan, 0.0])) == pytest.approx(1 / 3)


def test_the_ratio_of_normal_distributions():
    random = np.random.default_rng(2)
    known, new = random.normal(0.0, 1.0, (4000, 2)), random.normal(0.5, 0.7, (4000, 2))
    first, second = density_ratio(known, new)
    exact = stats.norm.logpdf(new, 0.5, 0.7).sum(1) - stats.norm.logpdf(new).sum(1)
    found = np.log(second)
    assert np.corrcoef(found, exact)[0, 1] > 0.98
    assert np.polyfit(exact, found, 1)[0] == pytest.approx(1.0, abs=0.1)
    assert first.shape == (4000,)
    assert np.all(np.isfinite(density_ratio(np.zeros((9, 1)), np.ones((5, 1)))[1]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"confidence": 1.0}, "confidence must be in"),
        ({"over_predicted": np.zeros(0)}, "same positive size"),
        ({"ratio": np.ones(3)}, "predicted and ratio"),
        ({"known_ratio": -np.ones(4)}, "known_ratio must be finite"),
    ],
)
def test_bad_input(changed, message):
    given = {"predicted": np.zeros(2), "over_predicted": np.zeros(4), "known_ratio": np.ones(4),
             "ratio": np.ones(2)}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        conformal_lower_bounds(**(given | changed))
    with pytest.raises(ValueError, match="same variables"):
        density_ratio(np.zeros((3, 2)), np.zeros((3, 1)))


def test_the_ratio_of_a_density_to_itself_is_one_whatever_the_sizes():
    random = np.random.default_rng(0)
    known, candidates = random.uniform(size=(400, 2)), random.uniform(size=(50, 2))
    one, other = density_ratio(known, candidates)
    assert np.median(one) == pytest.approx(1.0, abs=0.25)
    assert np.median(other) == pytest.approx(1.0, abs=0.25)
