"""Bending: energies of the angles between neighbouring faces."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._types import Scalar
from ...solvers import AbstractElements, AbstractSlant, congruent, elements_energy
from .._material import AbstractMaterial
from ..mesh import TriangleMesh
from ._angle import curvature_of_face, fold_of_face, hinge_angle, turn_of_face
from ._rest import rest_faces, vertex_unknowns


class Guides(eqx.Module):
    """Border edges whose tangent plane is prescribed (clamps, planes of symmetry).

    **Fields:** `guided`: (e,) which edges; `directions`: (e, 3) unit vectors that point away
    from the sheet in the prescribed plane; `rest_directions`: those of the undeformed sheet.
    """

    guided: Bool[Array, " e"]
    directions: Float[Array, "e 3"]
    rest_directions: Float[Array, "e 3"]


class AbstractBending(eqx.Module):
    """How a sheet resists bending.

    **Class attributes:** `rotates_edges`: whether it has a rotation of its own at every edge.
    """

    rotates_edges: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def elements(
        self, mesh: TriangleMesh, material: AbstractMaterial, guides: Guides, memory: PyTree = None
    ) -> AbstractElements:
        """The energies, in joules; zero in the rest shape. `memory` is what is left of the past;
        None if nothing has happened yet."""

    def slant(self, mesh: TriangleMesh) -> AbstractSlant | None:
        """How its rotations are best counted in linear systems; None for as they are."""
        return None

    def fresh(self, mesh: TriangleMesh) -> PyTree:
        """The memory of a sheet that nothing has happened to; None if it never has one."""
        return None

    def remembered(
        self, elements: AbstractElements, q: Float[Array, " n"], memory: PyTree
    ) -> PyTree:
        """The memory after a step with these elements that ended in `q`."""
        return memory

    def stored(self, elements: AbstractElements, q: Float[Array, " n"]) -> Scalar:
        """The elastic energy at `q`, J, with elements made after the step (nothing yields)."""
        return elements_energy(elements, q)

    def work(self, mesh: TriangleMesh, material: AbstractMaterial, memory: PyTree) -> Scalar:
        """What yielding has cost so far, J."""
        return jnp.zeros(())


class MidEdgeBending(AbstractBending):
    """Kirchhoff-Love bending with normals at the middles of edges (Koiter's energy, Morley's
    element).

    The normal at the middle of edge i deviates from the face's by an angle φᵢ: half the fold of the
    edge, plus or minus a rotation of the edge that is an unknown of its own. The curvature of a
    face and its energy are

        κ = Σᵢ (φᵢ lᵢ/A) tᵢ⊗tᵢ,     W = ½ A (h³/12) (κ − κ̄):Q:(κ − κ̄)

    with lengths lᵢ, area A and outward edge normals tᵢ of the rest shape. Second order on any mesh,
    structured or not; the angle is linear up to a fold of π.

    Source: E. Grinspun, Y. Gingold, J. Reisman, D. Zorin, Computing discrete shape operators on
    general meshes, Eurographics 2006; L. Morley, Aeronaut. Q. 19 (1968) 149.
    """

    rotates_edges: ClassVar[bool] = True

    def elements(
        self, mesh: TriangleMesh, material: AbstractMaterial, guides: Guides, memory: PyTree = None
    ) -> "MidEdgeFaces":
        rest = rest_faces(mesh, material)
        t1, t2 = rest.outward[..., 0], rest.outward[..., 1]
        shape = jnp.stack([t1**2, t2**2, 2.0 * t1 * t2], axis=1)  # (f, 3 strains, 3 edges)
        shape = shape * (rest.lengths / rest.area[:, None])[:, None, :]
        weight = rest.area * material.thickness**3 / 12.0
        stiffness = weight[:, None, None] * material.stiffness()
        stiffness = jnp.einsum("fai,fab,fbj->fij", shape, stiffness, shape)
        return _with_rest_angles(_faces(mesh, guides, stiffness), mesh, guides)

    def slant(self, mesh: TriangleMesh) -> "EdgeSlant":
        return edge_slant(mesh)


class EdgeSlant(AbstractSlant):
    """Rotations of inner edges counted in space, not from the mean of the two faces' normals.

    Then the normals at the edges of a face depend on its own corners and edges only, while folds
    reach across to the neighbours: the band of a sheet is less than half as wide.

    **Fields:** `arguments`: coordinates of the ends and the two opposite vertices of each edge.
    """

    dependent: Int[Array, " m"]
    arguments: Int[Array, "m 12"]

    def coefficients(self, q: Float[Array, " n"]) -> Float[Array, "m 12"]:
        def one(local: Float[Array, " 12"]) -> Float[Array, " 12"]:
            start, end, near, far = local.reshape(4, 3)
            own, other = turn_of_face(start, end, near), turn_of_face(end, start, far)
            ends = own[:2] - other[1::-1]
            return 0.5 * jnp.concatenate([ends, own[2:], -other[2:]]).ravel()

        return jax.vmap(one)(q[self.arguments])


def edge_slant(mesh: TriangleMesh) -> EdgeSlant:
    """The inner edges of a mesh, each as its first face sees it."""
    faces, beyond = np.asarray(mesh.faces), np.asarray(mesh.neighbours)
    face, corner = np.nonzero((np.asarray(mesh.edge_sides) > 0) & (beyond >= 0))
    start, end = faces[face, (corner + 1) % 3], faces[face, (corner + 2) % 3]
    vertices = np.stack([start, end, faces[face, corner], beyond[face, corner]], axis=1)
    edges = 3 * mesh.num_vertices + np.asarray(mesh.face_edges)[face, corner]
    return EdgeSlant(jnp.asarray(edges, int), vertex_unknowns(vertices))


def _faces(mesh: TriangleMesh, guides: Guides, stiffness) -> "MidEdgeFaces":
    inside = mesh.neighbours >= 0
    guided = guides.guided[mesh.face_edges]
    # Where there is no neighbour, any vertex will do: its value is not looked at.
    beyond = jnp.where(inside, mesh.neighbours, mesh.faces)
    rotations = 3 * mesh.num_vertices + mesh.face_edges
    vertices = jnp.concatenate([mesh.faces, beyond], axis=1)
    return MidEdgeFaces(
        indices=jnp.concatenate([vertex_unknowns(vertices), rotations], axis=1),
        stiffness=stiffness,
        rest=jnp.zeros(mesh.faces.shape),
        share=jnp.where(inside, 0.5, jnp.where(guided, 1.0, 0.0)),
        sides=mesh.edge_sides,
        inside=inside,
        guided=guided,
        directions=guides.directions[mesh.face_edges],
    )


def _with_rest_angles(faces: "MidEdgeFaces", mesh: TriangleMesh, guides: Guides):
    unknowns = jnp.concatenate([mesh.positions.ravel(), jnp.zeros(mesh.num_edges)])
    before = eqx.tree_at(lambda f: f.directions, faces, guides.rest_directions[mesh.face_edges])
    rest = jax.vmap(lambda face, local: face.measures(local))(before, unknowns[faces.indices])
    return eqx.tree_at(lambda f: f.rest, faces, rest)


class MidEdgeFaces(AbstractElements):
    indices: Int[Array, "*f 21"]  # own corners, those beyond the edges, rotations of the edges
    stiffness: Float[Array, "*f 3 3"]
    rest: Float[Array, "*f 3"]
    share: Float[Array, "*f 3"]
    sides: Float[Array, "*f 3"]
    inside: Bool[Array, "*f 3"]
    guided: Bool[Array, "*f 3"]
    directions: Float[Array, "*f 3 3"]

    def measures(self, local: Float[Array, " 21"]) -> Float[Array, " 3"]:
        near, far, rotations = local[:9].reshape(3, 3), local[9:18].reshape(3, 3), local[18:]
        start, end = jnp.roll(near, -1, axis=0), jnp.roll(near, -2, axis=0)
        beyond = beyond_edge(start, end, near, far, self.inside, self.guided, self.directions)
        angles = jax.vmap(hinge_angle)(start, end, near, beyond)
        return self.share * angles + self.sides * rotations

    @property
    def slanted_indices(self) -> Int[Array, "*f 12"]:
        """Own corners and edges: with slanted unknowns, folds do not reach across."""
        return jnp.concatenate([self.indices[..., :9], self.indices[..., 18:]], axis=-1)

    def slanted_hessians(self, q, stress, convex):
        return slanted_faces(self, q, jnp.where(convex, 0.0, stress), self.stiffness)

    def curvature(
        self, local: Float[Array, " 21"], stress: Float[Array, " 3"]
    ) -> Float[Array, "21 21"]:
        near, far = local[:9].reshape(3, 3), local[9:18].reshape(3, 3)
        blocks = [[jnp.zeros((3, 3)) for _ in range(6)] for _ in range(6)]

        def add(part, weight, points):
            for i, row in enumerate(points):
                for j, column in enumerate(points):
                    blocks[row][column] += weight * part[i][j]

        guided = jnp.roll(near, -1, axis=0) + self.directions
        beyond = jnp.where(self.guided[:, None], guided, far)
        for i in range(3):
            first, second = (i + 1) % 3, (i + 2) % 3
            weight = stress[i] * self.share[i]
            add(curvature_of_face(near[first], near[second], near[i]), weight, (first, second, i))
            part = curvature_of_face(near[second], near[first], beyond[i])
            add(part, jnp.where(self.inside[i], weight, 0.0), (second, first, 3 + i))
            # What lies beyond a guided edge moves with its first corner.
            add(part, jnp.where(self.guided[i], weight, 0.0), (second, first, first))
        return jnp.pad(jnp.block(blocks), ((0, 3), (0, 3)))

    def density(self, measures: Float[Array, " 3"]) -> Scalar:
        change = measures - self.rest
        return 0.5 * change @ self.stiffness @ change

    def convex(self, stress, stiffness):
        return jnp.zeros_like(stress), stiffness


def slanted_faces(
    faces: MidEdgeFaces,
    q: Float[Array, " n"],
    stress: Float[Array, "f 3"],
    stiffness: Float[Array, "f 3 3"],
) -> Float[Array, "f 12 12"]:
    """The Hessians between a face's corners and its edges, whose rotations are counted in space.

    The curvature of a fold is the sum of what its two faces contribute, each between its own
    corners: each face takes its own part of it, with the stress of both. All faces at once, since
    loops over small arrays of each face took five times as long.
    """
    rotations = faces.indices[:, 18:]
    pressed = stress * faces.share
    shared = jnp.zeros_like(q).at[rotations].add(jnp.where(faces.inside, pressed, 0.0))
    weight = jnp.where(faces.inside, shared[rotations], pressed)[..., None]
    x = q[faces.indices[:, :9]].reshape(-1, 3, 3)
    start, end = jnp.roll(x, -1, axis=1), jnp.roll(x, -2, axis=1)
    flat = start + end - x
    beyond = jnp.where(faces.guided[..., None], start + faces.directions, flat)
    own, far = fold_of_face(start, end, x), fold_of_face(end, start, beyond)
    folds = jnp.where(faces.inside | faces.guided, 1.0, 0.0)[..., None]
    guided = jnp.where(faces.guided, 1.0, 0.0)[..., None]

    none = jnp.zeros_like(x[:, 0])
    rows = [[none] * 3 for _ in range(3)]
    vectors = [[none] * 3 for _ in range(3)]
    sides = [[[none] * 3 for _ in range(3)] for _ in range(3)]
    for i in range(3):
        first, second = (i + 1) % 3, (i + 2) % 3
        for r, row in enumerate((first, second, i)):
            rows[i][row] += (folds * own.turns[r] * own.normal)[:, i]
            for c, column in enumerate((first, second, i)):
                vectors[row][column] += (folds * weight * own.vectors[r][c])[:, i]
        # What lies beyond a guided edge moves with its first corner.
        for r, row in enumerate((second, first, first)):
            rows[i][row] += (guided * far.turns[r] * far.normal)[:, i]
            for c, column in enumerate((second, first, first)):
                sides[i][row][column] += (guided * weight * far.vectors[r][c])[:, i]
    # The normals of a face about its three edges are one.
    bent = _beside(own.normal[:, 0], vectors)
    bent += sum(_beside(far.normal[:, i], sides[i]) for i in range(3))
    bent = (bent + bent.transpose(0, 3, 4, 1, 2)).reshape(-1, 9, 9)
    turns = jnp.stack([jnp.concatenate(row, axis=-1) for row in rows], axis=1)
    jacobian = jnp.concatenate([turns, faces.sides[..., None] * jnp.eye(3)], axis=2)
    return jax.vmap(congruent)(jacobian, stiffness).at[:, :9, :9].add(bent)


def _beside(normal: Float[Array, "f 3"], vectors) -> Float[Array, "f 3 3 3 3"]:
    """n ⊗ vᵢⱼ, by face, row's corner and axis, column's corner and axis."""
    stacked = jnp.stack([jnp.stack(row, axis=1) for row in vectors], axis=1)
    return normal[:, None, :, None, None] * stacked[:, :, None]


def beyond_edge(start, end, near, far, inside, guided, directions):
    """The vertex beyond each edge: the neighbour's, one in the guiding plane, or (at a free border,
    where it does not count) the mirror image that makes no fold."""
    flat = start + end - near
    placed = jnp.where(guided[..., None], start + directions, flat)
    return jnp.where(inside[..., None], far, placed)
