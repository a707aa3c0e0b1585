"""A brick on a sheet that grippers hold by both ends."""

from collections.abc import Sequence

import numpy as np

from ...shells import (
    AbstractSupport,
    Assembly,
    Barrier,
    Friction,
    Gravity,
    IsotropicMaterial,
    RigidBody,
    RigidMaterial,
    SelfContact,
    Shell,
    TriangleMesh,
    block,
    strip,
)

LENGTH = 0.06
# What the barrier keeps apart, and 0.7 of it lies between brick and sheet at the start.
_GAP = 1e-3
_BRICK = (0.012, 0.012, 0.006)
# The height of the brick's middle at the start.
HEIGHT = 0.5 * _BRICK[2] + 0.7 * _GAP


def plastic_sheet() -> TriangleMesh:
    """60 × 30 mm."""
    return strip(LENGTH, 0.03, (6, 3))


def brick_on_sheet(
    mesh: TriangleMesh, supports: Sequence[AbstractSupport], x: float, friction: float
) -> Assembly:
    """A plastic "sheet" of 0.5 mm, E = 100 MPa, and on it a rigid "brick" of 12 × 12 × 6 mm and
    2000 kg/m³, with its middle at `x` (m) and across in the middle."""
    weight = [Gravity()]
    skin = block(_BRICK, [1, 1, 1]).skin()
    above = np.array([x, 0.0, HEIGHT])
    bodies = {
        "sheet": Shell(
            mesh, IsotropicMaterial(1e8, 0.3, 5e-4, 1000.0), loads=weight, supports=supports
        ),
        "brick": RigidBody(
            TriangleMesh(np.asarray(skin.positions) + above, skin.faces),
            RigidMaterial(2000.0, 1e9),
            loads=weight,
        ),
    }
    contact = SelfContact(Barrier(1e3, _GAP), friction=Friction(friction, 1e-2), capacity=400)
    return Assembly(bodies, self_contact=contact)
