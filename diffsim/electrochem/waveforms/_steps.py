"""Potential steps."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_at_least, check_positive, check_together, optional_parameter
from ..kinetics._base import parameter
from ._base import AbstractWaveform, Segments

Number = Float[Array, "..."]


class PotentialStep(AbstractWaveform):
    """Chronoamperometry: `step` (V) from t = 0 on, for `step_duration` (s).

    The solution is uniform at the beginning. With `rest` (V) and `rest_duration` (s) the
    potential stands at `rest` for that time before the step.

    **Arguments:**

    - `step`: in V; `step_duration` in s.
    - `rest`, `rest_duration`: potential in V and time in s before the step; both or neither.
    - `samples`: number of outputs, equidistant in time over the step, its end included and its
      beginning, where an ideal current is infinite, left out.
    """

    step: Number = eqx.field(converter=parameter("step", "V"))
    step_duration: Number = eqx.field(converter=parameter("step_duration", "s"))
    rest: Number | None = eqx.field(default=None, converter=optional_parameter("rest", "V"))
    rest_duration: Number | None = eqx.field(
        default=None, converter=optional_parameter("rest_duration", "s")
    )
    samples: int = eqx.field(static=True, default=1000)

    def __check_init__(self):
        check_positive(self, "step_duration", "s")
        check_positive(self, "rest_duration", "s")
        check_together(self, "rest", "rest_duration")
        check_at_least(self, "samples", 1)

    def segments(self) -> Segments:
        return _levels(
            _with_rest(self, [self.step]), _with_rest_duration(self, [self.step_duration])
        )

    def times(self) -> Float[Array, " t"]:
        share = jnp.arange(1, self.samples + 1) / self.samples
        return (
            0.0 if self.rest_duration is None else self.rest_duration
        ) + self.step_duration * share


class DoubleStep(AbstractWaveform):
    """Double potential-step chronoamperometry: `first` (V) from t = 0, then `second`.

    **Arguments:**

    - `first`, `second`: in V; `first_duration`, `second_duration` in s.
    - `rest`, `rest_duration`: potential in V and time in s before the first step; both or neither.
    - `samples`: number of outputs in each step, equidistant, the ends included.
    """

    first: Number = eqx.field(converter=parameter("first", "V"))
    second: Number = eqx.field(converter=parameter("second", "V"))
    first_duration: Number = eqx.field(converter=parameter("first_duration", "s"))
    second_duration: Number = eqx.field(converter=parameter("second_duration", "s"))
    rest: Number | None = eqx.field(default=None, converter=optional_parameter("rest", "V"))
    rest_duration: Number | None = eqx.field(
        default=None, converter=optional_parameter("rest_duration", "s")
    )
    samples: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        for name in ("first_duration", "second_duration", "rest_duration"):
            check_positive(self, name, "s")
        check_together(self, "rest", "rest_duration")
        check_at_least(self, "samples", 1)

    def segments(self) -> Segments:
        return _levels(
            _with_rest(self, [self.first, self.second]),
            _with_rest_duration(self, [self.first_duration, self.second_duration]),
        )

    def times(self) -> Float[Array, " t"]:
        share = jnp.arange(1, self.samples + 1) / self.samples
        before = 0.0 if self.rest_duration is None else self.rest_duration
        first = before + self.first_duration * share
        return jnp.concatenate([first, first[-1] + self.second_duration * share])


class Staircase(AbstractWaveform):
    """Staircase voltammetry: `steps` steps from `start`, each held for `tread` seconds.

    **Arguments:**

    - `start`: the first level, in V, which is held for one tread too.
    - `step`: height of a step in V, with its sign.
    - `tread`: in s; the scan rate is step / tread.
    - `steps`: number of steps.
    - `cyclic`: the steps are taken back again, to `start`.
    - `samples_per_step`: outputs on each tread, equidistant, the last at its end.
    """

    start: Number = eqx.field(converter=parameter("start", "V"))
    step: Number = eqx.field(converter=parameter("step", "V"))
    tread: Number = eqx.field(converter=parameter("tread", "s"))
    steps: int = eqx.field(static=True)
    cyclic: bool = eqx.field(static=True, default=False)
    samples_per_step: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        check_positive(self, "tread", "s")
        check_at_least(self, "steps", 1)
        check_at_least(self, "samples_per_step", 1)

    def _heights(self) -> Float[Array, " s"]:
        up = jnp.arange(self.steps + 1, dtype=float)
        return jnp.concatenate([up, up[-2::-1]]) if self.cyclic else up

    def segments(self) -> Segments:
        levels = self.start + self.step * self._heights()
        return Segments(jnp.broadcast_to(self.tread, levels.shape), levels, levels)

    def times(self) -> Float[Array, " t"]:
        count = self._heights().size * self.samples_per_step
        return self.tread * jnp.arange(1, count + 1) / self.samples_per_step


def _with_rest(waveform, levels: list) -> list:
    return levels if waveform.rest is None else [waveform.rest, *levels]


def _with_rest_duration(waveform, durations: list) -> list:
    return durations if waveform.rest_duration is None else [waveform.rest_duration, *durations]


def _levels(levels: list, durations: list) -> Segments:
    level = jnp.stack(levels)
    return Segments(jnp.stack(durations), level, level)
