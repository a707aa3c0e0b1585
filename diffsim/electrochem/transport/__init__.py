"""Transport to the electrode: geometries, domains and the finite volumes between them."""

from ._domain import (
    AbstractDomain as AbstractDomain,
    DiffusionLayer as DiffusionLayer,
    SemiInfinite as SemiInfinite,
    ThinLayer as ThinLayer,
)
from ._geometry import (
    AbstractGeometry as AbstractGeometry,
    Cylinder as Cylinder,
    Disc as Disc,
    Planar as Planar,
    PlanarDisc as PlanarDisc,
    Sphere as Sphere,
    hemisphere as hemisphere,
)
from ._grid import FiniteVolumes as FiniteVolumes, Grid as Grid
from ._rotating import Levich as Levich, VonKarman as VonKarman
