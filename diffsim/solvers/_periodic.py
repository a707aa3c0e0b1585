"""Small periodic oscillations of a bordered system: (iΩ M − J) x = b in real numbers."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import block_diag
from jaxtyping import Array, Float

from .._types import Scalar
from ._matrix import BlockMatrix, Bordered, DecoupledMatrix, linear_solver


def oscillation(
    matrix: DecoupledMatrix | BlockMatrix,
    mass: Float[Array, " k"],
    frequency: Scalar,
    real: Bordered,
    imaginary: Bordered,
) -> tuple[Bordered, Bordered]:
    """Real and imaginary part of the x in (iΩ diag(1, mass) − J) x = b.

    Real and imaginary parts are kept as twice as many species, so that the block solver and its
    implicit derivative serve as they are.

    **Arguments:** `matrix` J, whose nodes are m scalar bands or m×m blocks; `mass` (k,) of the
    border; `frequency` Ω, in radians per unit of the system's time; `real`, `imaginary`: b.
    """
    lower, diagonal, upper = (_blocks(b) for b in (matrix.lower, matrix.diagonal, matrix.upper))
    size = diagonal.shape[0]
    tie = _tie(matrix)
    diagonal = diagonal + tie
    turn = frequency * jnp.broadcast_to(jnp.eye(size)[..., None], diagonal.shape)
    nothing = jnp.zeros_like(diagonal)
    swing = frequency * jnp.diag(mass)
    whole = BlockMatrix(
        _two_by_two(-lower, nothing, nothing, -lower),
        _two_by_two(-diagonal, -turn, turn, -diagonal),
        _two_by_two(-upper, nothing, nothing, -upper),
        block_diag(-matrix.node_border, -matrix.node_border),
        block_diag(-matrix.border_node, -matrix.border_node),
        jnp.block([[-matrix.border, -swing], [swing, -matrix.border]]) + tie,
    )
    both = Bordered(
        jnp.concatenate([real.nodes, imaginary.nodes]) + 0.0 * jnp.sum(real.border),
        jnp.concatenate([real.border, imaginary.border]),
    )
    x, count = linear_solver(whole)(both), real.border.size
    return (
        Bordered(x.nodes[:size], x.border[:count]),
        Bordered(x.nodes[size:], x.border[count:]),
    )


def _tie(matrix: DecoupledMatrix | BlockMatrix) -> Scalar:
    """Zero, as a function of the whole matrix.

    JAX cannot transpose a linear solve of which one part is differentiated and the other is not:
    where only the electrode's numbers are asked for (k⁰), the nodes would be such a part.
    """
    parts = jax.tree.leaves(matrix)
    return 0.0 * sum((jnp.sum(part) for part in parts), jnp.zeros(()))


def _blocks(bands: Array) -> Float[Array, "m m n"]:
    """Scalar bands (m, n) as diagonal blocks; blocks as they are."""
    return bands if bands.ndim == 3 else bands * jnp.eye(bands.shape[0])[..., None]


def _two_by_two(a: Array, b: Array, c: Array, d: Array) -> Array:
    return jnp.concatenate([jnp.concatenate([a, b], 1), jnp.concatenate([c, d], 1)], 0)
