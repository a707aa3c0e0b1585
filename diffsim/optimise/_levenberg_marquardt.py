"""Levenberg-Marquardt in a box, with few evaluations."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._problem import Evaluation
from .._types import IntScalar, Scalar, Vector
from ._box import box_least_squares
from ._interface import (
    REASONS,
    AbstractOptimiser,
    Need,
    Request,
    Setting,
    Traits,
    first_reason,
    given,
    reason_code,
    succeeded,
)

_TINY = 1e-300
# Where the gain of a step is above this, the step is kept (Moré 1978).
_ACCEPT = 1e-4
# Relative to the column norms: small enough for a Gauss-Newton step, large enough to keep
# null directions still.
_RIDGE = 1e-7
# Rejections in a row, each step 2.5 times shorter, before value and derivative are said not
# to belong together.
_PATIENCE = 8
# Sooner where even the best step promises little, relative to the value: adaptive integrators
# are rough at the level of their tolerance. (At 1e-5 this saves half of the evaluations.)
_SHORT_PATIENCE, _LITTLE = 3, 1e-2


class _Model(eqx.Module):
    """The residuals near a point: ½|r + J s|² = value + ½|R s + c|² - ½|c|², R (d, d)."""

    x: Vector
    value: Scalar
    factor: Float[Array, "d d"]
    offset: Vector
    scale: Vector

    def reduction(self, step: Vector) -> Scalar:
        """By how much the linear model promises to lower the value."""
        image = self.factor @ step
        return -(self.offset @ image) - 0.5 * image @ image


class LevenbergMarquardtState(eqx.Module):
    """All arrays: the model at the best point, the trust radius, and the point under trial."""

    model: _Model
    radius: Scalar
    trial: Vector
    promised: Scalar
    steps: IntScalar
    rejections: IntScalar
    reason: IntScalar
    low: Vector
    high: Vector


class LevenbergMarquardt(AbstractOptimiser):
    """Least squares with bounds; the method of choice where residuals have a Jacobian.

    At each point the linear model is minimised *exactly* over the intersection of the bounds
    and a trust region, itself a box around the point (`box_least_squares`): the
    Levenberg-Marquardt method in the trust-region form of Moré (1978), with the maximum norm
    of the unit cube in place of the ellipsoid. The unit cube is the natural measure here: its
    edges are what the user calls the range of a parameter. Against damping by column norms
    with Nielsen's update this took 12 evaluations in place of 28 (median; steady-state
    voltammogram, 4 parameters, random starts over eight decades of k0).

    An optimum at a bound is reached as quickly as one inside, and exactly. The method stops,
    without spending an evaluation on it, when the best step within the bounds promises a
    relative decrease below `value_tolerance`. A failed evaluation is a rejected step.

    Optimistix's method of the same name is not used: its step knows no bounds, and putting
    them in by a change of variables makes every bound a stationary point of the residuals
    (a column of zeros), where the method stays for ever once it has touched it. What is used
    of its stack is Lineax's QR. The state holds the triangular factor (d, d) and not the
    Jacobian (p, d), so that its size does not depend on the data.

    **Arguments:**

    - `value_tolerance`: on the relative decrease of the half sum of squares still possible.
      1e-8 leaves errors of about a thousandth of the standard errors.
    - `step_tolerance`: on the largest entry of a step, in the unit cube.
    - `gradient_tolerance`: on the largest cosine between the residuals and a column of the
      Jacobian, over the variables free to move.
    - `radius`: half the edge of the first trust region, in the unit cube.
    - `largest_radius`: which it never exceeds.
    - `steps`: after which it gives up.
    - `low`, `high`: bounds tighter than the unit cube (scalars or (d,)); where they are equal
      the variable is held there. The start is moved inside.

    J. J. Moré, Lecture Notes in Mathematics 630 (1978) 105-116. C. Voglis and I. E. Lagaris,
    WSEAS Conference on Applied Mathematics (2004): the rectangular trust region.
    """

    needs: ClassVar[Need] = "jacobian"
    vmappable: ClassVar[bool] = True

    value_tolerance: Setting = 1e-8
    step_tolerance: Setting = 1e-9
    gradient_tolerance: Setting = 1e-10
    radius: Setting = 0.25
    largest_radius: Setting = 0.5
    steps: int = eqx.field(static=True, default=100)
    low: Setting = 0.0
    high: Setting = 1.0

    def init(self, x0: Vector, key: Array, traits: Traits) -> LevenbergMarquardtState:
        d = traits.size
        zero = jnp.zeros(d)
        low, high = (jnp.broadcast_to(jnp.asarray(b, float), d) for b in (self.low, self.high))
        x0 = jnp.clip(x0, low, high)
        return LevenbergMarquardtState(
            model=_Model(x0, jnp.asarray(jnp.inf), jnp.zeros((d, d)), zero, zero),
            radius=jnp.asarray(self.radius, float),
            trial=x0,
            promised=jnp.asarray(0.0),
            steps=jnp.asarray(0),
            rejections=jnp.asarray(0),
            reason=reason_code(REASONS.running),
            low=low,
            high=high,
        )

    def begun(self) -> "LevenbergMarquardt":
        return dataclasses.replace(self, low=0.0, high=1.0, radius=0.0)

    def ask(self, state: LevenbergMarquardtState) -> Request:
        return Request.at(state.trial, "jacobian")

    def status(self, state: LevenbergMarquardtState) -> Int[Array, " 1"]:
        return state.reason[None]

    def tell(
        self, state: LevenbergMarquardtState, request: Request, evaluation: Evaluation
    ) -> LevenbergMarquardtState:
        answer = jax.tree.map(lambda leaf: leaf[0], evaluation)
        fine = succeeded(answer)
        first = state.steps == 0
        gain = (state.model.value - answer.value) / jnp.maximum(state.promised, _TINY)
        gain = jnp.where(fine, gain, -jnp.inf)
        accept = fine & (first | (gain > _ACCEPT))
        model = jax.tree.map(
            lambda new, old: jnp.where(accept, new, old),
            _linearise(state.trial, answer),
            state.model,
        )
        length = jnp.max(jnp.abs(state.trial - state.model.x))
        resized = _resize(state.radius, length, gain, self.largest_radius)
        moved = LevenbergMarquardtState(
            model=model,
            radius=jnp.where(first, state.radius, resized),
            trial=state.trial,
            promised=state.promised,
            steps=state.steps + 1,
            # A failed simulation says nothing of the derivative: only true rejections count.
            rejections=jnp.where(accept, 0, state.rejections + fine),
            reason=state.reason,
            low=state.low,
            high=state.high,
        )
        return self._propose(moved)

    def _propose(self, state: LevenbergMarquardtState) -> LevenbergMarquardtState:
        """The next trial, or the reason for which there is none."""
        # The trusted step and the best one still possible, as a batch: one program for both.
        radii = jnp.stack([state.radius, jnp.asarray(1.0)])
        step, best = jax.vmap(lambda radius: _step(state, radius))(radii)
        trial = jnp.clip(state.model.x + step, state.low, state.high)
        return eqx.tree_at(
            lambda s: (s.trial, s.promised, s.reason),
            state,
            (trial, state.model.reduction(step), self._verdict(state, best)),
        )

    def _verdict(self, state: LevenbergMarquardtState, best: Vector) -> IntScalar:
        """The first of the reasons to stop that holds."""
        model = state.model
        possible = model.reduction(best)
        little = possible <= _LITTLE * model.value
        return first_reason(
            (~jnp.isfinite(model.value), REASONS.start_failed),
            (possible <= self.value_tolerance * model.value, REASONS.decrease),
            (_cosine(state) <= self.gradient_tolerance, REASONS.gradient),
            (jnp.max(jnp.abs(best)) <= self.step_tolerance, REASONS.step),
            (state.radius <= self.step_tolerance, REASONS.stalled),
            (state.rejections >= _PATIENCE, REASONS.stalled),
            (little & (state.rejections >= _SHORT_PATIENCE), REASONS.roughness),
            (state.steps >= self.steps, REASONS.steps),
        )


def _step(state: LevenbergMarquardtState, radius: Scalar) -> Vector:
    """The minimiser of the model in the bounds and the trust region."""
    model = state.model
    low = jnp.maximum(state.low - model.x, -radius)
    high = jnp.minimum(state.high - model.x, radius)
    return box_least_squares(model.factor, model.offset, _RIDGE * model.scale, low, high)


def _cosine(state: LevenbergMarquardtState) -> Scalar:
    """Largest cosine between the residuals and a column along which we may move."""
    model = state.model
    gradient = model.factor.T @ model.offset
    at_low, at_high = model.x <= state.low, model.x >= state.high
    blocked = (at_low & (gradient >= 0)) | (at_high & (gradient <= 0))
    length = model.scale * jnp.sqrt(2 * model.value) + _TINY
    return jnp.max(jnp.where(blocked | (at_low & at_high), 0.0, jnp.abs(gradient) / length))


def _linearise(x: Vector, answer: Evaluation) -> _Model:
    """Reduce residuals and Jacobian to the triangular factor; zeros where not finite."""
    d, residuals = x.size, given(answer.residuals)
    both = jnp.concatenate([given(answer.jacobian), residuals[:, None]], axis=1)
    both = jnp.where(jnp.isfinite(both), both, 0.0)
    triangle = jnp.linalg.qr(both, mode="r")
    triangle = jnp.pad(triangle, ((0, max(0, d + 1 - triangle.shape[0])), (0, 0)))
    norms = jnp.sqrt(jnp.sum(both[:, :d] ** 2, axis=0))
    # A column that vanishes gets a little weight, so that its step is zero and not 0/0.
    norms = jnp.maximum(norms, 1e-8 * jnp.max(norms) + _TINY)
    return _Model(x, jnp.asarray(answer.value), triangle[:d, :d], triangle[:d, d], norms)


def _resize(radius: Scalar, length: Scalar, gain: Scalar, largest: Setting) -> Scalar:
    """Shrink after a poor step, widen after a good one that used the room it had."""
    wider = jnp.minimum(largest, jnp.maximum(radius, 2.0 * length))
    return jnp.where(gain < 0.25, 0.4 * length, jnp.where(gain > 0.75, wider, radius))
