"""Sinusoidal modulation (AC voltammetry)."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from .._checks import check_at_least, check_positive, check_value
from ..kinetics._base import parameter
from ._base import AbstractWaveform, Segments

Number = Float[Array, "..."]


class Sinusoidal(AbstractWaveform):
    """AC voltammetry: E(t) = base(t) + A sin(2πft + φ) on any waveform.

    **Arguments:**

    - `base`: the waveform below, such as `CyclicSweep`.
    - `amplitude`: A in V, of the sine (not peak to peak).
    - `frequency`: f in Hz. The integrator resolves every period: about 25 steps each.
    - `phase`: φ in rad.
    - `samples`: number of outputs, equidistant in time; Nyquist's rule is the user's to keep
      for the harmonics looked for.
    """

    base: AbstractWaveform
    amplitude: Number = eqx.field(converter=parameter("amplitude", "V"))
    frequency: Number = eqx.field(converter=parameter("frequency", "Hz"))
    phase: Number = eqx.field(converter=parameter("phase"), default=0.0)
    samples: int = eqx.field(static=True, default=4096)

    def __check_init__(self):
        name = "Sinusoidal"
        check_value(name, "amplitude", self.amplitude, "not negative, in V", lambda v: v >= 0)
        check_positive(self, "frequency", "Hz")
        check_value(name, "phase", self.phase, "finite, in rad", lambda v: v == v)
        check_at_least(self, "samples", 2)

    def segments(self) -> Segments:
        return self.base.segments()

    def perturbation(self, t: Scalar, segment: Int[Array, ""]) -> Scalar:
        angle = 2.0 * jnp.pi * self.frequency * t + self.phase
        return self.base.perturbation(t, segment) + self.amplitude * jnp.sin(angle)

    def times(self) -> Float[Array, " t"]:
        return self.duration * jnp.linspace(0.0, 1.0, self.samples)
