"""Points of a surface that meet bodies: its vertices, and a lattice between them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..mesh import AbstractMesh


class ContactPoints(eqx.Module):
    """Points x = Σᵢ weightsᵢ x[verticesᵢ], each with a part of the faces around it.

    **Fields:** `vertices`, `weights`: (k, p), the heaviest first; `faces`, `points`, `shares`:
    (s,), of the area of a face the share that a point has.
    """

    vertices: Int[Array, "k p"]
    weights: Float[Array, "k p"]
    faces: Int[Array, " s"]
    points: Int[Array, " s"]
    shares: Float[Array, " s"]

    @property
    def count(self) -> int:
        """Number of points."""
        return self.vertices.shape[0]

    def places(self, positions: Float[Array, "v 3"]) -> Float[Array, "k 3"]:
        """Where the points are while the vertices are at `positions`, m."""
        return jax.vmap(weighted)(self.weights, positions[self.vertices])

    def areas(self, mesh: AbstractMesh) -> Float[Array, " k"]:
        """Of the rest shape, m²; over all points of a surface, the whole area."""
        return jnp.zeros(self.count).at[self.points].add(self.shares * mesh.areas()[self.faces])


def weighted(weights: Float[Array, " p"], points: Float[Array, "p 3"]) -> Float[Array, " 3"]:
    """Σᵢ weightsᵢ pointsᵢ; as a sum, since XLA fails to compile some batches of products."""
    return jnp.sum(weights[:, None] * points, axis=0)


def contact_points(
    mesh: AbstractMesh, chosen: Bool[np.ndarray, " v"], subdivisions: int
) -> ContactPoints:
    """The lattice that cuts each edge into `subdivisions` parts and each face into their square;
    of 1, the vertices. Points between vertices that are not all `chosen` are left out."""
    corners, n = np.asarray(mesh.faces), subdivisions
    i, j = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
    inside = i + j <= n
    lattice = np.stack([i[inside], j[inside], n - i[inside] - j[inside]], axis=1)
    # Triangles of the lattice that meet at a point, each of which gives it a third.
    around = np.array([6, 3, 1])[np.sum(lattice == 0, axis=1)]

    weights = np.tile(lattice, (len(corners), 1))
    vertices = corners.repeat(len(lattice), axis=0)
    faces = np.arange(len(corners)).repeat(len(lattice))
    shares = np.tile(around / (3.0 * n**2), len(corners))
    kept = np.all(chosen[vertices] | (weights == 0), axis=1)
    vertices, weights, faces, shares = (a[kept] for a in (vertices, weights, faces, shares))

    # A point that several faces share has the same name in all of them.
    order = np.lexsort((vertices, -weights))
    vertices, weights = (np.take_along_axis(a, order, axis=1) for a in (vertices, weights))
    names = np.concatenate([np.where(weights > 0, vertices, -1), weights], axis=1)
    _, first, points = np.unique(names, axis=0, return_index=True, return_inverse=True)
    used = min(n, 3)
    return ContactPoints(
        jnp.asarray(vertices[first, :used], int),
        jnp.asarray(weights[first, :used] / n),
        jnp.asarray(faces, int),
        jnp.asarray(points.ravel(), int),
        jnp.asarray(shares),
    )
