"""Contact of a sheet with itself, and of the sheets of one mesh with each other."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from ..._types import BoolScalar, Scalar
from ...solvers import AbstractElements, AbstractEncounters, Slip
from ..energies import vertex_unknowns
from ..mesh import AbstractSurface
from ._broad_phase import crossings, near_edges, near_vertex_faces, touching
from ._friction import Friction, Rubbing, normal_force
from ._laws import AbstractNormalLaw, Barrier
from ._pairs import (
    distance_curvature,
    edge_edge_closest,
    edge_edge_weights,
    parallel_curvature,
    parallel_weight,
    vertex_face_closest,
    vertex_face_weights,
)

_MARCHES, _LEFT = 24, 0.1
# Where elements that only fill up a batch stand: well apart, and nowhere singular.
_APART = jnp.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_APART_EDGES = jnp.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


class SelfContact(eqx.Module):
    """Vertices against faces and edges against edges of one mesh, which may be several sheets.

    **Arguments:**

    - `law`: a `Barrier`. Each pair closer than its distance has the energy of the law times an
      area: of its vertex, or the mean of the two edges (a third of their faces). A vertex over the
      inside of a face is pressed by one pair, over an edge by as many as there are faces.
    - `friction`: a `Friction`, or None.
    - `reach`: how far vertices may move against each other before pairs are looked for anew, in m;
      by default a tenth of the mean edge.
    - `capacity`: pairs of each kind that may be near at once; by default 16 for each vertex, enough
      for three layers. More than that end the simulation with `RESULTS.too_many_pairs`.

    **Raises** (when put on a mesh): `ValueError` for a distance above half the shortest edge.
    """

    law: Barrier
    friction: Friction | None
    reach: float | None = eqx.field(static=True)
    capacity: int | None = eqx.field(static=True)

    def __init__(
        self,
        law: AbstractNormalLaw,
        *,
        friction: Friction | None = None,
        reach: float | None = None,
        capacity: int | None = None,
    ):
        if not isinstance(law, Barrier):
            raise ValueError(
                f"law must be a Barrier for SelfContact, but is a {type(law).__name__}."
            )
        if reach is not None and not (np.isfinite(reach) and reach > 0):
            raise ValueError(f"reach must be positive, in m, but is {reach!r}.")
        if capacity is not None and capacity < 1:
            raise ValueError(f"capacity must be at least 1, but is {capacity!r}.")
        self.law, self.friction, self.reach, self.capacity = law, friction, reach, capacity

    def encounters(self, mesh: AbstractSurface) -> "Encounters":
        """The pairs of a mesh as what a potential looks up."""
        ends = mesh.positions[mesh.edges]
        lengths = jnp.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
        reach = 0.1 * jnp.mean(lengths) if self.reach is None else jnp.asarray(self.reach)
        edge_areas = jnp.zeros(mesh.num_edges)
        edge_areas = edge_areas.at[mesh.face_edges].add(mesh.areas()[:, None] / 3.0)
        return Encounters(
            self.law,
            mesh.faces,
            mesh.edges,
            mesh.bodies(),
            mesh.vertex_areas(),
            edge_areas,
            lengths,
            reach,
            16 * mesh.num_vertices if self.capacity is None else self.capacity,
        )

    def check(self, mesh: AbstractSurface) -> None:
        """**Raises:** `ValueError` if the law reaches across elements of the mesh."""
        ends = np.asarray(mesh.positions)[np.asarray(mesh.edges)]
        shortest = float(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).min())
        distance = float(self.law.distance)
        if distance > 0.5 * shortest:
            raise ValueError(
                f"distance of the law must be at most half the shortest edge ({0.5 * shortest:g} "
                f"m) for SelfContact, but is {distance:g} m."
            )

    def check_apart(self, mesh: AbstractSurface, positions: Float[Array, "v 3"]) -> None:
        """**Raises:** `ValueError` naming edges that pierce faces, or vertices that lie on them."""
        if isinstance(positions, Tracer):
            return
        edges, faces = np.asarray(mesh.edges), np.asarray(mesh.faces)
        found = crossings(np.asarray(positions), edges, faces)
        if found.size:
            edge, face = found[0]
            raise ValueError(
                f"the sheet must begin without crossing itself, but edge {edge} (vertices "
                f"{edges[edge].tolist()}) pierces face {face}, and {len(found) - 1} more do."
            )
        # Also where a program is being traced, of which the mesh is a constant.
        with jax.ensure_compile_time_eval():
            bodies = np.asarray(mesh.bodies())
        met = touching(np.asarray(positions), faces, bodies)
        if met.size:
            raise ValueError(
                f"the sheet must begin without touching itself, but vertex {met[0, 0]} lies on the "
                f"face of vertices {met[0, 1:].tolist()}, and {len(met) - 1} more do."
            )

    def smallest_gap(self, mesh: AbstractSurface, q: Float[Array, " n"]) -> Scalar:
        """The smallest distance of any pair, m; the law's distance if all are farther."""
        least = jnp.asarray(self.law.distance)
        for batch in self.encounters(mesh).near(q):
            gaps = jax.vmap(lambda pair, local: pair.measures(local)[0])(batch, q[batch.indices])
            least = jnp.minimum(least, jnp.min(jnp.where(batch.active, gaps, jnp.inf)))
        return least

    def rubbing(self, mesh: AbstractSurface, slip: Slip) -> tuple[Rubbing, ...]:
        """The friction of the pairs that were pressed together at the lag."""
        if self.friction is None:
            return ()
        return tuple(self._rub(batch, slip) for batch in self.encounters(mesh).near(slip.lagged))

    def _rub(self, batch: "Pairs", slip: Slip) -> Rubbing:
        assert self.friction is not None

        def one(pair: Pairs, lagged, base):
            points = pair.points(lagged)
            weights = pair.weights(points)
            between = weights @ points
            gap = jnp.linalg.norm(between)
            energy = lambda gap: pair.density(jnp.stack([gap, pair.measures(lagged)[1]]))
            force = normal_force(energy, gap, jnp.ones(()))
            unslipped = weights @ jnp.where(pair.active, base.reshape(4, 3), points)
            return weights, unslipped, between / gap, force

        parts = jax.vmap(one)(batch, slip.lagged[batch.indices], slip.base[batch.indices])
        weights, unslipped, normal, force = parts
        width = self.friction.speed * slip.gamma * jnp.ones(force.shape)
        limit = self.friction.coefficient * force
        return Rubbing(batch.indices, weights, unslipped, normal, limit, width)


