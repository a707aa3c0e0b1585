"""Where the entries of element matrices go in their sum."""

import hashlib

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ._cholesky import cuthill_mckee


class HostPattern:
    """What the host is told of a pattern: static in programs, equal where its contents are.

    **Attributes:** `rows`, `columns`: (z,) of the entries; `order`: (n,) the unknowns in the order
    of a narrow band; `key`: a digest of all three.
    """

    def __init__(
        self, rows: Int[np.ndarray, " z"], columns: Int[np.ndarray, " z"], order: np.ndarray
    ):
        self.rows, self.columns, self.order = rows, columns, order
        parts = b"".join(np.asarray(a, np.int64).tobytes() for a in (rows, columns, order))
        self.key = hashlib.sha256(parts).digest()

    def __eq__(self, other) -> bool:
        return isinstance(other, HostPattern) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"HostPattern({self.order.size} unknowns, {self.rows.size} entries)"


class SparsePattern(eqx.Module):
    """Where the entries of element matrices go in the lower triangle of their sum.

    **Fields:**

    - `rows`, `columns`: (z,) of the entries, sorted by columns, then rows; `diagonal`: (n,) which
      of them are diagonal.
    - `within`: for each batch of elements another one whose elements begin with the same degrees of
      freedom, so that the matrices are added there first (a membrane's to those of bending, which
      saves a third of the assembly), or None.
    - `entries`: for each batch, the flat positions of the entries of (e, k, k) in the lower
      triangle; `slots`: which entry of the sum each is added to. Of batches within others, none.
    - `host`: the same for the host, which would be handed the arrays again at every call.
    """

    rows: Int[Array, " z"]
    columns: Int[Array, " z"]
    diagonal: Int[Array, " n"]
    entries: tuple[Int[Array, " _"], ...]
    slots: tuple[Int[Array, " _"], ...]
    within: tuple[int | None, ...] = eqx.field(static=True)
    host: HostPattern = eqx.field(static=True)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.diagonal.size

    @property
    def order(self) -> Int[np.ndarray, " n"]:
        """The unknowns in the order of a narrow band."""
        return self.host.order


def sparse_pattern(
    size: int,
    indices: tuple[np.ndarray, ...],
    orders: tuple[Int[np.ndarray, " n"], ...] = (),
) -> SparsePattern:
    """The pattern of the sum of element matrices with the given degrees of freedom.

    **Arguments:** `size`: number of unknowns; `indices`: (e, k) of each batch of elements;
    `orders`: permutations of the unknowns to try beside reverse Cuthill-McKee's, where a band is
    factorised. The one of the narrowest band is taken.
    """
    indices = tuple(np.asarray(batch) for batch in indices)
    within = tuple(_holder(i, indices) for i in range(len(indices)))
    pairs = [pairs_of(batch) for batch in indices]
    kept = [
        np.flatnonzero(row >= column) if holder is None else np.zeros(0, int)
        for (row, column), holder in zip(pairs, within, strict=True)
    ]
    low = [(row[at], column[at]) for (row, column), at in zip(pairs, kept, strict=True)]
    every = np.arange(size)
    places = [columns * size + rows for rows, columns in [*low, (every, every)]]
    found, inverse = np.unique(np.concatenate(places), return_inverse=True)
    rows, columns = found % size, found // size
    *slots, diagonal = np.split(inverse, np.cumsum([p.size for p in places])[:-1])
    order = _narrowest(size, rows, columns, orders)
    return SparsePattern(
        jnp.asarray(rows),
        jnp.asarray(columns),
        jnp.asarray(diagonal),
        tuple(jnp.asarray(at) for at in kept),
        tuple(jnp.asarray(slot) for slot in slots),
        within,
        HostPattern(rows, columns, order),
    )


def _holder(number: int, indices: tuple[Int[np.ndarray, "_ _"], ...]) -> int | None:
    """Of the batches whose elements begin with this one's unknowns the largest, the first of
    equals; None if it is this one. So what holds another is never held itself."""
    own = indices[number]
    begins = [
        i
        for i, batch in enumerate(indices)
        if len(batch) == len(own) and np.array_equal(batch[:, : own.shape[1]], own)
    ]
    found = max(begins, key=lambda i: (indices[i].shape[1], -i))
    return None if found == number else found


def pairs_of(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of every entry of the element matrices, flat."""
    e, k = batch.shape
    rows = np.broadcast_to(batch[:, :, None], (e, k, k)).ravel()
    return rows, np.broadcast_to(batch[:, None, :], (e, k, k)).ravel()


def _narrowest(size: int, rows, columns, orders) -> Int[np.ndarray, " n"]:
    orders = (np.asarray(cuthill_mckee(size, rows, columns), int), *orders)
    ranks = (np.argsort(order) for order in orders)
    widths = [np.max(np.abs(rank[rows] - rank[columns])) for rank in ranks]
    return np.asarray(orders[int(np.argmin(widths))], int)
