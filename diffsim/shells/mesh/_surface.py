"""Surfaces of triangles: of one sheet, or of several bodies together."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._material import AbstractSubstance
from ._abstract import AbstractMesh


class AbstractSurface(AbstractMesh):
    """Triangles between vertices; what contact wants to know of them.

    **Fields:** `positions` (v, 3) in m; `faces`: (f, 3) vertices; `edges`: (e, 2) vertices;
    `face_edges`: (f, 3) the edge opposite each vertex of a face.
    """

    faces: eqx.AbstractVar[Int[Array, "f 3"]]
    edges: eqx.AbstractVar[Int[Array, "e 2"]]
    face_edges: eqx.AbstractVar[Int[Array, "f 3"]]

    @property
    def num_edges(self) -> int:
        """Number of edges."""
        return self.edges.shape[0]

    @property
    def num_faces(self) -> int:
        """Number of faces."""
        return self.faces.shape[0]

    def bodies(self) -> Int[Array, " v"]:
        """The number of the body that a vertex belongs to and which does not meet itself; −1 on
        sheets, which do."""
        return jnp.full(self.num_vertices, -1)

    def normals(self) -> Float[Array, "f 3"]:
        """Unit normals of the faces in the rest shape."""
        crossed = self.crossed()
        return crossed / jnp.linalg.norm(crossed, axis=1, keepdims=True)

    def vertex_masses(self, material: AbstractSubstance) -> Float[Array, " v"]:
        mass = jnp.repeat(self.areas() * material.per_size() / 3.0, 3)
        return jnp.zeros(self.num_vertices).at[self.faces.ravel()].add(mass)


class Skin(AbstractSurface):
    """The surfaces of several bodies; vertices that no face has lie inside them.

    **Arguments:** `positions` (v, 3) in m; `faces` (f, 3), of bodies that were checked already;
    `numbers` (v,): see `bodies`.
    """

    positions: Float[Array, "v 3"]
    faces: Int[Array, "f 3"]
    edges: Int[Array, "e 2"]
    face_edges: Int[Array, "f 3"]
    numbers: Int[Array, " v"]

    def __init__(self, positions, faces, numbers):
        edges, which, _ = edges_of(np.asarray(faces))
        self.positions = jnp.asarray(positions)
        self.faces = jnp.asarray(faces, int)
        self.edges = jnp.asarray(edges, int)
        self.face_edges = jnp.asarray(which.reshape(-1, 3), int)
        self.numbers = jnp.asarray(numbers, int)

    def bodies(self) -> Int[Array, " v"]:
        return self.numbers


def edges_of(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The edges (e, 2), which of them lies opposite each corner (3f,), and whether the corner's
    face is the second one of that edge."""
    directed = faces[:, [[1, 2], [2, 0], [0, 1]]].reshape(-1, 2)
    edges, which = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True)
    which = which.reshape(-1)
    # Of the one or two halves of an edge, the one that comes first is its first side.
    order = np.argsort(which, kind="stable")
    second = np.zeros(len(which), bool)
    second[order[1:]] = which[order[1:]] == which[order[:-1]]
    return edges, which, second
