"""Sheets in grippers: lifting and following."""

import jax.numpy as jnp
import numpy as np

from ..._problem import Problem
from ..._space import DesignSpace, Linear
from ...shells import (
    Barrier,
    Clamp,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    Schedule,
    Shell,
    strip,
)
from ._design import Waypoint
from ._marks import Mark, Marks
from ._sheets import row, table
from ._task import ShellTask

_LENGTH = 0.1


def lifting() -> Problem:
    """Lift a soft sheet by both ends off a table such that it hangs with its middle 20 mm up and
    10 mm to the side, and its quarters at 30 mm, within 1 mm each.

    A rubber-like sheet of 100 × 40 × 0.5 mm, E = 5 MPa, on a table. Two grippers go in a straight
    line to their last pose in 0.2 s and wait until 0.35 s. Variables: x (±30 mm), z (0-80 mm) and
    tilt (±1 rad) of both.
    """
    mesh = strip(_LENGTH, 0.04, (8, 1))
    times = [0.0, 0.2, 0.35]
    grips = [
        Clamp(row(mesh, 0.0), schedule=_lifted(times)),
        Clamp(row(mesh, _LENGTH), schedule=_lifted(times)),
    ]
    on_table = table(-5e-4, Barrier(10.0, 1e-3), Friction(0.3, 1e-2))
    material = IsotropicMaterial(5e6, 0.3, 5e-4, 1000.0)
    shell = Shell(mesh, material, loads=[Gravity()], supports=grips, contacts=[on_table])
    dynamics = Dynamics(shell, step=7e-3, steps=50, scheme="implicit_euler", tolerance=1e-7)
    middle, left, right = (row(mesh, s * _LENGTH) for s in (0.5, 0.25, 0.75))
    marks = [
        Mark(50, middle, 0, 0.06, 1e-3),
        Mark(50, middle, 2, 0.02, 1e-3),
        Mark(50, left, 2, 0.03, 1e-3),
        Mark(50, right, 2, 0.03, 1e-3),
    ]
    space = DesignSpace(
        {
            f"{name}_{side}": scale(low, high, number, axis)
            for number, side in enumerate(("left", "right"))
            for name, low, high, axis, scale in (
                ("x", -0.03, 0.03, 0, _length),
                ("z", 0.0, 0.08, 2, _length),
                ("tilt", -1.0, 1.0, 4, _angle),
            )
        }
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_lifting")


def _lifted(times: list[float]) -> Schedule:
    """Straight up by 30 mm, to begin with."""
    return Schedule(times, jnp.zeros((3, 6)).at[1:, 2].set(0.03))


def _length(low: float, high: float, hold: int, axis: int) -> Linear:
    return Linear(low, high, unit="m", where=Waypoint("holds", hold, (1, 2), axis))


def _angle(low: float, high: float, hold: int, axis: int) -> Linear:
    return Linear(low, high, unit="rad", where=Waypoint("holds", hold, (1, 2), axis))


def following() -> Problem:
    """Lead the loose end of a hanging sheet along a straight line, within 2 mm all the way.

    A plastic sheet of 100 × 20 × 0.5 mm, E = 3 GPa, held level at one end by a gripper. Its loose
    end is to rise by 40 mm and go forwards by 60 mm in 0.32 s at a uniform speed, from rest and
    from level: it sags by 2 mm and swings with a period of 70 ms, shorter than the 80 ms between
    the gripper's points. (At 100 MPa the period is 0.37 s, and no motion of the gripper follows the
    line: all searches end at a miss of 19 mm.) Variables: x (−20 to 100 mm) and z (−40 to 120 mm)
    of the gripper at four times. The root mean square of the miss at eight times counts.
    """
    mesh = strip(_LENGTH, 0.02, (8, 1))
    times = np.linspace(0.0, 0.32, 5)
    # As on a rigid sheet.
    level = np.outer(times / times[-1], [0.06, 0.0, 0.04, 0.0, 0.0, 0.0])
    grip = Clamp(row(mesh, 0.0), schedule=Schedule(times, level))
    material = IsotropicMaterial(3e9, 0.3, 5e-4, 1000.0)
    shell = Shell(mesh, material, loads=[Gravity()], supports=[grip])
    dynamics = Dynamics(shell, step=5e-3, steps=64, tolerance=1e-7)
    tip = row(mesh, _LENGTH)
    tolerance = 2e-3 * np.sqrt(8.0)
    marks = [
        Mark(8 * k, tip, axis, start + k / 8 * way, tolerance)
        for k in range(1, 9)
        for axis, start, way in ((0, _LENGTH, 0.06), (2, 0.0, 0.04))
    ]
    space = DesignSpace(
        {f"x{k}": _way(-0.02, 0.10, k, 0) for k in range(1, 5)}
        | {f"z{k}": _way(-0.04, 0.12, k, 2) for k in range(1, 5)}
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_following")


def _way(low: float, high: float, pose: int, axis: int) -> Linear:
    return Linear(low, high, unit="m", where=Waypoint("holds", 0, (pose,), axis))


TASKS = (
    ShellTask("lifting", "lift a soft sheet by both ends into a given sag", lifting),
    ShellTask("following", "lead the loose end of a sheet along a line", following),
)