class Encounters(AbstractEncounters):
    """Pairs of one mesh. Areas: (v,) of vertices, (e,) of edges; lengths of edges at rest."""

    law: Barrier
    faces: Int[Array, "f 3"]
    edges: Int[Array, "e 2"]
    bodies: Int[Array, " v"]
    vertex_areas: Float[Array, " v"]
    edge_areas: Float[Array, " e"]
    lengths: Float[Array, " e"]
    reach: Scalar
    capacity: int = eqx.field(static=True)

    def near(self, q: Float[Array, " n"]) -> tuple["Pairs", ...]:
        found = self._search(q)
        return self._pairs(found[0], False), self._pairs(found[1], True)

    def crowded(self, q: Float[Array, " n"]) -> BoolScalar:
        # Positions that are no numbers are another failure, though they are marked alike.
        return jnp.any(self._search(q)[:, 0, 0] == -2) & jnp.all(jnp.isfinite(q))

    def _search(self, q: Float[Array, " n"]) -> Int[Array, "2 c 6"]:
        positions = self._positions(q)
        shape = jax.ShapeDtypeStruct((2, self.capacity, 6), int)
        wide = self.law.distance + 2.0 * self.reach
        return jax.pure_callback(
            lambda *a: _found(self.capacity, *a),
            shape,
            *jax.lax.stop_gradient((positions, self.faces, self.edges, self.bodies, wide)),
            vmap_method="sequential",
        )

    def room(self, q: Float[Array, " n"], moved: Float[Array, " n"]) -> Scalar:
        step = self._positions(moved - q)
        own = step - jnp.mean(step, axis=0)
        longest = jnp.sqrt(jnp.max(jnp.sum(own**2, axis=1)))
        return jnp.where(longest > self.reach, self.reach / jnp.maximum(longest, 1e-300), 1.0)

    def _positions(self, q: Float[Array, " n"]) -> Float[Array, "v 3"]:
        return q[: 3 * self.vertex_areas.size].reshape(-1, 3)

    def _pairs(self, found: Int[Array, "c 6"], between_edges: bool) -> "Pairs":
        """Rows are the four vertices and, for edges, which two; −1 fills up; −2 is too many."""
        active = found[:, 0] >= 0
        vertices, first, second = jnp.maximum(found[:, :4], 0), found[:, 4], found[:, 5]
        area, parallel = self.vertex_areas[vertices[:, 0]], jnp.ones(found.shape[0])
        if between_edges:
            area = 0.5 * (self.edge_areas[first] + self.edge_areas[second])
            parallel = 1e-3 * (self.lengths[first] * self.lengths[second]) ** 2
        # Too many: no number at all rather than one without some of the pairs.
        area = jnp.where(active, area, jnp.where(found[:, 0] == -2, jnp.nan, 0.0))
        law = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (found.shape[0],)), self.law)
        return Pairs(vertex_unknowns(vertices), active, area, parallel, law, between_edges)


