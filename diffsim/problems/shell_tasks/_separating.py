"""Two sheets, of which a finger is to take the upper one away."""

import functools

import jax.numpy as jnp
import numpy as np

from ..._problem import Problem
from ..._space import DesignSpace, Linear
from ...shells import (
    Barrier,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    Schedule,
    SelfContact,
    Shell,
    TriangleMesh,
    strip,
)
from ._design import Waypoint
from ._marks import Mark, Marks
from ._sheets import finger, table
from ._task import ShellTask

_GAP = 1e-3
# A row of vertices lies under the rod, since bodies touch vertices only.
_LENGTH, _CELLS = 0.06, (6, 1)
# Young's modulus and density of sheets of 0.3 mm: paper of 300 g/m², and cotton of 200 g/m² that
# hangs as cloth does (D = ρ_s g (20 mm)³).
_PAPER, _CLOTH = (1e9, 1000.0), (6.5e6, 670.0)


def _stack() -> tuple[TriangleMesh, int]:
    """One sheet above another, and how many vertices the lower one has; the diagonals of their
    faces differ, so that vertices are not all above each other's edges."""
    one, two = strip(_LENGTH, 0.02, _CELLS), strip(_LENGTH, 0.02, _CELLS, "aligned")
    lower = np.asarray(one.positions) + np.array([0.0, 0.0, 0.5 * _GAP])
    upper = np.asarray(two.positions) + np.array([0.0, 0.0, 1.3 * _GAP])
    faces = np.concatenate([np.asarray(one.faces), np.asarray(two.faces) + one.num_vertices])
    return TriangleMesh(np.concatenate([lower, upper]), faces), one.num_vertices


def separating(young: float, density: float, *, name: str) -> Problem:
    """Drag the upper of two sheets 15 mm off the lower one, which must stay, within 0.5 mm.

    Two sheets of 60 × 20 × 0.3 mm, paper or cloth, on a table (friction 0.3), 0.2 between them. A
    rod of 8 mm radius (friction 0.4) comes down on the middle of the upper one, moves and goes up
    again. Variables: how far down, 0.5-1.7 mm from 2 mm above (with too little the rod slips), and
    how far along, 0-30 mm.
    """
    mesh, count = _stack()
    law = Barrier(200.0, _GAP)
    poses = jnp.zeros((4, 6)).at[1:3, 2].set(-1.1e-3).at[2:, 0].set(0.015)
    rod = finger(
        (0.03, 1.3 * _GAP + 8e-3 + 2e-3),
        8e-3,
        Schedule([0.0, 0.03, 0.18, 0.21], poses),
        law,
        Friction(0.4, 2e-3),
    )
    shell = Shell(
        mesh,
        IsotropicMaterial(young, 0.3, 3e-4, density),
        loads=[Gravity()],
        contacts=[rod, table(0.0, law, Friction(0.3, 2e-3))],
        self_contact=SelfContact(law, friction=Friction(0.2, 1e-2), capacity=400),
    )
    dynamics = Dynamics(shell, step=7e-3, steps=30, scheme="implicit_euler", tolerance=1e-7)
    half = 0.5 * _LENGTH
    marks = [
        Mark(30, range(count, mesh.num_vertices), 0, half + 0.015, 5e-4),
        Mark(30, range(count), 0, half, 5e-4),
    ]
    space = DesignSpace(
        down=Linear(-1.7e-3, -5e-4, unit="m", where=Waypoint("contacts", 0, (1, 2), 2)),
        along=Linear(0.0, 0.03, unit="m", where=Waypoint("contacts", 0, (2, 3), 0)),
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name=name)


TASKS = (
    ShellTask(
        "separating",
        "drag the upper of two sheets of paper off the lower one",
        functools.partial(separating, *_PAPER, name="shell_separating"),
    ),
    ShellTask(
        "separating_cloth",
        "drag the upper of two sheets of cloth off the lower one",
        functools.partial(separating, *_CLOTH, name="shell_separating_cloth"),
    ),
)
