"""Conjugate gradients on element matrices: no factorisation, no call of the host."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import BoolScalar, IntScalar, Scalar
from ._algebra import AbstractAlgebra, AbstractSymmetricMatrix, Blocks, masked

# Unknowns are scaled in threes: the coordinates of a vertex are of different stiffness.
_GROUP = 3


class ConjugateGradients(AbstractAlgebra):
    """Preconditioned by the diagonal blocks of vertices; inside compiled programs and under
    `jax.vmap`, where factorisations are made one after another on the host.

    Stiff membranes take many iterations: on one sheet, factorisations are faster. The search ends
    where the curvature along its way is not positive (J. Nocedal, S. Wright, Numerical optimization
    (2006), 7.1), which libraries' do not tell.

    **Arguments:** `tolerance`: of the residual, relative to the right side; `max_steps`: of one
    solve.
    """

    tolerance: float = eqx.field(static=True, default=1e-10)
    max_steps: int = eqx.field(static=True, default=5000)

    def __check_init__(self):
        if not 1e-14 <= self.tolerance <= 1e-2:
            raise ValueError(
                f"tolerance of ConjugateGradients must be between 1e-14 and 1e-2, but is "
                f"{self.tolerance!r}."
            )
        if not self.max_steps >= 1:
            raise ValueError(
                f"max_steps of ConjugateGradients must be at least 1, but is {self.max_steps!r}."
            )

    def matrix(self, pattern, elements, loose, free, diagonal):
        batches = tuple((i, masked(block, i, free)) for i, block in (*elements, *loose))
        return _ElementSum(batches, jnp.where(free, diagonal, 1.0), self)


class _Search(NamedTuple):
    found: Float[Array, " n"]
    residual: Float[Array, " n"]
    way: Float[Array, " n"]
    weight: Scalar
    convex: BoolScalar
    steps: IntScalar


class _ElementSum(AbstractSymmetricMatrix):
    batches: Blocks
    diagonal: Float[Array, " n"]
    algebra: ConjugateGradients

    def shifted(self, shift):
        groups = self._groups()
        largest = jnp.max(jnp.diagonal(groups, axis1=1, axis2=2))
        return _ElementSum(self.batches, self.diagonal + shift * largest, self.algebra)

    def cholesky_solve(self, right):
        found, definite = self._solve(right)
        return jnp.where(definite, found, jnp.nan), definite

    def solver(self):
        return lambda right: self.cholesky_solve(right)[0]

    def _solve(self, right):
        """The solution, and whether it has been found with no direction of negative curvature."""
        scaled, allowed = self._scaling(), self.algebra.tolerance * jnp.linalg.norm(right)

        def going(state: _Search):
            missed = jnp.linalg.norm(state.residual) > allowed
            return missed & state.convex & (state.steps < self.algebra.max_steps)

        def body(state: _Search):
            product = self._product(state.way)
            curvature = state.way @ product
            convex = curvature > 0.0
            length = state.weight / jnp.where(convex, curvature, 1.0)
            residual = state.residual - length * product
            preconditioned = scaled(residual)
            weight = residual @ preconditioned
            return _Search(
                state.found + length * state.way,
                residual,
                preconditioned + weight / state.weight * state.way,
                weight,
                # A preconditioner that is not definite shows here.
                convex & (weight >= 0.0),
                state.steps + 1,
            )

        first = scaled(right)
        weight = right @ first
        start = _Search(0.0 * right, right, first, weight, weight >= 0.0, jnp.asarray(0))
        end = jax.lax.while_loop(going, body, start)
        # The residual of the iteration drifts from the true one.
        missed = jnp.linalg.norm(right - self._product(end.found))
        return end.found, end.convex & (missed <= 10.0 * allowed)

    def _product(self, v: Float[Array, " n"]) -> Float[Array, " n"]:
        total = self.diagonal * v
        for indices, blocks in self.batches:
            part = jnp.sum(blocks * v[indices][:, None, :], axis=2)
            total = total.at[indices].add(part)
        return total

    def _groups(self) -> Float[Array, "g 3 3"]:
        """The blocks of three unknowns each on the diagonal; those beyond the last are one."""
        size = self.diagonal.size
        count = -(-size // _GROUP)
        diagonal = jnp.pad(self.diagonal, (0, count * _GROUP - size), constant_values=1.0)
        groups = diagonal.reshape(count, _GROUP)[:, :, None] * jnp.eye(_GROUP)
        for indices, blocks in self.batches:
            group, place = indices // _GROUP, indices % _GROUP
            same = group[:, :, None] == group[:, None, :]
            at = group[:, :, None], place[:, :, None], place[:, None, :]
            groups = groups.at[at].add(jnp.where(same, blocks, 0.0))
        return groups

    def _scaling(self):
        inverse, size = jnp.linalg.inv(self._groups()), self.diagonal.size

        def scaled(v):
            grouped = jnp.pad(v, (0, inverse.shape[0] * _GROUP - size)).reshape(-1, _GROUP)
            return jnp.sum(inverse * grouped[:, None, :], axis=2).ravel()[:size]

        return scaled
