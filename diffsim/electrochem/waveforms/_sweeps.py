"""Linear and cyclic sweeps."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_at_least, check_value, optional_parameter
from ..kinetics._base import parameter
from ._base import AbstractWaveform, Segments

Number = Float[Array, "..."]


def _check_sweep(waveform) -> None:
    name = type(waveform).__name__
    check_value(name, "scan_rate", waveform.scan_rate, "positive, in V/s", lambda v: v > 0)
    check_at_least(waveform, "samples", 2)


def _vertices(value) -> Array:
    if isinstance(value, list | tuple):
        return jnp.stack([parameter("vertex", "V")(v) for v in value])
    return jnp.atleast_1d(parameter("vertex", "V")(value))


class LinearSweep(AbstractWaveform):
    """E(t) from `start` to `end` (V) at `scan_rate` (V/s, positive); `samples` outputs."""

    start: Number = eqx.field(converter=parameter("start", "V"))
    end: Number = eqx.field(converter=parameter("end", "V"))
    scan_rate: Number = eqx.field(converter=parameter("scan_rate", "V/s"))
    samples: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        _check_sweep(self)
        allowed = "different from start, in V"
        check_value("LinearSweep", "end", self.end, allowed, lambda v: self.start != v)

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

    start: Number = eqx.field(converter=parameter("start", "V"))
    vertex: Number = eqx.field(converter=_vertices)
    scan_rate: Number = eqx.field(converter=parameter("scan_rate", "V/s"))
    end: Number | None = eqx.field(default=None, converter=optional_parameter("end", "V"))
    cycles: int = eqx.field(static=True, default=1)
    samples: int = eqx.field(static=True, default=1000)

    def __check_init__(self):
        _check_sweep(self)
        check_at_least(self, "cycles", 1)
        if self.start.ndim == 0:  # not a batch
            corners = self._corners()
            check_value(
                "CyclicSweep",
                "vertex",
                corners[1:],
                "different from the potential before it, in V",
                lambda v: corners[:-1] != v,
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
