"""Settings as ThinShellLab published them, with its springs, for comparison.

Source: Y. Wang et al., ThinShellLab, arXiv 2404.00451 (2024); numbers as in its code
(github.com/Genesis-Embodied-AI/ThinShellLab). What is not the same is in `docs/shell_tasks.md`.
"""

import itertools

import jax.numpy as jnp
import numpy as np

from ..._problem import Problem
from ..._simulator import Leaf
from ..._space import DesignSpace, Linear, Log
from ...shells import (
    BodyContact,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    Penalty,
    Pin,
    Schedule,
    Shell,
    Sphere,
    SpringBending,
    SpringMembrane,
    TriangleMesh,
    strip,
)
from ._design import Waypoint
from ._kinks import Kink, Kinked
from ._marks import Mark, Marks
from ._sheets import bent, row, table
from ._task import ShellTask

# 40 kg/m²; the rest only scales round-off, as the springs do not look at it.
_SHEET = IsotropicMaterial(1e9, 0.0, 1e-3, 4e4)
_GAP = 4e-4


def _springs_of_vertices(stiffness: float, spacing: float) -> Penalty:
    """A stiffness for each vertex (N/m) as one for each area: on the border it is half of that."""
    return Penalty(stiffness / spacing**2, _GAP)


def _folded(
    flat: TriangleMesh, folds: dict[int, float], rows: int, end: tuple[float, float]
) -> TriangleMesh:
    """A flat strip with folds (radian, to the left as x goes on) along some of its rows of
    vertices; the last row at x and z of `end`, and what leads to it along +x."""
    spacing = float(np.ptp(np.asarray(flat.positions)[:, 0])) / (rows - 1)
    turns = np.zeros(rows)
    turns[list(folds)] = list(folds.values())
    # Of the panel behind each row but the last, backwards from the last panel, which is level.
    directions = -np.cumsum(turns[:0:-1])[::-1]
    ways = spacing * np.stack([np.cos(directions), np.sin(directions)], axis=1)
    places = np.concatenate([np.zeros((1, 2)), np.cumsum(ways, axis=0)])
    places = places - places[-1] + end
    return bent(flat, lambda s: places[np.round(s / spacing).astype(int)])


def bouncing() -> Problem:
    """A sheet that wants to be a bridge is dropped flat: its creases are 20 mm up after 60 ms,
    within 0.5 mm.

    60 × 60 mm in 15 × 15 cells of 4 mm, 40 kg/m², Kl = 1000 N, Ka = 1000 N/m, with creases of
    1.7 rad along rows 5 and 10, begins flat 3.9 mm above a table (4e4 N/m for each vertex closer
    than 0.4 mm, friction 0.5); gravity; 30 steps of 2 ms. Variable: Kb, 30 to 480 N/m.
    """
    flat = strip(0.06, 0.06, (15, 15))
    rest = _folded(flat, {5: -1.7, 10: -1.7}, 16, (0.0, 0.0))
    ground = table(0.0, _springs_of_vertices(4e4, 4e-3), Friction(0.5, 0.01))
    sheet = Shell(
        rest,
        _SHEET,
        membrane=SpringMembrane(),
        bending=SpringBending(120.0),
        loads=[Gravity()],
        contacts=[ground],
    )
    start = np.asarray(flat.positions) + np.array([0.0, 0.0, 3.9e-3])
    dynamics = Dynamics(
        sheet, step=2e-3, steps=30, scheme="implicit_euler", positions=start, tolerance=1e-7
    )
    creases = row(flat, 0.02) + row(flat, 0.04)
    space = DesignSpace(Kb=Log(30.0, 480.0, unit="N/m", where=Leaf("shell.bending.stiffness")))
    marks = Marks(rest, [Mark(30, creases, 2, 0.02, 5e-4)])
    return Problem(dynamics, None, space, marks, name="shell_published_bouncing")


_YIELD = 0.5


def folding() -> Problem:
    """A fingertip presses a strip that is bent to a U so that one of its two creases sharpens.

    100 × 20 mm in 15 × 3 cells of 6.7 mm, 40 kg/m², Kl = 1000 N, Ka = 1000 N/m, Kb = 400 N/m, a
    yield angle of 0.5 rad, no gravity, bent by 30, 60, 60, 30° along rows 6 to 9 over a table, the
    last row held; contacts of 1e4 N/m for each vertex closer than 0.4 mm, friction 5. A ball of
    7.5 mm radius above the bend is the fingertip. 50 steps of 5 ms. Variables: where the ball is,
    along (±10 mm) and down (0 to 12 mm), after half of the time and at the end. The mean rest
    angles along rows 7 and 8 at the end, −0.55 rad at the start, shall be −0.8 and −0.55, within
    0.03.
    """
    flat, spacing = strip(0.1, 0.02, (15, 3)), 0.1 / 15.0
    bends = {6: np.pi / 6, 7: np.pi / 3, 8: np.pi / 3, 9: np.pi / 6}
    end = (0.03, _GAP)
    start = _folded(flat, bends, 16, end)
    # As if it had been bent from flat: rest angles lag behind by the yield angle.
    rest = _folded(flat, {k: turn - _YIELD for k, turn in bends.items()}, 16, end)
    law, friction = _springs_of_vertices(1e4, spacing), Friction(5.0, 0.01)
    radius, top = 7.5e-3, 2.0 * spacing + _GAP
    schedule = Schedule([0.0, 0.125, 0.25], jnp.zeros((3, 6)))
    ball = BodyContact(
        Sphere([-0.0142, 0.0, top + radius + _GAP], radius),
        law,
        friction=friction,
        schedule=schedule,
    )
    strip_ = Shell(
        rest,
        _SHEET,
        membrane=SpringMembrane(),
        bending=SpringBending(400.0, _YIELD),
        supports=[Pin(row(flat, 0.1))],
        contacts=[ball, table(0.0, law, friction)],
    )
    dynamics = Dynamics(
        strip_,
        step=5e-3,
        steps=50,
        scheme="implicit_euler",
        positions=start.positions,
        tolerance=1e-7,
    )
    kinks = [Kink(_across(flat, k), angle, 0.03) for k, angle in ((7, -0.8), (8, -0.55))]
    space = DesignSpace(
        {
            f"{name}{pose}": Linear(
                low, high, unit="m", where=Waypoint("contacts", 0, (pose,), axis)
            )
            for pose in (1, 2)
            for name, low, high, axis in (("x", -0.01, 0.01, 0), ("z", -0.012, 0.0, 2))
        }
    )
    goal = Kinked(rest, kinks, _YIELD)
    return Problem(dynamics, None, space, goal, name="shell_published_folding")


def _across(flat: TriangleMesh, number: int) -> list[tuple[int, int]]:
    """The edges along a row of vertices of the strip."""
    y = np.asarray(flat.positions)[:, 1]
    ordered = sorted(row(flat, number * 0.1 / 15.0), key=lambda v: y[v])
    return list(itertools.pairwise(ordered))


TASKS = (
    ShellTask("published_bouncing", "drop ThinShellLab's bridge of springs", bouncing),
    ShellTask("published_folding", "sharpen a crease of ThinShellLab's strip of springs", folding),
)
