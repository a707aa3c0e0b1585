"""A brick on a sheet between two grippers."""

import jax.numpy as jnp

from ..._problem import Problem
from ..._space import DesignSpace, Linear
from ...shells import Clamp, Dynamics, Schedule
from ._brick import LENGTH, brick_on_sheet, plastic_sheet
from ._design import Waypoint
from ._marks import Mark, Marks
from ._sheets import row
from ._task import ShellTask


def balancing() -> Problem:
    """Bring a brick from a quarter of a sheet to its middle and to rest there, within 1 mm.

    A plastic sheet of 60 × 30 × 0.5 mm, E = 100 MPa, between two grippers, and a rigid brick of 12
    × 12 × 6 mm and 2000 kg/m³ that lies 10 mm from its middle; friction 0.2. Variables: how high
    each gripper is at 60 and at 120 ms, −20 to 20 mm; from 160 ms on both are level. What counts
    is where the brick's middle is, along the sheet after 200 and 240 ms, and how high at the end.
    """
    mesh = plastic_sheet()
    schedule = Schedule([0.0, 0.06, 0.12, 0.16], jnp.zeros((4, 6)))
    grips = [Clamp(row(mesh, end), schedule=schedule) for end in (0.0, LENGTH)]
    scene = brick_on_sheet(mesh, grips, 0.5 * LENGTH - 0.01, friction=0.2)
    dynamics = Dynamics(scene, step=4e-3, steps=60, scheme="implicit_euler", tolerance=1e-7)
    brick = scene.vertices("brick").tolist()
    marks = [Mark(at, brick, 0, 0.5 * LENGTH, 1e-3) for at in (50, 60)]
    # On the sheet, not fallen off it.
    marks.append(Mark(60, brick, 2, 3.5e-3, 1e-3))
    space = DesignSpace(
        {
            f"{name}{pose}": Linear(
                -0.02, 0.02, unit="m", where=Waypoint("holds", hold, (pose,), 2)
            )
            for hold, name in enumerate(("left", "right"))
            for pose in (1, 2)
        }
    )
    return Problem(dynamics, None, space, Marks(scene.mesh, marks), name="shell_balancing")


TASKS = (ShellTask("balancing", "bring a brick on a sheet to its middle and to rest", balancing),)
