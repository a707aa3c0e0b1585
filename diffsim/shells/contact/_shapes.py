"""Rigid shapes as implicit surfaces: how far a point is from them."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Scalar
from ._numbers import positive

Point = Float[Array, " 3"]

# Marching along a ray: how often at most, and what part of a gap is always left.
_MARCHES, _LEFT = 24, 0.1


def _point(value) -> Array:
    point = jnp.asarray(value, float)
    if point.shape != (3,):
        raise ValueError(f"a point or direction must have 3 components, but has {point.shape}.")
    return point


def _number(value) -> Array:
    return jnp.asarray(value, float)


class AbstractShape(eqx.Module):
    """A rigid shape at its place, before any motion."""

    @abc.abstractmethod
    def centre(self) -> Point:
        """The point about which a schedule turns it."""

    @abc.abstractmethod
    def gap(self, point: Point) -> Scalar:
        """Signed distance in m, positive outside; its gradient is the outward normal."""

    def free_path(self, start: Point, end: Point) -> Scalar:
        """How much of the way from `start` (outside) to `end` keeps a tenth of the first gap.

        By marching on spheres (J. Hart, Visual Computer 12 (1996) 527): a point may always go as
        far as its gap is wide. Never too much; too little where the way is long and grazing.
        """
        length = jnp.linalg.norm(end - start)
        first = self.gap(start)

        def march(_, passed):
            room = self.gap(start + passed * (end - start)) - _LEFT * first
            step = jnp.where(room > 0, room, 0.0) / jnp.where(length > 0, length, 1.0)
            return jnp.where(length > 0, jnp.minimum(passed + step, 1.0), 1.0)

        return jax.lax.fori_loop(0, _MARCHES, march, jnp.zeros(()))


class Plane(AbstractShape):
    """The half space behind a plane: a table, an incline, a wall. `normal` points out of it."""

    point: Point = eqx.field(converter=_point, default=(0.0, 0.0, 0.0))
    normal: Point = eqx.field(converter=_point, default=(0.0, 0.0, 1.0))

    def centre(self) -> Point:
        return self.point

    def gap(self, point: Point) -> Scalar:
        return (point - self.point) @ self.normal / jnp.linalg.norm(self.normal)

    def free_path(self, start: Point, end: Point) -> Scalar:
        before, after = self.gap(start), self.gap(end)
        approach = before - after
        near = after < _LEFT * before
        return jnp.where(near, (1.0 - _LEFT) * before / jnp.where(near, approach, 1.0), 1.0)


class Sphere(AbstractShape):
    """A ball; `middle` (3,) and `radius` in m."""

    middle: Point = eqx.field(converter=_point)
    radius: Scalar = eqx.field(converter=_number)

    def __check_init__(self):
        positive(self, radius="m")

    def centre(self) -> Point:
        return self.middle

    def gap(self, point: Point) -> Scalar:
        return jnp.linalg.norm(point - self.middle) - self.radius


class Capsule(AbstractShape):
    """A cylinder with round ends: a finger, a rod, a rounded edge. From `start` to `end`, in m."""

    start: Point = eqx.field(converter=_point)
    end: Point = eqx.field(converter=_point)
    radius: Scalar = eqx.field(converter=_number)

    def __check_init__(self):
        positive(self, radius="m")

    def centre(self) -> Point:
        return 0.5 * (self.start + self.end)

    def gap(self, point: Point) -> Scalar:
        axis = self.end - self.start
        share = jnp.clip((point - self.start) @ axis / (axis @ axis), 0.0, 1.0)
        return jnp.linalg.norm(point - self.start - share * axis) - self.radius
