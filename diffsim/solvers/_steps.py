"""Sizes of steps."""

from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array

# Sizes to the doubling; the offset keeps powers of two, which controllers like, off the edges.
_SIZES = 256.0
_OFFSET = 0.37


class RoundedSteps(diffrax.AbstractAdaptiveStepSizeController):
    """Another controller, its steps rounded down by up to 0.3 % to a geometric sequence.

    Error estimates near the tolerance are differences of nearly equal numbers: compiled
    otherwise, for reverse mode, another machine or in a batch, they differ in their last digits,
    and so would all steps after them. Rounded, the steps are the same ones, and with them the
    discrete solution and its derivatives, but for round-off.
    """

    controller: diffrax.AbstractAdaptiveStepSizeController

    def __init__(self, controller: diffrax.AbstractAdaptiveStepSizeController):
        self.controller = controller

    @property
    def rtol(self):
        return self.controller.rtol

    @property
    def atol(self):
        return self.controller.atol

    @property
    def norm(self) -> Callable[[Any], Array]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.controller.norm  # pyright: ignore[reportReturnType]

    def wrap(self, direction):
        return RoundedSteps(self.controller.wrap(direction))  # pyright: ignore[reportArgumentType]

    def init(self, *args, **kwargs):
        return self.controller.init(*args, **kwargs)

    def adapt_step_size(self, *args, **kwargs):
        keep, t0, t1, jumped, state, result = self.controller.adapt_step_size(*args, **kwargs)
        # Steps carry no derivative; that of a logarithm of none would be infinite.
        step = jax.lax.stop_gradient(jnp.asarray(t1 - t0))
        return keep, t0, t0 + _rounded(step), jumped, state, result


def _rounded(step: Array) -> Array:
    number = jnp.floor(_SIZES * jnp.log2(step) + _OFFSET)
    return jnp.exp2((number - _OFFSET) / _SIZES)
