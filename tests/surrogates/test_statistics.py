"""Statistics against formulae, SciPy and simulation."""

import numpy as np
import pytest
from scipy import stats

from surrogates import statistics


def test_a_paired_effect_by_hand():
    random = np.random.default_rng(0)
    control = random.normal(size=20)
    treated = control + 0.5 + 0.3 * random.normal(size=20)
    effect = statistics.paired_effect(treated, control)
    difference = treated - control
    assert effect.mean == pytest.approx(difference.mean())
    half = stats.t.ppf(0.975, 19) * difference.std(ddof=1) / 20**0.5
    assert effect.low == pytest.approx(effect.mean - half, abs=0.3 * half)
    assert effect.high == pytest.approx(effect.mean + half, abs=0.3 * half)
    assert effect.p_value == pytest.approx(stats.wilcoxon(difference).pvalue)


def test_the_interval_covers_as_often_as_it_says():
    """90 % intervals of 16 pairs with a skewed difference; 150 trials, so 90 ± 5 by chance."""
    random = np.random.default_rng(1)
    covered = 0
    for seed in range(150):
        difference = random.exponential(size=16)
        effect = statistics.paired_effect(difference, np.zeros(16), confidence=0.9, seed=seed)
        covered += effect.low <= 1.0 <= effect.high
    assert 0.76 < covered / 150 <= 0.97


def test_no_difference_at_all():
    same = np.arange(5.0)
    effect = statistics.paired_effect(same, same)
    assert (effect.mean, effect.low, effect.high, effect.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert statistics.equivalence(same, same, 0.01) == 0.0
    assert statistics.equivalence(same + 1, same, 0.01) == 1.0


def test_holm_by_hand():
    found = statistics.holm(np.asarray([0.04, 0.01, 0.03]))
    np.testing.assert_allclose(found, [0.06, 0.03, 0.06])


def test_equivalence_needs_precision():
    random = np.random.default_rng(0)
    control = random.normal(size=30)
    close = control + 0.001 * random.normal(size=30)
    vague = control + 0.5 * random.normal(size=30)
    assert statistics.equivalence(close, control, 0.01) < 1e-3
    assert statistics.equivalence(vague, control, 0.01) > 0.1


def test_interquartile_mean():
    scores = np.asarray([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 700.0]])
    found = statistics.interquartile_mean(scores)
    assert found.value == pytest.approx(np.mean([2.0, 3.0, 4.0, 5.0]))
    assert found.low < found.value < found.high


def test_difference_of_interquartile_means_is_paired():
    random = np.random.default_rng(0)
    control = random.normal(size=(4, 15))
    shifted = statistics.interquartile_difference(control + 0.1, control)
    # Seed by seed the same shift: however wide the scores, it is known exactly.
    assert (shifted.value, shifted.low, shifted.high) == pytest.approx((0.1, 0.1, 0.1))
    other = statistics.interquartile_difference(control + random.normal(size=(4, 15)), control)
    assert other.low < other.value < other.high
    spoiled = control.copy()
    spoiled[:, 0] = 1e6  # one run of each task: outside the middle half
    found = statistics.interquartile_difference(spoiled, control)
    assert abs(found.value) < 0.5
    with pytest.raises(ValueError, match="treated and control must be paired"):
        statistics.interquartile_difference(control, control[:, 1:])
    with pytest.raises(ValueError, match="scores must be finite"):
        statistics.interquartile_difference(np.full((4, 15), np.nan), control)


def test_effect_over_tasks_is_wider_where_tasks_disagree():
    random = np.random.default_rng(0)
    control, noise = random.normal(size=(6, 20)), 0.01 * random.normal(size=(6, 20))
    agreed = statistics.hierarchical_effect(control + 0.1 + noise, control)
    shift = np.linspace(-0.4, 0.6, 6)[:, None]
    divided = statistics.hierarchical_effect(control + shift + noise, control)
    assert agreed.value == pytest.approx(0.1, abs=0.01)
    assert divided.high - divided.low > 10 * (agreed.high - agreed.low)


def test_probability_of_improvement():
    one, other = np.asarray([[1.0, 2.0]]), np.asarray([[0.0, 2.0]])
    assert statistics.probability_of_improvement(one, other) == pytest.approx((1 + 0 + 1 + 0.5) / 4)
    assert statistics.probability_of_improvement(one, one) == 0.5


