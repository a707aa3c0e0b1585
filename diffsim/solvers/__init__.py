"""What Diffrax, Optimistix and Lineax lack: implicit stages for one-dimensional transport.

Knows no physics.
"""

from ._algebraic import AlgebraicMatrix as AlgebraicMatrix
from ._matrix import (
    AbstractBorderedMatrix as AbstractBorderedMatrix,
    BlockMatrix as BlockMatrix,
    Bordered as Bordered,
    DecoupledMatrix as DecoupledMatrix,
    linear_solver as linear_solver,
    small_inverse as small_inverse,
)
from ._modal import ModalMatrix as ModalMatrix, modes as modes
from ._periodic import oscillation as oscillation
from ._rosenbrock import (
    RODAS4P as RODAS4P,
    RODAS5P as RODAS5P,
    STAGE_FAILED as STAGE_FAILED,
    Rosenbrock as Rosenbrock,
    RosenbrockTableau as RosenbrockTableau,
)
from ._system import AbstractBorderedSystem as AbstractBorderedSystem
