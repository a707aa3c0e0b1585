"""Sparse symmetric matrices: sums of element matrices of one fixed pattern, and of blocks that
change from one time to the next (contacts).

Entries are arrays, which can be mapped and differentiated around; the host factorises them by
the plan of their pattern (`_cholesky`), which it remembers.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._types import BoolScalar, Scalar
from ._algebra import AbstractAlgebra, AbstractSymmetricMatrix, masked
from ._cholesky import AbstractPlan, lasting_plan, make_plan
from ._pattern import HostPattern, SparsePattern, pairs_of


class SparseMatrix(AbstractSymmetricMatrix):
    """A symmetric matrix: entries of a pattern, and blocks between any unknowns.

    **Fields:** `values`: (z,) in the order of the pattern; `indices`: (c, k) of each batch of
    blocks; `blocks`: (c, k, k), rows and columns of held unknowns zero.
    """

    values: Float[Array, " z"]
    pattern: SparsePattern
    indices: tuple[Int[Array, "_ _"], ...] = ()
    blocks: tuple[Float[Array, "_ _ _"], ...] = ()

    def shifted(self, shift: Scalar) -> "SparseMatrix":
        """With `shift` times the largest diagonal entry of the pattern added to the diagonal."""
        at = self.pattern.diagonal
        more = shift * jnp.max(self.values[at])
        return eqx.tree_at(lambda m: m.values, self, self.values.at[at].add(more))

    def cholesky_solve(self, right: Float[Array, " n"]) -> tuple[Float[Array, " n"], BoolScalar]:
        """matrix⁻¹ right and true, or NaN and false where the matrix is not positive definite.

        Twice with the same matrix costs one factorisation.
        """
        shapes = (jax.ShapeDtypeStruct(right.shape, right.dtype), jax.ShapeDtypeStruct((), bool))
        host = _Cholesky(self.pattern.host)
        return jax.pure_callback(host, shapes, *self._data(), right, vmap_method="sequential")

    def solver(self) -> Callable[[Float[Array, " n"]], Float[Array, " n"]]:
        """right -> matrix⁻¹ right, of any symmetric matrix; NaN if it is singular.

        One factorisation for all the right sides of a batch.
        """

        host = _Solve(self.pattern.host)

        def solve(right):
            shape = jax.ShapeDtypeStruct(right.shape, right.dtype)
            return jax.pure_callback(host, shape, *self._data(), right, vmap_method="expand_dims")

        return solve

    def _data(self):
        return self.values, self.indices, self.blocks


class Factorised(AbstractAlgebra):
    """By sparse Cholesky factors on the host; of matrices that are not definite, by LU."""

    def matrix(self, pattern, elements, loose, free, diagonal):
        values = jnp.zeros(pattern.rows.shape)
        summed = [block for _, block in elements]
        for block, holder in zip(tuple(summed), pattern.within, strict=True):
            if holder is not None:
                size = block.shape[1]
                summed[holder] = summed[holder].at[:, :size, :size].add(block)
        for block, entries, slots in zip(summed, pattern.entries, pattern.slots, strict=True):
            values = values.at[slots].add(block.ravel()[entries])
        # Masking the sum costs less than masking its many parts.
        values = jnp.where(free[pattern.rows] & free[pattern.columns], values, 0.0)
        values = values.at[pattern.diagonal].add(jnp.where(free, diagonal, 1.0))
        indices = tuple(indices for indices, _ in loose)
        blocks = tuple(masked(block, indices, free) for indices, block in loose)
        return SparseMatrix(values, pattern, indices, blocks)


# Below: the host's side.


class _Sum(NamedTuple):
    """The plan of a pattern with blocks, and where in it each of their entries goes."""

    plan: AbstractPlan
    entries: list[np.ndarray]
    slots: np.ndarray


_PLANS: OrderedDict[bytes, _Sum] = OrderedDict()
_KEPT = 64


@dataclasses.dataclass(frozen=True)
class _Cholesky:
    """Equal for equal patterns, as JAX compares what it is to call."""

    pattern: HostPattern

    def __call__(self, values, indices, blocks, right):
        plan, values = _summed(self.pattern, values, indices, blocks)
        found, definite = plan.solve(values, np.asarray(right)[:, None])
        return found[:, 0], definite


@dataclasses.dataclass(frozen=True)
class _Solve:
    pattern: HostPattern

    def __call__(self, values, indices, blocks, right):
        """Batches: an axis of 1 in front where not batched, or none."""
        arrays, right = [np.asarray(a) for a in (values, *indices, *blocks)], np.asarray(right)
        ranks = (1, *(2 for _ in indices), *(3 for _ in blocks))
        batch = np.broadcast_shapes(
            *(a.shape[: a.ndim - rank] for a, rank in zip(arrays, ranks, strict=True))
        )
        size, whole = right.shape[-1], np.broadcast_shapes(batch, right.shape[:-1])
        batch = (1,) * (len(whole) - len(batch)) + batch
        found = np.empty((*whole, size))
        right = np.broadcast_to(right, found.shape)
        of = lambda a, rank, i: np.broadcast_to(a, (*batch, *a.shape[a.ndim - rank :]))[i]
        for i in np.ndindex(batch):
            values, *loose = [of(a, rank, i) for a, rank in zip(arrays, ranks, strict=True)]
            kept, values = _summed(
                self.pattern, values, loose[: len(indices)], loose[len(indices) :]
            )
            # Along axes where the matrix is one, all right sides at once.
            at = tuple(
                slice(k, k + 1) if n > 1 else slice(None) for k, n in zip(i, batch, strict=True)
            )
            solved = kept.solve_any(values, np.ascontiguousarray(right[at].reshape(-1, size).T)).T
            found[at] = solved.reshape(found[at].shape)
        return found


def _summed(pattern: HostPattern, values, indices, blocks) -> tuple[AbstractPlan, np.ndarray]:
    """The plan of the sum, and the entries of the sum."""
    values = np.asarray(values)
    indices, blocks = [np.asarray(i) for i in indices], [np.asarray(b) for b in blocks]
    alive = [_alive(i, b) for i, b in zip(indices, blocks, strict=True)]
    kept = [i[a] for i, a in zip(indices, alive, strict=True)]
    name = pattern.key + b"".join(np.array(k.shape).tobytes() + k.tobytes() for k in kept)
    if name not in _PLANS:
        _PLANS[name] = _planned(pattern, kept)
        if len(_PLANS) > _KEPT:
            _PLANS.popitem(last=False)
    _PLANS.move_to_end(name)
    plan, entries, slots = _PLANS[name]
    if not slots.size:
        return plan, values
    more = [b[a].ravel()[at] for b, a, at in zip(blocks, alive, entries, strict=True)]
    return plan, np.bincount(slots, np.concatenate([values, *more]), plan.rows.size)


def _alive(indices, blocks):
    """Which blocks are not zero, in an order that does not depend on theirs."""
    alive = np.flatnonzero(np.any(blocks != 0, axis=(1, 2)))
    return alive[np.lexsort(indices[alive].T)]


def _planned(pattern: HostPattern, kept) -> _Sum:
    rows, columns, size = pattern.rows, pattern.columns, pattern.order.size
    if not sum(k.size for k in kept):
        return _Sum(lasting_plan(size, rows, columns, pattern.order), [], np.zeros(0, int))
    pairs = [pairs_of(k) for k in kept]
    entries = [np.flatnonzero(row >= column) for row, column in pairs]
    low = [(row[at], column[at]) for (row, column), at in zip(pairs, entries, strict=True)]
    places = np.concatenate([column * size + row for row, column in [(rows, columns), *low]])
    found, slots = np.unique(places, return_inverse=True)
    return _Sum(make_plan(size, found % size, found // size), entries, slots)
