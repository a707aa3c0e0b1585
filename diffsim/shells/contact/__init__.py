"""Contact and friction: of sheets with rigid bodies, with each other and with themselves."""

from ._body_contact import BodyContact as BodyContact, check_apart as check_apart
from ._broad_phase import (
    crossings as crossings,
    touching as touching,
    winding_numbers as winding_numbers,
)
from ._friction import Friction as Friction
from ._laws import AbstractNormalLaw as AbstractNormalLaw, Barrier as Barrier, Penalty as Penalty
from ._self_contact import SelfContact as SelfContact
from ._shapes import (
    AbstractShape as AbstractShape,
    Capsule as Capsule,
    Plane as Plane,
    Sphere as Sphere,
)
