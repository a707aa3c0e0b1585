"""Triangle meshes: topology, generators, files."""

from ._abstract import AbstractMesh as AbstractMesh
from ._check import refuse as refuse
from ._files import read_mesh as read_mesh, write_mesh as write_mesh, write_series as write_series
from ._generate import (
    cylinder as cylinder,
    disc as disc,
    hemisphere as hemisphere,
    strip as strip,
)
from ._mesh import TriangleMesh as TriangleMesh
from ._surface import AbstractSurface as AbstractSurface, Skin as Skin
