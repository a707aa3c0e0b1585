"""Levenberg-Marquardt in a box, with few evaluations."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._problem import Evaluation
from .._types import BoolScalar, IntScalar, Scalar, Vector
from ._box import box_least_squares
from ._interface import (
    REASONS,
    AbstractOptimiser,
    Need,
    Request,
    Traits,
    reason_code,
    succeeded,
)

_TINY = 1e-300
# Where the gain of a step is above this, the step is kept (Moré 1978).
_ACCEPT = 1e-4
# Small enough to be a Gauss-Newton step, large enough to keep null directions still.
_UNDAMPED = 1e-14


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
    """All arrays: the model at the best point, the damping, and the point under trial."""

    model: _Model
    damping: Scalar
    growth: Scalar
    trial: Vector
    promised: Scalar
    steps: IntScalar
    reason: IntScalar


class LevenbergMarquardt(AbstractOptimiser):
    """Least squares with bounds; the method of choice where residuals have a Jacobian.

    At each point it minimises the linear model plus λ|D s|² *exactly within the box*
    (`box_least_squares`), D being the largest column norms seen so far (Moré 1978), and
    updates λ by the gain, Nielsen's rule with a faster fall. An optimum at a bound is reached
    as quickly as one inside, and is reported at the bound exactly. It stops, without
    spending an evaluation on it, when the best undamped step within the box promises a
    relative decrease below `value_tolerance`.

    Optimistix's method of the same name is not used: its step knows no bounds, and putting
    them in by a change of variables makes every bound a stationary point of the Jacobian
    (a column of zeros), where the method stays for ever once it has touched it. What is used
    of its stack is Lineax's QR. The state holds the triangular factor (d, d) and not the
    Jacobian (p, d), so that it is small, and that its size does not depend on the data.

    A failed evaluation is a rejected step: λ grows until the step is short enough.

    **Arguments:**

    - `value_tolerance`: on the relative decrease of the half sum of squares still possible.
      1e-8 leaves errors of about a thousandth of the standard errors.
    - `step_tolerance`: on the largest entry of a step, in the unit cube.
    - `gradient_tolerance`: on the largest cosine between the residuals and a column of the
      Jacobian, over the variables free to move.
    - `damping`: the first λ, relative to D.
    - `steps`: after which it gives up.

    J. J. Moré, Lecture Notes in Mathematics 630 (1978) 105-116. H. B. Nielsen, report
    IMM-REP-1999-05, Technical University of Denmark.
    """

    needs: ClassVar[Need] = "jacobian"
    vmappable: ClassVar[bool] = True

    value_tolerance: float = 1e-8
    step_tolerance: float = 1e-9
    gradient_tolerance: float = 1e-10
    damping: float = 1e-3
    steps: int = eqx.field(static=True, default=100)

    def init(self, x0: Vector, key: Array, traits: Traits) -> LevenbergMarquardtState:
        d = traits.size
        zero = jnp.zeros(d)
        model = _Model(x0, jnp.asarray(jnp.inf), jnp.zeros((d, d)), zero, zero)
        return LevenbergMarquardtState(
            model=model,
            damping=jnp.asarray(self.damping, float),
            growth=jnp.asarray(2.0),
            trial=x0,
            promised=jnp.asarray(0.0),
            steps=jnp.asarray(0),
            reason=reason_code(REASONS.running),
        )

    def ask(self, state: LevenbergMarquardtState) -> Request:
        return Request.at(state.trial, "jacobian")

    def status(self, state: LevenbergMarquardtState):
        return state.reason[None]

    def tell(
        self, state: LevenbergMarquardtState, request: Request, evaluation: Evaluation
    ) -> LevenbergMarquardtState:
        answer = jax.tree.map(lambda leaf: leaf[0], evaluation)
        fine = succeeded(answer)
        first = state.steps == 0
        gain = (state.model.value - answer.value) / jnp.maximum(state.promised, _TINY)
        accept = fine & (first | (gain > _ACCEPT))
        model = jax.tree.map(
            lambda new, old: jnp.where(accept, new, old),
            _linearise(state.trial, answer, state.model.scale),
            state.model,
        )
        damping, growth = _redamp(state.damping, state.growth, gain, accept, fine, first)
        return self._propose(model, damping, growth, state.steps + 1)

    def _propose(self, model: _Model, damping: Scalar, growth: Scalar, steps: IntScalar):
        """The next trial, or the reason for which there is none."""
        # The damped step and the best one still possible, as a batch: one program for both.
        dampings = jnp.stack([damping, jnp.minimum(damping, _UNDAMPED)])
        step, best = jax.vmap(_step, in_axes=(None, 0))(model, dampings)
        promised = model.reduction(step)
        reason = self._verdict(model, step, best, steps)
        return LevenbergMarquardtState(
            model=model,
            damping=damping,
            growth=growth,
            trial=jnp.clip(model.x + step, 0.0, 1.0),
            promised=promised,
            steps=steps,
            reason=reason,
        )

    def _verdict(self, model: _Model, step: Vector, best: Vector, steps: IntScalar):
        possible = model.reduction(best)
        done_value = possible <= self.value_tolerance * model.value
        done_gradient = _cosine(model) <= self.gradient_tolerance
        done_step = jnp.max(jnp.abs(best)) <= self.step_tolerance
        short = jnp.max(jnp.abs(step)) <= self.step_tolerance
        return jnp.select(
            [
                ~jnp.isfinite(model.value),
                done_value,
                done_gradient,
                done_step,
                short,
                steps >= self.steps,
            ],
            [
                reason_code(REASONS.start_failed),
                reason_code(REASONS.value),
                reason_code(REASONS.gradient),
                reason_code(REASONS.step),
                reason_code(REASONS.stalled),
                reason_code(REASONS.steps),
            ],
            reason_code(REASONS.running),
        )


def _linearise(x: Vector, answer: Evaluation, scale: Vector) -> _Model:
    """Reduce residuals and Jacobian to the triangular factor; zeros where not finite."""
    assert answer.jacobian is not None and answer.residuals is not None
    d = x.size
    both = jnp.concatenate([answer.jacobian, answer.residuals[:, None]], axis=1)
    both = jnp.where(jnp.isfinite(both), both, 0.0)
    triangle = jnp.linalg.qr(both, mode="r")
    triangle = jnp.pad(triangle, ((0, max(0, d + 1 - triangle.shape[0])), (0, 0)))
    norms = jnp.sqrt(jnp.sum(both[:, :d] ** 2, axis=0))
    # A column that vanishes gets a little damping, so that its step is zero and not 0/0.
    floor = 1e-8 * jnp.max(norms) + _TINY
    scale = jnp.maximum(jnp.maximum(scale, norms), floor)
    return _Model(x, answer.value, triangle[:d, :d], triangle[:d, d], scale)


def _step(model: _Model, damping: Scalar) -> Vector:
    weight = jnp.sqrt(damping) * model.scale
    return box_least_squares(model.factor, model.offset, weight, -model.x, 1.0 - model.x)


def _cosine(model: _Model) -> Scalar:
    """Largest cosine between the residuals and a column along which the box lets us move."""
    gradient = model.factor.T @ model.offset
    blocked = ((model.x <= 0) & (gradient >= 0)) | ((model.x >= 1) & (gradient <= 0))
    length = model.scale * jnp.sqrt(2 * model.value) + _TINY
    return jnp.max(jnp.where(blocked, 0.0, jnp.abs(gradient) / length))


def _redamp(
    damping: Scalar, growth: Scalar, gain: Scalar, accept: BoolScalar, fine: BoolScalar, first
) -> tuple[Scalar, Scalar]:
    """Nielsen's rule, falling by up to a hundred; a failed simulation counts as a bad miss."""
    gain = jnp.where(jnp.isfinite(gain), gain, 0.0)
    fall = jnp.clip(1.0 - (2.0 * gain - 1.0) ** 3, 0.01, 2.0)
    raised = jnp.where(fine, damping * growth, 100.0 * damping)
    changed = jnp.where(first, damping, jnp.where(accept, damping * fall, raised))
    return jnp.maximum(changed, 1e-14), jnp.where(accept, 2.0, 2.0 * growth)
