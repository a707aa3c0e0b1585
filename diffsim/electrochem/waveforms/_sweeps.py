"""Linear and cyclic sweeps."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..kinetics._base import parameter
from .._checks import check_value
from ._base import AbstractWaveform, Segments

Number = Float[Array, "..."]


def _check_sweep(waveform) -> None:
    name = type(waveform).__name__
    check_value(name, "scan_rate", waveform.scan_rate, "positive, in V/s", lambda v: v > 0)
    if waveform.samples < 2:
        raise ValueError(f"samples of {name} must be at least 2, but samples={waveform.samples}.")


class LinearSweep(AbstractWaveform):
    """E(t) from `start` to `end` (V) at `scan_rate` (V/s, positive); `samples` outputs."""

    start: Number = eqx.field(converter=parameter("start"))
    end: Number = eqx.field(converter=parameter("end"))
    scan_rate: Number = eqx.field(converter=parameter("scan_rate"))
    samples: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        _check_sweep(self)
        check_value(
            "LinearSweep", "end", self.end - self.start, "different from start", lambda v: v != 0
        )

    def segments(self) -> Segments:
        duration = jnp.abs(self.end - self.start) / self.scan_rate
        return Segments(duration[None], self.start[None], self.end[None])

    def times(self) -> Float[Array, " t"]:
        return self.duration * jnp.linspace(0.0, 1.0, self.samples)


class CyclicSweep(AbstractWaveform):
    """A triangular sweep: start → vertex (→ more vertices) → end, any number of cycles.

    **Arguments:**

    - `start`: in V.
    - `vertex`: the switching potential in V, or several in the order they are met.
    - `scan_rate`: in V/s, positive.
    - `end`: in V; `start` if left out.
    - `cycles`: how often the vertices are run through. From the second cycle on the sweep
      goes from the last vertex to the first one directly if there are several.
    - `samples`: number of outputs, equidistant in time.
    """

    start: Number = eqx.field(converter=parameter("start"))
    vertex: Number = eqx.field(converter=lambda v: jnp.atleast_1d(parameter("vertex")(v)))
    scan_rate: Number = eqx.field(converter=parameter("scan_rate"))
    end: Number | None = eqx.field(
        default=None, converter=lambda v: None if v is None else parameter("end")(v)
    )
    cycles: int = eqx.field(static=True, default=1)
    samples: int = eqx.field(static=True, default=1000)

    def __check_init__(self):
        _check_sweep(self)
        if self.cycles < 1:
            raise ValueError(f"cycles of CyclicSweep must be at least 1, but is {self.cycles}.")
        check_value(
            "CyclicSweep",
            "vertex",
            jnp.diff(self._corners(), axis=-1) if self.start.ndim == 0 else None,
            "different from the potential before it",
            lambda v: v != 0,
        )

    def _corners(self) -> Array:
        end = self.start if self.end is None else self.end
        middle = jnp.tile(self.vertex, self.cycles)
        if self.vertex.shape[-1] == 1 and self.cycles > 1:
            turns = [self.vertex, self.start[None]] * (self.cycles - 1)
            middle = jnp.concatenate([*turns, self.vertex])
        return jnp.concatenate([self.start[None], middle, end[None]])

    def segments(self) -> Segments:
        corners = self._corners()
        duration = jnp.abs(jnp.diff(corners)) / self.scan_rate
        return Segments(duration, corners[:-1], corners[1:])

    def times(self) -> Float[Array, " t"]:
        return self.duration * jnp.linspace(0.0, 1.0, self.samples)
