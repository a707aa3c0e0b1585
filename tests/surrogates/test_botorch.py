"""The extra `bo`: what BoTorch fits is what we predict, and its absence is explained."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import surrogates
from surrogates import _botorch


@pytest.mark.slow
def test_the_process_predicts_what_botorch_does():
    torch = pytest.importorskip("torch")
    pytest.importorskip("botorch")
    random = np.random.default_rng(0)
    x = random.uniform(size=(25, 3))
    y = (50.0 + 7.0 * np.sin(4 * x[:, 0]) + x[:, 1] ** 2)[:, None]
    theirs, fresh = _botorch.botorch_model(x, y), random.uniform(size=(10, 3))
    ours = surrogates.fit_botorch_process(x, y)
    posterior = theirs.posterior(torch.tensor(fresh))
    mean, deviation = jax.vmap(ours.distribution)(jnp.asarray(fresh))
    np.testing.assert_allclose(mean, posterior.mean.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(
        deviation, posterior.variance.sqrt().detach().numpy(), rtol=1e-3, atol=1e-5
    )
    with pytest.raises(ValueError, match="one output"):
        surrogates.fit_botorch_process(x, np.hstack([y, x[:, :1]]))


def test_a_missing_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"the extra `bo` must be installed.*torch is not"):
        surrogates.fit_botorch_process(np.eye(3), np.asarray([[0.0], [1.0], [2.0]]))


def test_a_fit_begins_where_another_ended(monkeypatch):
    """With the fit itself left out: kernel, mean and noise are those of the other model, but what
    belongs to the data is not."""
    fit = pytest.importorskip("botorch.fit")
    random = np.random.default_rng(0)
    x, y = random.uniform(size=(12, 3)), random.normal(size=(12, 1))
    monkeypatch.setattr(fit, "fit_gpytorch_mll", lambda likelihood: likelihood)
    first = _botorch.botorch_model(x, y)
    first.covar_module.lengthscale = 0.123
    first.likelihood.noise = 0.0456
    second = _botorch.botorch_model(x[:9], 2.0 * y[:9], like=first)
    np.testing.assert_allclose(second.covar_module.lengthscale.detach(), 0.123)
    np.testing.assert_allclose(second.likelihood.noise.detach(), 0.0456)
    assert len(second.train_inputs[0]) == 9
    scale = second.outcome_transform.stdvs.item()
    np.testing.assert_allclose(scale, 2.0 * y[:9].std(ddof=1))
