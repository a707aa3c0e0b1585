"""The angle between two triangles across their common edge."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Scalar

Point = Float[Array, " 3"]


@jax.custom_jvp
def hinge_angle(start: Point, end: Point, near: Point, far: Point) -> Scalar:
    """The angle in (−π, π) by which the triangle beyond an edge is folded back, radian.

    `start`, `end`: the edge as it runs around the near triangle; `near`, `far`: the opposite
    vertices. Zero where flat; positive where the surface is convex on the side of its normals (a
    ridge).
    """
    edge = end - start
    one, two = jnp.cross(edge, near - start), jnp.cross(far - start, edge)
    return jnp.arctan2(jnp.cross(one, two) @ edge / jnp.linalg.norm(edge), one @ two)


@hinge_angle.defjvp
def _hinge_angle_jvp(primals, tangents):
    """R. Bridson, S. Marino, R. Fedkiw, Simulation of clothing with folds and wrinkles (2003).

    By hand, since differentiating the arctangent twice makes a program many times as long.
    """
    start, end, near, far = primals
    edge = end - start
    length = jnp.linalg.norm(edge)
    one, two = jnp.cross(edge, near - start), jnp.cross(far - start, edge)
    one, two = one / (one @ one), two / (two @ two)
    gradients = (
        ((near - end) @ edge * one + (far - end) @ edge * two) / length,
        (-((near - start) @ edge) * one - (far - start) @ edge * two) / length,
        length * one,
        length * two,
    )
    change = sum((g @ t for g, t in zip(gradients, tangents, strict=True)), jnp.zeros(()))
    return hinge_angle(start, end, near, far), -change


def turn_of_face(start: Point, end: Point, near: Point) -> Float[Array, "3 3"]:
    """What the near triangle contributes to the gradient of `hinge_angle`: rows for `start`,
    `end` and `near`. The gradient is the sum of the two triangles' parts."""
    edge = end - start
    length = jnp.linalg.norm(edge)
    normal = jnp.cross(edge, near - start)
    normal = normal / (normal @ normal)
    parts = ((near - end) @ edge / length, -((near - start) @ edge) / length, length)
    return -jnp.stack([part * normal for part in parts])


def curvature_of_face(start: Point, end: Point, near: Point) -> tuple[tuple[Array, ...], ...]:
    """What the near triangle contributes to the Hessian of `hinge_angle`: (3, 3) blocks of rows and
    columns for `start`, `end` and `near`, in the form that is symmetric.

    The Hessian is the sum of the two triangles' parts: the opposite vertices do not meet in it. In
    closed form, as differentiating `hinge_angle` twice takes most of the time of a step.

    Source: as R. Tamstorf, E. Grinspun, Graph. Models 75 (2013) 362, in the axes of the triangle.
    """
    edge, side = end - start, near - start
    length = jnp.linalg.norm(edge)
    along = edge / length
    up = side - (side @ along) * along
    height = jnp.linalg.norm(up)
    up = up / height
    normal = jnp.cross(along, up)
    share = side @ along / length
    both = (up[:, None] * normal + normal[:, None] * up) / height**2
    tilt = along[:, None] * normal / (length * height)
    turn = 0.5 * (height / length) ** 2 * both
    near_end = tilt - share * both
    near_start = -both - near_end
    end_end = share**2 * both - share * (tilt + tilt.T) + turn
    end_start = -end_end - near_end.T
    start_start = -end_start - near_start
    return (
        (start_start, end_start.T, near_start.T),
        (end_start, end_end, near_end.T),
        (near_start, near_end, both),
    )
