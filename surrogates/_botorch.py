"""The one module that imports torch: Gaussian processes fitted by BoTorch.

It is imported lazily, and what comes out of it is a model of ours: no torch outlives a call.
"""

import importlib
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .models import RBF, GaussianProcess, Normalisation


def _imported(name: str) -> Any:
    """A module of the extra `bo`.

    **Raises:** `ImportError` saying how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"the extra `bo` must be installed for this, but {error.name or name} is not: "
            'pip install "diffsim[bo]" -c constraints/cpu.txt (or PyTorch\'s CPU index first).'
        ) from error


def fit_botorch_process(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n m"]
) -> GaussianProcess:
    """BoTorch's `SingleTaskGP` with its default kernel, priors and fit, as our Gaussian process.

    RBF kernel with one length per variable and the log-normal priors of Hvarfner et al. (2024);
    the settings maximise the posterior by L-BFGS. Mean and variance agree with BoTorch's own.

    **Raises:** `ImportError` naming the extra; `ValueError` for data that are not finite or
    constant, or more than one output.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    Normalisation.of(x, y)
    if y.shape[1] != 1:
        raise ValueError(f"y must have one output, but has {y.shape[1]}.")
    model = botorch_model(x, y)
    lengths = model.covar_module.lengthscale.detach().numpy().ravel()
    noise = float(model.likelihood.noise.item())
    level = float(model.mean_module.constant.item())
    shift = float(model.outcome_transform.means.item())
    scale = float(model.outcome_transform.stdvs.item())
    size = x.shape[1]
    # Their mean is a constant on the standardised scale; ours is zero on a shifted one.
    scales = Normalisation(
        jnp.zeros(size),
        jnp.ones(size),
        jnp.asarray([shift + scale * level]),
        jnp.asarray([scale]),
    )
    kernel = RBF(jnp.log(jnp.asarray(lengths)), jnp.asarray(0.0))
    return GaussianProcess(kernel, jnp.log(noise), scales, jnp.asarray(x), jnp.asarray(y))


def botorch_model(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n m"]) -> Any:
    """The fitted BoTorch model itself."""
    torch = _imported("torch")
    models = _imported("botorch.models")
    fit = _imported("botorch.fit")
    likelihoods = _imported("gpytorch.mlls")
    double = torch.float64
    model = models.SingleTaskGP(torch.tensor(x, dtype=double), torch.tensor(y, dtype=double))
    fit.fit_gpytorch_mll(likelihoods.ExactMarginalLogLikelihood(model.likelihood, model))
    return model.eval()
