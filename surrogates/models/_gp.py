"""Gaussian processes: exact regression in JAX, so that the default needs no torch."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from ._activations import Smoothness
from ._interface import AbstractProbabilistic, kind_named
from ._kernels import AbstractKernel, Matern52
from ._normalisation import Normalisation

_JITTER = 1e-8
LEAST_LOG_NOISE = float(np.log(1e-6))


class GaussianProcess(AbstractProbabilistic):
    """The posterior of a Gaussian process with zero mean on the z-scored scale.

    Outputs are independent and share the kernel. C. E. Rasmussen, C. K. I. Williams, Gaussian
    Processes for Machine Learning (2006), algorithm 2.1.

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

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return self._covariance(x) @ self.weights

    def standardised_distribution(
        self, x: Float[Array, " d"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Mean and standard deviation of the function, without the noise."""
        covariance = self._covariance(x)
        half = jax.scipy.linalg.solve_triangular(self.factor, covariance, lower=True)
        variance = jnp.exp(self.kernel.log_signal) - half @ half
        deviation = jnp.sqrt(jnp.maximum(variance, 1e-12))
        return covariance @ self.weights, jnp.broadcast_to(deviation, (self.outputs,))

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
    noise = jnp.exp(log_noise) + _JITTER
    covariance = kernel(inputs, inputs) + noise * jnp.eye(len(inputs))
    factor = jnp.linalg.cholesky(covariance)
    return factor, jax.scipy.linalg.cho_solve((factor, True), targets)


def _negative_log_posterior(settings, kind, inputs, targets) -> Float[Array, ""]:
    """Per datum: the marginal likelihood, and the priors of the settings."""
    log_lengths, log_signal, log_noise = settings
    log_noise = jnp.maximum(log_noise, LEAST_LOG_NOISE)
    count, outputs = targets.shape
    factor, weights = _condition(kind(log_lengths, log_signal), log_noise, inputs, targets)
    fit = 0.5 * jnp.sum(targets * weights) + outputs * jnp.sum(jnp.log(jnp.diag(factor)))
    return (fit + prior_of(log_lengths, log_signal, log_noise)) / count


def prior_of(log_lengths, log_signal, log_noise) -> Float[Array, ""]:
    """The negative logarithm of the prior of a process's settings, up to a constant.

    Lengths: log-normal about √d·exp(√2) with spread √3 (C. Hvarfner, E. O. Hellsten, L. Nardi,
    ICML 2024, 2402.02229), in which inputs of the unit cube are meant: here they are z-scored, by
    0.29 for a uniform one. Noise: log-normal about exp(-4) with spread 1 (same source).
    """
    centre = 2.0**0.5 + 0.5 * jnp.log(log_lengths.size) - jnp.log(12.0**-0.5)
    prior = jnp.sum((log_lengths - centre) ** 2) / 6.0
    return prior + 0.5 * (log_noise + 4.0) ** 2 + 0.5 * log_signal**2


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
    log_lengths, log_signal, log_noise = settings
    log_noise = jnp.maximum(log_noise, LEAST_LOG_NOISE)
    return GaussianProcess(kernel(log_lengths, log_signal), log_noise, normalisation, x, y)


@eqx.filter_jit
def _maximise(kind, inputs, targets, steps: int, learning_rate) -> Any:
    begin = (
        jnp.full(inputs.shape[1], 0.5 * jnp.log(float(inputs.shape[1]))),
        jnp.asarray(0.0),
        jnp.asarray(-4.0),
    )
    chain = optax.adam(learning_rate)
    gradient = jax.grad(_negative_log_posterior)

    def step(carry, _):
        settings, state = carry
        updates, state = chain.update(gradient(settings, kind, inputs, targets), state)
        return (optax.apply_updates(settings, updates), state), None

    return jax.lax.scan(step, (begin, chain.init(begin)), None, length=steps)[0][0]


def thinned(score: Float[np.ndarray, " n"], most: int) -> np.ndarray:
    """Which rows to keep: the best `most`/2 and an even choice, by score, of the others."""
    order = np.argsort(-score, kind="stable")
    if len(order) <= most:
        return np.sort(order)
    best, rest = order[: most // 2], order[most // 2 :]
    even = np.linspace(0, len(rest) - 1, most - len(best)).round().astype(int)
    return np.sort(np.concatenate([best, rest[even]]))
