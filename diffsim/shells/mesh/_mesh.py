"""Triangle meshes: rest positions, and who is whose neighbour."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._check import check_mesh
from ._surface import AbstractSurface, edges_of


class TriangleMesh(AbstractSurface):
    """A triangle mesh of a surface with or without border, in its rest shape.

    Faces are oriented alike, so that their normals (x₁ − x₀) × (x₂ − x₀) point to one side. Edge
    i of a face is the one opposite its vertex i, from vertex i+1 to vertex i+2.

    **Fields:**

    - `positions`: (v, 3) rest positions in m; a leaf, with respect to which everything can be
      differentiated.
    - `faces`: (f, 3) vertices; `edges`: (e, 2) vertices.
    - `face_edges`: (f, 3) the edge opposite each vertex; `edge_sides`: (f, 3) +1 where the face
      is the first of its edge, −1 where it is the second.
    - `neighbours`: (f, 3) the vertex beyond each edge, −1 at the border.
    - `edge_opposites`: (e, 2) the vertices of the first and second face that face the edge, −1
      if there is none.

    **Raises:** `ValueError` naming the elements: indices out of range, degenerate faces,
    vertices at the same place or in no face, edges of more than two faces, faces oriented
    against each other.
    """

    positions: Float[Array, "v 3"]
    faces: Int[Array, "f 3"]
    edges: Int[Array, "e 2"]
    face_edges: Int[Array, "f 3"]
    edge_sides: Float[Array, "f 3"]
    neighbours: Int[Array, "f 3"]
    edge_opposites: Int[Array, "e 2"]

    def __init__(self, positions, faces):
        positions, faces = np.asarray(positions, float), np.asarray(faces)
        check_mesh(positions, faces)
        edges, which, second = edges_of(faces)
        opposites, sides = np.full((len(edges), 2), -1), np.where(second, -1.0, 1.0)
        opposites[which, second.astype(int)] = faces.ravel()
        beyond = np.where(sides > 0, opposites[which, 1], opposites[which, 0])
        self.positions = jnp.asarray(positions)
        self.faces = jnp.asarray(faces, int)
        self.edges = jnp.asarray(edges, int)
        self.face_edges = jnp.asarray(which.reshape(-1, 3), int)
        self.edge_sides = jnp.asarray(sides.reshape(-1, 3))
        self.neighbours = jnp.asarray(beyond.reshape(-1, 3), int)
        self.edge_opposites = jnp.asarray(opposites, int)

    @property
    def border(self) -> Bool[np.ndarray, " e"]:
        """True for the edges that have one face only."""
        return np.asarray(self.edge_opposites[:, 1]) < 0
