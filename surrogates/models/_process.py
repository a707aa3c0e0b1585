"""What Gaussian processes share: the posterior, and settings that maximise it."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from ._interface import AbstractProbabilistic
from ._kernels import AbstractKernel

_JITTER = 1e-8
LEAST_LOG_NOISE = float(np.log(1e-6))
Scalar = Float[Array, ""]


class AbstractProcess(AbstractProbabilistic):
    """The posterior of a Gaussian process with zero mean on the z-scored scale, given q numbers.

    C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006),
    algorithm 2.1. `factor` is the Cholesky factor of the data's covariance, `weights` its inverse
    times the data.
    """

    kernel: eqx.AbstractVar[AbstractKernel]
    factor: eqx.AbstractVar[Float[Array, "q q"]]
    weights: eqx.AbstractVar[Float[Array, "q m"]]

    @abc.abstractmethod
    def _covariance(self, x: Float[Array, " d"]) -> Float[Array, " q"]:
        """Of the value at one design with the data."""

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


def conditioned(
    covariance: Float[Array, "q q"], noise: Float[Array, "..."], targets: Float[Array, "q m"]
) -> tuple[Float[Array, "q q"], Float[Array, "q m"]]:
    """(Cholesky factor of the data's covariance with its noise, its inverse times the data)."""
    factor = jnp.linalg.cholesky(covariance + (noise + _JITTER) * jnp.eye(len(covariance)))
    return factor, jax.scipy.linalg.cho_solve((factor, True), targets)


def negative_log_likelihood(factor, weights, targets) -> Scalar:
    """Of the data, up to a constant; outputs are independent."""
    outputs = targets.shape[1]
    return 0.5 * jnp.sum(targets * weights) + outputs * jnp.sum(jnp.log(jnp.diag(factor)))


def prior_of(log_lengths, log_signal, *log_noises) -> Scalar:
    """The negative logarithm of the prior of a process's settings, up to a constant.

    Lengths: log-normal about √d·exp(√2) with spread √3 (C. Hvarfner, E. O. Hellsten, L. Nardi,
    ICML 2024, 2402.02229), in which inputs of the unit cube are meant: here they are z-scored, by
    0.29 for a uniform one. Noise: log-normal about exp(-4) with spread 1 (same source).
    """
    centre = 2.0**0.5 + 0.5 * jnp.log(log_lengths.size) - jnp.log(12.0**-0.5)
    prior = jnp.sum((log_lengths - centre) ** 2) / 6.0 + 0.5 * log_signal**2
    return prior + sum(0.5 * (log_noise + 4.0) ** 2 for log_noise in log_noises)


def unpacked(settings, kind: type[AbstractKernel]) -> tuple[AbstractKernel, list[Scalar]]:
    """(kernel, logarithms of the noises, which have a floor)."""
    log_lengths, log_signal, *log_noises = settings
    noises = [jnp.maximum(log_noise, LEAST_LOG_NOISE) for log_noise in log_noises]
    return kind(log_lengths, log_signal), noises


def maximised(
    negative_log_posterior: Callable[[Any], Scalar], size: int, noises: int, steps: int, rate
) -> Any:
    """(log lengths, log signal, logarithms of so many noises), by Adam."""
    begin = (
        jnp.full(size, 0.5 * jnp.log(float(size))),
        jnp.asarray(0.0),
        *(jnp.asarray(-4.0) for _ in range(noises)),
    )
    chain = optax.adam(rate)
    gradient = jax.grad(negative_log_posterior)

    def step(carry, _):
        settings, state = carry
        updates, state = chain.update(gradient(settings), state)
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