def test_diagnostics():
    true = np.asarray([1.0, 2.0, np.nan])
    assert statistics.over_optimism(np.asarray([2.0, 4.0, 9.0]), true) == pytest.approx(1.5)
    assert statistics.rank_correlation(np.arange(5.0), np.arange(5.0) ** 3) == pytest.approx(1.0)
    assert statistics.rank_correlation(np.ones(5), np.arange(5.0)) == 0.0
    one = np.asarray([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    other = np.asarray([[0.0, 2.0], [1.0, 1.0], [3.0, 3.0]])
    assert statistics.gradient_cosine(one, other) == pytest.approx(0.5)


def test_stability_of_a_curve():
    steady, better, both = statistics.stability(np.full(5, 0.8), 0.4)
    assert (steady, better) == (pytest.approx(1.0), pytest.approx(2.0))
    assert both == pytest.approx(2 * 2.0 / 3.0)
    falling = statistics.stability(np.asarray([0.8, 0.4, 0.2]), 0.4)
    assert falling[0] < 0.6


@pytest.mark.parametrize(
    ("effect", "p_value", "control", "equivalent", "expected"),
    [
        ((0.05, 0.02, 0.08), 0.01, (0.02, 0.01, 0.03), False, "helps"),
        ((0.05, 0.02, 0.08), 0.01, (0.0, -0.01, 0.03), False, "no benefit shown"),
        ((0.05, 0.02, 0.08), 0.2, (0.02, 0.01, 0.03), False, "no benefit shown"),
        ((-0.05, -0.08, -0.02), 0.01, (-0.1, -0.2, -0.05), False, "hurts"),
        ((0.0, -0.001, 0.001), 0.9, (0.0, -0.01, 0.01), True, "equivalent"),
    ],
)
def test_the_verdict_follows_its_rule(effect, p_value, control, equivalent, expected):
    found = statistics.verdict(
        statistics.Interval(*effect), p_value, statistics.Interval(*control), equivalent
    )
    assert found == expected


def test_bad_input():
    with pytest.raises(ValueError, match="must be paired"):
        statistics.paired_effect(np.zeros(4), np.zeros(5))
    with pytest.raises(ValueError, match="must be finite"):
        statistics.paired_effect(np.asarray([0.0, np.nan]), np.zeros(2))
    with pytest.raises(ValueError, match="margin must be positive"):
        statistics.equivalence(np.zeros(4), np.zeros(4), 0.0)
    with pytest.raises(ValueError, match="positive scores"):
        statistics.stability(np.asarray([0.1, -0.2]), 0.4)


def test_equivalence_by_hand():
    difference = np.asarray([0.1, -0.2, 0.3, 0.05, -0.1])
    error = difference.std(ddof=1) / np.sqrt(5)
    above = stats.t.cdf((difference.mean() - 0.25) / error, 4)
    below = stats.t.sf((difference.mean() + 0.25) / error, 4)
    found = statistics.equivalence(difference, np.zeros(5), 0.25)
    assert found == pytest.approx(max(above, below))


def test_stability_by_hand():
    curve = np.asarray([0.4, 0.8, 0.6])
    steady, better, both = statistics.stability(curve, 0.5)
    area = 0.5 * (0.4 + 0.8) + 0.5 * (0.8 + 0.6)
    assert steady == pytest.approx(area / (0.5 * (0.4 + 0.8) + 0.8))
    assert better == pytest.approx(area / (0.5 * 2))
    assert both == pytest.approx(2 / (1 / steady + 1 / better))


def test_intervals_widen_with_the_confidence_and_narrow_with_the_seeds():
    random = np.random.default_rng(0)
    scores = random.normal(size=(3, 64))

    def width(scores, confidence):
        found = statistics.interquartile_mean(scores, confidence=confidence)
        return found.high - found.low

    assert width(scores, 0.5) < width(scores, 0.9) < width(scores, 0.99)
    # Four times as many: half as wide.
    assert width(scores, 0.95) == pytest.approx(0.5 * width(scores[:, :16], 0.95), rel=0.5)
    first, again = (statistics.interquartile_mean(scores) for _ in range(2))
    assert (first.low, first.high) == (again.low, again.high)
    other = statistics.interquartile_mean(scores, seed=1)
    assert other.low != first.low


def test_effects_over_tasks_resample_tasks_and_not_seeds_alone():
    """Two tasks that disagree: with tasks resampled either of them may be drawn twice."""
    treated = np.stack([np.full(10, 1.0), np.full(10, -1.0)])
    found = statistics.hierarchical_effect(treated, np.zeros((2, 10)))
    assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0)


def test_a_failed_design_is_over_promised_by_nothing():
    nowhere = np.full(3, np.nan)
    assert np.isnan(statistics.over_optimism(np.ones(3), nowhere))
    assert statistics.over_optimism(np.asarray([1.0, 5.0]), np.asarray([3.0, np.nan])) == -2.0


def test_a_gradient_turned_round_has_a_cosine_of_minus_one():
    slopes = np.random.default_rng(0).normal(size=(4, 3))
    assert statistics.gradient_cosine(-2.0 * slopes, slopes) == pytest.approx(-1.0)
    missing = slopes.copy()
    missing[0] = np.nan  # of a simulation that has no derivative there
    assert statistics.gradient_cosine(slopes, missing) == pytest.approx(1.0)
