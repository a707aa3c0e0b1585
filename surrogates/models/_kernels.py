"""Covariances of Gaussian processes."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class AbstractKernel(eqx.Module):
    """A stationary covariance with one length for each variable.

    **Fields:** `log_lengths` (d,), `log_signal`: logarithms of the lengths and of the variance.
    """

    log_lengths: eqx.AbstractVar[Float[Array, " d"]]
    log_signal: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def shape(self, squared: Float[Array, "..."]) -> Float[Array, "..."]:
        """The correlation f at a scaled squared distance s."""

    @abc.abstractmethod
    def derivatives(
        self, squared: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """(df/ds, d²f/ds²), finite at s = 0: what the covariance of derivatives is made of."""

    def __call__(self, one: Float[Array, "a d"], other: Float[Array, "b d"]) -> Float[Array, "a b"]:
        """Covariances between two sets of points."""
        lengths = jnp.exp(self.log_lengths)
        one, other = one / lengths, other / lengths
        cross = one @ other.T
        squared = jnp.sum(one**2, 1)[:, None] + jnp.sum(other**2, 1)[None] - 2.0 * cross
        return jnp.exp(self.log_signal) * self.shape(jnp.maximum(squared, 0.0))


class RBF(AbstractKernel):
    """exp(-r²/2)."""

    log_lengths: Float[Array, " d"]
    log_signal: Float[Array, ""]

    def shape(self, squared: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.exp(-0.5 * squared)

    def derivatives(self, squared: Float[Array, "..."]):
        value = self.shape(squared)
        return -0.5 * value, 0.25 * value


class Matern52(AbstractKernel):
    """(1 + √5 r + 5r²/3) exp(-√5 r)."""

    log_lengths: Float[Array, " d"]
    log_signal: Float[Array, ""]

    def shape(self, squared: Float[Array, "..."]) -> Float[Array, "..."]:
        # The root alone has no derivative at zero; the function has.
        distance = jnp.sqrt(5.0 * squared + 1e-20)
        return (1.0 + distance + 5.0 / 3.0 * squared) * jnp.exp(-distance)

    def derivatives(self, squared: Float[Array, "..."]):
        distance = jnp.sqrt(5.0 * squared + 1e-20)
        falling = jnp.exp(-distance)
        return -5.0 / 6.0 * (1.0 + distance) * falling, 25.0 / 12.0 * falling
