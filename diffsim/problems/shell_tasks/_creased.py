"""Sheets that fingers press beyond yield: forming, folding, pick-folding."""

import jax.numpy as jnp
import numpy as np

from ..._problem import Problem
from ..._space import DesignSpace, Linear
from ...shells import (
    Barrier,
    BodyContact,
    Clamp,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    PlasticBending,
    Schedule,
    Shell,
    TriangleMesh,
    strip,
)
from ._design import Waypoint
from ._marks import Mark, Marks
from ._sheets import bent, finger, row, table
from ._task import ShellTask

# A thin metal strip: yields at a radius of 125 mm, with little hardening.
_LAW = Barrier(500.0, 1e-3)


def _metal(mesh: TriangleMesh, contacts: list[BodyContact], supports: list[Clamp]) -> Dynamics:
    shell = Shell(
        mesh,
        IsotropicMaterial(3e9, 0.3, 3e-4, 1200.0),
        bending=PlasticBending(8.0, 0.02),
        loads=[Gravity()],
        supports=supports,
        contacts=contacts,
    )
    # Steps that damp the vibrations: only the slow motion of the fingers counts, and what stays.
    return Dynamics(shell, step=3e-2, steps=50, scheme="implicit_euler", tolerance=1e-7)


def _through(*poses: tuple[float, float]) -> Schedule:
    """From rest through (x, z) displacements and back to rest, evenly in 1.2 s."""
    times = np.linspace(0.0, 1.2, len(poses) + 2)
    rows = np.zeros((times.size, 6))
    rows[1:-1, [0, 2]] = poses
    return Schedule(times, jnp.asarray(rows))


def _at(contact: int, pose: int, axis: int, low: float, high: float) -> Linear:
    return Linear(low, high, unit="m", where=Waypoint("contacts", contact, (pose,), axis))


