"""Inverse design: how stiff must a card be that is bent and let go?"""

import jax.numpy as jnp

from ..._problem import Problem
from ..._space import DesignSpace, Linear, Log
from ...shells import (
    Barrier,
    Clamp,
    Dynamics,
    Gravity,
    IsotropicMaterial,
    Schedule,
    Shell,
    strip,
)
from ._design import Waypoint
from ._marks import Mark, Marks
from ._sheets import finger, row
from ._task import ShellTask


def card() -> Problem:
    """How stiff must a card be, and how far bent, so that its end is 6 mm up 40 ms after it is let
    go and 16 mm up after 60 ms, within 0.5 mm?

    A card of 100 × 20 × 0.3 mm, clamped at one end. A rod of 8 mm radius bends it down in 0.1 s and
    is gone within 10 ms. Variables: Young's modulus 1e8-1e10 Pa and how far down the rod goes,
    5-35 mm from 1 mm above.
    """
    mesh = strip(0.1, 0.02, (8, 1))
    bends = Schedule([0.0, 0.1, 0.11, 0.2], jnp.zeros((4, 6)).at[:, 2].set([0.0, -0.02, 0.1, 0.1]))
    # Rows of vertices are further apart than the rod is wide.
    law = Barrier(500.0, 1e-3)
    rod = finger((0.095, 9.5e-3), 8e-3, bends, law, subdivisions=4)
    material = IsotropicMaterial(1e9, 0.3, 3e-4, 1000.0)
    shell = Shell(
        mesh, material, loads=[Gravity()], supports=[Clamp(row(mesh, 0.0))], contacts=[rod]
    )
    dynamics = Dynamics(shell, step=2.5e-3, steps=64, tolerance=1e-7)
    end = row(mesh, 0.1)
    marks = [Mark(56, end, 2, 0.006, 5e-4), Mark(64, end, 2, 0.016, 5e-4)]
    space = DesignSpace(
        young=Log(1e8, 1e10, unit="Pa"),
        down=Linear(-0.035, -0.005, unit="m", where=Waypoint("contacts", 0, (1,), 2)),
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_card")


TASKS = (ShellTask("card", "how stiff must a card be, and how far bent, to flick to marks", card),)
