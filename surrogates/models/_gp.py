"""Gaussian processes: exact regression in JAX, so that the default needs no torch."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._activations import Smoothness
from ._interface import kind_named
from ._kernels import AbstractKernel, Matern52
from ._normalisation import Normalisation
from ._process import (
    AbstractProcess,
    conditioned,
    maximised,
    negative_log_likelihood,
    prior_of,
    thinned,
    unpacked,
)


class GaussianProcess(AbstractProcess):
    """The posterior of a Gaussian process, given values at n designs.

    Outputs are independent and share the kernel.

    **Arguments:**

    - `x` (n, d) of the unit cube, `y` (n, m): the data.
    - `kernel`: on z-scored inputs; `log_noise`: logarithm of the noise's variance.
    """

    kernel: AbstractKernel
    log_noise: Float[Array, ""]
    inputs: Float[Array, "n d"]
    factor: Float[Array, "n n"]
    weights: Float[Array, "n m"]
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True, default="smooth")

    def __init__(
        self,
        kernel: AbstractKernel,
        log_noise: Float[Array, ""],
        normalisation: Normalisation,
        x: Float[Array, "n d"],
        y: Float[Array, "n m"],
    ):
        self.kernel, self.log_noise, self.normalisation = kernel, log_noise, normalisation
        self.inputs = jax.vmap(normalisation.inputs)(x)
        self.factor, self.weights = _condition(
            kernel, log_noise, self.inputs, normalisation.standardise(y)
        )
        self.size, self.outputs, self.smoothness = x.shape[1], y.shape[1], "smooth"

    def _covariance(self, x: Float[Array, " d"]) -> Float[Array, " n"]:
        return self.kernel(self.normalisation.inputs(x)[None], self.inputs)[0]

    def description(self) -> dict[str, Any]:
        kernel = type(self.kernel).__name__
        rows, size = self.inputs.shape
        return {"kernel": kernel, "rows": rows, "size": size, "outputs": self.outputs}

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "GaussianProcess":
        rows, size, outputs = (int(description[name]) for name in ("rows", "size", "outputs"))
        kernel = kind_named(AbstractKernel, str(description["kernel"]))
        return GaussianProcess(
            kernel(jnp.zeros(size), jnp.asarray(0.0)),
            jnp.asarray(0.0),
            Normalisation.identity(size, outputs),
            jnp.zeros((rows, size)),
            jnp.zeros((rows, outputs)),
        )


def _condition(kernel, log_noise, inputs, targets):
    """(Cholesky factor of the data's covariance, its inverse times the targets)."""
    return conditioned(kernel(inputs, inputs), jnp.exp(log_noise), targets)


def _negative_log_posterior(settings, kind, inputs, targets) -> Float[Array, ""]:
    """Per datum: the marginal likelihood, and the priors of the settings."""
    kernel, (log_noise,) = unpacked(settings, kind)
    factor, weights = _condition(kernel, log_noise, inputs, targets)
    fit = negative_log_likelihood(factor, weights, targets)
    return (fit + prior_of(kernel.log_lengths, kernel.log_signal, log_noise)) / len(targets)


def fit_gaussian_process(
    x: Float[Array | np.ndarray, "n d"],
    y: Float[Array | np.ndarray, "n m"],
    *,
    kernel: type[AbstractKernel] = Matern52,
    steps: int = 150,
    learning_rate: float = 0.1,
    most: int = 1500,
) -> GaussianProcess:
    """A Gaussian process whose settings maximise the posterior, by Adam.

    The cost grows with the cube of the number of points: where there are more than `most`, the
    best half of `most` and an even choice of the others are kept.

    **Raises:** `ValueError` if the data are empty, not finite or constant.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    normalisation = Normalisation.of(x, y)
    rows = thinned(y[:, 0], most)
    x, y = jnp.asarray(x[rows]), jnp.asarray(y[rows])
    settings = _maximise(
        kernel,
        jax.vmap(normalisation.inputs)(x),
        normalisation.standardise(y),
        steps,
        jnp.asarray(learning_rate),
    )
    found, (log_noise,) = unpacked(settings, kernel)
    return GaussianProcess(found, log_noise, normalisation, x, y)


@eqx.filter_jit
def _maximise(kind, inputs, targets, steps: int, learning_rate) -> Any:
    def objective(settings):
        return _negative_log_posterior(settings, kind, inputs, targets)

    return maximised(objective, inputs.shape[1], 1, steps, learning_rate)
