"""Bending by discrete hinges."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._types import Scalar
from ...solvers import AbstractElements
from .._material import AbstractMaterial
from ..mesh import TriangleMesh
from ._angle import hinge_angle
from ._bending import AbstractBending, Guides, beyond_edge
from ._rest import vertex_unknowns


class HingeBending(AbstractBending):
    """Discrete hinges: W = ½ Σ kₑ (θₑ − θ̄ₑ)² over the folds θ of the edges.

    Cheap, and right on two kinds of flat mesh only, each with a weight of its own, where the
    sheet is a plate of the stiffness D = h³Q₁₁/12 of its material with a Poisson ratio that the
    mesh decides:

    - "uniform": kₑ = D. Exact on "alternating" meshes of square cells; ν = 0.
    - "equilateral": kₑ = D |e|²/(A₁ + A₂). Exact on equilateral triangles; ν = −1/3.

    On other meshes the error does not vanish under refinement: take `MidEdgeBending`.
    """

    weight: str = eqx.field(static=True, default="uniform")
    rotates_edges: ClassVar[bool] = False

    def __check_init__(self):
        if self.weight not in ("uniform", "equilateral"):
            raise ValueError(f"weight must be uniform or equilateral, but is {self.weight!r}.")

    def elements(
        self, mesh: TriangleMesh, material: AbstractMaterial, guides: Guides, memory: PyTree = None
    ) -> AbstractElements:
        first, second = mesh.edge_opposites.T
        inside = second >= 0
        vertices = jnp.stack([*mesh.edges.T, first, jnp.where(inside, second, first)], axis=1)
        hinges = _Hinges(
            indices=vertex_unknowns(vertices),
            stiffness=self._weights(mesh) * _plate_stiffness(mesh, material),
            rest=jnp.zeros(mesh.num_edges),
            sense=_sense(mesh),
            inside=inside,
            guided=guides.guided,
            directions=guides.directions,
        )
        # A guided edge is half a hinge, bent by half the angle; a free border is none.
        factor = jnp.where(inside, 1.0, jnp.where(guides.guided, 2.0, 0.0))
        hinges = eqx.tree_at(lambda h: h.stiffness, hinges, factor * hinges.stiffness)
        before = eqx.tree_at(lambda h: h.directions, hinges, guides.rest_directions)
        local = mesh.positions.ravel()[hinges.indices]
        rest = jax.vmap(lambda hinge, local: hinge.measures(local)[0])(before, local)
        return eqx.tree_at(lambda h: h.rest, hinges, rest)

    def _weights(self, mesh: TriangleMesh) -> Float[Array, " e"]:
        if self.weight == "uniform":
            return jnp.ones(mesh.num_edges)
        ends = mesh.positions[mesh.edges]
        return jnp.sum((ends[:, 1] - ends[:, 0]) ** 2, axis=1) / (
            2.0 * _edge_mean(mesh, mesh.areas())
        )


class _Hinges(AbstractElements):
    indices: Int[Array, "*e 12"]
    stiffness: Float[Array, "*e"]
    rest: Float[Array, "*e"]
    sense: Float[Array, "*e"]  # +1 where the edge runs as it does around its first face
    inside: Bool[Array, "*e"]
    guided: Bool[Array, "*e"]
    directions: Float[Array, "*e 3"]

    def measures(self, local: Float[Array, " 12"]) -> Float[Array, " 1"]:
        start, end, near, far = local.reshape(4, 3)
        beyond = beyond_edge(start, end, near, far, self.inside, self.guided, self.directions)
        return (self.sense * hinge_angle(start, end, near, beyond))[None]

    def density(self, measures: Float[Array, " 1"]) -> Scalar:
        return 0.5 * self.stiffness * (measures[0] - self.rest) ** 2

    def convex(self, stress, stiffness):
        return jnp.zeros_like(stress), stiffness


def _plate_stiffness(mesh: TriangleMesh, material: AbstractMaterial) -> Float[Array, " e"]:
    """D = h³Q₁₁/12 of the faces, averaged over those of each edge."""
    plate = material.thickness**3 * material.stiffness()[..., 0, 0] / 12.0
    return _edge_mean(mesh, jnp.broadcast_to(plate, (mesh.num_faces,)))


def _edge_mean(mesh: TriangleMesh, values: Float[Array, " f"]) -> Float[Array, " e"]:
    """The mean of a quantity of faces over the one or two faces of each edge."""
    zero = jnp.zeros(mesh.num_edges)
    total = zero.at[mesh.face_edges].add(values[:, None])
    return total / zero.at[mesh.face_edges].add(1.0)


def _sense(mesh: TriangleMesh) -> Float[Array, " e"]:
    """Whether edges (low vertex, high vertex) run with or against their first face."""
    start, end = jnp.roll(mesh.faces, -1, axis=1), jnp.roll(mesh.faces, -2, axis=1)
    sense = jnp.where(start < end, 1.0, -1.0) * mesh.edge_sides
    # The second face sees the edge the other way round, and its side is −1: both agree.
    return jnp.zeros(mesh.num_edges).at[mesh.face_edges].set(sense)
