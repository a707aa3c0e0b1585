"""Pulse voltammetry: square wave and differential pulse."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_at_least, check_positive, check_value
from ..kinetics._base import parameter
from ._base import AbstractWaveform, Segments

Number = Float[Array, "..."]


class PulseCurrents(NamedTuple):
    """Currents of a pulse method, one per step of the base, each (steps,).

    **Fields:** `potential` of the base in V; `forward` and `reverse` currents in A, where
    forward is the half cycle in the direction of the scan, or the pulse; `difference` their
    difference, forward - reverse.
    """

    potential: Float[Array, " p"]
    forward: Float[Array, " p"]
    reverse: Float[Array, " p"]
    difference: Float[Array, " p"]


class SquareWave(AbstractWaveform):
    """Square-wave voltammetry of Osteryoung: a symmetric square wave on a staircase.

    Cycle k goes to E_k + s·amplitude and then to E_k − s·amplitude, half a period each, with
    E_k = start + k·step and s the sign of the step. The current is sampled at the end of each
    half cycle.

    **Arguments:**

    - `start`: in V.
    - `step`: height of a step of the staircase in V, with its sign (±5 mV is usual).
    - `amplitude`: half of peak to peak, in V (25 mV/n is usual).
    - `frequency`: in Hz; the scan rate is step · frequency.
    - `cycles`: number of steps of the staircase.

    Source: J. G. Osteryoung, R. A. Osteryoung, Anal. Chem. 57 (1985) 101A.
    """

    start: Number = eqx.field(converter=parameter("start", "V"))
    step: Number = eqx.field(converter=parameter("step", "V"))
    amplitude: Number = eqx.field(converter=parameter("amplitude", "V"))
    frequency: Number = eqx.field(converter=parameter("frequency", "Hz"))
    cycles: int = eqx.field(static=True)

    def __check_init__(self):
        check_positive(self, "amplitude", "V")
        check_positive(self, "frequency", "Hz")
        _check_step(self)
        check_at_least(self, "cycles", 1)

    def base(self) -> Float[Array, " p"]:
        """Potential of each step of the staircase in V."""
        return self.start + self.step * jnp.arange(self.cycles)

    def segments(self) -> Segments:
        swing = jnp.sign(self.step) * self.amplitude * jnp.array([1.0, -1.0])
        levels = jnp.ravel(self.base()[:, None] + swing)
        return Segments(jnp.broadcast_to(0.5 / self.frequency, levels.shape), levels, levels)

    def times(self) -> Float[Array, " t"]:
        return jnp.arange(1, 2 * self.cycles + 1) / (2.0 * self.frequency)

    def currents(self, current: Float[Array, " t"]) -> PulseCurrents:
        """Sort the current at `times()` into forward, reverse and difference."""
        forward, reverse = current[::2], current[1::2]
        return PulseCurrents(self.base(), forward, reverse, forward - reverse)


class DifferentialPulse(AbstractWaveform):
    """Differential pulse voltammetry: short pulses of constant height on a staircase.

    Each period rests at E_k = start + k·step, then goes to E_k + s·amplitude for the pulse, s
    being the sign of the step. The current is sampled just before the pulse and at its end.

    **Arguments:**

    - `start`, `step`: as of `SquareWave`.
    - `amplitude`: height of the pulse in V.
    - `period`: in s; the scan rate is step / period.
    - `pulse`: length of the pulse in s, shorter than the period.
    - `cycles`: number of pulses.

    Source: E. P. Parry, R. A. Osteryoung, Anal. Chem. 37 (1965) 1634.
    """

    start: Number = eqx.field(converter=parameter("start", "V"))
    step: Number = eqx.field(converter=parameter("step", "V"))
    amplitude: Number = eqx.field(converter=parameter("amplitude", "V"))
    period: Number = eqx.field(converter=parameter("period", "s"))
    pulse: Number = eqx.field(converter=parameter("pulse", "s"))
    cycles: int = eqx.field(static=True)

    def __check_init__(self):
        for name, unit in (("amplitude", "V"), ("period", "s"), ("pulse", "s")):
            check_positive(self, name, unit)
        check_value(
            "DifferentialPulse",
            "pulse",
            self.pulse,
            "shorter than the period",
            lambda v: self.period - v > 0,
        )
        _check_step(self)
        check_at_least(self, "cycles", 1)

    def base(self) -> Float[Array, " p"]:
        """Potential of each step of the staircase in V."""
        return self.start + self.step * jnp.arange(self.cycles)

    def segments(self) -> Segments:
        swing = jnp.sign(self.step) * self.amplitude * jnp.array([0.0, 1.0])
        levels = jnp.ravel(self.base()[:, None] + swing)
        both = jnp.stack([self.period - self.pulse, self.pulse])
        return Segments(jnp.tile(both, self.cycles), levels, levels)

    def times(self) -> Float[Array, " t"]:
        ends = self.period * jnp.arange(1, self.cycles + 1)
        return jnp.ravel(jnp.stack([ends - self.pulse, ends], axis=-1))

    def currents(self, current: Float[Array, " t"]) -> PulseCurrents:
        """Sort the current at `times()`: forward is at the end of the pulse, reverse before."""
        reverse, forward = current[::2], current[1::2]
        return PulseCurrents(self.base(), forward, reverse, forward - reverse)


def _check_step(waveform) -> None:
    name = type(waveform).__name__
    check_value(name, "step", waveform.step, "different from zero, in V", lambda v: v != 0)
