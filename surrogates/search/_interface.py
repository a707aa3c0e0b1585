"""A search: from a trained model and the offline designs to designs worth building."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import AbstractSurrogate


class Designs(eqx.Module):
    """What a search returns: `x` (k, d) of the unit cube, and what the model promises, `predicted`
    (k,), on the scale of the data."""

    x: Float[Array, "k d"]
    predicted: Float[Array, " k"]


class AbstractSearch(eqx.Module):
    """Sees the model and the offline designs, never the truth. Pure JAX: stack and map it."""

    @abc.abstractmethod
    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        """k designs.

        - `starts`: the best k offline designs, the best first.
        - `offline`: designs that set the scale of predictions.
        """


def promised(model: AbstractSurrogate, x: Float[Array, "k d"]) -> Designs:
    """Designs with the model's mean output at each."""
    return Designs(x, jnp.mean(jax.vmap(model)(x), axis=1))
