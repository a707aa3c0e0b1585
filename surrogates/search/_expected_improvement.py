"""BO-qEI on a surrogate (extra `bo`): BoTorch, so in Python and not under `vmap`."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._botorch import botorch_model, imported
from ..models import AbstractSurrogate
from ._interface import Designs, promised
from ._problem import Calibration


class ExpectedImprovementSearch(eqx.Module):
    """Bayesian optimisation in which the surrogate stands for the truth.

    A Gaussian process is fitted to the model's own predictions at the `most` offline designs it
    likes best; each of `rounds` asks for the `batch` designs of largest joint expected improvement,
    which the model then scores. Of the starts and all that was asked, the k best are returned.

    After BO-qEI of design-baselines (500 designs, batch 32, 10 rounds, 128 samples, 10 restarts),
    with BoTorch's defaults of today: fitted noise, and the logarithm of the acquisition, whose
    maximum is the same (S. Ament et al., NeurIPS 2023, 2310.20708). Each round's fit begins at the
    settings of the last.

    **Raises:** `ValueError` for a setting below 1; when called, `ImportError` naming the extra
    without BoTorch.
    """

    rounds: int = eqx.field(static=True, default=10)
    batch: int = eqx.field(static=True, default=8)
    most: int = eqx.field(static=True, default=200)
    samples: int = eqx.field(static=True, default=128)
    restarts: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        for name in ("rounds", "batch", "most", "samples", "restarts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}.")

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        calibration = Calibration.of(model, offline)
        score = eqx.filter_jit(jax.vmap(lambda x: calibration(model, x)))

        def scored(x):
            return np.asarray(score(jnp.asarray(x)))

        promise = scored(offline)
        known = np.argsort(-promise, kind="stable")[: self.most]
        x, y = np.asarray(offline)[known], promise[known]
        tried, process = np.asarray(starts), None
        for own in jax.random.split(key, self.rounds):
            process = botorch_model(x, y[:, None], like=process)
            asked = self._ask(process, y.max(), int(jax.random.randint(own, (), 0, 2**31 - 1)))
            x, y = np.concatenate([x, asked]), np.concatenate([y, scored(asked)])
            tried = np.concatenate([tried, asked])
        best = np.argsort(-scored(tried), kind="stable")[: len(starts)]
        return promised(model, jnp.asarray(tried[best]))

    def _ask(self, process: Any, best: float, seed: int) -> np.ndarray:
        """The batch (b, d) of largest expected improvement over `best`."""
        torch: Any = imported("torch")
        acquisition = imported("botorch.acquisition")
        samplers, optim = imported("botorch.sampling"), imported("botorch.optim")
        size = process.train_inputs[0].shape[-1]
        bounds = torch.tensor([[0.0] * size, [1.0] * size], dtype=torch.float64)
        # Its own stream: the global one is set, and put back as it was.
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            sampler = samplers.SobolQMCNormalSampler(torch.Size([self.samples]), seed=seed)
            gain = acquisition.qLogExpectedImprovement(process, best_f=float(best), sampler=sampler)
            found, _ = optim.optimize_acqf(
                gain,
                bounds,
                q=self.batch,
                num_restarts=self.restarts,
                raw_samples=16 * self.restarts,
                options={"seed": seed, "maxiter": 50},
            )
        return np.clip(found.detach().numpy(), 0.0, 1.0)
