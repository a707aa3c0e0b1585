"""Every point that was evaluated, what came of it, and how far others are from it."""

import jax
import numpy as np
import scipy
from jaxtyping import Float, Int

# Above this the tree's leaves are all visited anyway, and a matrix product is quicker.
_TREE_DIMENSIONS = 12
_FIRST = 64
# Points of each age class that are remembered where there is no tree.
_REMEMBERED = 1024


class PointArchive:
    """Points (N, d) and answers (N, 1 + q) in the order of their evaluation.

    An answer is the value and the slacks, not finite where the evaluation failed. An archive is a
    value: appending makes a new one.

    Archives that follow one another share their memory, so that appending costs O(d) amortised.
    Up to twelve dimensions distances come from a k-d tree over the older points, rebuilt whenever
    their number has doubled, and from plain arithmetic over the rest: O(log N) for one point
    (J. L. Bentley, Communications of the ACM 18 (1975) 509-517; the doubling after J. L. Bentley,
    J. B. Saxe, Journal of Algorithms 1 (1980) 301-358). Above that no exact search is cheaper than
    all N; there the history is thinned by age: all of the last 1024, each second of the 2048
    before, each fourth of the 4096 before those, ..., so that one point costs O(log N) still and
    the distance is an upper bound.
    """

    def __init__(self, size: int, answers: int = 1):
        self._shared = _Shared(size, answers)
        self._count = 0

    @classmethod
    def of(
        cls, points: Float[np.ndarray, "N d"], answers: Float[np.ndarray, "N a"] | None = None
    ) -> "PointArchive":
        """An archive of the given points."""
        answers = np.zeros((len(points), 1)) if answers is None else answers
        return cls(points.shape[1], answers.shape[1]).append(points, answers)

    def __len__(self) -> int:
        return self._count

    @property
    def points(self) -> Float[np.ndarray, "N d"]:
        """All points; not to be written to."""
        return self._shared.points[: self._count]

    @property
    def answers(self) -> Float[np.ndarray, "N a"]:
        """Value and slacks of each; not to be written to."""
        return self._shared.answers[: self._count]

    def append(
        self, points: Float[np.ndarray, "b d"], answers: Float[np.ndarray, "b a"]
    ) -> "PointArchive":
        """The archive with more points."""
        shared = self._shared
        if shared.filled != self._count:  # another archive went on from here: part ways
            shared = _Shared(shared.points.shape[1], shared.answers.shape[1])
            shared.extend(self.points, self.answers)
        shared.extend(points, answers)
        longer = object.__new__(PointArchive)
        longer._shared, longer._count = shared, self._count + len(points)
        return longer

    def nearest(self, queries: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " k"]:
        """Euclidean distance of each query to the nearest point; infinite if there is none.

        In more than twelve dimensions to the nearest of the thinned history.
        """
        if self.points.shape[1] > _TREE_DIMENSIONS:
            return distances_to(queries, self.points[remembered(self._count)])
        tree, indexed = self._shared.tree(self._count)
        nearest = distances_to(queries, self.points[indexed:])
        if tree is None:
            return nearest
        return np.minimum(nearest, tree.query(queries)[0])


class _Shared:
    """What archives of one line have in common: the buffers, and the tree over a part of them."""

    def __init__(self, size: int, answers: int):
        self.points = np.empty((_FIRST, size))
        self.answers = np.empty((_FIRST, answers))
        self.filled = 0
        self._tree: tuple["scipy.spatial.KDTree | None", int] = (None, 0)

    def extend(self, points: Float[np.ndarray, "b d"], answers: Float[np.ndarray, "b a"]) -> None:
        begin, self.filled = self.filled, self.filled + len(points)
        if self.filled > len(self.points):
            rows = max(self.filled, 2 * len(self.points))
            self.points = _longer(self.points[:begin], rows)
            self.answers = _longer(self.answers[:begin], rows)
        self.points[begin : self.filled] = points
        self.answers[begin : self.filled] = answers

    def tree(self, count: int) -> tuple["scipy.spatial.KDTree | None", int]:
        """The tree and how many of the first `count` points it holds."""
        # A power of two decides, and not who asked before: the same bits after a resume.
        indexed = 1 << (count.bit_length() - 1) if count >= _FIRST else 0
        if indexed != self._tree[1]:
            self._tree = (scipy.spatial.KDTree(self.points[:indexed]) if indexed else None, indexed)
        return self._tree


def remembered(count: int) -> Int[np.ndarray, " m"]:
    """Indices of the thinned history of `count` points, O(log count) of them.

    Whoever is forgotten stays so: the indices of a class are multiples of its stride.
    """
    kept, stride, end = [], 1, count
    while end > 0:
        begin = max(end - _REMEMBERED * stride, 0)
        kept.append(np.arange(-(-begin // stride) * stride, end, stride))
        stride, end = 2 * stride, begin
    return np.concatenate(kept) if kept else np.zeros(0, int)


def _longer(array: np.ndarray, rows: int) -> np.ndarray:
    longer = np.empty((rows, array.shape[1]))
    longer[: len(array)] = array
    return longer


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
    lambda archive: ((archive.points, archive.answers), None),
    lambda _, children: PointArchive.of(*children),
)
