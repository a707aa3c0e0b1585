"""The interface of a waveform: potential as a function of time, in smooth segments."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._types import Scalar

# Times this near to a corner, in segments, are read as the corner itself.
_AT_CORNER = 1e-11


class Segments(NamedTuple):
    """Straight pieces of a waveform: `duration` in s, `start` and `end` in V, each (s,)."""

    duration: Float[Array, " s"]
    start: Float[Array, " s"]
    end: Float[Array, " s"]


class AbstractWaveform(eqx.Module):
    """Potential against time, made of segments at whose corners the integrator lands.

    Every number is a leaf: scan rate, vertices, pulse heights and frequencies can be
    differentiated and designed. The potential may jump from one segment to the next; what is
    sampled at a corner is the value just before it.
    """

    @abc.abstractmethod
    def segments(self) -> Segments:
        """The straight pieces, in order."""

    def perturbation(self, t: Scalar, segment: Int[Array, ""]) -> Scalar:
        """A smooth potential (V) on top of segment number `segment` at time `t` (s);
        zero by default."""
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

    def locate(self, t: Float[Array, " t"]) -> tuple[Int[Array, " t"], Float[Array, " t"]]:
        """Times in s as segment number and fraction of that segment, in (0, 1].

        A corner belongs to the segment that it ends; times out of range are clipped.
        """
        duration = self.segments().duration
        ends = jnp.cumsum(duration)
        # Sums of durations and the user's own times of corners agree up to round-off.
        slack = _AT_CORNER * duration
        k = jnp.clip(jnp.searchsorted(ends + slack, t, side="left"), 0, duration.size - 1)
        return k, jnp.clip((t - (ends[k] - duration[k])) / duration[k], 0.0, 1.0)

    def potential(self, t: Float[Array, " t"]) -> Float[Array, " t"]:
        """Potential in V at the times `t`; at a jump the value before it."""
        k, fraction = self.locate(t)
        segments = self.segments()
        straight = segments.start[k] + (segments.end[k] - segments.start[k]) * fraction
        return straight + jax.vmap(self.perturbation)(t, k)
