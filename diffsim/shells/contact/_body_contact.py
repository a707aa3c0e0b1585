"""Contact of a sheet with a rigid body that moves as prescribed."""

from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from ..._types import Scalar, ScalarLike
from ...solvers import AbstractElements, Slip
from .._supports import Schedule, at_rest
from ..energies import vertex_unknowns
from ..mesh import AbstractMesh
from ._friction import Friction, Rubbing, normal_force
from ._laws import AbstractNormalLaw
from ._points import ContactPoints, contact_points, weighted
from ._shapes import AbstractShape


class Placed(eqx.Module):
    """A shape at a time: x in space is `turn`ᵀ (x − `place`) + centre in the shape's own axes."""

    shape: AbstractShape
    turn: Float[Array, "*v 3 3"]
    place: Float[Array, "*v 3"]

    def inside_axes(self, point: Float[Array, " 3"]) -> Float[Array, " 3"]:
        """The point in the axes of the shape."""
        return self._back(point) + self.shape.centre()

    def gap(self, point: Float[Array, " 3"]) -> Scalar:
        """Signed distance, m."""
        return self.shape.gap(self.inside_axes(point))

    def carried(self, point: Float[Array, " 3"], to: "Placed") -> Float[Array, " 3"]:
        """Where the body would carry the point when it moves on."""
        return jnp.sum(to.turn * self._back(point), axis=1) + to.place

    def _back(self, point: Float[Array, " 3"]) -> Float[Array, " 3"]:
        """turnᵀ (x − place); as sums, since XLA fails to compile some batches of products."""
        return jnp.sum(self.turn * (point - self.place)[:, None], axis=0)


class BodyContact(eqx.Module):
    """Points of a sheet or solid against a rigid body.

    **Arguments:**

    - `shape`: an `AbstractShape` where the body is at rest.
    - `law`: `Barrier` or `Penalty`; the energy of a point is its rest area times the law's.
    - `friction`: a `Friction`, or None.
    - `schedule`: the motion of the body; its rotations are about the centre of the shape.
    - `where`: which vertices may touch (a predicate of x, y, z, or indices), and what is between
      them; by default the whole surface. Those that a support holds inside the body must be left
      out.
    - `subdivisions`: into how many parts edges are cut by the points that touch; with 1 only the
      vertices do.

    Gaps are those of the middle surface. Between points a sheet may cut into a curved body by
    l²/(8R), l their distance.

    **Raises:** `ValueError` for `subdivisions` that are not a whole number of at least 1.
    """

    shape: AbstractShape
    law: AbstractNormalLaw
    friction: Friction | None
    schedule: Schedule
    where: Any
    points: ContactPoints | None
    subdivisions: int = eqx.field(static=True)

    def __init__(
        self,
        shape: AbstractShape,
        law: AbstractNormalLaw,
        *,
        friction: Friction | None = None,
        schedule: Schedule | None = None,
        where: Any = None,
        subdivisions: int = 1,
    ):
        if not isinstance(subdivisions, int | np.integer) or subdivisions < 1:
            raise ValueError(
                f"subdivisions must be a whole number, at least 1, but is {subdivisions!r}."
            )
        self.shape, self.law, self.friction = shape, law, friction
        self.schedule = at_rest() if schedule is None else schedule
        self.where, self.points, self.subdivisions = where, None, int(subdivisions)

    def located(self, mesh: AbstractMesh) -> "BodyContact":
        """The contact with predicates replaced by vertices of the mesh, and its points."""
        chosen = mesh.surface() if self.where is None else mesh.select(self.where)
        among = np.isin(np.arange(mesh.num_vertices), chosen)
        points = contact_points(mesh, among, self.subdivisions)
        return eqx.tree_at(
            lambda c: (c.where, c.points),
            self,
            (jnp.asarray(chosen), points),
            is_leaf=lambda v: v is self.where or v is None,
        )

    def placed(self, time: ScalarLike) -> Placed:
        """The shape at a time."""
        shift, turn = self.schedule.at(time)
        return Placed(self.shape, turn, self.shape.centre() + shift)

    def gaps(self, positions: Float[Array, "v 3"], time: ScalarLike) -> Float[Array, " k"]:
        """Of the points that may touch, m."""
        return jax.vmap(self.placed(time).gap)(self._points().places(positions))

    def force(
        self, mesh: AbstractMesh, positions: Float[Array, "v 3"], time: ScalarLike
    ) -> Float[Array, " 3"]:
        """The sum of the normal forces on the sheet, N."""
        _, normal, force = self._pressed(mesh, self._points().places(positions), time)
        return jnp.sum(force[:, None] * normal, axis=0)

    def elements(
        self, mesh: AbstractMesh, time: ScalarLike, slip: Slip | None
    ) -> tuple[AbstractElements, ...]:
        """Gaps at a time and, with friction, slips; these cost nothing where `slip` is None."""
        points = self._points()
        gaps = _Gaps(
            vertex_unknowns(points.vertices),
            points.weights,
            points.areas(mesh),
            self._repeated(self.placed(time)),
            self._repeated(self.law),
        )
        return (gaps,) if self.friction is None else (gaps, self._rubbing(mesh, gaps, slip))

    def _points(self) -> ContactPoints:
        assert self.points is not None, "a contact is located when a sheet or body is made"
        return self.points

    def _rubbing(self, mesh: AbstractMesh, gaps: "_Gaps", slip: Slip | None) -> Rubbing:
        assert self.friction is not None
        ones, nothing = jnp.ones(gaps.area.shape), jnp.zeros((gaps.area.size, 3))
        if slip is None:
            return Rubbing(gaps.indices, gaps.weights, nothing, nothing, 0.0 * ones, ones)
        before, after = self.placed(slip.start), self.placed(slip.end)
        point = jax.vmap(lambda element, local: element.point(local))
        start, lagged, base = (
            point(gaps, q[gaps.indices]) for q in (slip.before, slip.lagged, slip.base)
        )
        carried = jax.vmap(lambda point: before.carried(point, after))(start) - start
        unslipped = base + slip.gamma / (slip.end - slip.start) * carried
        _, normal, force = self._pressed(mesh, lagged, slip.at)
        return Rubbing(
            gaps.indices,
            gaps.weights,
            unslipped,
            normal,
            self.friction.coefficient * force,
            self.friction.speed * slip.gamma * ones,
        )

    def _pressed(self, mesh: AbstractMesh, points: Float[Array, "k 3"], time: ScalarLike):
        """Gap, normal and normal force of each point that may touch."""
        gap, normal = jax.vmap(jax.value_and_grad(self.placed(time).gap))(points)
        areas = self._points().areas(mesh)
        force = jax.vmap(lambda g, a: normal_force(self.law.energy, g, a))(gap, areas)
        return gap, normal, force

    def _repeated(self, module):
        """The arrays of a module once for each point, as element batches have them."""
        count = self._points().count
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), module)


