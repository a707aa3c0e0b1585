"""What contacts, supports and loads want to know of any mesh."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._material import AbstractSubstance


class AbstractMesh(eqx.Module):
    """Vertices at rest, `positions` (v, 3) in m, and cells between them; `faces` (f, 3) are the
    triangles of the surface that something else can touch."""

    positions: eqx.AbstractVar[Float[Array, "v 3"]]
    faces: eqx.AbstractVar[Int[Array, "f 3"]]

    @property
    def num_vertices(self) -> int:
        """Number of vertices."""
        return self.positions.shape[0]

    def areas(self) -> Float[Array, " f"]:
        """Rest areas of the faces, m²."""
        return 0.5 * jnp.linalg.norm(self.crossed(), axis=1)

    def crossed(self) -> Float[Array, "f 3"]:
        """(x₁ − x₀) × (x₂ − x₀) of each face at rest, m²."""
        a, b, c = (self.positions[self.faces[:, i]] for i in range(3))
        return jnp.cross(b - a, c - a)

    def vertex_areas(self) -> Float[Array, " v"]:
        """A third of the areas of the faces around each vertex, m²."""
        share = jnp.repeat(self.areas() / 3.0, 3)
        return jnp.zeros(self.num_vertices).at[self.faces.ravel()].add(share)

    @abc.abstractmethod
    def vertex_masses(self, material: AbstractSubstance) -> Float[Array, " v"]:
        """The mass that belongs to each vertex, kg."""

    def surface(self) -> Int[np.ndarray, " _"]:
        """The vertices of the faces."""
        return np.unique(np.asarray(self.faces))

    def longest(self) -> Float[Array, ""]:
        """The longest side of the box around the rest shape, m."""
        return jnp.max(jnp.ptp(self.positions, axis=0))

    def select(self, where) -> Int[np.ndarray, " _"]:
        """The vertices whose rest position satisfies the predicate.

        **Arguments:** `where`: a function of x, y, z (arrays) to booleans, or vertex indices.

        **Raises:** `ValueError` if none does, or an index is out of range.
        """
        if not callable(where):
            return _checked_indices(np.atleast_1d(np.asarray(where)), self.num_vertices)
        chosen = np.flatnonzero(np.asarray(where(*np.asarray(self.positions).T)))
        if chosen.size == 0:
            raise ValueError("the predicate must select at least one vertex, but selects none.")
        return chosen


def _checked_indices(indices: np.ndarray, count: int) -> np.ndarray:
    if indices.dtype == bool:
        indices = np.flatnonzero(indices)
    wrong = indices[(indices < 0) | (indices >= count)]
    if wrong.size or not indices.size:
        raise ValueError(
            f"vertices must be chosen among 0 to {count - 1}, but are {indices.tolist()[:8]}."
        )
    return indices
