"""Sharpness in training: the fixed penalty (IGNITE-2) and the constraint (IGNITE)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..models import AbstractSurrogate
from ._data import TrainingData
from ._regulariser import AbstractRegulariser
from ._sharpness import AbstractCurvature, sharpness, sharpness_and_gradient

_Setting = float | int | Array


def _designs(candidates, batch: TrainingData, key: Array) -> Float[Array, "b d"]:
    """Where sharpness is evaluated: on the batch, or on as many of the candidates."""
    if candidates is None:
        return batch.x
    index = jax.random.randint(key, (len(batch.x),), 0, len(candidates))
    return candidates[index]


def _scaled(gradient, strength):
    return jax.tree.map(lambda leaf: jnp.asarray(strength, leaf.dtype) * leaf, gradient)


def _not_negative(**settings: _Setting) -> None:
    for name, value in settings.items():
        if not np.all(np.isfinite(value)) or np.any(np.asarray(value) < 0):
            raise ValueError(f"{name} must be finite and at least 0, but is {value}.")


class SharpnessPenalty(AbstractRegulariser):
    """strength·ρ‖∇h‖ is added to the loss: IGNITE-2. Published settings are the defaults.

    **Arguments:**

    - `strength`, `radius` (ρ).
    - `curvature`: by default what suits the model's smoothness.
    - `candidates` (c, d): unlabelled designs on which to evaluate; by default the batch.
    """

    strength: _Setting = 0.01
    radius: _Setting = 0.2
    curvature: AbstractCurvature | None = None
    candidates: Float[Array, "c d"] | None = None

    def check(self, model):
        _not_negative(strength=self.strength, radius=self.radius)

    def __call__(self, model, batch, state, key):
        x = _designs(self.candidates, batch, key)
        value, gradient = sharpness_and_gradient(model, x, self.radius, self.curvature)
        return _scaled(gradient, self.strength), state, {"sharpness": value}


class DualState(eqx.Module):
    """The multiplier, the running mean of the sharpness, and how many steps were made."""

    multiplier: Float[Array, ""]
    average: Float[Array, ""]
    steps: Float[Array, ""]


class SharpnessConstraint(AbstractRegulariser):
    """min loss subject to ρ‖∇h‖ <= bound, by dual ascent: IGNITE.

    λ <- max(0, λ + rate·(average - bound)); λ times the gradient of ρ‖∇h‖ is added. The published
    code does not project and rewards sharpness when λ turns negative.

    **Arguments:** the defaults are the published ones.

    - `bound` (ε): absolute; see `relative_bound`, since the norm depends on width and task.
    - `radius` (ρ), `rate` (η), `initial` (λ₀).
    - `warm_up`: steps for which the multiplier is held at zero.
    - `memory`: of the running mean in the dual step; 0 takes each batch's own value.
    - `curvature`, `candidates`: as for `SharpnessPenalty`.

    **Raises:** (by `check`) `ValueError` if no weights can meet the bound: a linear output bias
    alone makes ‖∇h‖ at least `model.gradient_floor()`.
    """

    bound: _Setting = 0.1
    radius: _Setting = 0.05
    rate: _Setting = 1e-3
    initial: _Setting = 1e-3
    warm_up: _Setting = 0
    memory: _Setting = 0.0
    curvature: AbstractCurvature | None = None
    candidates: Float[Array, "c d"] | None = None

    def check(self, model):
        _not_negative(
            bound=self.bound, radius=self.radius, rate=self.rate, initial=self.initial,
            memory=self.memory,
        )  # fmt: skip
        if np.any(np.asarray(self.memory) >= 1):
            raise ValueError(f"memory must be below 1, but is {self.memory}.")
        floor = np.asarray(self.radius) * model.gradient_floor()
        if np.any(np.asarray(self.bound) <= floor):
            raise ValueError(
                f"bound must be above {np.max(floor):.4g}, which the model's output bias alone "
                f"makes of the sharpness at radius {np.max(self.radius):g}, but is "
                f"{np.min(self.bound):.4g}: no weights meet it and the multiplier would grow "
                "without end."
            )

    def init(self) -> DualState:
        zero = jnp.zeros(())
        return DualState(jnp.asarray(self.initial, float), zero, zero)

    def __call__(self, model, batch, state: Any, key):
        x = _designs(self.candidates, batch, key)
        value, gradient = sharpness_and_gradient(model, x, self.radius, self.curvature)
        warm = state.steps >= self.warm_up
        multiplier = jnp.where(warm, state.multiplier, 0.0)
        first = state.steps == 0
        average = jnp.where(first, value, self.memory * state.average + (1 - self.memory) * value)
        raised = jnp.maximum(state.multiplier + self.rate * (average - self.bound), 0.0)
        following = DualState(jnp.where(warm, raised, state.multiplier), average, state.steps + 1.0)
        log = {"sharpness": value, "multiplier": multiplier}
        return _scaled(gradient, multiplier), following, log


def relative_bound(
    plain: AbstractSurrogate, x: Float[Array, "b d"], radius: _Setting, fraction: _Setting = 0.5
) -> Float[Array, ""]:
    """A bound for `SharpnessConstraint`: a fraction of an unregularised model's sharpness."""
    return fraction * sharpness(plain, x, radius)
