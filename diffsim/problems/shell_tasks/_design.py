"""Places in a moving sheet's scene that design variables replace."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ..._simulator import AbstractLens
from ...shells import Dynamics


class Waypoint(AbstractLens):
    """A coordinate (0-2 translation in m, 3-5 rotation in rad) of a scheduled motion.

    **Fields:** `part`: "contacts" (a body) or "holds" (a gripper), `number`: which of them;
    `poses`: rows of the schedule, which are tied together.
    """

    part: Literal["contacts", "holds"] = eqx.field(static=True)
    number: int = eqx.field(static=True)
    poses: tuple[int, ...] = eqx.field(static=True)
    coordinate: int = eqx.field(static=True)

    def _poses(self, system: Dynamics) -> Array:
        return getattr(system.shell, self.part)[self.number].schedule.poses

    def get(self, system: Dynamics) -> Array:
        return self._poses(system)[self.poses[0], self.coordinate]

    def set(self, system: Dynamics, value: Array) -> Dynamics:
        changed = self._poses(system).at[jnp.asarray(self.poses), self.coordinate].set(value)
        where = lambda d: getattr(d.shell, self.part)[self.number].schedule.poses
        return eqx.tree_at(where, system, changed)


class Launch(AbstractLens):
    """A rigid motion at the start, added to what the other axes give.

    **Fields:** `axis`: 0-2, the speed in m/s along x, y, z; 3-5, the spin in rad/s about the axis
    through the middle of the vertices.
    """

    axis: int = eqx.field(static=True)

    def _pattern(self, system: Dynamics) -> Array:
        """The velocities (v, 3) that a value of one gives."""
        direction = jnp.zeros(3).at[self.axis % 3].set(1.0)
        if self.axis < 3:
            return jnp.broadcast_to(direction, system.positions.shape)
        return jnp.cross(direction, system.positions - jnp.mean(system.positions, axis=0))

    def get(self, system: Dynamics) -> Array:
        pattern = self._pattern(system)
        return jnp.sum(pattern * system.velocities) / jnp.sum(pattern**2)

    def set(self, system: Dynamics, value: Array) -> Dynamics:
        changed = system.velocities + (value - self.get(system)) * self._pattern(system)
        return eqx.tree_at(lambda d: d.velocities, system, changed)
