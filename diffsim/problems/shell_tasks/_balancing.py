"""A ball on a sheet between two grippers."""

import jax.numpy as jnp
import numpy as np

from ..._problem import Problem
from ..._space import DesignSpace, Linear
from ...shells import (
    Assembly,
    Barrier,
    Clamp,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    RigidBody,
    RigidMaterial,
    Schedule,
    SelfContact,
    Shell,
    TriangleMesh,
    ball,
    strip,
)
from ._design import Waypoint
from ._marks import Mark, Marks
from ._sheets import row
from ._task import ShellTask

_LENGTH, _RADIUS, _GAP = 0.06, 8e-3, 1e-3


def balancing() -> Problem:
    """Bring a ball from a quarter of a sheet to its middle and to rest there, within 1 mm.

    A rubber-like sheet of 60 × 30 × 0.5 mm, E = 10 MPa, between two grippers, and a rigid ball of 8
    mm radius and 2000 kg/m³ (a polyhedron of 26 corners) that lies 10 mm from its middle; friction
    0.3. Variables: how high each gripper is at 40 and at 80 ms, −15 to 15 mm; from 120 ms on both
    are level. What counts is where the ball's middle is, along the sheet, after 160 and 200 ms.
    """
    mesh = strip(_LENGTH, 0.03, (6, 3))
    times = [0.0, 0.04, 0.08, 0.12]
    lifted = jnp.zeros((4, 6))
    grips = [Clamp(row(mesh, end), schedule=Schedule(times, lifted)) for end in (0.0, _LENGTH)]
    material = IsotropicMaterial(1e7, 0.3, 5e-4, 1000.0)
    weight = [Gravity()]
    round_ = ball(_RADIUS, 2).skin()
    above = np.array([0.5 * _LENGTH - 0.01, 0.015, _RADIUS + 0.7 * _GAP])
    bodies = {
        "sheet": Shell(mesh, material, loads=weight, supports=grips),
        "ball": RigidBody(
            TriangleMesh(np.asarray(round_.positions) + above, round_.faces),
            RigidMaterial(2000.0, 1e9),
            loads=weight,
        ),
    }
    contact = SelfContact(Barrier(1e3, _GAP), friction=Friction(0.3, 1e-2), capacity=500)
    scene = Assembly(bodies, self_contact=contact)
    dynamics = Dynamics(scene, step=4e-3, steps=50, scheme="implicit_euler", tolerance=1e-7)
    middle = 0.5 * _LENGTH
    whole = scene.vertices("ball").tolist()
    marks = [Mark(at, whole, 0, middle, 1e-3) for at in (40, 50)]
    space = DesignSpace(
        {
            f"{name}{pose}": Linear(
                -0.015, 0.015, unit="m", where=Waypoint("holds", hold, (pose,), 2)
            )
            for hold, name in enumerate(("left", "right"))
            for pose in (1, 2)
        }
    )
    return Problem(dynamics, None, space, Marks(scene.mesh, marks), name="shell_balancing")


TASKS = (ShellTask("balancing", "bring a ball on a sheet to its middle and to rest", balancing),)
