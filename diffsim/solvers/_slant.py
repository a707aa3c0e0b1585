"""Other unknowns for Newton's linear systems, in which their matrix is sparser."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._types import BoolScalar, Scalar
from ._algebra import AbstractSymmetricMatrix


class AbstractSlant(eqx.Module):
    """Small changes of some unknowns, dq = dη + a·dq′, counted from where others would take them.

    With C the matrix of (dq′, dη) to dq, the congruent matrix CᵀHC has the inertia of H, so that a
    factorisation of it says as much. Its elements give `AbstractElements.slanted_hessians`.

    **Fields:** `dependent`: (m,) the unknowns counted otherwise; `arguments`: (m, k) the others,
    none of which may be dependent itself.
    """

    dependent: eqx.AbstractVar[Int[Array, " m"]]
    arguments: eqx.AbstractVar[Int[Array, "m k"]]

    @abc.abstractmethod
    def coefficients(self, q: Float[Array, " n"]) -> Float[Array, "m k"]:
        """a, where the state is `q`."""


class SlantedMatrix(AbstractSymmetricMatrix):
    """H, given as CᵀHC (`inner`); rows and columns that are not `free` are the identity."""

    inner: AbstractSymmetricMatrix
    slant: AbstractSlant
    coefficients: Float[Array, "m k"]
    free: Bool[Array, " n"]

    def shifted(self, shift: Scalar) -> "SlantedMatrix":
        """With `shift` times the largest diagonal entry added to the diagonal of CᵀHC."""
        return SlantedMatrix(self.inner.shifted(shift), self.slant, self.coefficients, self.free)

    def cholesky_solve(self, right: Float[Array, " n"]) -> tuple[Float[Array, " n"], BoolScalar]:
        """H⁻¹ right and true, or NaN and false where H is not positive definite."""
        found, definite = self.inner.cholesky_solve(self._to(right))
        return self._from(found), definite

    def solver(self) -> Callable[[Float[Array, " n"]], Float[Array, " n"]]:
        """right -> H⁻¹ right; factorised once."""
        solve = self.inner.solver()
        return lambda right: self._from(solve(self._to(right)))

    def _to(self, right: Float[Array, " n"]) -> Float[Array, " n"]:
        """Cᵀ right."""
        pulled = self._counting() * right[self.slant.dependent][:, None]
        moved = right.at[self.slant.arguments.ravel()].add(pulled.ravel())
        return jnp.where(self.free, moved, right)

    def _from(self, step: Float[Array, " n"]) -> Float[Array, " n"]:
        """C step."""
        carried = jnp.sum(self._counting() * step[self.slant.arguments], axis=1)
        return step.at[self.slant.dependent].add(carried)

    def _counting(self) -> Float[Array, "m k"]:
        """The coefficients between unknowns that are free."""
        both = self.free[self.slant.dependent][:, None] & self.free[self.slant.arguments]
        return jnp.where(both, self.coefficients, 0.0)
