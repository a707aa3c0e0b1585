"""The angle between two triangles across their common edge."""

from typing import NamedTuple

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


class FaceFold(NamedTuple):
    """What the near triangle contributes to the first two derivatives of `hinge_angle`.

    With n its unit normal, the gradient has the parts turnsᵢ n, and the Hessian the blocks
    n ⊗ vᵢⱼ + vⱼᵢ ⊗ n, for i, j the edge's `start` and `end` and the vertex `near`. Those of the
    angle are the sums of its two triangles' parts: the opposite vertices do not meet in them.

    **Fields:** `normal` (..., 3); `turns` three (..., 1); `vectors` 3 × 3 of (..., 3).
    """

    normal: Float[Array, "*b 3"]
    turns: tuple[Float[Array, "*b 1"], ...]
    vectors: tuple[tuple[Float[Array, "*b 3"], ...], ...]


def fold_of_face(
    start: Float[Array, "*b 3"], end: Float[Array, "*b 3"], near: Float[Array, "*b 3"]
) -> FaceFold:
    """In closed form, as differentiating `hinge_angle` twice takes most of the time of a step.

    Source: as R. Tamstorf, E. Grinspun, Graph. Models 75 (2013) 362, in the axes of the triangle.
    """
    edge, side = end - start, near - start
    inner = lambda a, b: jnp.sum(a * b, axis=-1, keepdims=True)
    length_squared = inner(edge, edge)
    share = inner(side, edge) / length_squared
    up = side - share * edge
    height_squared = inner(up, up)
    height = jnp.sqrt(height_squared)
    rise, along = up / (height_squared * height), edge / (length_squared * height)
    near_end = -share * rise
    end_near = along + near_end
    near_start, start_near = -rise - near_end, -rise - end_near
    tip = share**2 + 0.5 * height_squared / length_squared
    end_end = tip * rise - share * along
    end_start, start_end = -end_end - end_near, -end_end - near_end
    start_start = -end_start - near_start
    return FaceFold(
        jnp.cross(edge, up) / (jnp.sqrt(length_squared) * height),
        ((1.0 - share) / height, share / height, -1.0 / height),
        (
            (start_start, start_end, start_near),
            (end_start, end_end, end_near),
            (near_start, near_end, rise),
        ),
    )


def turn_of_face(start: Point, end: Point, near: Point) -> Float[Array, "3 3"]:
    """What the near triangle contributes to the gradient of `hinge_angle`: rows for `start`,
    `end` and `near`."""
    fold = fold_of_face(start, end, near)
    return jnp.stack([turn * fold.normal for turn in fold.turns])


def curvature_of_face(start: Point, end: Point, near: Point) -> tuple[tuple[Array, ...], ...]:
    """What the near triangle contributes to the Hessian of `hinge_angle`: (3, 3) blocks of rows and
    columns for `start`, `end` and `near`."""
    normal, _, v = fold_of_face(start, end, near)
    block = lambda i, j: normal[:, None] * v[i][j] + v[j][i][:, None] * normal
    return tuple(tuple(block(i, j) for j in range(3)) for i in range(3))
