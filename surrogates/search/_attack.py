"""Directional attacks: the step within a radius that a surrogate says is best."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffsim._types import Scalar, Vector

from ._landscape import AbstractLandscape
from ._tangent import project_on_linearised


class Attacked(NamedTuple):
    """What an attack leads to.

    - `points` (k, d): one for each radius, in the unit cube.
    - `slope`: the largest entry of the surrogate's gradient at the start; 0 where it is
      stationary, and NaN where it is not defined.
    """

    points: Float[Array, "k d"]
    slope: Scalar


class AbstractAttack(eqx.Module):
    """Proposes x + d with ‖d‖∞ <= r that lowers a surrogate, for many radii r at once.

    Pure JAX: to be jitted and mapped over at the call site (`attack_radii` is jitted).

    The loss is linear in the outputs, <u, Φ(x + d) - Φ(x)> with u the ascent direction of the
    objective there. (The published code hands u as a label to the cross-entropy, whose direction is
    Jᵀ(u - mean u); with a single output that is zero.) Outputs that the objective ignores have
    u = 0 and drop out.

    With `projected`, steps are projected onto the linearised constraints of the surrogate (at
    active constraints: onto their tangent cone), and all onto the unit cube.

    P.-Y. Bouchet, T. Vidal, arXiv 2510.01461.
    """

    projected: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def __call__(
        self, landscape: AbstractLandscape, x: Vector, radii: Float[Array, " k"]
    ) -> Attacked:
        """The point for each radius."""

    @abc.abstractmethod
    def calls(self, constraints: int, radii: int) -> tuple[int, int]:
        """Values and derivatives (vector-Jacobian products) that one call takes."""


class FGSM(AbstractAttack):
    """The fast gradient sign method: d = -r sign ∇f, one derivative for all radii.

    For an affine surrogate without constraints it is the exact minimiser over the ball.

    I. Goodfellow, J. Shlens, C. Szegedy, arXiv 1412.6572.
    """

    projected: bool = eqx.field(static=True, default=True)

    def __call__(self, landscape, x, radii):
        return _single(landscape, x, radii, jnp.sign, self.projected)

    def calls(self, constraints, radii):
        return 1, 1 + constraints * self.projected


class L2(AbstractAttack):
    """Steepest descent in the Euclidean norm: d along -∇f, its largest entry r."""

    projected: bool = eqx.field(static=True, default=True)

    def __call__(self, landscape, x, radii):
        return _single(landscape, x, radii, _unit, self.projected)

    def calls(self, constraints, radii):
        return 1, 1 + constraints * self.projected


class PGD(AbstractAttack):
    """Projected gradient descent within the ball: `steps` sign steps of 2.5 r/steps.

    With `refreshed` the direction of the outputs is that of the point reached, at every inner
    step; without, that of the start (the linear loss of the paper). The steps together reach
    2.5 r, so that the whole ball is within reach (the published defaults reach 0.157 r).

    A. Madry et al., arXiv 1706.06083.
    """

    steps: int = eqx.field(static=True, default=10)
    refreshed: bool = eqx.field(static=True, default=True)
    projected: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, but is {self.steps}.")

    def __call__(self, landscape, x, radii):
        seen = landscape if self.refreshed else landscape.frozen(x)

        def one(radius):
            def inner(_, point):
                slacks, rows = _linearised(seen, point, self.projected)
                step = -2.5 * radius / self.steps * jnp.sign(rows[0])
                moved = _moved(point, step, slacks, rows[1:], radius)
                return jnp.clip(jnp.clip(moved, x - radius, x + radius), 0.0, 1.0)

            return jax.lax.fori_loop(0, self.steps, inner, x)

        gradient = _linearised(seen, x, False)[1][0]
        return Attacked(jax.vmap(one)(radii), jnp.max(jnp.abs(gradient)))

    def calls(self, constraints, radii):
        inner = self.steps * radii
        return 1 + inner, 1 + inner * (1 + constraints * self.projected)


@eqx.filter_jit
def attack_radii(
    attack: AbstractAttack, landscape: AbstractLandscape, x: Vector, radii: Float[Array, " k"]
) -> Attacked:
    """A jitted attack for many radii."""
    return attack(landscape, x, radii)


def screened(
    attack: AbstractAttack, landscape: AbstractLandscape, x: Vector, radii: Float[Array, " k"]
) -> tuple[Attacked, Float[Array, "k a"]]:
    """An attack for many radii, and what the surrogate says of each point."""
    attacked = attack(landscape, x, radii)
    return attacked, jax.vmap(landscape)(attacked.points)


def _linearised(landscape: AbstractLandscape, x: Vector, constrained: bool):
    """Slacks (q,) and derivatives (1 + q, d) at a point; without slacks if unconstrained."""
    rows = 1 + (landscape.constraints if constrained else 0)
    answer, pullback = jax.vjp(landscape, x)
    basis = jnp.eye(rows, answer.size)
    return answer[1:rows], jax.vmap(lambda row: pullback(row)[0])(basis)


def _single(landscape, x, radii, shape, projected: bool) -> Attacked:
    """One derivative, then a step of each length."""
    slacks, rows = _linearised(landscape, x, projected)

    def one(radius):
        moved = _moved(x, -radius * shape(rows[0]), slacks, rows[1:], radius)
        return jnp.clip(jnp.clip(moved, x - radius, x + radius), 0.0, 1.0)

    return Attacked(jax.vmap(one)(radii), jnp.max(jnp.abs(rows[0])))


def _moved(x: Vector, step: Vector, slacks, rows, radius) -> Vector:
    """x plus a step that ends in the unit cube and, where there are any, in the constraints."""
    if slacks.size == 0:
        return x + step
    # What a bound holds cannot move; leaving it in would turn the projection the wrong way.
    free = ((x > 0) | (step > 0)) & ((x < 1) | (step < 0))
    return x + project_on_linearised(
        jnp.where(free, step, 0.0), slacks, jnp.where(free, rows, 0.0), radius
    )


def _unit(gradient: Vector) -> Vector:
    return gradient / jnp.maximum(jnp.max(jnp.abs(gradient)), jnp.finfo(float).tiny)
