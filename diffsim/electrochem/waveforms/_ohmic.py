"""The ohmic drop of a measured current, of either sign."""

import equinox as eqx
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from ..kinetics._base import parameter
from ._base import AbstractWaveform, Segments
from ._measured import Measured


class OhmicDrop(AbstractWaveform):
    """A waveform less R times the current that was *measured* under it: φ = E(t) − R I(t).

    `Circuit.resistance` feeds the simulated current back, which is right for prediction but has
    no bounded solution once R is more negative than the resistance of charge transfer. An
    instrument that compensates too much leaves just such data; with the measured current there is
    no feedback, and R may have either sign.

    **Arguments:**

    - `waveform`: as applied.
    - `current`: the measured current in A as a `Measured` record with corners at the same times.
    - `resistance`: R in ohm; negative for over-compensation.
    """

    waveform: AbstractWaveform
    current: Measured
    resistance: Float[Array, "..."] = eqx.field(converter=parameter("resistance"), default=0.0)

    def segments(self) -> Segments:
        applied, drop = self.waveform.segments(), self.current.segments()
        return Segments(
            applied.duration,
            applied.start - self.resistance * drop.start,
            applied.end - self.resistance * drop.end,
        )

    def perturbation(self, t: Scalar, segment: Int[Array, ""]) -> Scalar:
        drop = self.current.perturbation(t, segment)
        return self.waveform.perturbation(t, segment) - self.resistance * drop

    def times(self) -> Float[Array, " t"]:
        return self.waveform.times()
