"""What Gaussian processes are fitted by: likelihood, priors, kernels and the choice of rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import diffsim  # noqa: F401  (double precision)
from surrogates import models
from surrogates.models import _derivative_gp as derivative, _gp as values, _process as process

KERNELS = (models.RBF, models.Matern52)
LOG_LENGTHS, LOG_SIGNAL = np.log([0.4, 0.9, 2.0]), 0.3


def _kernel(kind):
    return kind(jnp.asarray(LOG_LENGTHS), jnp.asarray(LOG_SIGNAL))


def _points(n=7, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(n, 3)))


@pytest.mark.parametrize(
    ("kind", "correlation"),
    [
        (models.RBF, lambda r: np.exp(-0.5 * r**2)),
        (models.Matern52, lambda r: (1 + 5**0.5 * r + 5 * r**2 / 3) * np.exp(-(5**0.5) * r)),
    ],
)
def test_kernels_are_those_of_the_textbook(kind, correlation):
    one, other = np.asarray(_points()), np.asarray(_points(4, seed=1))
    apart = (one[:, None] - other[None]) / np.exp(LOG_LENGTHS)
    expected = np.exp(LOG_SIGNAL) * correlation(np.linalg.norm(apart, axis=2))
    found = _kernel(kind)(jnp.asarray(one), jnp.asarray(other))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    # A design with itself: the variance, although a distance of zero has no derivative.
    itself = _kernel(kind)(jnp.asarray(one), jnp.asarray(one))
    np.testing.assert_allclose(np.diag(itself), np.exp(LOG_SIGNAL), rtol=1e-9)


@pytest.mark.parametrize("kind", KERNELS)
def test_derivatives_of_the_correlation(kind):
    kernel, squared = _kernel(kind), jnp.asarray([0.2, 1.0, 5.0])
    slope = jax.grad(lambda s: kernel.shape(s))
    first, second = kernel.derivatives(squared)
    np.testing.assert_allclose(first, jax.vmap(slope)(squared), rtol=1e-7)
    np.testing.assert_allclose(second, jax.vmap(jax.grad(slope))(squared), rtol=1e-6)


def test_the_likelihood_is_that_of_a_normal_distribution():
    x, kernel, log_noise = _points(), _kernel(models.Matern52), jnp.asarray(-2.0)
    targets = np.random.default_rng(2).normal(size=(7, 2))
    covariance = np.asarray(kernel(x, x)) + (np.exp(-2.0) + 1e-8) * np.eye(7)
    density = stats.multivariate_normal(np.zeros(7), covariance)
    expected = -sum(density.logpdf(column) for column in targets.T) - 7 * np.log(2 * np.pi)
    factor, weights = values._condition(kernel, log_noise, x, jnp.asarray(targets))
    found = process.negative_log_likelihood(factor, weights, targets)
    assert float(found) == pytest.approx(expected, rel=1e-9)
    settings = (jnp.asarray(LOG_LENGTHS), jnp.asarray(LOG_SIGNAL), log_noise)
    prior = process.prior_of(*settings)
    whole = values._negative_log_posterior(settings, models.Matern52, x, jnp.asarray(targets))
    assert float(whole) == pytest.approx((expected + float(prior)) / 7, rel=1e-9)


def test_values_and_derivatives_have_noises_of_their_own():
    """The covariance of the data that the factor stands for, block by block."""
    x, at = _points(4), _points(2, seed=1)
    kernel, targets = _kernel(models.RBF), jnp.ones((10, 1))
    noises = jnp.asarray(-2.0), jnp.asarray(-5.0)
    factor, weights = derivative._condition(kernel, *noises, x, at, targets)
    whole = np.asarray(factor @ factor.T)
    np.testing.assert_allclose(whole[:4, :4], kernel(x, x) + (np.exp(-2) + 1e-8) * np.eye(4))
    across = derivative._value_slope(kernel, x, at)
    np.testing.assert_allclose(whole[:4, 4:], across, rtol=1e-9, atol=1e-12)
    slopes = derivative._slope_slope(kernel, at) + (np.exp(-5) + 1e-8) * np.eye(6)
    np.testing.assert_allclose(whole[4:, 4:], slopes, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(whole @ weights, targets, rtol=1e-9)
    settings = (jnp.asarray(LOG_LENGTHS), jnp.asarray(LOG_SIGNAL), *noises)
    found = derivative._negative_log_posterior(settings, models.RBF, x, at, targets)
    expected = process.negative_log_likelihood(factor, weights, targets)
    expected += process.prior_of(*settings)
    assert float(found) == pytest.approx(float(expected) / 10)


def test_priors_by_scipy():
    """Normal distributions of the logarithms; of the lengths per z-score, 0.29 of a unit cube's."""

    def prior(log_lengths, log_signal, *log_noises):
        return float(process.prior_of(jnp.asarray(log_lengths), log_signal, *log_noises))

    centre = 2**0.5 + np.log(3) / 2 - np.log(12**-0.5)
    at = prior(np.full(3, centre), 0.0, -4.0)
    assert at == pytest.approx(0.0, abs=1e-12)
    density = stats.norm.logpdf([*LOG_LENGTHS, centre], centre, 3**0.5)
    expected = -np.sum(density[:3] - density[3])
    assert prior(LOG_LENGTHS, 0.0, -4.0) == pytest.approx(expected)
    assert prior(np.full(3, centre), 1.5, -4.0) == pytest.approx(1.5**2 / 2)
    assert prior(np.full(3, centre), 0.0, -6.0, -3.0) == pytest.approx(2.0 + 0.5)


