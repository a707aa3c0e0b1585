"""What Diffrax, Optimistix and Lineax lack: implicit stages for one-dimensional transport, and
minimisation of energies of meshes with sparse direct solves and exact implicit derivatives.

Knows no physics.
"""

from ._adjoint import Integration as Integration
from ._algebra import (
    AbstractAlgebra as AbstractAlgebra,
    AbstractSymmetricMatrix as AbstractSymmetricMatrix,
)
from ._algebraic import (
    AlgebraicMatrix as AlgebraicMatrix,
    ConstrainedMatrix as ConstrainedMatrix,
)
from ._conjugate import ConjugateGradients as ConjugateGradients
from ._continuation import (
    AbstractFamily as AbstractFamily,
    PathSettings as PathSettings,
    Point as Point,
    Reached as Reached,
    begin as begin,
    follow as follow,
    on_path as on_path,
)
from ._elements import (
    AbstractElements as AbstractElements,
    congruent as congruent,
    elements_energy as elements_energy,
    elements_hessian as elements_hessian,
    elements_stress as elements_stress,
)
from ._implicit import differentiable as differentiable
from ._incremental import (
    BDF2 as BDF2,
    MINIMISATION_FAILED as MINIMISATION_FAILED,
    AbstractIncrementalSolver as AbstractIncrementalSolver,
    AbstractPotentialSystem as AbstractPotentialSystem,
    ImplicitEuler as ImplicitEuler,
    ImplicitMidpoint as ImplicitMidpoint,
    Motion as Motion,
    Slip as Slip,
    ended as ended,
)
from ._matrix import (
    AbstractBorderedMatrix as AbstractBorderedMatrix,
    BlockMatrix as BlockMatrix,
    Bordered as Bordered,
    DecoupledMatrix as DecoupledMatrix,
    linear_solver as linear_solver,
    small_inverse as small_inverse,
    small_product as small_product,
)
from ._modal import ModalMatrix as ModalMatrix, modes as modes
from ._newton import (
    Minimum as Minimum,
    NewtonSettings as NewtonSettings,
    minimise as minimise,
    mixed_newton as mixed_newton,
)
from ._path import travel as travel
from ._pattern import SparsePattern as SparsePattern, sparse_pattern as sparse_pattern
from ._periodic import oscillation as oscillation
from ._potential import AbstractEncounters as AbstractEncounters, Potential as Potential
from ._rosenbrock import (
    RODAS4P as RODAS4P,
    RODAS5P as RODAS5P,
    STAGE_FAILED as STAGE_FAILED,
    Rosenbrock as Rosenbrock,
    RosenbrockTableau as RosenbrockTableau,
)
from ._slant import AbstractSlant as AbstractSlant, SlantedMatrix as SlantedMatrix
from ._sparse import Factorised as Factorised, SparseMatrix as SparseMatrix
from ._steps import RoundedSteps as RoundedSteps
from ._system import AbstractBorderedSystem as AbstractBorderedSystem
