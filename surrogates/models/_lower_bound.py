"""A model that promises no more than it is sure of."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ._activations import Smoothness
from ._interface import AbstractProbabilistic, AbstractSurrogate
from ._normalisation import Normalisation

_Setting = float | int | Array


class LowerBound(AbstractSurrogate):
    """Mean minus `width` standard deviations of a model that knows how sure it is.

    A search on it turns back where the data end: with `width` 0 it is the model's mean.

    **Raises:** `ValueError` for a negative width.
    """

    model: AbstractProbabilistic
    width: _Setting
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)

    def __init__(self, model: AbstractProbabilistic, width: _Setting = 1.0):
        if isinstance(width, float | int) and not width >= 0:
            raise ValueError(f"width must be at least 0, but is {width:g}.")
        self.model, self.width, self.normalisation = model, width, model.normalisation
        self.size, self.outputs, self.smoothness = model.size, model.outputs, model.smoothness

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        mean, deviation = self.model.standardised_distribution(x)
        return mean - self.width * deviation


class Committee(AbstractProbabilistic):
    """Models of any kinds, each with its own scales: their mixture.

    The mean is the weighted one; the variance that of the mixture: what each member that knows
    how sure it is says of itself, and the spread between them.

    `weights` (s,) are put to a sum of one; by default all count alike.

    **Raises:** `ValueError` for an empty committee, members of different sizes, or weights that
    are not one positive number or zero for each member.
    """

    members: tuple[AbstractSurrogate, ...]
    weights: Float[Array, " s"]
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)

    def __init__(
        self,
        *members: AbstractSurrogate,
        weights: Float[Array | np.ndarray, " s"] | None = None,
    ):
        shapes = {(member.size, member.outputs) for member in members}
        if len(shapes) != 1:
            raise ValueError(
                "members must be at least one, of the same inputs and outputs, but have "
                f"{sorted(shapes)}."
            )
        self.members, self.normalisation = members, members[0].normalisation
        self.weights = _shares(weights, len(members))
        (self.size, self.outputs) = shapes.pop()
        smooth = all(member.smoothness == "smooth" for member in members)
        self.smoothness = "smooth" if smooth else "kinked"

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        each = [self.normalisation.standardise(member(x)) for member in self.members]
        return self.weights @ jnp.stack(each)

    def standardised_distribution(
        self, x: Float[Array, " d"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        each = [_moments(member, x) for member in self.members]
        means, deviations = (jnp.stack(some) for some in zip(*each, strict=True))
        means = self.normalisation.standardise(means)
        mean = self.weights @ means
        own = (deviations / self.normalisation.y_scale) ** 2
        return mean, jnp.sqrt(self.weights @ (own + (means - mean) ** 2))


def _moments(member: AbstractSurrogate, x: Float[Array, " d"]):
    """(mean, standard deviation) on the scale of the data; zero of a model that gives none."""
    if isinstance(member, AbstractProbabilistic):
        return member.distribution(x)
    mean = member(x)
    return mean, jnp.zeros_like(mean)


def _shares(weights, count: int) -> Float[Array, " s"]:
    """Weights of sum one."""
    if weights is None:
        return jnp.full(count, 1.0 / count)
    if jnp.shape(weights) != (count,):
        raise ValueError(f"weights must have shape ({count},), but have {jnp.shape(weights)}.")
    if not isinstance(weights, Tracer) and not (
        np.all(np.asarray(weights) >= 0) and np.isfinite(np.sum(weights)) and np.sum(weights) > 0
    ):
        raise ValueError(f"weights must be at least 0 and not all 0, but are {weights}.")
    return jnp.asarray(weights) / jnp.sum(jnp.asarray(weights))
