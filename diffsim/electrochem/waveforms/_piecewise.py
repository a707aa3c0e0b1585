"""Any straight-lined programme, such as the one an instrument says it applied."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_value
from ..kinetics._base import parameter
from ._base import AbstractWaveform, Segments


class PiecewiseLinear(AbstractWaveform):
    """Straight lines between corners.

    **Arguments:**

    - `durations`: of the pieces in s, (s,).
    - `corners`: potentials in V, (s + 1,).
    - `samples`: number of outputs, equidistant in time.

    **Raises:** `ValueError` for a duration that is not positive or a wrong number of corners.
    """

    durations: Float[Array, "..."] = eqx.field(converter=parameter("durations"))
    corners: Float[Array, "..."] = eqx.field(converter=parameter("corners"))
    samples: int = eqx.field(static=True, default=1000)

    def __check_init__(self):
        check_value(
            "PiecewiseLinear", "durations", self.durations, "positive, in s", lambda v: v > 0
        )
        if self.corners.shape[-1] != self.durations.shape[-1] + 1:
            raise ValueError(
                "corners of PiecewiseLinear must be one more than durations, but there are "
                f"{self.corners.shape[-1]} and {self.durations.shape[-1]}."
            )

    def segments(self) -> Segments:
        return Segments(self.durations, self.corners[:-1], self.corners[1:])

    def times(self) -> Float[Array, " t"]:
        return self.duration * jnp.linspace(0.0, 1.0, self.samples)
