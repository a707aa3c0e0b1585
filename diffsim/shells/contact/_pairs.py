"""Vertex against face and edge against edge: the distance, and where it is taken."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..._types import Scalar
from ._points import weighted

Four = Float[Array, "4 3"]
Weights = Float[Array, " 4"]


class Closest(NamedTuple):
    """Where the distance of a pair is taken.

    **Fields:** `weights`: (4,) of the vertices in the vector between the closest points; `slides`:
    (2, 4) how the weights change while a closest point slides; `free`: (2,) which of these ways it
    may go, the distance being stationary in them.
    """

    weights: Weights
    slides: Float[Array, "2 4"]
    free: Bool[Array, " 2"]


# Edges whose squared sine is below this have no unique closest points.
_PARALLEL = 1e-10
# How weights change while the closest point goes over a face, along its edges or along two edges.
_OVER_FACE = jnp.array([[0.0, 1.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]])
_OVER_EDGES = jnp.array([[0.0, 1.0, -1.0, 0.0], [0.0, 0.0, 1.0, -1.0], [0.0, -1.0, 0.0, 1.0]])
_NOWHERE = jnp.zeros(4)
_ALONG = jnp.array([[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])


def vertex_face_weights(points: Four) -> Weights:
    """w with Σ wᵢ xᵢ = the vertex (row 0) minus the closest point of the face (rows 1 to 3)."""
    return vertex_face_closest(points).weights


def vertex_face_closest(points: Four) -> Closest:
    """Of a vertex (row 0) and a face (rows 1 to 3): inside, or on one of its edges."""
    vertex, a, b, c = points
    u, v, w = b - a, c - a, vertex - a
    uu, uv, vv, wu, wv = u @ u, u @ v, v @ v, w @ u, w @ v
    det = uu * vv - uv**2
    one, two = (vv * wu - uv * wv) / det, (uu * wv - uv * wu) / det
    inside = (one > 0) & (two > 0) & (one + two < 1)
    face = jnp.stack([1.0 - one - two, one, two])
    along = [_along(vertex, *ends) for ends in ((a, b), (b, c), (c, a))]
    ab, bc, ca = along
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
    slides = jnp.where(inside, _OVER_FACE, jnp.stack([_OVER_EDGES[nearest], _NOWHERE]))
    between = _between(jnp.stack(along))[nearest]
    free = jnp.where(inside, True, jnp.stack([between, jnp.asarray(False)]))
    return Closest(jnp.concatenate([jnp.ones(1), -share]), slides, free)


def edge_edge_weights(points: Four) -> Weights:
    """w with Σ wᵢ xᵢ = the closest point of the edge 0-1 minus that of the edge 2-3."""
    return edge_edge_closest(points).weights


def edge_edge_closest(points: Four) -> Closest:
    """Of the edges 0-1 and 2-3: inside both, or at an end of one."""
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
    # At an end a share is 0 or 1, and stays so.
    return Closest(jnp.stack([1.0 - s, s, t - 1.0, -t]), _ALONG, _between(jnp.stack([s, t])))


def distance_curvature(points: Four, closest: Closest) -> Float[Array, "12 12"]:
    """∇² of the distance d = |r| of a pair, r = Σ wᵢ xᵢ.

    Of ½ r·r it is wwᵀ ⊗ 1 less what the sliding of the closest point takes away, by elimination of
    the shares sₖ in which ½ r·r is stationary: with eₖ = ∂r/∂sₖ and gₖ = ∂w/∂sₖ,

        Σₖₗ (w⊗eₖ + gₖ⊗r) (e·e)⁻¹ₖₗ (w⊗eₗ + gₗ⊗r)ᵀ.
    """
    weights, slides, free = closest
    between = weighted(weights, points)
    distance = jnp.sqrt(jnp.sum(between**2))
    ways = jnp.sum(slides[:, :, None] * points, axis=1)
    mixed = weights[:, None] * ways[:, None, :] + slides[:, :, None] * between
    mixed = jnp.where(free[:, None], mixed.reshape(2, 12), 0.0)
    first, second = (jnp.where(free[k], jnp.sum(ways[k] ** 2), 1.0) for k in (0, 1))
    both = jnp.where(free[0] & free[1], jnp.sum(ways[0] * ways[1]), 0.0)
    one, two = mixed
    crossed = both * (one[:, None] * two + two[:, None] * one)
    slid = second * one[:, None] * one + first * two[:, None] * two - crossed
    slid = slid / (first * second - both**2)
    still = (weights[:, None, None, None] * weights[:, None] * jnp.eye(3)[:, None]).reshape(12, 12)
    slope = (weights[:, None] * between / distance).ravel()
    return (still - slid - slope[:, None] * slope) / distance


def parallel_weight(points: Four, rest: Scalar) -> Scalar:
    """1 for edges at an angle, falling smoothly to 0 for parallel ones, whose distance has a kink.

    `rest`: 10⁻³ of the product of the squared rest lengths (Li et al. 2020, section 4.3).
    """
    a, b, c, d = points
    cross = jnp.cross(b - a, d - c)
    ratio = jnp.minimum(cross @ cross / rest, 1.0)
    return ratio * (2.0 - ratio)


def parallel_curvature(points: Four, rest: Scalar) -> Float[Array, "12 12"]:
    """∇² of `parallel_weight`, by that of |u × v|² = (u·u)(v·v) − (u·v)²."""
    a, b, c, d = points
    u, v = b - a, d - c
    uu, uv, vv = jnp.sum(u * u), jnp.sum(u * v), jnp.sum(v * v)
    ratio = (uu * vv - uv**2) / rest
    slope = 2.0 / rest * jnp.stack([vv * u - uv * v, uu * v - uv * u])
    outer = lambda x, y: x[:, None] * y
    across = 4.0 * outer(u, v) - 2.0 * outer(v, u) - 2.0 * uv * jnp.eye(3)
    own = [2.0 * (vv * jnp.eye(3) - outer(v, v)), 2.0 * (uu * jnp.eye(3) - outer(u, u))]
    bend = jnp.stack([jnp.stack([own[0], across]), jnp.stack([across.T, own[1]])]) / rest
    found = (2.0 - 2.0 * ratio) * bend.transpose(0, 2, 1, 3)
    found = found - 2.0 * slope[:, :, None, None] * slope
    # Each edge is the difference of its ends.
    signs = jnp.array([-1.0, 1.0, -1.0, 1.0])
    ends = found.repeat(2, axis=0).repeat(2, axis=2)
    ends = ends * signs[:, None, None, None] * signs[:, None]
    return jnp.where(ratio < 1.0, ends.reshape(12, 12), 0.0)


def _along(point, start, end) -> Scalar:
    """Where on a segment the closest point is, in [0, 1]."""
    axis = end - start
    return jnp.clip((point - start) @ axis / (axis @ axis), 0.0, 1.0)


def _between(shares: Float[Array, " k"]) -> Bool[Array, " k"]:
    """Whether closest points are inside their segments."""
    return (shares > 0.0) & (shares < 1.0)