def forming() -> Problem:
    """Bend a clamped strip with a finger such that its end stays 15 mm down and its middle 7 mm,
    within 0.5 mm.

    A strip of 100 × 20 × 0.3 mm, E = 3 GPa, yields at a radius of 125 mm. A rod of 8 mm radius
    goes through two points and away again; the strip springs back. Variables: the two points,
    from x = 60 mm, 10 mm above the strip: −30 to 20 mm along and 5 to 60 mm down. The moment is
    largest at the clamp and creases stay there: the middle cannot stay up while the end goes down
    (asked for 3 mm, five searches ended at 5.9 and 13.5 mm, with the finger as far out as may be).
    """
    mesh = strip(0.1, 0.02, (12, 1))
    rod = finger((0.06, 0.01), 8e-3, _through((0.0, -0.02), (0.0, -0.02)), _LAW)
    dynamics = _metal(mesh, [rod], [Clamp(row(mesh, 0.0))])
    marks = [
        Mark(50, row(mesh, 0.1), 2, -0.015, 5e-4),
        Mark(50, row(mesh, 0.05), 2, -0.007, 5e-4),
    ]
    space = DesignSpace(
        first_along=_at(0, 1, 0, -0.03, 0.02),
        first_down=_at(0, 1, 2, -0.06, -0.005),
        second_along=_at(0, 2, 0, -0.03, 0.02),
        second_down=_at(0, 2, 2, -0.06, -0.005),
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_forming")


def folding_l() -> Problem:
    """Fold a clamped strip over a rod such that an L of 60° stays, its end within 0.5 mm.

    The strip of `forming`; below it, at x = 40 mm, a fixed rod of 8 mm radius, over which a finger
    folds it. Its end shall be 60 mm × sin 60° lower than the place of the fold and 30 mm further
    on. Variables as in `forming`, from x = 65 mm, 10 mm above the strip: −12 to 30 mm along, where
    the finger and the rod cannot meet with the strip between them, and 10 to 90 mm down.
    """
    mesh = strip(0.1, 0.02, (12, 1))
    mandrel = finger((0.035, -9.5e-3), 8e-3, _through((0.0, 0.0), (0.0, 0.0)), _LAW)
    rod = finger((0.065, 0.01), 8e-3, _through((0.0, -0.03), (0.0, -0.03)), _LAW)
    dynamics = _metal(mesh, [rod, mandrel], [Clamp(row(mesh, 0.0))])
    fold, end = row(mesh, 0.0417), row(mesh, 0.1)
    marks = [
        Mark(50, end, 2, -0.0583 * np.sin(np.pi / 3), 5e-4, less=fold),
        Mark(50, end, 0, 0.0583 * np.cos(np.pi / 3), 5e-4, less=fold),
    ]
    space = DesignSpace(
        first_along=_at(0, 1, 0, -0.012, 0.03),
        first_down=_at(0, 1, 2, -0.09, -0.01),
        second_along=_at(0, 2, 0, -0.012, 0.03),
        second_down=_at(0, 2, 2, -0.09, -0.01),
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_folding_l")


def _hairpin(s: np.ndarray) -> np.ndarray:
    """40 mm straight, a half circle of 10 mm radius, and back."""
    angle = np.clip((s - 0.04) / 0.01, 0.0, np.pi)
    back = np.maximum(s - 0.04 - 0.01 * np.pi, 0.0)
    x = np.minimum(s, 0.04) + 0.01 * np.sin(angle) - back
    return np.stack([x, 0.01 * (1.0 - np.cos(angle))], axis=1)


def folding_u() -> Problem:
    """Press a U-shaped strip together such that it stays open by 16 mm at its end, within 0.5 mm.

    A strip that is bent to a hairpin 20 mm wide lies on a table, its lower leg clamped at the end.
    A rod of 8 mm radius presses on the upper leg and is taken away. Two points, as in
    `forming`: −25 to −5 mm from x = 25 mm, and 2 to 12 mm down from 2 mm above the leg, where the
    legs cannot meet (nothing but these bounds keeps them apart).
    """
    mesh = strip(0.112, 0.02, (14, 1))
    end = row(mesh, 0.112)
    clamped = row(mesh, 0.0)
    bow = bent(mesh, _hairpin)
    rod = finger((0.025, 0.03), 8e-3, _through((-0.01, -0.008), (-0.01, -0.008)), _LAW)
    ground = table(-1.2e-3, _LAW)
    dynamics = _metal(bow, [rod, ground], [Clamp(clamped)])
    marks = [Mark(50, end, 2, 0.016, 5e-4)]
    space = DesignSpace(
        first_along=_at(0, 1, 0, -0.025, -0.005),
        first_down=_at(0, 1, 2, -0.012, -0.002),
        second_along=_at(0, 2, 0, -0.025, -0.005),
        second_down=_at(0, 2, 2, -0.012, -0.002),
    )
    return Problem(dynamics, None, space, Marks(bow, marks), name="shell_folding_u")


def _hump(s: np.ndarray) -> np.ndarray:
    """100 mm with a gentle hump of 3 mm, so that it is known which way it buckles."""
    return np.stack([s, 3e-3 * np.sin(np.pi * s / 0.1) ** 2], axis=1)


def pick_folding() -> Problem:
    """Push a sheet together between two jaws such that a ridge stays whose foot is 70 mm long and
    whose middle has gone 4 mm to the right, within 1 mm.

    A strip of 100 × 20 mm with a hump of 3 mm lies on a table (friction 0.2). Two round jaws of
    8 mm radius push its ends towards each other and go back; it springs back. Variables: how far
    in each of them goes, 5-40 mm.
    """
    mesh = strip(0.1, 0.02, (12, 1))
    middle, left, right = (row(mesh, s) for s in (0.05, 0.0, 0.1))
    bow = bent(mesh, _hump)
    jaws = [
        finger((x, 2e-3), 8e-3, _through((way, 0.0), (way, 0.0)), _LAW)
        for x, way in ((-9.2e-3, 0.02), (0.1092, -0.02))
    ]
    ground = table(-8e-4, _LAW, Friction(0.2, 2e-3))
    dynamics = _metal(bow, [*jaws, ground], [])
    marks = [
        Mark(50, right, 0, 0.07, 1e-3, less=left),
        Mark(50, middle, 0, 0.054, 1e-3),
    ]
    space = DesignSpace(
        left=Linear(5e-3, 0.04, unit="m", where=Waypoint("contacts", 0, (1, 2), 0)),
        right=Linear(-0.04, -5e-3, unit="m", where=Waypoint("contacts", 1, (1, 2), 0)),
    )
    return Problem(dynamics, None, space, Marks(bow, marks), name="shell_pick_folding")


TASKS = (
    ShellTask("forming", "bend a strip with a finger to a shape that stays", forming),
    ShellTask("folding_l", "fold a strip over a rod to an L that stays", folding_l),
    ShellTask("folding_u", "press a U together to a hairpin that stays", folding_u),
    ShellTask("pick_folding", "push a sheet together between two jaws to a ridge", pick_folding),
)
