"""Small motions about a shape: linear response, vibration, buckling. Not differentiable (host
side)."""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from jaxtyping import Float

from ._mechanism import check_supported
from ._shell import Shell, tangent_stiffness


def linear_response(shell: Shell) -> Float[np.ndarray, " n"]:
    """The change of the unknowns under the loads by linear theory, K dq = f, about the rest shape.

    **Raises:** `ValueError` if the supports leave a rigid motion free.
    """
    check_supported(shell)
    stiffness, free = tangent_stiffness(shell, shell.rest())
    slope = np.asarray(shell.potential(0.0, 1.0).gradient(shell.rest()))
    change = np.zeros(shell.size)
    change[free] = _factor(stiffness).solve(-slope[free])
    return change


def natural_frequencies(
    shell: Shell, count: int
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k n"]]:
    """The lowest angular frequencies (rad/s) of small vibrations about rest, and their modes.

    **Raises:** `ValueError` if the supports leave a rigid motion free.
    """
    check_supported(shell)
    stiffness, free = tangent_stiffness(shell, shell.rest())
    mass = scipy.sparse.diags_array(np.asarray(shell.mass())[free]).tocsc()
    inverse = _inverse(stiffness)
    squares, modes = scipy.sparse.linalg.eigsh(
        stiffness, count, mass, sigma=0.0, OPinv=inverse, v0=_start(free.size)
    )
    order = np.argsort(squares)
    return np.sqrt(squares[order]), _spread(shell, free, modes[:, order])


def buckling_factors(
    shell: Shell, count: int = 1, *, amplitude: float = 1e-6
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k n"]]:
    """The lowest positive multiples of the loads at which a sheet buckles, and its modes.

    The classical eigenvalue problem K φ = −λ K′ φ, where K′ is the change of the stiffness with the
    load along the linear response. For sheets that hardly deform before they buckle.

    **Arguments:** `amplitude`: the largest displacement at which K′ is taken, relative to the size
    of the sheet.

    **Raises:** `ValueError` if the supports leave a rigid motion free, or the loads do nothing.
    """
    rest, response = np.asarray(shell.rest()), linear_response(shell)
    largest = np.abs(response).max()
    # Less is round-off of a sheet at rest.
    if not largest > 1e-12 * np.ptp(np.asarray(shell.mesh.positions), axis=0).max():
        raise ValueError("the loads must deform the sheet, but its linear response is zero.")
    reach = amplitude * float(np.ptp(np.asarray(shell.mesh.positions), axis=0).max()) / largest
    stiffness, free = tangent_stiffness(shell, shell.rest())
    there, _ = tangent_stiffness(shell, shell.rest() + reach * response, 0.0, reach)
    back, _ = tangent_stiffness(shell, rest - reach * response, 0.0, -reach)
    change = (there - back) / (2.0 * reach)
    inverse = _inverse(stiffness)
    values, modes = scipy.sparse.linalg.eigsh(
        -change, count, stiffness, Minv=inverse, which="LA", v0=_start(free.size)
    )
    order = np.argsort(-values)
    return 1.0 / values[order], _spread(shell, free, modes[:, order])


def _factor(matrix):
    # The matrix is positive definite: pivots are taken from the diagonal, which keeps the order.
    return scipy.sparse.linalg.splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


def _inverse(matrix):
    return scipy.sparse.linalg.LinearOperator(
        matrix.shape,
        _factor(matrix).solve,
        dtype=float,  # pyright: ignore
    )


def _start(size: int) -> np.ndarray:
    """The same start of Lanczos' method each time."""
    return np.random.default_rng(0).standard_normal(size)


def _spread(shell: Shell, free: np.ndarray, modes: np.ndarray) -> np.ndarray:
    whole = np.zeros((modes.shape[1], shell.size))
    whole[:, free] = modes.T
    return whole
