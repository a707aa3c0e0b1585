"""Sheets, fingers and grippers that the tasks share."""

from collections.abc import Callable

import numpy as np

from ...shells import (
    AbstractNormalLaw,
    BodyContact,
    Capsule,
    Friction,
    Plane,
    Schedule,
    TriangleMesh,
)

# Half as long again as the widest sheet.
_REACH = 0.03


def row(mesh: TriangleMesh, s: float) -> list[int]:
    """Vertices at a distance `s` (m) from the begin of a flat strip, the nearest row."""
    x = np.asarray(mesh.positions)[:, 0]
    nearest = x[np.argmin(np.abs(x - s))]
    return np.flatnonzero(np.abs(x - nearest) < 1e-9).tolist()


def bent(mesh: TriangleMesh, curve: Callable[[np.ndarray], np.ndarray]) -> TriangleMesh:
    """A strip whose rest shape follows a curve: arc length (v,) to x and z (v, 2)."""
    s, y, _ = np.asarray(mesh.positions).T
    x, z = curve(s).T
    return TriangleMesh(np.stack([x, y, z], axis=1), np.asarray(mesh.faces))


def finger(
    place: tuple[float, float],
    radius: float,
    schedule: Schedule,
    law: AbstractNormalLaw,
    friction: Friction | None = None,
    subdivisions: int = 1,
) -> BodyContact:
    """A rod along y, at (x, z) when at rest, wider than the sheet."""
    x, z = place
    rod = Capsule([x, -_REACH, z], [x, _REACH, z], radius)
    return BodyContact(rod, law, friction=friction, schedule=schedule, subdivisions=subdivisions)


def table(height: float, law: AbstractNormalLaw, friction: Friction | None = None) -> BodyContact:
    """A plane at z = height."""
    return BodyContact(Plane([0.0, 0.0, height]), law, friction=friction)
