"""Error bars: exact where textbooks are, infinite where nothing is known."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import DesignSpace, Linear, Log
from diffsim.identifiability._combinations import combinations_of
from diffsim.identifiability._covariance import covariance_of
from diffsim.identifiability._fit import Fit
from diffsim.identifiability._noise import autocorrelation_time, estimate_noise

SEEDS, POINTS = 200, 30
TIME = np.linspace(0, 1, POINTS)
DESIGN = np.stack([np.ones(POINTS), TIME], axis=1)
TRUTH = np.array([0.55, 0.4])


def linear_fit(noise, *, design=DESIGN, truth=TRUTH, group=None):
    """The exact least-squares fit of design @ x to design @ truth + noise, in the unit cube."""
    x = truth + np.linalg.lstsq(design, noise, rcond=None)[0]
    residuals = design @ (x - truth) - noise
    space = DesignSpace({f"x{i}": Linear(0.0, 1.0) for i in range(len(truth))})
    group = np.zeros(len(noise), int) if group is None else group
    return Fit(space, x, residuals, design, group, np.ones(len(truth), bool))


def test_intervals_equal_the_textbook():
    fit = linear_fit(0.05 * np.random.default_rng(0).standard_normal(POINTS))
    covariance = covariance_of(fit)
    freedom = POINTS - 2
    expected = np.linalg.inv(DESIGN.T @ DESIGN) * fit.sum_of_squares / freedom
    assert np.allclose(covariance.covariance, expected, rtol=1e-10)
    quantile = 2.0484071418  # of Student's t with 28 degrees of freedom, 97.5 %
    assert np.allclose(covariance.half_width, quantile * np.sqrt(np.diag(expected)), rtol=1e-9)
    deviation = np.sqrt(np.diag(expected))
    assert np.allclose(covariance.correlation, expected / np.outer(deviation, deviation))


@pytest.mark.parametrize("confidence", [0.68, 0.95])
def test_coverage_for_white_noise(confidence):
    """Over 200 seeds the intervals hold the truth as often as they say: within 3 sigma."""
    random, held, corrected = np.random.default_rng(1), 0, 0
    for _ in range(SEEDS):
        fit = linear_fit(0.05 * random.standard_normal(POINTS))
        covariance = covariance_of(fit, confidence=confidence)
        error = np.abs(fit.x - TRUTH)
        held += np.sum(error <= covariance.half_width)
        corrected += np.sum(error <= covariance.corrected_half_width)
    tolerance = 3 * np.sqrt(confidence * (1 - confidence) / SEEDS)
    assert abs(held / (2 * SEEDS) - confidence) < tolerance
    assert corrected / (2 * SEEDS) >= held / (2 * SEEDS)


def autoregressive(random, size, rho):
    noise = np.empty(size)
    noise[0] = random.standard_normal() / np.sqrt(1 - rho**2)
    for i in range(1, size):
        noise[i] = rho * noise[i - 1] + random.standard_normal()
    return noise


def test_coverage_for_correlated_noise_needs_the_correction():
    random, rho, size = np.random.default_rng(2), 0.8, 400
    design = np.stack([np.ones(size), np.linspace(0, 1, size)], axis=1)
    white = corrected = 0
    for _ in range(SEEDS):
        fit = linear_fit(0.05 * autoregressive(random, size, rho), design=design)
        covariance = covariance_of(fit)
        error = np.abs(fit.x - TRUTH)
        white += np.sum(error <= covariance.half_width)
        corrected += np.sum(error <= covariance.corrected_half_width)
    assert white / (2 * SEEDS) < 0.65
    assert 0.85 < corrected / (2 * SEEDS) < 0.99


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_autocorrelation_time_of_a_known_process(rho):
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(8), 10_000)
    noise = np.concatenate([autoregressive(random, 10_000, rho) for _ in range(8)])
    expected = (1 + rho) / (1 - rho)
    assert autocorrelation_time(noise, groups) == pytest.approx(expected, rel=0.12)


def test_experiments_are_not_correlated_across_their_borders():
    assert autocorrelation_time(np.ones(40), np.arange(40)) == 1.0
    assert autocorrelation_time(np.ones(40), np.zeros(40, int)) > 5


def test_without_freedom_nothing_is_known():
    noise = estimate_noise(np.ones(2), np.zeros(2, int), 2)
    assert noise.scale == np.inf
    fit = linear_fit(np.zeros(2), design=DESIGN[:2])
    assert np.all(np.isinf(covariance_of(fit).half_width))


def log_fit(design, spans):
    """A fit whose Jacobian in ln(parameter) is `design`, with white noise."""
    d = design.shape[1]
    names = "ABCDE"[:d]
    scales = {n: Log(1.0, float(np.exp(s))) for n, s in zip(names, spans, strict=True)}
    noise = 0.01 * np.random.default_rng(5).standard_normal(len(design))
    noise -= design @ np.linalg.lstsq(design, noise, rcond=None)[0]
    x = np.full(d, 0.5)
    group = np.zeros(len(noise), int)
    return Fit(DesignSpace(scales), x, noise, design * spans, group, np.ones(d, bool))


def columns(*rows):
    return np.stack(rows, axis=1)


ONE, TWO, THREE = np.cos(TIME * 7), np.sin(TIME * 5), TIME**2


class TestNullDirections:
    spans = np.array([3.0, 7.0, 2.0, 5.0])

    def test_they_are_infinite_and_named(self):
        design = columns(ONE, ONE, 0.5 * ONE, TWO)
        fit = log_fit(design, self.spans)
        covariance = covariance_of(fit)
        assert list(covariance.touched) == [True, True, True, False]
        assert np.all(np.isinf(covariance.half_width[:3]))
        assert np.isfinite(covariance.half_width[3])
        assert np.isinf(covariance.covariance[0, 0])
        assert np.isnan(covariance.covariance[0, 1])
        assert np.all(np.abs(covariance.correlation[0, 1]) > 0.2)
        (found,) = combinations_of(fit, covariance)
        assert found.text == "A*B*sqrt(C)"
        assert found.members == ("A", "B", "C")
        middle = 0.5 * self.spans
        assert found.value == pytest.approx(np.exp(middle[0] + middle[1] + 0.5 * middle[2]))

    def test_the_interval_of_a_product_is_that_of_one_parameter_in_its_place(self):
        both = log_fit(columns(ONE, ONE, TWO), self.spans[:3])
        (found,) = combinations_of(both, covariance_of(both))
        alone = log_fit(columns(ONE, TWO), self.spans[:2])
        alone = Fit(alone.space, alone.x, both.residuals, alone.jacobian, alone.group, alone.free)
        half = covariance_of(alone).corrected_half_width[0] * self.spans[0]
        assert np.log(found.high / found.value) == pytest.approx(half, rel=1e-6)

    @pytest.mark.parametrize(
        ("design", "expected"),
        [
            (columns(ONE, -ONE, TWO), ["A/B"]),
            (columns(2 * ONE, 3 * ONE, TWO), ["A^(2/3)*B"]),
            (columns(ONE, ONE, TWO, TWO), ["A*B", "C*D"]),
            (columns(ONE, TWO, ONE + TWO), ["A*C", "B*C"]),
            (columns(0.72 * ONE, ONE, TWO), ["A^0.72*B"]),
            (columns(ONE, 0 * ONE), []),
        ],
    )
    def test_names(self, design, expected):
        fit = log_fit(design, self.spans[: design.shape[1]])
        found = [c.text for c in combinations_of(fit, covariance_of(fit))]
        if expected == ["A*C", "B*C"]:  # any two of A*C, B*C, A/B span the same
            assert len(found) == 2
            assert set(found) <= {"A*C", "B*C", "C*B", "C*A", "A/B", "B/A"}
        else:
            assert sorted(found) == sorted(expected)

    def test_an_invisible_parameter_is_touched_alone(self):
        fit = log_fit(columns(ONE, 0 * ONE, TWO), self.spans[:3])
        covariance = covariance_of(fit)
        assert list(covariance.touched) == [False, True, False]
        assert np.all(np.isfinite(covariance.half_width[[0, 2]]))

    def test_linear_parameters_are_named_in_sums(self):
        design = columns(ONE, 38.9 * ONE, TWO)
        noise = 1e-3 * np.random.default_rng(0).standard_normal(POINTS)
        scales = {"k0": Log(1.0, 10.0), "E0": Linear(-0.1, 0.1), "b": Linear(0.0, 1.0)}
        spans = np.array([np.log(10.0), 0.2, 1.0])
        fit = Fit(DesignSpace(scales), np.full(3, 0.5), noise, design * spans,
                  np.zeros(POINTS, int), np.ones(3, bool))  # fmt: skip
        (found,) = combinations_of(fit, covariance_of(fit))
        assert found.text == "ln(k0) + 38.9*E0"
        assert not found.is_product

    def test_a_nearly_null_direction_is_null_only_if_the_noise_hides_it(self):
        design = columns(ONE, ONE + 0.02 * TWO)
        fit = log_fit(design, self.spans[:2])
        assert not np.any(covariance_of(fit).null)
        louder = Fit(fit.space, fit.x, 100 * fit.residuals, fit.jacobian, fit.group, fit.free)
        assert np.any(covariance_of(louder).null)


def test_held_parameters_are_conditioned_on():
    fit = linear_fit(0.05 * np.random.default_rng(0).standard_normal(POINTS))
    held = Fit(fit.space, fit.x, fit.residuals, fit.jacobian, fit.group, np.array([True, False]))
    covariance = covariance_of(held)
    assert covariance.singular_values.shape == (1,)
    assert np.isinf(covariance.half_width[1])
    assert np.isnan(covariance.covariance[1, 1])
    assert covariance.half_width[0] < covariance_of(fit).half_width[0]


def test_masked_residuals_do_not_count():
    import equinox as eqx

    from diffsim.identifiability._fit import fit_of
    from diffsim.optimise import LevenbergMarquardt, solve
    from diffsim.problems import straight_line

    problem = straight_line(points=20)
    mask = jnp.asarray([1.0] * 12 + [0.0] * 8)
    masked = eqx.tree_at(lambda p: p.objective.mask, problem, mask)
    run = solve(masked, LevenbergMarquardt(), budget=100, progress=False)
    assert fit_of(masked, run).residuals.size == 12
    assert covariance_of(fit_of(masked, run)).noise.freedom == 10
