"""Gaussian processes that learn from derivatives: their covariances, and what they are worth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim  # noqa: F401  (double precision)
from surrogates import models
from surrogates.models import _derivative_gp as derivative


def _data(n, seed=0):
    x = np.random.default_rng(seed).uniform(size=(n, 2))
    y = 5.0 + 3.0 * (np.sin(4 * x[:, :1]) + x[:, 1:] ** 2)
    slopes = 3.0 * np.stack([4 * np.cos(4 * x[:, 0]), 2 * x[:, 1]], axis=1)
    return x, y, slopes


KERNELS = (models.RBF, models.Matern52)


@pytest.mark.parametrize("kind", KERNELS)
def test_covariances_are_derivatives_of_the_kernel(kind):
    kernel = kind(jnp.log(jnp.asarray([0.4, 0.9])), jnp.asarray(0.3))
    random = np.random.default_rng(1)
    one, other = (jnp.asarray(random.normal(size=(3, 2))) for _ in range(2))

    def value(a, b):
        return kernel(a[None], b[None])[0, 0]

    def each(function, a, b):
        return jax.vmap(lambda p: jax.vmap(lambda q: function(p, q))(b))(a)

    slope = each(jax.grad(value, argnums=1), one, other)
    found = derivative._value_slope(kernel, one, other).reshape(3, 3, 2)
    np.testing.assert_allclose(found, slope, rtol=1e-9, atol=1e-12)
    both = each(jax.jacfwd(jax.grad(value, argnums=1), argnums=0), one, other)  # (a, b, j, i)
    blocks = derivative._slope_slope(kernel, jnp.concatenate([one, other]))
    blocks = blocks.reshape(6, 2, 6, 2)[:3, :, 3:]
    np.testing.assert_allclose(blocks, both.transpose(0, 3, 1, 2), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KERNELS)
def test_the_variance_of_a_derivative_is_the_limit_of_differences(kind):
    """At one and the same point, where a rooted distance has no derivative."""
    kernel = kind(jnp.log(jnp.asarray([0.4, 0.9])), jnp.asarray(0.3))
    at, h = jnp.asarray([[0.2, 0.5]]), 1e-3
    moved = at + jnp.asarray([[h, 0.0]])
    ends = kernel(jnp.concatenate([at, moved]), jnp.concatenate([at, moved]))
    difference = (ends[0, 0] + ends[1, 1] - 2 * ends[0, 1]) / h**2
    np.testing.assert_allclose(derivative._slope_slope(kernel, at)[0, 0], difference, rtol=1e-2)


@pytest.mark.parametrize("kind", KERNELS)
def test_values_and_gradients_are_met(kind):
    x, y, slopes = (jnp.asarray(a) for a in _data(6))
    kernel = kind(jnp.zeros(2), jnp.asarray(0.0))
    scales = models.Normalisation.of(x, y)
    tiny = jnp.asarray(-16.0)
    process = models.DerivativeProcess(kernel, tiny, tiny, scales, x, y, x[:4], slopes[:4])
    np.testing.assert_allclose(models.predict(process, x), y, atol=1e-3)
    found = jax.vmap(jax.grad(lambda x: process(x)[0]))(x[:4])
    np.testing.assert_allclose(found, slopes[:4], atol=1e-2)
    mean, deviation = process.distribution(x[0])
    np.testing.assert_allclose(mean, process(x[0]))
    assert 0.0 < deviation[0] < 0.01 < process.distribution(jnp.ones(2))[1][0]


def test_gradients_teach_what_values_do_not():
    x, y, slopes = _data(12)
    taught = models.fit_derivative_process(x, y, slopes, most_fitted=6)
    plain = models.fit_gaussian_process(x, y, kernel=models.RBF, steps=60)
    new, truth, _ = _data(200, seed=3)

    def error(model):
        return float(np.std(np.asarray(models.predict(model, jnp.asarray(new))) - truth))

    assert error(taught) < 0.2 * error(plain)
    assert len(taught.sloped) == 12  # settings from six of them, the posterior from all


def test_it_is_written_and_read(tmp_path):
    x, y, slopes = _data(5)
    process = models.fit_derivative_process(x, y, slopes, steps=2, kernel=models.Matern52)
    again = models.load(models.save(process, tmp_path / "model"))
    at = jnp.asarray(_data(7, seed=1)[0])
    np.testing.assert_array_equal(models.predict(again, at), models.predict(process, at))


def test_bad_input():
    x, y, slopes = _data(5)
    with pytest.raises(ValueError, match=r"of shape \(5, 2\) as the designs, but have shape"):
        models.fit_derivative_process(x, y, slopes[:, :1])
    with pytest.raises(ValueError, match="and 1 that are not finite"):
        models.fit_derivative_process(x, y, np.where(slopes == slopes[0, 0], np.nan, slopes))
    with pytest.raises(ValueError, match="y must have one output, but has 2"):
        models.fit_derivative_process(x, np.concatenate([y, y**2], axis=1), slopes)
