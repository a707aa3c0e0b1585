"""Sparse symmetric matrices of one fixed pattern, stored as a band and factorised by LAPACK.

The unknowns are reordered once (reverse Cuthill-McKee), so that the matrix of a mesh becomes a
narrow band; LAPACK's band Cholesky (pbtrf) then works at the speed of dense algebra. The factor
is an ordinary array: it can be kept, mapped and differentiated around, which a handle could not.
"""

import functools
from collections.abc import Callable
from types import ModuleType

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, Bool, Float, Int
from threadpoolctl import ThreadpoolController

from .._types import BoolScalar, Scalar


class BandPattern(eqx.Module):
    """Where the entries of element matrices go in the band of their sum.

    **Fields:**

    - `order`: (n,) the unknown at each place of the band; `rank`: its inverse.
    - `entries`: for each batch of elements, the flat positions of the entries of (e, k, k) that are
      in the lower triangle; `slots`: where they go in the flat band.
    - `width`: number of subdiagonals.
    """

    order: Int[Array, " n"]
    rank: Int[Array, " n"]
    entries: tuple[Int[Array, " _"], ...]
    slots: tuple[Int[Array, " _"], ...]
    width: int = eqx.field(static=True)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.order.size


def band_pattern(
    size: int,
    indices: tuple[np.ndarray, ...],
    coupled: tuple[Bool[np.ndarray, "_ _"] | None, ...] | None = None,
    orders: tuple[Int[np.ndarray, " n"], ...] = (),
) -> BandPattern:
    """The pattern of the sum of element matrices with the given degrees of freedom.

    **Arguments:** `size`: number of unknowns; `indices`: (e, k) of each batch of elements;
    `coupled`: (k, k) of each batch, which entries can differ from zero; None for all; `orders`:
    permutations of the unknowns to try beside reverse Cuthill-McKee's. The narrowest band is taken.
    """
    coupled = (None,) * len(indices) if coupled is None else coupled
    places = [_places(np.asarray(i), c) for i, c in zip(indices, coupled, strict=True)]
    flat = [_pairs(np.asarray(batch)) for batch in indices]
    pairs = [(row[at], column[at]) for (row, column), at in zip(flat, places, strict=True)]
    rows = np.concatenate([np.arange(size), *[row for row, _ in pairs]])
    columns = np.concatenate([np.arange(size), *[column for _, column in pairs]])
    graph = scipy.sparse.csr_array((np.ones(rows.size, np.int8), (rows, columns)), (size, size))
    found = scipy.sparse.csgraph.reverse_cuthill_mckee(graph, symmetric_mode=True)  # pyright: ignore
    ranks = [np.argsort(order) for order in (found, *orders)]
    widths = [int(np.max(np.abs(rank[rows] - rank[columns]))) for rank in ranks]
    best = int(np.argmin(widths))
    width, rank, order = widths[best], ranks[best], (found, *orders)[best]
    entries, slots = [], []
    for (row, column), at in zip(pairs, places, strict=True):
        low, high = rank[column], rank[row]
        lower = np.flatnonzero(high >= low)
        entries.append(jnp.asarray(at[lower]))
        slots.append(jnp.asarray((low * (width + 1) + high - low)[lower]))
    return BandPattern(
        jnp.asarray(order, int), jnp.asarray(rank), tuple(entries), tuple(slots), width
    )


def _places(batch: np.ndarray, coupled: np.ndarray | None) -> np.ndarray:
    """The flat positions in (e, k, k) of entries that can differ from zero."""
    e, k = batch.shape
    every = np.ones((k, k), bool) if coupled is None else coupled
    return np.flatnonzero(np.broadcast_to(every, (e, k, k)))