def test_noises_have_a_floor():
    kernel, noises = process.unpacked(
        (jnp.zeros(2), jnp.asarray(0.5), jnp.asarray(-40.0), jnp.asarray(-3.0)), models.RBF
    )
    assert isinstance(kernel, models.RBF)
    assert float(kernel.log_signal) == 0.5
    assert [float(noise) for noise in noises] == [pytest.approx(np.log(1e-6)), -3.0]


def test_settings_are_sought_downhill():
    """Adam on a bowl: as many noises as are asked for, each to its own place."""

    def bowl(settings):
        log_lengths, log_signal, first, second = settings
        return (
            jnp.sum((log_lengths - 1.0) ** 2)
            + (log_signal + 0.5) ** 2
            + (first + 3.0) ** 2
            + (second + 5.0) ** 2
        )

    found = process.maximised(bowl, 2, 2, 400, 0.05)
    np.testing.assert_allclose(np.concatenate([np.ravel(f) for f in found]),
                               [1.0, 1.0, -0.5, -3.0, -5.0], atol=1e-2)  # fmt: skip


def test_the_rows_that_are_kept_are_the_best_half_and_an_even_choice():
    score = np.asarray([5.0, 9.0, 1.0, 7.0, 3.0, 8.0, 2.0, 6.0, 4.0, 0.0])
    assert process.thinned(score, 10).tolist() == list(range(10))
    kept = process.thinned(score, 4)
    # 9 and 8 are best; of 7 ... 0 the ends.
    assert sorted(score[kept].tolist()) == [0.0, 7.0, 8.0, 9.0]
    assert kept.tolist() == sorted(kept.tolist())
    odd = score[process.thinned(score, 5)]
    assert sorted(odd.tolist()) == [0.0, 3.0, 7.0, 8.0, 9.0]


def test_what_is_certain_and_what_is_not():
    """Far away the posterior is the prior; at a datum without noise it is the datum."""
    x = jnp.asarray([[0.2, 0.2, 0.2], [0.8, 0.7, 0.6]])
    y = jnp.asarray([[1.0], [3.0]])
    scales = models.Normalisation.identity(3)
    found = models.GaussianProcess(_kernel(models.RBF), jnp.asarray(-18.0), scales, x, y)
    mean, deviation = found.distribution(x[1])
    assert float(mean[0]) == pytest.approx(3.0, abs=1e-5)
    assert float(deviation[0]) < 1e-3
    mean, deviation = found.distribution(jnp.full(3, 50.0))
    assert float(mean[0]) == pytest.approx(0.0, abs=1e-9)
    assert float(deviation[0]) == pytest.approx(np.exp(0.5 * LOG_SIGNAL), rel=1e-9)


def test_more_outputs_share_a_kernel_and_nothing_else():
    x = np.random.default_rng(0).uniform(size=(12, 3))
    y = np.stack([np.sin(3 * x[:, 0]), x[:, 1] ** 2], axis=1)
    kernel, noise = _kernel(models.Matern52), jnp.asarray(-6.0)
    both = models.GaussianProcess(kernel, noise, models.Normalisation.of(x, y), jnp.asarray(x),
                                  jnp.asarray(y))  # fmt: skip
    at = jnp.asarray([0.3, 0.4, 0.5])
    for i in range(2):
        scales = models.Normalisation.of(x, y[:, i : i + 1])
        one = models.GaussianProcess(kernel, noise, scales, jnp.asarray(x),
                                     jnp.asarray(y[:, i : i + 1]))  # fmt: skip
        np.testing.assert_allclose(both(at)[i], one(at)[0], rtol=1e-10)
        deviations = both.distribution(at)[1][i], one.distribution(at)[1][0]
        np.testing.assert_allclose(*deviations, rtol=1e-10)
