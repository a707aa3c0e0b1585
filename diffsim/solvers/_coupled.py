"""A band matrix and scattered blocks that change from one time to the next (contacts).

The blocks couple unknowns that are far from each other in the order of the band. The host
therefore finds an order for the sum whenever other blocks are not zero, and factorises the sum as
a band again. LAPACK's band Cholesky is several times faster than SuperLU on sheets of some
thousand vertices, also with the wider band of folded ones, and says whether a matrix is definite.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import numpy as np
import scipy
from jaxtyping import Array, Float, Int

from .._types import BoolScalar, Scalar
from ._band import BandMatrix, cholesky_solve_host, solve_indefinite_host


class CoupledMatrix(eqx.Module):
    """band + Σ blocks.

    **Fields:** `indices`: (c, k) of each batch; `blocks`: (c, k, k), rows and columns of held
    unknowns zero.
    """

    band: BandMatrix
    indices: tuple[Int[Array, "_ _"], ...]
    blocks: tuple[Float[Array, "_ _ _"], ...]

    def shifted(self, shift: Scalar) -> "CoupledMatrix":
        """With `shift` times the largest diagonal entry of the band added to the diagonal."""
        return CoupledMatrix(self.band.shifted(shift), self.indices, self.blocks)

    def cholesky_solve(self, right: Float[Array, " n"]) -> tuple[Float[Array, " n"], BoolScalar]:
        """matrix⁻¹ right and true, or NaN and false where the matrix is not positive definite."""
        shapes = (jax.ShapeDtypeStruct(right.shape, right.dtype), jax.ShapeDtypeStruct((), bool))
        return jax.pure_callback(_cholesky, shapes, *self._data(), right, vmap_method="sequential")

    def solver(self) -> Callable[[Float[Array, " n"]], Float[Array, " n"]]:
        """right -> matrix⁻¹ right, of any symmetric matrix.

        One factorisation for all the right sides of a batch.
        """

        def solve(right):
            shape = jax.ShapeDtypeStruct(right.shape, right.dtype)
            return jax.pure_callback(_solve, shape, *self._data(), right, vmap_method="expand_dims")

        return solve

    def _data(self):
        return self.band.lower, self.band.pattern.order, self.indices, self.blocks


# Below: the host's side.


def _cholesky(lower, order, indices, blocks, right):
    band, place = _summed(lower, order, indices, blocks)
    right = np.asarray(right)
    found, definite = cholesky_solve_host(band, right[place])
    back = np.empty_like(right)
    back[place] = found
    return back, definite


def _solve(lower, order, indices, blocks, right):
    """Batches: an axis of 1 in front where not batched, or none."""
    lower, order, right = (np.asarray(a) for a in (lower, order, right))
    indices = [np.asarray(a) for a in indices]
    blocks = [np.asarray(a) for a in blocks]
    batch = right.shape[:-1]
    if lower.ndim == 2 or lower.shape[0] == 1:
        flat = lambda a, rank: a.reshape(a.shape[-rank:])
        band, place = _summed(
            flat(lower, 2),
            flat(order, 1),
            [flat(a, 2) for a in indices],
            [flat(a, 3) for a in blocks],
        )
        columns = right.reshape(-1, right.shape[-1])[:, place]
        found = np.empty_like(columns)
        found[:, place] = _solve_columns(band, columns.T).T
        return found.reshape(*batch, -1)
    found = np.empty_like(right)
    of = lambda a, i: a[min(i, a.shape[0] - 1)]
    for i in range(batch[0]):
        parts = [of(a, i) for a in indices], [of(a, i) for a in blocks]
        found[i] = _solve(of(lower, i), of(order, i), *parts, right[i])
    return found


def _solve_columns(band, columns):
    found, definite = cholesky_solve_host(band, columns)
    return found if definite else solve_indefinite_host(band, columns)


def _summed(lower, order, indices, blocks):
    """The lower band (n, b) of the sum in an order of its own, and that order."""
    lower, order = np.asarray(lower), np.asarray(order)
    at, offset = np.nonzero(lower)
    rows, columns, values = [order[at + offset]], [order[at]], [lower[at, offset]]
    alive = [np.any(np.asarray(b) != 0, axis=(1, 2)) for b in blocks]
    kept = [np.asarray(i)[a] for i, a in zip(indices, alive, strict=True)]
    for batch, block, a in zip(kept, blocks, alive, strict=True):
        e, k = batch.shape
        rows.append(np.broadcast_to(batch[:, :, None], (e, k, k)).ravel())
        columns.append(np.broadcast_to(batch[:, None, :], (e, k, k)).ravel())
        values.append(np.asarray(block)[a].ravel())
    # Both triangles of a block are given, one of the band.
    doubled = np.concatenate(
        [np.zeros(rows[0].size, bool), *[np.ones(r.size, bool) for r in rows[1:]]]
    )
    rows, columns, values = (np.concatenate(a) for a in (rows, columns, values))
    place = order if not sum(k.size for k in kept) else _order(rows, columns, lower.shape[0], kept)
    rank = np.empty_like(place)
    rank[place] = np.arange(place.size)
    high, low = rank[rows], rank[columns]
    upper = high < low
    keep = ~(doubled & upper)
    high, low = np.where(upper, low, high)[keep], np.where(upper, high, low)[keep]
    width = int(np.max(high - low))
    size = lower.shape[0]
    flat = np.bincount(low * (width + 1) + high - low, values[keep], size * (width + 1))
    return flat.reshape(size, width + 1), place


_ORDERS: dict[bytes, np.ndarray] = {}
_KEPT = 64


def _order(rows, columns, size, kept):
    """Reverse Cuthill-McKee of the sum; remembered, as contacts last for many iterations."""
    key = b"".join(
        [np.array([size, rows.size]).tobytes(), *(np.unique(k, axis=0).tobytes() for k in kept)]
    )
    if key not in _ORDERS:
        if len(_ORDERS) >= _KEPT:
            _ORDERS.pop(next(iter(_ORDERS)))
        ones = np.ones(rows.size, np.int8)
        graph = scipy.sparse.coo_array((ones, (rows, columns)), (size, size)).tocsr()
        graph = (graph + graph.T).tocsr()
        _ORDERS[key] = scipy.sparse.csgraph.reverse_cuthill_mckee(  # pyright: ignore
            graph, symmetric_mode=True
        )
    return _ORDERS[key]
