"""A small convex quadratic over a box, solved exactly."""

import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Bool, Float

from .._types import Vector


def box_least_squares(
    factor: Float[Array, "k d"],
    offset: Float[Array, " k"],
    weight: Vector,
    low: Vector,
    high: Vector,
) -> Vector:
    """The s (d,) that minimises ½|factor·s + offset|² + ½|weight·s|² with low <= s <= high.

    A primal active-set method: from s = 0 (which must lie in the box) it solves for the free
    entries, goes as far as the box allows, holds the entry that stopped it, and lets go of
    the held entry whose multiplier is most wrong once it has arrived. The objective falls
    at each pass, and the passes are finite for positive `weight`; they are capped, where the
    result is still feasible and no worse than s = 0.

    Stark and Parker, Computational Statistics 10 (1995) 129-141 (BVLS).
    """
    d = weight.size

    def gradient(s: Vector) -> Vector:
        return factor.T @ (factor @ s + offset) + weight**2 * s

    def wrong(s: Vector, free: Bool[Array, " d"]) -> Vector:
        """How much each held entry wants to come back inside; 0 for those that do not."""
        slope = gradient(s)
        inward = jnp.where(s <= low, -slope, 0.0) + jnp.where(s >= high, slope, 0.0)
        return jnp.where(free | (low >= high), 0.0, jnp.maximum(inward, 0.0) / scale)

    def body(carry):
        s, free, _, passes = carry
        step = _free_step(factor, factor @ s + offset, weight, weight * s, free)
        room = jnp.where(step < 0, low - s, high - s)
        reach = jnp.where(free & (step != 0), room / jnp.where(step == 0, 1.0, step), jnp.inf)
        fraction = jnp.minimum(1.0, jnp.min(reach))
        stopped = free & (reach <= fraction) & (fraction < 1.0)
        edge = jnp.where(step < 0, low, high)
        s = jnp.where(stopped, edge, jnp.clip(s + fraction * step, low, high))
        arrived = ~jnp.any(stopped)
        pull = wrong(s, free)
        release = arrived & (jnp.arange(d) == jnp.argmax(pull)) & (pull > tolerance)
        return s, (free & ~stopped) | release, arrived & ~jnp.any(release), passes + 1

    s = jnp.zeros_like(weight)
    slope = gradient(s)
    # Gradients are compared per unit of column norm, so that the tolerance has a meaning.
    scale = jnp.sqrt(jnp.sum(factor**2, axis=0) + weight**2) + jnp.finfo(float).tiny
    tolerance = 1e-12 * jnp.sqrt(jnp.sum(offset**2)) + jnp.finfo(float).tiny
    free = ~(((low >= 0) & (slope >= 0)) | ((high <= 0) & (slope <= 0)))
    carry = (s, free, jnp.asarray(False), jnp.asarray(0))
    return jax.lax.while_loop(lambda c: ~c[2] & (c[3] < 5 * d + 5), body, carry)[0]


def _free_step(factor, offset, weight, weighted, free: Bool[Array, " d"]) -> Vector:
    """The unconstrained minimiser over the free entries, by QR of the stacked system."""
    stacked = jnp.concatenate(
        [jnp.where(free, factor, 0.0), jnp.diag(jnp.where(free, weight, 1.0))]
    )
    target = -jnp.concatenate([offset, jnp.where(free, weighted, 0.0)])
    return lx.linear_solve(lx.MatrixLinearOperator(stacked), target, lx.QR(), throw=False).value
