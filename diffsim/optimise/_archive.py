"""Every point that was evaluated, and how far others are from them."""

import jax
import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

# Above this the tree's leaves are all visited anyway, and a matrix product is quicker.
_TREE_DIMENSIONS = 12
_FIRST = 64


class PointArchive:
    """Points (N, d) in the order of their evaluation; a value: appending makes a new archive.

    Archives that follow one another share their memory, so that appending costs O(d) amortised.
    Distances come from a k-d tree over the older points, rebuilt whenever their number has
    doubled, and from plain arithmetic over the rest: O(log N) for one point in few dimensions
    (J. L. Bentley, Communications of the ACM 18 (1975) 509-517; the doubling after J. L. Bentley,
    J. B. Saxe, Journal of Algorithms 1 (1980) 301-358).
    """

    def __init__(self, size: int):
        self._shared = _Shared(size)
        self._count = 0

    @classmethod
    def of(cls, points: Float[np.ndarray, "N d"]) -> "PointArchive":
        """An archive of the given points."""
        return cls(points.shape[1]).append(points)

    def __len__(self) -> int:
        return self._count

    @property
    def points(self) -> Float[np.ndarray, "N d"]:
        """All points; not to be written to."""
        return self._shared.buffer[: self._count]

    def append(self, points: Float[np.ndarray, "b d"]) -> "PointArchive":
        """The archive with more points."""
        shared = self._shared
        if shared.filled != self._count:  # another archive went on from here: part ways
            shared = _Shared(shared.buffer.shape[1])
            shared.extend(self.points)
        shared.extend(points)
        longer = object.__new__(PointArchive)
        longer._shared, longer._count = shared, self._count + len(points)
        return longer

    def nearest(self, queries: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " k"]:
        """Euclidean distance of each query to the nearest point; infinite if there is none."""
        tree, indexed = self._shared.tree(self._count)
        nearest = distances_to(queries, self.points[indexed:])
        if tree is None:
            return nearest
        return np.minimum(nearest, tree.query(queries)[0])


class _Shared:
    """What archives of one line have in common: the buffer, and the tree over a part of it."""

    def __init__(self, size: int):
        self.buffer = np.empty((_FIRST, size))
        self.filled = 0
        self._tree: tuple[cKDTree | None, int] = (None, 0)

    def extend(self, points: Float[np.ndarray, "b d"]) -> None:
        needed = self.filled + len(points)
        if needed > len(self.buffer):
            larger = np.empty((max(needed, 2 * len(self.buffer)), self.buffer.shape[1]))
            larger[: self.filled] = self.buffer[: self.filled]
            self.buffer = larger
        self.buffer[self.filled : needed] = points
        self.filled = needed

    def tree(self, count: int) -> tuple[cKDTree | None, int]:
        """The tree and how many of the first `count` points it holds."""
        if self.buffer.shape[1] > _TREE_DIMENSIONS:
            return None, 0
        # A power of two decides, and not who asked before: the same bits after a resume.
        indexed = 1 << (count.bit_length() - 1) if count >= _FIRST else 0
        if indexed != self._tree[1]:
            self._tree = (cKDTree(self.buffer[:indexed]) if indexed else None, indexed)
        return self._tree


def distances_to(
    queries: Float[np.ndarray, "k d"], points: Float[np.ndarray, "N d"]
) -> Float[np.ndarray, " k"]:
    """Euclidean distance of each query to the nearest of the points; infinite if none."""
    if not len(points):
        return np.full(len(queries), np.inf)
    squares = np.sum(points**2, axis=1) - 2.0 * queries @ points.T
    return np.sqrt(np.maximum(squares.min(axis=1) + np.sum(queries**2, axis=1), 0.0))


jax.tree_util.register_pytree_node(
    PointArchive,
    lambda archive: ((archive.points,), None),
    lambda _, children: PointArchive.of(children[0]),
)
