"""Factorisations of sparse symmetric matrices on the host, their patterns analysed once.

A matrix is given as the entries of its lower triangle, sorted by columns. The plan of a pattern
keeps the last matrix with its factor: whoever solves with the same matrix again pays for no second
factorisation.
"""

import abc
import functools
import importlib
import threading
from collections.abc import Callable
from types import ModuleType

import numpy as np
import scipy
from jaxtyping import Float, Int
from threadpoolctl import ThreadpoolController


class AbstractPlan(abc.ABC):
    """What is known of the matrices of a pattern before their entries are.

    **Arguments:** `size`: number of unknowns; `rows`, `columns`: (z,) of the lower triangle,
    sorted by columns and then rows, every diagonal entry among them.
    """

    def __init__(self, size: int, rows: Int[np.ndarray, " z"], columns: Int[np.ndarray, " z"]):
        self.size, self.rows, self.columns = size, rows, columns
        self._lock = threading.Lock()
        self._last = np.zeros(0)
        self._definite = False
        self._pivoted: Callable[[np.ndarray], np.ndarray] | None = None

    @abc.abstractmethod
    def factorise(self, values: Float[np.ndarray, " z"]) -> bool:
        """Factorise; false where the matrix is not positive definite."""

    @abc.abstractmethod
    def substitute(self, right: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        """The solution with the last factor."""

    def solve(
        self, values: Float[np.ndarray, " z"], right: Float[np.ndarray, "n k"]
    ) -> tuple[Float[np.ndarray, "n k"], bool]:
        """matrix⁻¹ right and true, or NaN and false where the matrix is not positive definite."""
        with self._lock, one_thread():
            return self._solve(values, right)

    def solve_any(
        self, values: Float[np.ndarray, " z"], right: Float[np.ndarray, "n k"]
    ) -> Float[np.ndarray, "n k"]:
        """matrix⁻¹ right of any symmetric matrix; by LU with pivoting where it is not positive
        definite, and NaN where it is singular."""
        with self._lock, one_thread():
            found, definite = self._solve(values, right)
            if definite:
                return found
            if self._pivoted is None:
                self._pivoted = self._lu(values)
            return self._pivoted(right)

    def _solve(self, values, right):
        if not np.array_equal(values, self._last):
            self._definite, self._pivoted = self.factorise(values), None
            self._last = values.copy()
        found = self.substitute(right) if self._definite else np.full_like(right, np.nan)
        definite = self._definite and bool(np.isfinite(found).all())
        return (found if definite else np.full_like(right, np.nan)), definite

    def _lu(self, values) -> Callable[[np.ndarray], np.ndarray]:
        lower = scipy.sparse.coo_array((values, (self.rows, self.columns)), (self.size,) * 2)
        whole = (lower + scipy.sparse.tril(lower, -1).T).tocsc()
        try:
            if np.isfinite(values).all():
                # An order for symmetric matrices is worth nothing once rows are exchanged:
                # of a crumpled sheet the factor was two thirds full.
                return scipy.sparse.linalg.splu(whole, permc_spec="COLAMD").solve
        except RuntimeError:
            pass  # singular
        return lambda right: np.full_like(right, np.nan)


class BandPlan(AbstractPlan):
    """A band in a given order, by LAPACK, at the speed of dense algebra."""

    def __init__(self, size: int, rows, columns, order: Int[np.ndarray, " n"]):
        super().__init__(size, rows, columns)
        rank = np.empty(size, int)
        rank[order] = np.arange(size)
        high, low = np.maximum(rank[rows], rank[columns]), np.minimum(rank[rows], rank[columns])
        self.order = order
        self.width = int(np.max(high - low))
        self.places = low * (self.width + 1) + high - low
        self._factor = np.zeros((0, 0))

    def factorise(self, values):
        band = np.zeros(self.size * (self.width + 1))
        band[self.places] = values
        band = band.reshape(self.size, self.width + 1).T
        self._factor, info = scipy.linalg.lapack.dpbtrf(band, lower=1, overwrite_ab=1)
        return info == 0

    def substitute(self, right):
        found = np.empty_like(right)
        found[self.order], _ = scipy.linalg.lapack.dpbtrs(self._factor, right[self.order], lower=1)
        return found


class CholmodPlan(AbstractPlan):
    """CHOLMOD's supernodal factor (Y. Chen, T. Davis, W. Hager, S. Rajamanickam, ACM Trans. Math.
    Softw. 35 (2008) 22), through CVXOPT; in the order given, or one that it finds itself (AMD)."""

    def __init__(self, size: int, rows, columns, order: Int[np.ndarray, " n"] | None = None):
        super().__init__(size, rows, columns)
        self._cvxopt, self._cholmod = cholmod()  # pyright: ignore
        ones = self._cvxopt.matrix(np.ones(rows.size))
        row, column = (self._cvxopt.matrix(np.asarray(a, np.int64)) for a in (rows, columns))
        self._matrix = self._cvxopt.spmatrix(ones, row, column, (size, size))
        given = () if order is None else (self._cvxopt.matrix(np.asarray(order, np.int64)),)
        self._factor = self._cholmod.symbolic(self._matrix, *given)

    def factorise(self, values):
        self._matrix.V = self._cvxopt.matrix(values)
        try:
            self._cholmod.numeric(self._matrix, self._factor)
        except ArithmeticError:
            return False
        return True

    def substitute(self, right):
        found = self._cvxopt.matrix(right)
        self._cholmod.solve(self._factor, found)
        return np.array(found)


@functools.cache
def cholmod() -> tuple[ModuleType, ModuleType] | None:
    """CVXOPT and its CHOLMOD, or None where it is not installed (extra `cholmod`)."""
    try:
        package = importlib.import_module("cvxopt")
        found = importlib.import_module("cvxopt.cholmod")
    except ImportError:
        return None
    found.options["supernodal"] = 2
    return package, found


@functools.cache
def _threads() -> ThreadpoolController:
    """The control of the threads of all linear algebra that is loaded."""
    cholmod()
    importlib.import_module("scipy.linalg.lapack")
    return ThreadpoolController()


def one_thread():
    """On bands and small blocks the waiting of threads costs many times the work."""
    return _threads().limit(limits=1, user_api="blas")


def make_plan(size: int, rows, columns) -> AbstractPlan:
    """Of a pattern that changes soon: by CHOLMOD where it is installed, else by a band in reverse
    Cuthill-McKee's order."""
    if cholmod() is not None:
        return CholmodPlan(size, rows, columns)
    return BandPlan(size, rows, columns, cuthill_mckee(size, rows, columns))


def lasting_plan(size: int, rows, columns, order: Int[np.ndarray, " n"]) -> AbstractPlan:
    """Of a pattern that stays, so that a longer analysis pays: by CHOLMOD in an order of nested
    dissection where both are installed, else by a band in the order given."""
    if cholmod() is not None:
        return CholmodPlan(size, rows, columns, dissection(size, rows, columns))
    return BandPlan(size, rows, columns, order)


def dissection(size: int, rows, columns) -> Int[np.ndarray, " n"] | None:
    """The order of METIS (G. Karypis, V. Kumar, SIAM J. Sci. Comput. 20 (1998) 359), None where it
    is not installed (extra `cholmod`).

    Of a sheet of 1000 vertices the analysis takes five times as long as AMD's, and the factor
    three quarters of the time.
    """
    try:
        metis = importlib.import_module("pymetis")
    except ImportError:
        return None
    graph = _graph(size, rows, columns)
    graph.setdiag(0)
    graph.eliminate_zeros()
    neighbours = metis.CSRAdjacency(graph.indptr, graph.indices)
    return np.array(list(metis.nested_dissection(neighbours)[0]))


def cuthill_mckee(size: int, rows, columns) -> Int[np.ndarray, " n"]:
    """The order of a narrow band."""
    graph = _graph(size, rows, columns)
    return scipy.sparse.csgraph.reverse_cuthill_mckee(graph, symmetric_mode=True)  # pyright: ignore


def _graph(size: int, rows, columns) -> scipy.sparse.csr_array:
    """Which unknowns meet, of a lower triangle."""
    ones = np.ones(rows.size, np.int8)
    lower = scipy.sparse.coo_array((ones, (rows, columns)), (size, size)).tocsr()
    return (lower + lower.T).tocsr()
