"""Tasks for sheets: bring a sheet where it should be, through friction, contact and yielding.

Every task is a `Problem` in physical units whose value is ½ (miss/tolerance)²: it is solved where
the value is at most `SOLVED`, that is, where the sheet misses by no more than its tolerance.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._objective import AbstractResidualObjective
from .._observables import Observables
from .._problem import Problem
from .._simulator import AbstractLens, Leaf
from .._space import DesignSpace, Linear, Log
from .._types import Residuals
from ..shells import (
    Barrier,
    BodyContact,
    Capsule,
    Clamp,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    Plane,
    PlasticBending,
    Schedule,
    Shell,
    strip,
)

# The largest value of a task that is solved.
SOLVED = 0.5


class Waypoint(AbstractLens):
    """A coordinate (0 to 5: translation, rotation) of a pose of the schedule of a contact."""

    contact: int = eqx.field(static=True)
    pose: int = eqx.field(static=True)
    coordinate: int = eqx.field(static=True)

    def get(self, system: Dynamics) -> Array:
        return system.shell.contacts[self.contact].schedule.poses[self.pose, self.coordinate]

    def set(self, system: Dynamics, value: Array) -> Dynamics:
        poses = lambda d: d.shell.contacts[self.contact].schedule.poses
        return eqx.tree_at(poses, system, poses(system).at[self.pose, self.coordinate].set(value))


class Launch(AbstractLens):
    """The speed of all vertices along an axis at the start."""

    axis: int = eqx.field(static=True)

    def get(self, system: Dynamics) -> Array:
        return system.velocities[0, self.axis]

    def set(self, system: Dynamics, value: Array) -> Dynamics:
        speeds = system.velocities.at[:, self.axis].set(value)
        return eqx.tree_at(lambda d: d.velocities, system, speeds)


class Miss(AbstractResidualObjective):
    """How far the mean of some vertices is from where it should be, at some times.

    **Fields:** `target`: (k,) coordinates along `axis` in m at the samples `at`; `tolerance` in m;
    `vertices`: which.
    """

    target: Float[Array, " k"] = eqx.field(converter=lambda v: jnp.asarray(v, float))
    tolerance: float
    vertices: tuple[int, ...] = eqx.field(static=True)
    axis: int = eqx.field(static=True)
    at: tuple[int, ...] = eqx.field(static=True)

    def residuals(self, observables: Observables) -> Residuals:
        positions = observables.values["positions"][jnp.asarray(self.at)]
        means = jnp.mean(positions[:, jnp.asarray(self.vertices), self.axis], axis=1)
        return (means - self.target) / self.tolerance


def shell_sliding() -> Problem:
    """Push a card such that it passes 30 mm after 0.1 s and comes to rest at 40 mm, within 1 mm.

    A card of 60 x 40 mm slides on a table. Variables: launch speed 0.1-1 m/s and coefficient of
    friction 0.05-1. By a = v²/(2s): 0.4 m/s, μ = 2/g = 0.204.
    """
    mesh = strip(0.06, 0.04, (2, 1))
    table = BodyContact(Plane(), Barrier(5.0, 1e-3), friction=Friction(0.5, 2e-3))
    card = IsotropicMaterial(1e9, 0.3, 3e-4, 800.0)
    shell = Shell(mesh, card, loads=[Gravity()], contacts=[table])
    above = mesh.positions + jnp.array([0.0, 0.0, 6.6e-4])
    speeds = jnp.zeros_like(above).at[:, 0].set(0.8)
    dynamics = Dynamics(shell, step=5e-3, steps=60, positions=above, velocities=speeds)
    middle = tuple(range(mesh.num_vertices))
    miss = Miss([0.03 + 0.03, 0.04 + 0.03], 1e-3, middle, 0, (20, 60))
    space = DesignSpace(
        speed=Linear(0.1, 1.0, unit="m/s", where=Launch(0)),
        friction=Log(0.05, 1.0, where=Leaf("shell.contacts.0.friction.coefficient")),
    )
    return Problem(dynamics, None, space, miss, name="shell_sliding")


def shell_forming() -> Problem:
    """Bend a clamped strip with a finger such that its end stays 15 mm down, within 0.5 mm.

    A strip of 100 x 20 x 0.3 mm is clamped at one end. A finger (a rod of 4 mm radius across the
    strip) goes through two points and away again; the strip yields at a radius of 125 mm and
    springs back. Variables: the two points, along the strip (-30 to 20 mm from x = 60 mm) and
    down (5 to 60 mm from 10 mm above it).
    """
    mesh = strip(0.1, 0.02, (8, 1))
    times = [0.0, 0.08, 0.16, 0.24]
    start = jnp.zeros((4, 6)).at[1:3, 2].set(-0.02)
    finger = BodyContact(
        Capsule([0.06, -0.03, 0.01], [0.06, 0.03, 0.01], 4e-3),
        Barrier(500.0, 1e-3),
        schedule=Schedule(times, start),
    )
    material = IsotropicMaterial(3e9, 0.3, 3e-4, 1200.0)
    shell = Shell(
        mesh,
        material,
        bending=PlasticBending(8.0, 0.02),
        supports=[Clamp(lambda x, y, z: x < 1e-9)],
        contacts=[finger],
    )
    dynamics = Dynamics(shell, step=6e-3, steps=50, scheme="implicit_euler")
    tip = (mesh.num_vertices - 2, mesh.num_vertices - 1)
    miss = Miss([-0.015], 5e-4, tip, 2, (50,))
    space = DesignSpace(
        first_along=Linear(-0.03, 0.02, unit="m", where=Waypoint(0, 1, 0)),
        first_down=Linear(-0.06, -0.005, unit="m", where=Waypoint(0, 1, 2)),
        second_along=Linear(-0.03, 0.02, unit="m", where=Waypoint(0, 2, 0)),
        second_down=Linear(-0.06, -0.005, unit="m", where=Waypoint(0, 2, 2)),
    )
    return Problem(dynamics, None, space, miss, name="shell_forming")
