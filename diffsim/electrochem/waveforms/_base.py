"""The interface of a waveform: potential as a function of time, in smooth segments."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Scalar


class Segments(NamedTuple):
    """Straight pieces of a waveform: `duration` in s, `start` and `end` in V, each (s,)."""

    duration: Float[Array, " s"]
    start: Float[Array, " s"]
    end: Float[Array, " s"]


class AbstractWaveform(eqx.Module):
    """Potential against time, made of segments at whose corners the integrator lands.

    Every number is a leaf: scan rate, vertices, pulse heights and frequencies can be
    differentiated and designed.
    """

    @abc.abstractmethod
    def segments(self) -> Segments:
        """The straight pieces, in order."""

    def perturbation(self, t: Scalar) -> Scalar:
        """A smooth potential (V) on top of the segments at time `t`; zero by default."""
        return jnp.zeros_like(t)

    @abc.abstractmethod
    def times(self) -> Float[Array, " t"]:
        """Where the current is sampled unless other times are asked for, in s."""

    @property
    def number_of_segments(self) -> int:
        """How many segments there are; known without computing them."""
        return jax.eval_shape(self.segments).duration.shape[0]

    @property
    def duration(self) -> Scalar:
        """Length of the experiment in s."""
        return jnp.sum(self.segments().duration)

    def locate(self, t: Float[Array, " t"]) -> Float[Array, " t"]:
        """Time in s to the integrator's clock: segment number + fraction of the segment."""
        duration = self.segments().duration
        ends = jnp.cumsum(duration)
        k = jnp.clip(jnp.searchsorted(ends, t, side="right"), 0, duration.size - 1)
        return k + jnp.clip((t - (ends[k] - duration[k])) / duration[k], 0.0, 1.0)

    def potential(self, t: Float[Array, " t"]) -> Float[Array, " t"]:
        """Potential in V at the times `t`."""
        clock = self.locate(t)
        segments = self.segments()
        k = jnp.clip(clock.astype(int), 0, segments.duration.size - 1)
        fraction = clock - k
        straight = segments.start[k] + (segments.end[k] - segments.start[k]) * fraction
        return straight + self.perturbation(t)
