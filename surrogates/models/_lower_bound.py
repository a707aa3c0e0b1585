"""A model that promises no more than it is sure of."""

import equinox as eqx
import jax.numpy as jnp
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
    """Models of any kinds, each with its own scales: the mean, and the spread between them.

    **Raises:** `ValueError` for an empty committee, or members of different sizes.
    """

    members: tuple[AbstractSurrogate, ...]
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)

    def __init__(self, *members: AbstractSurrogate):
        shapes = {(member.size, member.outputs) for member in members}
        if len(shapes) != 1:
            raise ValueError(
                "members must be at least one, of the same inputs and outputs, but have "
                f"{sorted(shapes)}."
            )
        self.members, self.normalisation = members, members[0].normalisation
        (self.size, self.outputs) = shapes.pop()
        smooth = all(member.smoothness == "smooth" for member in members)
        self.smoothness = "smooth" if smooth else "kinked"

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return jnp.mean(self._predictions(x), axis=0)

    def standardised_distribution(
        self, x: Float[Array, " d"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        predictions = self._predictions(x)
        return jnp.mean(predictions, axis=0), jnp.std(predictions, axis=0)

    def _predictions(self, x: Float[Array, " d"]) -> Float[Array, "s m"]:
        return jnp.stack([self.normalisation.standardise(member(x)) for member in self.members])
