"""A model that is asked at valid designs only."""

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array, Float

from ._activations import Smoothness
from ._interface import AbstractSurrogate
from ._normalisation import Normalisation


class Projected(AbstractSurrogate):
    """x -> model(project(x)): for searches without gradients over relaxed discrete designs.

    `project` maps the unit cube onto the valid designs. The derivative of such a map is zero
    almost everywhere: gradient methods stand still.
    """

    model: AbstractSurrogate
    normalisation: Normalisation
    project: Callable[[Float[Array, " d"]], Float[Array, " d"]] = eqx.field(static=True)
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)

    def __init__(self, model: AbstractSurrogate, project: Callable):
        self.model, self.project = model, project
        self.normalisation = model.normalisation
        self.size, self.outputs, self.smoothness = model.size, model.outputs, "kinked"

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return self.model.standardised(self.project(x))

    def gradient_floor(self) -> float:
        return self.model.gradient_floor()
