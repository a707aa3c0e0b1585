"""How the linear systems of Newton's method are solved: the interface."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._types import BoolScalar, Scalar
from ._pattern import SparsePattern

Blocks = tuple[tuple[Int[Array, "_ _"], Float[Array, "_ _ _"]], ...]


class AbstractSymmetricMatrix(eqx.Module):
    """A symmetric matrix to solve with."""

    @abc.abstractmethod
    def shifted(self, shift: Scalar) -> "AbstractSymmetricMatrix":
        """With `shift` times the largest diagonal entry added to the diagonal."""

    @abc.abstractmethod
    def cholesky_solve(self, right: Float[Array, " n"]) -> tuple[Float[Array, " n"], BoolScalar]:
        """matrix⁻¹ right and true, or NaN and false where the matrix is not positive definite."""

    @abc.abstractmethod
    def solver(self) -> Callable[[Float[Array, " n"]], Float[Array, " n"]]:
        """right -> matrix⁻¹ right; NaN where it is not found."""


class AbstractAlgebra(eqx.Module):
    """How sums of element matrices are kept and solved with."""

    @abc.abstractmethod
    def matrix(
        self,
        pattern: SparsePattern,
        elements: Blocks,
        loose: Blocks,
        free: Bool[Array, " n"],
        diagonal: Float[Array, " n"],
    ) -> AbstractSymmetricMatrix:
        """Σ blocks + diag(diagonal); rows and columns that are not `free` are the identity.

        **Arguments:** `elements`: degrees of freedom (e, k) and blocks (e, k, k) of each batch, in
        the order of the pattern; `loose`: those that are in no pattern.
        """


def masked(
    blocks: Float[Array, "e k k"], indices: Int[Array, "e k"], free: Bool[Array, " n"]
) -> Float[Array, "e k k"]:
    """Zero in the rows and columns of unknowns that are not free."""
    counts = free[indices]
    return jnp.where(counts[:, :, None] & counts[:, None, :], blocks, 0.0)
