"""What contacts, supports and loads want to know of any mesh."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._material import AbstractSubstance


class AbstractMesh(eqx.Module):
    """Vertices at rest, `positions` (v, 3) in m, and cells between them."""

    positions: eqx.AbstractVar[Float[Array, "v 3"]]

    @property
    def num_vertices(self) -> int:
        """Number of vertices."""
        return self.positions.shape[0]

    @abc.abstractmethod
    def vertex_areas(self) -> Float[Array, " v"]:
        """The surface that belongs to each vertex at rest, m²."""

    @abc.abstractmethod
    def vertex_masses(self, material: AbstractSubstance) -> Float[Array, " v"]:
        """The mass that belongs to each vertex, kg."""

    @abc.abstractmethod
    def surface(self) -> Int[np.ndarray, " _"]:
        """The vertices that something else can touch."""

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
