"""Elastic energies of sheets, each from positions to joules."""

from ._angle import hinge_angle as hinge_angle
from ._bending import (
    AbstractBending as AbstractBending,
    Guides as Guides,
    MidEdgeBending as MidEdgeBending,
)
from ._hinges import HingeBending as HingeBending
from ._membrane import (
    AbstractMembrane as AbstractMembrane,
    NeoHookean as NeoHookean,
    StVenantKirchhoff as StVenantKirchhoff,
)
from ._plastic import Crease as Crease, PlasticBending as PlasticBending
from ._rest import vertex_unknowns as vertex_unknowns
from ._springs import (
    Kinks as Kinks,
    SpringBending as SpringBending,
    SpringMembrane as SpringMembrane,
)
