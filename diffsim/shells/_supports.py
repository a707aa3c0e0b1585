"""Supports: which vertices are held, which edges are guided, and how these move."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from .._types import Scalar
from .mesh import AbstractMesh, TriangleMesh


class Schedule(eqx.Module):
    """A rigid motion in time: linear between the poses, constant before the first and after the
    last.

    **Fields:** `times`: (t,) in s (or load factors in statics), increasing; `poses`: (t, 6), a
    translation in m and a rotation vector in radian about the middle of what is held.

    **Raises:** `ValueError` for other shapes or times that do not increase.
    """

    times: Float[Array, " t"] = eqx.field(converter=lambda v: jnp.asarray(v, float))
    poses: Float[Array, "t 6"] = eqx.field(converter=lambda v: jnp.asarray(v, float))

    def __check_init__(self):
        if self.poses.shape != (self.times.size, 6):
            raise ValueError(
                f"poses must have shape ({self.times.size}, 6), one row for each time, but have "
                f"{self.poses.shape}."
            )
        if not isinstance(self.times, Tracer):
            late = np.flatnonzero(~(np.diff(np.asarray(self.times)) > 0))
            if late.size:
                raise ValueError(
                    f"times must increase, but time {late[0] + 1} is {self.times[late[0] + 1]} "
                    f"after {self.times[late[0]]}."
                )

    def at(self, time) -> tuple[Float[Array, " 3"], Float[Array, "3 3"]]:
        """Translation and rotation matrix."""
        pose = jnp.stack([jnp.interp(time, self.times, column) for column in self.poses.T])
        return pose[:3], rotation_matrix(pose[3:])


def at_rest() -> Schedule:
    """No motion."""
    return Schedule(jnp.zeros(1), jnp.zeros((1, 6)))


def rotation_matrix(vector: Float[Array, " 3"]) -> Float[Array, "3 3"]:
    """Rodrigues' formula for a rotation vector, smooth at zero."""
    squared = vector @ vector
    small = squared < 1e-8
    angle = jnp.sqrt(jnp.where(small, 1.0, squared))
    sine = jnp.where(small, 1.0 - squared / 6.0, jnp.sin(angle) / angle)
    cosine = jnp.where(small, 0.5 - squared / 24.0, (1.0 - jnp.cos(angle)) / angle**2)
    x, y, z = vector
    skew = jnp.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]) * z
    skew = skew + jnp.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]) * y
    skew = skew + jnp.array([[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]) * x
    return jnp.eye(3) + sine * skew + cosine * (skew @ skew)


class Hold(eqx.Module):
    """A support found on a mesh.

    **Fields:** `vertices`: (k,) held along the `axes` (k, 3); `edges`: (g,) of the border,
    guided by `directions` (g, 3); `centre`: about which the schedule turns.
    """

    vertices: Int[Array, " k"]
    axes: Bool[Array, "k 3"]
    edges: Int[Array, " g"]
    directions: Float[Array, "g 3"]
    centre: Float[Array, " 3"]
    schedule: Schedule


class AbstractSupport(eqx.Module):
    """Something that holds a sheet. Places are predicates of x, y, z, or vertex indices."""

    @abc.abstractmethod
    def on(self, mesh: TriangleMesh) -> Hold:
        """The support found on a mesh."""


class Pin(AbstractSupport):
    """Vertices held along some axes; the sheet may turn there.

    **Raises** (when put on a mesh): `ValueError` if `axes` is not made of x, y, z, or no vertex is
    found.
    """

    where: Any
    axes: str = eqx.field(static=True, default="xyz")
    schedule: Schedule = eqx.field(default_factory=at_rest)

    def on(self, mesh: AbstractMesh) -> Hold:
        vertices = mesh.select(self.where)
        none = np.zeros(0, int)
        return _hold(mesh, vertices, _axes(self.axes), none, np.zeros((0, 3)), self.schedule)


class Clamp(AbstractSupport):
    """Vertices held, and the sheet's tangent plane at the border edges between them.

    The tangent stays as it is in the rest shape, turned by the schedule.
    """

    where: Any
    axes: str = eqx.field(static=True, default="xyz")
    schedule: Schedule = eqx.field(default_factory=at_rest)

    def on(self, mesh: TriangleMesh) -> Hold:
        vertices = mesh.select(self.where)
        edges = _border_edges(mesh, vertices)
        return _hold(mesh, vertices, _axes(self.axes), edges, _outward(mesh, edges), self.schedule)


class Guide(AbstractSupport):
    """Border edges whose tangent plane is prescribed while their vertices are free.

    What a pure bending moment does: turn the guide by the schedule.

    **Raises** (when put on a mesh): `ValueError` if there is no border edge between the vertices.
    """

    where: Any
    schedule: Schedule = eqx.field(default_factory=at_rest)

    def on(self, mesh: TriangleMesh) -> Hold:
        edges = _border_edges(mesh, mesh.select(self.where))
        if edges.size == 0:
            raise ValueError("Guide must find a border edge between its vertices, but finds none.")
        none = np.zeros(0, int)
        return _hold(mesh, none, _axes(""), edges, _outward(mesh, edges), self.schedule)


class Symmetry(AbstractSupport):
    """A plane of symmetry with a normal along `axis` ("x", "y" or "z"), through the vertices."""

    where: Any
    axis: str = eqx.field(static=True)

    def on(self, mesh: TriangleMesh) -> Hold:
        vertices = mesh.select(self.where)
        axes = _axes(self.axis)
        edges = _border_edges(mesh, vertices)
        outward = _outward(mesh, edges)
        normal = np.where(axes, 1.0, 0.0)
        directions = normal * np.sign(outward @ normal)[:, None]
        return _hold(mesh, vertices, axes, edges, directions, at_rest())


def _hold(mesh, vertices, axes, edges, directions, schedule: Schedule) -> Hold:
    ends = np.asarray(mesh.edges)[edges].ravel() if len(edges) else edges
    touched = np.union1d(vertices, ends).astype(int)
    return Hold(
        vertices=jnp.asarray(vertices, int),
        axes=jnp.broadcast_to(jnp.asarray(axes), (len(vertices), 3)),
        edges=jnp.asarray(edges, int),
        directions=jnp.asarray(directions),
        centre=jnp.mean(mesh.positions[touched], axis=0),
        schedule=schedule,
    )


def _axes(text: str) -> np.ndarray:
    if set(text) - set("xyz"):
        raise ValueError(f"axes must be made of x, y and z, but are {text!r}.")
    return np.array([axis in text for axis in "xyz"])


def _border_edges(mesh: TriangleMesh, vertices: np.ndarray) -> np.ndarray:
    inside = np.isin(np.asarray(mesh.edges), vertices).all(axis=1)
    return np.flatnonzero(inside & mesh.border)


def _outward(mesh: TriangleMesh, edges: np.ndarray) -> np.ndarray:
    """Unit vectors in the plane of the face of each border edge, away from it."""
    positions = np.asarray(mesh.positions)
    ends = positions[np.asarray(mesh.edges)[edges]]
    along = ends[:, 1] - ends[:, 0]
    inward = positions[np.asarray(mesh.edge_opposites)[edges, 0]] - ends[:, 0]
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    inward = inward - np.sum(inward * along, axis=1, keepdims=True) * along
    return -inward / np.linalg.norm(inward, axis=1, keepdims=True)


def held_unknowns(
    mesh: AbstractMesh, holds: tuple[Hold, ...], time: Scalar
) -> tuple[Bool[Array, "v 3"], Float[Array, "v 3"]]:
    """Which coordinates are held, and where they are at a time."""
    held = jnp.zeros((mesh.num_vertices, 3), bool)
    places = mesh.positions
    for hold in holds:
        shift, turn = hold.schedule.at(time)
        moved = (mesh.positions[hold.vertices] - hold.centre) @ turn.T + hold.centre + shift
        kept = places[hold.vertices]
        places = places.at[hold.vertices].set(jnp.where(hold.axes, moved, kept))
        held = held.at[hold.vertices].max(hold.axes)
    return held, places


def guided_edges(
    mesh: TriangleMesh, holds: tuple[Hold, ...], time: Scalar
) -> tuple[Bool[Array, " e"], Float[Array, "e 3"], Float[Array, "e 3"]]:
    """Which edges are guided, and their directions at a time and at rest."""
    guided = jnp.zeros(mesh.num_edges, bool)
    before = after = jnp.zeros((mesh.num_edges, 3))
    for hold in holds:
        _, turn = hold.schedule.at(time)
        guided = guided.at[hold.edges].set(True)
        before = before.at[hold.edges].set(hold.directions)
        after = after.at[hold.edges].set(hold.directions @ turn.T)
    return guided, after, before