def _pairs(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of every entry of the element matrices, flat."""
    e, k = batch.shape
    rows = np.broadcast_to(batch[:, :, None], (e, k, k)).ravel()
    return rows, np.broadcast_to(batch[:, None, :], (e, k, k)).ravel()


class BandMatrix(eqx.Module):
    """A symmetric matrix: `lower[j, d]` is the entry (j + d, j) in the order of the pattern."""

    lower: Float[Array, "n b"]
    pattern: BandPattern

    def shifted(self, shift: Scalar) -> "BandMatrix":
        """With `shift` times the largest diagonal entry added to the diagonal."""
        diagonal = self.lower[:, 0]
        lower = self.lower.at[:, 0].set(diagonal + shift * jnp.max(diagonal))
        return BandMatrix(lower, self.pattern)

    def cholesky_solve(self, right: Float[Array, " n"]) -> tuple[Float[Array, " n"], BoolScalar]:
        """matrix⁻¹ right and true, or NaN and false where the matrix is not positive definite."""
        return cholesky_solve(self, right)

    def solver(self) -> Callable[[Float[Array, " n"]], Float[Array, " n"]]:
        """right -> matrix⁻¹ right, of any symmetric matrix; factorised once."""
        return factorise(self).solve


def assemble(
    pattern: BandPattern,
    blocks: tuple[Float[Array, "_ _ _"], ...],
    free: Bool[Array, " n"],
    diagonal: Float[Array, " n"],
) -> BandMatrix:
    """Σ blocks + diag(diagonal), with rows and columns that are not `free` replaced by the
    identity.

    The blocks must be masked by `free` already (a masked gather is cheaper there).
    """
    lower = jnp.zeros(pattern.size * (pattern.width + 1))
    for block, entries, slots in zip(blocks, pattern.entries, pattern.slots, strict=True):
        lower = lower.at[slots].add(block.ravel()[entries])
    lower = lower.reshape(pattern.size, pattern.width + 1)
    lower = lower.at[:, 0].add(jnp.where(free, diagonal, 1.0)[pattern.order])
    return BandMatrix(lower, pattern)


class BandFactor(eqx.Module):
    """A factorised `BandMatrix`.

    Where the matrix was not positive definite, `definite` is false and `lower` is the matrix
    itself; solving then takes LAPACK's band LU with pivoting.
    """

    lower: Float[Array, "n b"]
    definite: BoolScalar
    pattern: BandPattern

    def solve(self, right: Float[Array, " n"]) -> Float[Array, " n"]:
        """matrix⁻¹ right; NaN if the matrix is singular."""
        right = right[self.pattern.order]
        shape = jax.ShapeDtypeStruct(right.shape, right.dtype)
        found = jax.pure_callback(
            _solve, shape, self.lower, self.definite, right, vmap_method="expand_dims"
        )
        return found[self.pattern.rank]


def factorise(matrix: BandMatrix) -> BandFactor:
    """Cholesky's factor, or the matrix itself with `definite` false."""
    shapes = (
        jax.ShapeDtypeStruct(matrix.lower.shape, matrix.lower.dtype),
        jax.ShapeDtypeStruct((), bool),
    )
    lower, definite = jax.pure_callback(_factorise, shapes, matrix.lower, vmap_method="expand_dims")
    return BandFactor(lower, definite, matrix.pattern)


def cholesky_solve(
    matrix: BandMatrix, right: Float[Array, " n"]
) -> tuple[Float[Array, " n"], BoolScalar]:
    """matrix⁻¹ right and true, or NaN and false where the matrix is not positive definite."""
    right = right[matrix.pattern.order]
    shapes = (jax.ShapeDtypeStruct(right.shape, right.dtype), jax.ShapeDtypeStruct((), bool))
    found, definite = jax.pure_callback(
        _cholesky_solve, shapes, matrix.lower, right, vmap_method="expand_dims"
    )
    return found[matrix.pattern.rank], definite


# Below: the host's side. Arrays may have batch axes in front; an axis of 1 is not batched.


@functools.cache
def _library() -> tuple[ModuleType, ThreadpoolController]:
    """LAPACK, loaded when first asked for, and the control of its threads."""
    return scipy.linalg.lapack, ThreadpoolController()


def _lapack(routine: str, *arrays, **options):
    """The routine on one thread: on bands the waiting of threads costs many times the work."""
    lapack, threads = _library()
    with threads.limit(limits=1, user_api="blas"):
        return getattr(lapack, routine)(*arrays, **options)


def _factorise(lower):
    lower = np.asarray(lower)
    factors = np.empty_like(lower)
    definite = np.empty(lower.shape[:-2], bool)
    for place in np.ndindex(lower.shape[:-2]):
        factor, info = _lapack("dpbtrf", lower[place].T, lower=1)
        definite[place] = info == 0
        factors[place] = factor.T if info == 0 else lower[place]
    return factors, definite


def _cholesky_solve(lower, right):
    lower, right = np.asarray(lower), np.asarray(right)
    batch = np.broadcast_shapes(lower.shape[:-2], right.shape[:-1])
    found = np.full((*batch, right.shape[-1]), np.nan)
    definite = np.empty(batch, bool)
    lower = np.broadcast_to(lower, (*batch, *lower.shape[-2:]))
    right = np.broadcast_to(right, found.shape)
    for place in np.ndindex(batch):
        found[place], definite[place] = cholesky_solve_host(lower[place], right[place])
    return found, definite


def cholesky_solve_host(lower: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, bool]:
    """The solution for one or more columns and true, or NaN and false if not definite."""
    _, solution, info = _lapack("dpbsv", lower.T, right, lower=1)
    definite = info == 0 and bool(np.isfinite(solution).all())
    return (solution if definite else np.full_like(right, np.nan)), definite


def _solve(lower, definite, right):
    lower, definite, right = (np.asarray(array) for array in (lower, definite, right))
    batch = np.broadcast_shapes(lower.shape[:-2], definite.shape, right.shape[:-1])
    if lower.shape[:-2] == () or lower[..., 0, 0].size == 1:
        matrix = lower.reshape(lower.shape[-2:])
        columns = np.broadcast_to(right, (*batch, right.shape[-1])).reshape(-1, right.shape[-1])
        return _solve_one(matrix, bool(definite.ravel()[0]), columns.T).T.reshape(
            *batch, right.shape[-1]
        )
    found = np.empty((*batch, right.shape[-1]))
    lower = np.broadcast_to(lower, (*batch, *lower.shape[-2:]))
    definite = np.broadcast_to(definite, batch)
    right = np.broadcast_to(right, found.shape)
    for place in np.ndindex(batch):
        found[place] = _solve_one(lower[place], bool(definite[place]), right[place])
    return found


def _solve_one(lower, definite: bool, right):
    if definite:
        solution, info = _lapack("dpbtrs", lower.T, right, lower=1)
    else:
        return solve_indefinite_host(lower, right)
    return solution if info == 0 else np.full_like(right, np.nan)


def solve_indefinite_host(lower: np.ndarray, right: np.ndarray) -> np.ndarray:
    """By band LU with pivoting of the whole band, in LAPACK's layout; NaN if singular."""
    if not np.isfinite(lower).all():
        return np.full_like(right, np.nan)
    n, b = lower.shape[0], lower.shape[1] - 1
    band = np.zeros((3 * b + 1, n))
    band[2 * b :] = lower.T
    for offset in range(1, b + 1):
        band[2 * b - offset, offset:] = lower[: n - offset, offset]
    _, _, solution, info = _lapack("dgbsv", b, b, band, right)
    return solution if info == 0 else np.full_like(right, np.nan)
