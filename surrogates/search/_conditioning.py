"""CbAS: a distribution of designs, conditioned on scoring well."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import AbstractSurrogate
from ._interface import AbstractSearch, Designs, promised
from ._problem import Calibration

_Setting = float | int | Array


class _Normal(eqx.Module):
    """A normal distribution by its mean and the Cholesky factor of its covariance."""

    mean: Float[Array, " d"]
    factor: Float[Array, "d d"]

    @staticmethod
    def fitted(z: Float[Array, "b d"], weights: Float[Array, " b"], least: _Setting) -> "_Normal":
        """The most likely one for weighted points (weights sum to 1), no narrower than `least`."""
        mean = weights @ z
        spread = z - mean
        covariance = (weights[:, None] * spread).T @ spread + least**2 * jnp.eye(z.shape[1])
        return _Normal(mean, jnp.linalg.cholesky(covariance))

    def draw(self, key: Array, count: int) -> Float[Array, "b d"]:
        return self.mean + jax.random.normal(key, (count, self.mean.size)) @ self.factor.T

    def log_density(self, z: Float[Array, "b d"]) -> Float[Array, " b"]:
        """Up to a constant that all of them share."""
        error = jax.scipy.linalg.solve_triangular(self.factor, (z - self.mean).T, lower=True)
        return -0.5 * jnp.sum(error**2, axis=0) - jnp.sum(jnp.log(jnp.diag(self.factor)))


class ConditioningSearch(AbstractSearch):
    """CbAS: draws of a distribution that is refitted, by weights, towards p₀(x)·P(y >= γ | x).

    Each of `rounds` draws `members` designs of q, raises γ to the `quantile` of their predictions
    (it never falls), and refits q by weighted maximum likelihood with the weights

        w(x) = p₀(x)/q(x) · P(y >= γ | x),   P(y >= γ | x) = Φ((g(x) - γ)/noise),

    with p₀ the distribution of the offline designs, which keeps the search where there are data.
    The designs are draws of the last q. D. Brookes, H. Park, J. Listgarten, ICML 2019 (1901.10060).

    Simplified: p₀ and q are normal distributions with full covariance, whose refits are closed
    formulas, in place of variational autoencoders; one model with an error of `noise` calibrated
    units in place of an ensemble's own; γ and weights as published. Draws are projected onto the
    unit cube before the model sees them.

    **Raises:** `ValueError` for a quantile outside (0, 1), or a setting that is not positive.
    """

    quantile: _Setting = 0.8
    noise: _Setting = 0.1
    least: _Setting = 0.01
    members: int = eqx.field(static=True, default=500)
    rounds: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        if not 0 < self.quantile < 1:
            raise ValueError(f"quantile must be in (0, 1), but is {self.quantile:g}.")
        for name in ("noise", "least", "members", "rounds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, but is {getattr(self, name):g}.")

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        calibration = Calibration.of(model, offline)
        even = jnp.full(len(offline), 1.0 / len(offline))
        prior = _Normal.fitted(offline, even, self.least)

        def turn(carry, key):
            q, level = carry
            z = q.draw(key, self.members)
            score = jax.vmap(lambda z: calibration(model, jnp.clip(z, 0.0, 1.0)))(z)
            level = jnp.maximum(level, jnp.quantile(score, self.quantile))
            log_weights = prior.log_density(z) - q.log_density(z)
            log_weights += jax.scipy.stats.norm.logcdf((score - level) / self.noise)
            return (_Normal.fitted(z, jax.nn.softmax(log_weights), self.least), level), None

        learning, drawing = jax.random.split(key)
        keys = jax.random.split(learning, self.rounds)
        q, _ = jax.lax.scan(turn, (prior, jnp.asarray(-jnp.inf)), keys)[0]
        return promised(model, jnp.clip(q.draw(drawing, len(starts)), 0.0, 1.0))