class Pairs(AbstractElements):
    """Four vertices: of a vertex and a face, or of two edges."""

    indices: Int[Array, "*c 12"]
    active: Array
    area: Float[Array, "*c"]
    parallel: Float[Array, "*c"]
    law: Barrier
    between_edges: bool = eqx.field(static=True)
    obstructs: ClassVar[bool] = True

    def points(self, local: Float[Array, " 12"]) -> Float[Array, "4 3"]:
        """The vertices, or those of a harmless pair."""
        apart = _APART_EDGES if self.between_edges else _APART
        return jnp.where(self.active, local.reshape(4, 3), apart)

    def weights(self, points: Float[Array, "4 3"]) -> Float[Array, " 4"]:
        """Of the vertices in the vector between the closest points."""
        return (edge_edge_weights if self.between_edges else vertex_face_weights)(points)

    def measures(self, local: Float[Array, " 12"]) -> Float[Array, " 2"]:
        points = self.points(local)
        gap = jnp.linalg.norm(self.weights(points) @ points)
        turned = parallel_weight(points, self.parallel) if self.between_edges else jnp.ones(())
        return jnp.stack([gap, turned])

    def density(self, measures: Float[Array, " 2"]) -> Scalar:
        gap, turned = measures
        return self.area * turned * self.law.energy(gap)

    def curvature(
        self, local: Float[Array, " 12"], stress: Float[Array, " 2"]
    ) -> Float[Array, "12 12"]:
        points = self.points(local)
        closest = (edge_edge_closest if self.between_edges else vertex_face_closest)(points)
        found = stress[0] * distance_curvature(points, closest)
        if self.between_edges:
            found = found + stress[1] * parallel_curvature(points, self.parallel)
        return jnp.where(self.active, found, 0.0)

    def convex(self, stress, stiffness):
        return jnp.zeros_like(stress), _positive(stiffness)

    def free_path(self, local, after: AbstractElements, moved) -> Scalar:
        """By marching with steps that the closest points cannot outrun (additive CCD: M. Li, D.
        Kaufman, C. Jiang, Codimensional incremental potential contact, 2021, section 5)."""
        start, end = self.points(local), self.points(moved)
        step = end - start
        step = step - jnp.mean(step, axis=0)
        sizes = jnp.sqrt(jnp.sum(step**2, axis=1))
        split = 2 if self.between_edges else 1
        speed = jnp.max(sizes[:split]) + jnp.max(sizes[split:])
        moving = speed > 0
        first = self._gap(start)

        def march(_, passed):
            room = self._gap(start + passed * step) - _LEFT * first
            on = jnp.maximum(room, 0.0) / jnp.where(moving, speed, 1.0)
            return jnp.where(moving, jnp.minimum(passed + on, 1.0), 1.0)

        return jax.lax.fori_loop(0, _MARCHES, march, jnp.zeros(()))

    def _gap(self, points: Float[Array, "4 3"]) -> Scalar:
        between = self.weights(points) @ points
        return jnp.sqrt(between @ between)


def _positive(matrix: Float[Array, "2 2"]) -> Float[Array, "2 2"]:
    """½(M + |M|): without the negative eigenvalues; |M|, the root of M², by Cayley and Hamilton."""
    determinant = jnp.abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    squared = jnp.sum(matrix[:, :, None] * matrix, axis=1)
    size = jnp.sqrt(squared[0, 0] + squared[1, 1] + 2.0 * determinant)
    root = (squared + determinant * jnp.eye(2)) / jnp.where(size > 0, size, 1.0)
    return 0.5 * (matrix + root)


def _found(capacity: int, positions, faces, edges, bodies, wide) -> np.ndarray:
    """The host's side: both kinds of pairs in one array, filled up."""
    positions, faces, edges, bodies = (np.asarray(a) for a in (positions, faces, edges, bodies))
    answer = np.full((2, capacity, 6), -1)
    if not np.isfinite(positions).all():
        answer[:, 0] = -2
        return answer
    reach = float(wide)
    pairs = near_vertex_faces(positions, faces, bodies, reach)
    _fill(answer[0], np.pad(pairs, ((0, 0), (0, 2))))
    _fill(answer[1], near_edges(positions, edges, bodies, reach))
    return answer


def _fill(rows: np.ndarray, pairs: np.ndarray) -> None:
    if len(pairs) > len(rows):
        rows[0] = -2
    else:
        rows[: len(pairs)] = pairs
