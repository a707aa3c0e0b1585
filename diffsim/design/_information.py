"""Fisher information as the triangular root of a least-squares problem."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._observables import Observables
from .._problem import Problem, evaluate
from .._types import AnyArray, Scalar

# A direction whose share of the information is below this (as a singular value, beside the largest
# and with columns of length one) is rounding: nothing is known of it.
_ROUNDING = 1e-10


def marginal_root(
    rows: Float[Array, "p d"], interest: tuple[int, ...]
) -> tuple[Float[Array, "q q"], Scalar]:
    """Root R of the information on some parameters with the others unknown, and how far from
    singular the whole is.

    The rows are sensitivities divided by the standard deviation of the noise, and roots of what is
    known already: the information of all parameters is I = rowsᵀ rows. That of those of interest
    (a) with the nuisance parameters (b) marginalised is the Schur complement

        RᵀR = I_aa − I_ab I_bb⁻¹ I_ba,

    here the last block of a triangular factor with the nuisance columns first, which does not
    square the condition number. The second value is the smallest over the largest singular value
    of `rows` with columns of length one; 0 where a parameter leaves no trace.
    """
    d = rows.shape[1]
    order = [i for i in range(d) if i not in interest] + list(interest)
    columns = rows[:, jnp.asarray(order)]
    squares = jnp.sum(columns**2, axis=0)
    # Not the root of zero, whose derivative is infinite.
    norms = jnp.sqrt(jnp.where(squares > 0, squares, 1.0))
    triangle = jnp.linalg.qr(columns / norms, mode="r")
    singular = jnp.linalg.svd(jax.lax.stop_gradient(triangle), compute_uv=False)
    q = len(interest)
    return triangle[-q:, -q:] * norms[-q:], singular[-1] / singular[0]


def is_informative(share: Scalar) -> Array:
    """Whether the second value of `marginal_root` is more than rounding."""
    return share > _ROUNDING


def root_of(information: Float[np.ndarray, "... d d"]) -> Float[np.ndarray, "... d d"]:
    """Any R with RᵀR = information.

    **Raises:** `ValueError` if the matrix is not symmetric and positive semidefinite.
    """
    symmetric = 0.5 * (information + np.swapaxes(information, -1, -2))
    largest = np.max(np.abs(information), initial=0.0)
    values, vectors = np.linalg.eigh(symmetric) if np.isfinite(largest) else (np.array(-1.0), None)
    skew = np.max(np.abs(information - symmetric), initial=0.0)
    if vectors is None or skew > 1e-8 * largest or np.min(values) < -1e-8 * largest:
        raise ValueError(
            "gathered information must be symmetric, finite and without negative eigenvalues, but "
            f"its smallest eigenvalue is {np.min(values):.3g} and it differs from its transpose by "
            f"up to {skew:.3g}."
        )
    return np.sqrt(np.maximum(values, 0.0))[..., None] * np.swapaxes(vectors, -1, -2)


def gathered_information(problem: Problem, x: Float[AnyArray, " d"]) -> Float[np.ndarray, "d d"]:
    """JᵀJ of experiments already made, in the unit cube of the problem's own space.

    The scale of the problem's residuals must be the standard deviation of the noise.

    **Raises:** `TypeError` for an objective without residuals, `SimulationError` if the simulation
    at `x` fails.
    """
    evaluation = evaluate(problem, jnp.asarray(x), "jacobian")
    Observables({}, evaluation.result, {}).checked()
    jacobian = np.asarray(evaluation.jacobian)
    return jacobian.T @ jacobian


def as_roots(gathered: ArrayLike | None, points: int, size: int) -> Float[np.ndarray, "b d d"]:
    """Roots of what is known already at each of the assumed points; zeros for nothing.

    **Raises:** `ValueError` for a wrong shape or a matrix that is no information.
    """
    if gathered is None:
        return np.zeros((points, size, size))
    matrix = np.asarray(gathered, float)
    if matrix.shape not in ((size, size), (points, size, size)):
        raise ValueError(
            f"gathered information must have shape {(size, size)}, or {(points, size, size)} for "
            f"each assumed point its own, but has {matrix.shape}."
        )
    return np.broadcast_to(root_of(matrix), (points, size, size))
