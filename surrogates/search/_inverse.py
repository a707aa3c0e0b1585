"""MINs: a network from scores to designs, asked for more than was seen."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ..models import AbstractSurrogate
from ._interface import AbstractSearch, Designs, promised
from ._problem import Calibration

_Setting = float | int | Array


class _InverseMap(eqx.Module):
    """p(x | y) as a mixture of normal distributions with diagonal covariance."""

    network: eqx.nn.MLP
    parts: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    least: _Setting

    def __init__(self, size: int, parts: int, width: int, least: _Setting, key: Array):
        outputs = parts * (1 + 2 * size)
        self.network = eqx.nn.MLP(1, outputs, width, 2, jax.nn.silu, key=key)
        self.parts, self.size, self.least = parts, size, least

    def mixture(self, y: Float[Array, ""]):
        """(logits (c,), means (c, d), deviations (c, d)) of a score."""
        raw = self.network(y[None]).reshape(self.parts, 1 + 2 * self.size)
        means = 0.5 + raw[:, 1 : 1 + self.size]
        return raw[:, 0], means, self.least + 0.3 * jax.nn.softplus(raw[:, 1 + self.size :])

    def log_density(self, x: Float[Array, " d"], y: Float[Array, ""]) -> Float[Array, ""]:
        logits, means, deviations = self.mixture(y)
        each = jnp.sum(jax.scipy.stats.norm.logpdf(x, means, deviations), axis=1)
        return jax.nn.logsumexp(jax.nn.log_softmax(logits) + each)

    def draw(self, y: Float[Array, ""], key: Array) -> Float[Array, " d"]:
        choosing, drawing = jax.random.split(key)
        logits, means, deviations = self.mixture(y)
        part = jax.random.categorical(choosing, logits)
        return means[part] + deviations[part] * jax.random.normal(drawing, (self.size,))


class InverseSearch(AbstractSearch):
    """MINs: learn designs as a function of the score, ask for a better score than any seen.

    The map p(x | y) is trained on the offline designs with the scores *that the model gives them*
    (so that a regularised model acts), drawn with probability proportional to exp(-(y* - y)/`heat`)
    where y* is the best; then `draws` designs are drawn for scores between y* and y* + `beyond`
    standard deviations, and the k that the model likes best are returned. A. Kumar, S. Levine,
    NeurIPS 2020 (1912.13464).

    Simplified: a mixture density network with `parts` normal distributions, by maximum likelihood,
    in place of a generative adversarial network; the weights are the published ones without their
    factor for the number of designs per score; the choice among the draws by the model stands for
    the published search over scores and latent variables.

    **Raises:** `ValueError` for a setting that is not positive.
    """

    heat: _Setting = 0.5
    beyond: _Setting = 0.5
    learning_rate: _Setting = 3e-3
    least: _Setting = 0.02
    parts: int = eqx.field(static=True, default=4)
    width: int = eqx.field(static=True, default=64)
    steps: int = eqx.field(static=True, default=400)
    batch: int = eqx.field(static=True, default=128)
    draws: int = eqx.field(static=True, default=512)

    def __check_init__(self):
        names = ("heat", "learning_rate", "least", "parts", "width", "steps", "batch", "draws")
        for name in names:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, but is {getattr(self, name):g}.")

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        if len(starts) > self.draws:
            raise ValueError(f"draws must be at least {len(starts)}, but are {self.draws}.")
        calibration = Calibration.of(model, offline)
        score = jax.vmap(lambda x: calibration(model, x))(offline)
        learning, asking, drawing = jax.random.split(key, 3)
        inverse, best = self._learn(offline, score, learning), jnp.max(score)
        wanted = best + self.beyond * jax.random.uniform(asking, (self.draws,))
        keys = jax.random.split(drawing, self.draws)
        x = jnp.clip(jax.vmap(inverse.draw)(wanted, keys), 0.0, 1.0)
        promise = jax.vmap(lambda x: calibration(model, x))(x)
        return promised(model, x[jnp.argsort(-promise)[: len(starts)]])

    def _learn(self, x: Float[Array, "n d"], y: Float[Array, " n"], key: Array) -> _InverseMap:
        making, drawing = jax.random.split(key)
        inverse = _InverseMap(x.shape[1], self.parts, self.width, self.least, making)
        weights, rest = eqx.partition(inverse, eqx.is_inexact_array)
        chain = optax.adam(self.learning_rate)

        def misfit(weights, x, y):
            return -jnp.mean(jax.vmap(eqx.combine(weights, rest).log_density)(x, y))

        def step(carry, key):
            weights, state = carry
            rows = jax.random.categorical(key, y / self.heat, shape=(self.batch,))
            updates, state = chain.update(jax.grad(misfit)(weights, x[rows], y[rows]), state)
            return (optax.apply_updates(weights, updates), state), None

        keys = jax.random.split(drawing, self.steps)
        learnt: Any = jax.lax.scan(step, (weights, chain.init(weights)), keys)[0][0]
        return eqx.combine(learnt, rest)
