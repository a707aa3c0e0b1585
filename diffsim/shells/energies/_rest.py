"""Geometry of the rest shape, face by face."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._material import AbstractMaterial
from ..mesh import TriangleMesh


class RestFaces(NamedTuple):
    """Rest geometry in orthonormal axes of each face.

    - `area`: (f,); `inverse`: (f, 2, 2) the inverse of the matrix of edge vectors x₁ − x₀, x₂ − x₀.
    - `lengths`: (f, 3) of the edges; `outward`: (f, 3, 2) their unit normals in the face's plane.
    """

    area: Float[Array, " f"]
    inverse: Float[Array, "f 2 2"]
    lengths: Float[Array, "f 3"]
    outward: Float[Array, "f 3 2"]


def rest_faces(mesh: TriangleMesh, material: AbstractMaterial) -> RestFaces:
    """Axis 1 of a face is the material's fibre, projected, or else the face's first edge."""
    corners = mesh.positions[mesh.faces]  # (f, 3 corners, 3)
    normal = mesh.normals()
    fibre = material.fibre()
    along = corners[:, 1] - corners[:, 0] if fibre is None else fibre
    along = along - jnp.sum(along * normal, axis=1, keepdims=True) * normal
    along = along / jnp.linalg.norm(along, axis=1, keepdims=True)
    axes = jnp.stack([along, jnp.cross(normal, along)], axis=2)  # (f, 3, 2)
    flat = jnp.einsum("fci,fia->fca", corners - corners[:, :1], axes)
    matrix = jnp.stack([flat[:, 1], flat[:, 2]], axis=2)
    edges = jnp.roll(flat, 1, axis=1) - jnp.roll(flat, -1, axis=1)  # edge i: i+1 to i+2
    lengths = jnp.linalg.norm(edges, axis=2)
    outward = jnp.stack([edges[..., 1], -edges[..., 0]], axis=2) / lengths[..., None]
    return RestFaces(mesh.areas(), _inverse(matrix), lengths, outward)


def _inverse(matrix: Float[Array, "f 2 2"]) -> Float[Array, "f 2 2"]:
    (a, b), (c, d) = matrix[:, 0].T, matrix[:, 1].T
    adjugate = jnp.stack([jnp.stack([d, -b], 1), jnp.stack([-c, a], 1)], 1)
    return adjugate / (a * d - b * c)[:, None, None]


def vertex_unknowns(vertices) -> Array:
    """Indices of the coordinates of vertices (..., k) in the vector of unknowns, (..., 3k)."""
    vertices = jnp.asarray(vertices)
    indices = 3 * vertices[..., None] + jnp.arange(3)
    return indices.reshape(*vertices.shape[:-1], -1)
