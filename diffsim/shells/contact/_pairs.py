"""Vertex against face and edge against edge: the distance, and where it is taken."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Scalar

Four = Float[Array, "4 3"]
Weights = Float[Array, " 4"]

# Edges whose squared sine is below this have no unique closest points.
_PARALLEL = 1e-10


def vertex_face_weights(points: Four) -> Weights:
    """w with Σ wᵢ xᵢ = the vertex (row 0) minus the closest point of the face (rows 1 to 3)."""
    vertex, a, b, c = points
    u, v, w = b - a, c - a, vertex - a
    uu, uv, vv, wu, wv = u @ u, u @ v, v @ v, w @ u, w @ v
    det = uu * vv - uv**2
    one, two = (vv * wu - uv * wv) / det, (uu * wv - uv * wu) / det
    inside = (one > 0) & (two > 0) & (one + two < 1)
    face = jnp.stack([1.0 - one - two, one, two])
    ab, bc, ca = (_along(vertex, *ends) for ends in ((a, b), (b, c), (c, a)))
    zero = jnp.zeros(())
    shares = jnp.stack(
        [
            jnp.stack([1.0 - ab, ab, zero]),
            jnp.stack([zero, 1.0 - bc, bc]),
            jnp.stack([ca, zero, 1.0 - ca]),
        ]
    )
    nearest = jnp.argmin(jnp.sum((vertex - shares @ points[1:]) ** 2, axis=1))
    share = jnp.where(inside, face, shares[nearest])
    return jnp.concatenate([jnp.ones(1), -share])


def edge_edge_weights(points: Four) -> Weights:
    """w with Σ wᵢ xᵢ = the closest point of the edge 0-1 minus that of the edge 2-3."""
    a, b, c, d = points
    u, v, w = b - a, d - c, a - c
    uu, uv, vv, uw, vw = u @ u, u @ v, v @ v, u @ w, v @ w
    det = uu * vv - uv**2
    regular = det > _PARALLEL * uu * vv
    safe = jnp.where(regular, det, 1.0)
    s, t = (uv * vw - vv * uw) / safe, (uu * vw - uv * uw) / safe
    inside = regular & (s > 0) & (s < 1) & (t > 0) & (t < 1)
    zero, one = jnp.zeros(()), jnp.ones(())
    ends = jnp.stack(
        [
            jnp.stack([zero, _along(a, c, d)]),
            jnp.stack([one, _along(b, c, d)]),
            jnp.stack([_along(c, a, b), zero]),
            jnp.stack([_along(d, a, b), one]),
        ]
    )
    gaps = w + ends[:, :1] * u - ends[:, 1:] * v
    nearest = ends[jnp.argmin(jnp.sum(gaps**2, axis=1))]
    s, t = jnp.where(inside, s, nearest[0]), jnp.where(inside, t, nearest[1])
    return jnp.stack([1.0 - s, s, t - 1.0, -t])


def parallel_weight(points: Four, rest: Scalar) -> Scalar:
    """1 for edges at an angle, falling smoothly to 0 for parallel ones, whose distance has a kink.

    `rest`: 10⁻³ of the product of the squared rest lengths (Li et al. 2020, section 4.3).
    """
    a, b, c, d = points
    cross = jnp.cross(b - a, d - c)
    ratio = jnp.minimum(cross @ cross / rest, 1.0)
    return ratio * (2.0 - ratio)


def _along(point, start, end) -> Scalar:
    """Where on a segment the closest point is, in [0, 1]."""
    axis = end - start
    return jnp.clip((point - start) @ axis / (axis @ axis), 0.0, 1.0)
