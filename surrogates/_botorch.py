"""The one module that imports torch: Gaussian processes fitted by BoTorch, and samples of them.

It is imported lazily, and what comes out of it is a model of ours: no torch outlives a call.
"""

import importlib
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .models import RBF, GaussianProcess, Normalisation


def imported(name: str) -> Any:
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


def botorch_model(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n m"], *, like: Any = None
) -> Any:
    """The fitted BoTorch model itself; the fit begins at the settings of `like`, if given.

    With a few more data than `like` had, the fit then takes a part of the hundreds of steps that
    it takes from BoTorch's own start.
    """
    torch = imported("torch")
    models = imported("botorch.models")
    fit = imported("botorch.fit")
    likelihoods = imported("gpytorch.mlls")
    double = torch.float64
    model = models.SingleTaskGP(torch.tensor(x, dtype=double), torch.tensor(y, dtype=double))
    for part in () if like is None else ("mean_module", "covar_module", "likelihood"):
        getattr(model, part).load_state_dict(getattr(like, part).state_dict())
    fit.fit_gpytorch_mll(likelihoods.ExactMarginalLogLikelihood(model.likelihood, model))
    return model.eval()


def botorch_models(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n a"]) -> Any:
    """One fitted BoTorch model for each column of y; a single one as it is."""
    fitted = [botorch_model(x, column[:, None]) for column in y.T]
    return fitted[0] if len(fitted) == 1 else imported("botorch.models").ModelListGP(*fitted)


def best_batch(
    make: Callable[[], Any], size: int, batch: int, restarts: int, seed: int
) -> Float[np.ndarray, "b d"]:
    """The designs of the unit cube that maximise together the acquisition function made.

    **Raises:** `ImportError` naming the extra.
    """
    torch, optim = imported("torch"), imported("botorch.optim")
    bounds = torch.tensor([[0.0] * size, [1.0] * size], dtype=torch.float64)
    # Its own stream: the global one is set, and put back as it was.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found, _ = optim.optimize_acqf(
            make(),
            bounds,
            q=batch,
            num_restarts=restarts,
            raw_samples=32 * restarts,
            options={"seed": seed, "maxiter": 50},
        )
    return np.clip(found.detach().numpy(), 0.0, 1.0)


def posterior_samples(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "n a"],
    at: Float[np.ndarray, "k d"],
    count: int,
    seed: int,
) -> Float[np.ndarray, "s k a"]:
    """Joint samples of independent Gaussian processes, one fitted to each column of y.

    **Raises:** `ImportError` naming the extra.
    """
    torch = imported("torch")
    drawn = []
    # Its own stream: the global one is set, and put back as it was.
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        points = torch.tensor(at, dtype=torch.float64)
        for column in y.T:
            spread = column.max() - column.min()
            if not spread > 0:  # a constant slack: nothing to fit
                drawn.append(np.broadcast_to(column[0], (count, len(at))))
                continue
            with torch.enable_grad():
                model = botorch_model(x, column[:, None])
            posterior = model.posterior(points)
            drawn.append(posterior.sample(torch.Size([count])).squeeze(-1).numpy())
    return np.stack(drawn, axis=2)
