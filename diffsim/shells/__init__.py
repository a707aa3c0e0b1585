"""Thin shells with exact gradients: meshes, materials, energies, equilibrium, dynamics."""

from ..solvers import (
    AbstractAlgebra as AbstractAlgebra,
    ConjugateGradients as ConjugateGradients,
    Factorised as Factorised,
)
from . import analytic as analytic
from ._assembly import Assembly as Assembly
from ._deformable import AbstractBody as AbstractBody, AbstractDeformable as AbstractDeformable
from ._dynamics import Dynamics as Dynamics
from ._equilibrium import Equilibrium as Equilibrium
from ._equilibrium_path import (
    AbstractControl as AbstractControl,
    ByDisplacement as ByDisplacement,
    ByDistance as ByDistance,
    ByFactor as ByFactor,
    EquilibriumPath as EquilibriumPath,
)
from ._linear import (
    buckling_factors as buckling_factors,
    linear_response as linear_response,
    natural_frequencies as natural_frequencies,
)
from ._loads import (
    AbstractLoad as AbstractLoad,
    Gravity as Gravity,
    PointLoad as PointLoad,
    Pressure as Pressure,
    Traction as Traction,
)
from ._material import (
    AbstractMaterial as AbstractMaterial,
    IsotropicMaterial as IsotropicMaterial,
    OrthotropicMaterial as OrthotropicMaterial,
)
from ._shell import Shell as Shell, tangent_stiffness as tangent_stiffness
from ._supports import (
    AbstractSupport as AbstractSupport,
    Clamp as Clamp,
    Guide as Guide,
    Pin as Pin,
    Schedule as Schedule,
    Symmetry as Symmetry,
)
from .bodies import (
    RigidBody as RigidBody,
    RigidMaterial as RigidMaterial,
    Solid as Solid,
    SolidMaterial as SolidMaterial,
    TetrahedralMesh as TetrahedralMesh,
    ball as ball,
    block as block,
)
from .contact import (
    AbstractNormalLaw as AbstractNormalLaw,
    AbstractShape as AbstractShape,
    Barrier as Barrier,
    BodyContact as BodyContact,
    Capsule as Capsule,
    Friction as Friction,
    Penalty as Penalty,
    Plane as Plane,
    SelfContact as SelfContact,
    Sphere as Sphere,
)
from .energies import (
    AbstractBending as AbstractBending,
    AbstractMembrane as AbstractMembrane,
    HingeBending as HingeBending,
    MidEdgeBending as MidEdgeBending,
    NeoHookean as NeoHookean,
    PlasticBending as PlasticBending,
    SpringBending as SpringBending,
    SpringMembrane as SpringMembrane,
    StVenantKirchhoff as StVenantKirchhoff,
    hinge_angle as hinge_angle,
)
from .mesh import (
    AbstractSurface as AbstractSurface,
    TriangleMesh as TriangleMesh,
    cylinder as cylinder,
    disc as disc,
    hemisphere as hemisphere,
    read_mesh as read_mesh,
    strip as strip,
    write_mesh as write_mesh,
    write_series as write_series,
)
