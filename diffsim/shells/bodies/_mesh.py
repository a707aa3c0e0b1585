"""Meshes of tetrahedra, and generators of them."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._material import AbstractSubstance
from ..mesh import AbstractMesh, TriangleMesh, refuse

# Six times the volume over the cube of the longest edge: below this a tetrahedron is flat.
_FLATTEST = 1e-8
_SIDES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
# Six tetrahedra around the diagonal of a cube (H. Kuhn 1960), by corners x + 2 y + 4 z.
_KUHN = np.array(
    [[0, 1, 3, 7], [0, 5, 1, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7]]
)


class TetrahedralMesh(AbstractMesh):
    """A solid at rest.

    **Fields:** `positions`: (v, 3) in m; `cells`: (c, 4) vertices, the fourth on the side to which
    (x₁ − x₀) × (x₂ − x₀) points; `faces`: (f, 3) of the surface, with normals outwards.

    **Raises:** `ValueError` naming cells that are flat or inside out, and vertices in no cell.
    """

    positions: Float[Array, "v 3"]
    cells: Int[Array, "c 4"]
    faces: Int[Array, "f 3"]

    def __init__(self, positions, cells):
        positions, cells = np.asarray(positions, float), np.asarray(cells)
        _check(positions, cells)
        self.positions = jnp.asarray(positions)
        self.cells = jnp.asarray(cells, int)
        self.faces = jnp.asarray(_outer_faces(cells), int)

    def skin(self) -> TriangleMesh:
        """The surface as a closed mesh of its own, without the vertices inside."""
        vertices, faces = np.unique(np.asarray(self.faces), return_inverse=True)
        return TriangleMesh(np.asarray(self.positions)[vertices], faces.reshape(-1, 3))

    def volumes(self) -> Float[Array, " c"]:
        """Rest volumes, m³."""
        return jnp.linalg.det(self.frames()) / 6.0

    def frames(self) -> Float[Array, "c 3 3"]:
        """The edges from the first vertex of each cell, as columns."""
        corners = self.positions[self.cells]
        return jnp.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)

    def vertex_masses(self, material: AbstractSubstance) -> Float[Array, " v"]:
        mass = jnp.repeat(self.volumes() * material.per_size() / 4.0, 4)
        return jnp.zeros(self.num_vertices).at[self.cells.ravel()].add(mass)


def block(lengths, cells) -> TetrahedralMesh:
    """A box about the origin with sides `lengths` (3,) in m, of `cells` (3,) cubes of six each."""
    lengths, counts = np.asarray(lengths, float), np.asarray(cells)
    if lengths.shape != (3,) or not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError(f"lengths must be three positive numbers, in m, but are {lengths}.")
    if counts.shape != (3,) or counts.dtype.kind not in "iu" or (counts < 1).any():
        raise ValueError(f"cells must be three whole numbers, at least 1, but are {cells}.")
    ticks = [
        length * np.linspace(-0.5, 0.5, n + 1) for length, n in zip(lengths, counts, strict=True)
    ]
    positions = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)
    number = np.arange(len(positions)).reshape(counts + 1)
    corners = [
        number[i : i + counts[0], j : j + counts[1], k : k + counts[2]].ravel()
        for k in (0, 1)
        for j in (0, 1)
        for i in (0, 1)
    ]
    return TetrahedralMesh(positions, np.stack(corners, axis=1)[:, _KUHN].reshape(-1, 4))


def ball(radius: float, cells: int) -> TetrahedralMesh:
    """A ball about the origin, of `cells` cubes along its diameter, drawn out to a sphere.

    Its volume is that of the polyhedron, less than the ball's.
    """
    if not (np.isfinite(radius) and radius > 0):
        raise ValueError(f"radius must be positive, in m, but is {radius!r}.")
    cube = block([2.0, 2.0, 2.0], [cells] * 3)
    x, y, z = np.asarray(cube.positions).T
    # The cube becomes a ball, its corners with less squeezing than by scaling rays; cubes within
    # become the rounder the larger they are.
    round_ = [
        a * np.sqrt(np.maximum(1.0 - b**2 / 2 - c**2 / 2 + b**2 * c**2 / 3, 0.0))
        for a, b, c in ((x, y, z), (y, z, x), (z, x, y))
    ]
    return TetrahedralMesh(radius * np.stack(round_, axis=1), cube.cells)


def _outer_faces(cells: np.ndarray) -> np.ndarray:
    faces = cells[:, _SIDES].reshape(-1, 3)
    _, first, counts = np.unique(
        np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True
    )
    return faces[np.sort(first[counts == 1])]


def _check(positions: np.ndarray, cells: np.ndarray) -> None:
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise ValueError(f"positions must have shape (v, 3), but have {positions.shape}.")
    if cells.ndim != 2 or cells.shape[1] != 4 or not len(cells) or cells.dtype.kind not in "iu":
        raise ValueError(
            f"cells must be integers of shape (c, 4), c >= 1, but are {cells.dtype} of shape "
            f"{cells.shape}."
        )
    strange = ~np.all(np.isfinite(positions), axis=1)
    refuse(np.asarray(strange), "positions must be finite, but are not at vertices")
    outside = np.asarray(((cells < 0) | (cells >= len(positions))).any(axis=1))
    refuse(outside, f"cells must refer to vertices 0 to {len(positions) - 1}, but do not in cells")
    unused = np.ones(len(positions), bool)
    unused[cells.ravel()] = False
    refuse(unused, "every vertex must belong to a cell, but unreferenced are vertices")
    edges = positions[cells[:, 1:]] - positions[cells[:, :1]]
    longest = np.sqrt(np.sum(edges**2, axis=2).max(axis=1))
    flat = np.linalg.det(edges) <= _FLATTEST * longest**3
    refuse(flat, "cells must have a positive volume, but flat or inside out are cells")
