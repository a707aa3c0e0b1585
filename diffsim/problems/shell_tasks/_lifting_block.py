"""A brick that is carried on a sheet."""

import jax.numpy as jnp

from ..._problem import Problem
from ..._space import DesignSpace, Linear
from ...shells import Clamp, Dynamics, Schedule
from ._brick import HEIGHT, LENGTH, brick_on_sheet, plastic_sheet
from ._design import Waypoint
from ._marks import Mark, Marks
from ._sheets import row
from ._task import ShellTask

# ThinShellLab's task is carried by the first two of these, without gravity on the sheet.
_WAY = (-0.012, -0.012, 0.01)


def lifting_block() -> Problem:
    """Carry a brick on a sheet to a mark 12 mm to the side, 12 mm across and 10 mm up, and to rest
    there, within 1 mm; it must not be thrown.

    A plastic sheet of 60 × 30 × 0.5 mm, E = 100 MPa, held at both ends by grippers that move as
    one, and a rigid brick of 12 × 12 × 6 mm and 2000 kg/m³ on its middle; friction 0.3. Variables:
    x, y (−20 to 5 mm) and z (0 to 20 mm) of the grippers at 80 and at 160 ms, straight between
    these; then they wait. What counts is where the brick's middle is after 216 and 240 ms (the root
    mean square of the two), how high it is above the sheet as the grippers turn (at four times from
    96 to 144 ms, 1 mm root mean square), and that it is near the sheet's middle at the end (5 mm).
    """
    mesh = plastic_sheet()
    schedule = Schedule([0.0, 0.08, 0.16], jnp.zeros((3, 6)))
    grips = Clamp(row(mesh, 0.0) + row(mesh, LENGTH), schedule=schedule)
    scene = brick_on_sheet(mesh, [grips], 0.5 * LENGTH, friction=0.3)
    dynamics = Dynamics(scene, step=6e-3, steps=40, scheme="implicit_euler", tolerance=1e-7)
    brick, start = scene.vertices("brick").tolist(), (0.5 * LENGTH, 0.0, HEIGHT)
    marks = [
        Mark(at, brick, axis, start[axis] + _WAY[axis], 1e-3 * 2.0**0.5)
        for at in (36, 40)
        for axis in range(3)
    ]
    sheet = scene.vertices("sheet").tolist()
    marks += [Mark(at, brick, 2, HEIGHT, 2e-3, less=sheet) for at in (16, 19, 21, 24)]
    marks += [Mark(40, brick, axis, 0.0, 5e-3, less=sheet) for axis in (0, 1)]
    space = DesignSpace(
        {
            f"{name}{pose}": Linear(low, high, unit="m", where=Waypoint("holds", 0, (pose,), axis))
            for pose in (1, 2)
            for axis, (name, low, high) in enumerate(
                (("x", -0.02, 0.005), ("y", -0.02, 0.005), ("z", 0.0, 0.02))
            )
        }
    )
    return Problem(dynamics, None, space, Marks(scene.mesh, marks), name="shell_lifting_block")


TASKS = (ShellTask("lifting_block", "carry a brick on a sheet to a mark", lifting_block),)
