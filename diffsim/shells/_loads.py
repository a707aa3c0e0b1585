"""Loads: forces that keep their direction, and pressure that follows the surface."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._types import Scalar
from ..solvers import AbstractElements
from ._material import AbstractMaterial, AbstractSubstance
from .energies import vertex_unknowns
from .mesh import AbstractMesh, TriangleMesh


def _vector(value) -> Array:
    vector = jnp.asarray(value, float)
    if vector.shape != (3,):
        raise ValueError(f"a force or acceleration must have 3 components, but has {vector.shape}.")
    return vector


class AbstractLoad(eqx.Module):
    """Something that pulls on a sheet; loads are added up."""

    @abc.abstractmethod
    def forces(self, mesh: TriangleMesh, material: AbstractMaterial) -> Float[Array, "v 3"]:
        """Dead forces on the vertices, N."""

    def elements(
        self, mesh: TriangleMesh, material: AbstractMaterial, factor: Scalar
    ) -> tuple[AbstractElements, ...]:
        """Energies of the loads that follow the surface, times `factor`."""
        return ()

    def located(self, mesh: TriangleMesh) -> "AbstractLoad":
        """The load with places (predicates) replaced by vertices of the mesh."""
        return self


class Gravity(AbstractLoad):
    """The weight of a sheet or a solid; `acceleration` (3,) in m/s²."""

    acceleration: Float[Array, " 3"] = eqx.field(converter=_vector, default=(0.0, 0.0, -9.80665))

    def forces(self, mesh: AbstractMesh, material: AbstractSubstance) -> Float[Array, "v 3"]:
        return vertex_masses(mesh, material)[:, None] * self.acceleration


class Traction(AbstractLoad):
    """A force per rest area that keeps its direction; `traction` (3,) in Pa."""

    traction: Float[Array, " 3"] = eqx.field(converter=_vector)

    def forces(self, mesh: TriangleMesh, material: AbstractMaterial) -> Float[Array, "v 3"]:
        return mesh.vertex_areas()[:, None] * self.traction


class PointLoad(AbstractLoad):
    """A total `force` (3,) in N on the vertices `where`, which are a predicate or indices.

    It is shared like the length of border edges between the chosen vertices (the consistent load
    of an edge), or evenly if there is none.
    """

    force: Float[Array, " 3"] = eqx.field(converter=_vector)
    where: Any = eqx.field()

    def located(self, mesh: TriangleMesh) -> "AbstractLoad":
        vertices = mesh.select(self.where)
        return _SharedLoad(self.force, jnp.asarray(vertices), jnp.asarray(_shares(mesh, vertices)))

    def forces(self, mesh: TriangleMesh, material: AbstractMaterial) -> Float[Array, "v 3"]:
        return self.located(mesh).forces(mesh, material)


class _SharedLoad(AbstractLoad):
    force: Float[Array, " 3"]
    vertices: Int[Array, " k"]
    shares: Float[Array, " k"]

    def forces(self, mesh: TriangleMesh, material: AbstractMaterial) -> Float[Array, "v 3"]:
        pulled = self.shares[:, None] * self.force
        return jnp.zeros((mesh.num_vertices, 3)).at[self.vertices].add(pulled)


def _shares(mesh: TriangleMesh, vertices: np.ndarray) -> np.ndarray:
    edges = np.asarray(mesh.edges)[mesh.border]
    edges = edges[np.isin(edges, vertices).all(axis=1)]
    ends = np.asarray(mesh.positions)[edges]
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    share = np.zeros(mesh.num_vertices)
    np.add.at(share, edges.ravel(), np.repeat(lengths, 2))
    share = share[vertices]
    return share / share.sum() if len(edges) else np.full(len(vertices), 1.0 / len(vertices))


class Pressure(AbstractLoad):
    """A pressure in Pa on the back of the sheet: it pushes along the normals and follows them.

    The energy is −p V with the volume between the sheet and the origin. On a sheet with a border it
    is that of the pressure only where the border is held (or moves in a plane through the origin).
    """

    pressure: Scalar = eqx.field(converter=lambda value: jnp.asarray(value, float))

    def forces(self, mesh: TriangleMesh, material: AbstractMaterial) -> Float[Array, "v 3"]:
        return jnp.zeros((mesh.num_vertices, 3))

    def elements(
        self, mesh: TriangleMesh, material: AbstractMaterial, factor: Scalar
    ) -> tuple[AbstractElements, ...]:
        pressure = jnp.broadcast_to(factor * self.pressure, (mesh.num_faces,))
        return (_Volumes(vertex_unknowns(mesh.faces), pressure),)


class _Volumes(AbstractElements):
    indices: Int[Array, "*f 9"]
    pressure: Float[Array, "*f"]

    def measures(self, local: Float[Array, " 9"]) -> Float[Array, " 1"]:
        a, b, c = local.reshape(3, 3)
        return (a @ jnp.cross(b, c) / 6.0)[None]

    def density(self, measures: Float[Array, " 1"]) -> Scalar:
        return -self.pressure * measures[0]

    def convex(self, stress, stiffness):
        return jnp.zeros_like(stress), stiffness


def vertex_masses(mesh: AbstractMesh, material: AbstractSubstance) -> Float[Array, " v"]:
    """The mass of each vertex, kg."""
    return mesh.vertex_masses(material)