class _Gaps(AbstractElements):
    indices: Int[Array, "*k j"]
    weights: Float[Array, "*k p"]
    area: Float[Array, "*k"]
    body: Placed
    law: AbstractNormalLaw
    obstructs: ClassVar[bool] = True

    def point(self, local: Float[Array, " j"]) -> Float[Array, " 3"]:
        """Where the point is."""
        return weighted(self.weights, local.reshape(-1, 3))

    def measures(self, local: Float[Array, " j"]) -> Float[Array, " 1"]:
        return self.body.gap(self.point(local))[None]

    def density(self, measures: Float[Array, " 1"]) -> Scalar:
        return self.area * self.law.energy(measures[0])

    def convex(self, stress, stiffness):
        # A shape that bulges out gives a gap of positive curvature, and the stress pushes.
        return jnp.zeros_like(stress), stiffness

    def free_path(self, local, after: AbstractElements, moved) -> Scalar:
        assert isinstance(after, _Gaps)
        if not self.law.impenetrable:
            return jnp.ones(())
        start = self.body.inside_axes(self.point(local))
        end = after.body.inside_axes(after.point(moved))
        return self.body.shape.free_path(start, end)


def check_apart(
    contacts: Sequence[BodyContact], positions: Float[Array, "v 3"], time: float = 0.0
) -> None:
    """**Raises:** `ValueError` naming vertices that begin inside a body behind a barrier."""
    for contact in contacts:
        gaps = contact.gaps(positions, time)
        if isinstance(gaps, Tracer) or not contact.law.impenetrable:
            continue
        inside = np.flatnonzero(~(np.asarray(gaps) > 0))
        if inside.size:
            names = np.unique(np.asarray(contact._points().vertices)[inside, 0])
            raise ValueError(
                f"the sheet must begin outside every body, but vertices {names[:8].tolist()} are "
                f"in or on a {type(contact.shape).__name__} (gap {float(gaps[inside[0]]):g} m)."
            )
