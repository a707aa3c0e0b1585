"""Solids of tetrahedra (fingertips, balls, blocks), and rigid bodies that move freely."""

from ._elastic import SolidMaterial as SolidMaterial, stable_neo_hookean as stable_neo_hookean
from ._mesh import TetrahedralMesh as TetrahedralMesh, ball as ball, block as block
from ._rigid import RigidBody as RigidBody, RigidMaterial as RigidMaterial
from ._solid import Solid as Solid
