"""Bordered block-tridiagonal matrices: the Jacobians of one-dimensional transport.

Unknowns are node values y (m, n), coupled to their neighbours only, and a border z (k,) of
surface and circuit unknowns that touches node 0 only. The node axis comes last: everything is
then vectorised over contiguous memory, which is worth a factor of three on a CPU.

    ⎡ B₀ C₀        S ⎤
    ⎢ A₁ B₁ C₁       ⎥      S (m, k) = ∂f₀/∂z
    ⎢    A₂ B₂ …     ⎥      Q (k, m) = ∂g/∂y₀
    ⎣ Q            P ⎦      P (k, k) = ∂g/∂z

No dense matrix larger than m×m or k×k is ever formed, and the cost is linear in n.
"""

import abc
import functools
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import tridiagonal_solve
from jaxtyping import Array, Float


class Bordered(NamedTuple):
    """A vector of the bordered system: `nodes` (m, n) and `border` (k,)."""

    nodes: Float[Array, "m n"]
    border: Float[Array, " k"]


class AbstractBorderedMatrix(eqx.Module):
    """A bordered matrix; subclasses differ in how nodes couple to each other.

    **Fields:** `node_border` S (m, k), `border_node` Q (k, m), `border` P (k, k).
    """

    node_border: eqx.AbstractVar[Float[Array, "m k"]]
    border_node: eqx.AbstractVar[Float[Array, "k m"]]
    border: eqx.AbstractVar[Float[Array, "k k"]]

    @abc.abstractmethod
    def transpose(self) -> "AbstractBorderedMatrix":
        """The transposed matrix, of the same kind."""

    @abc.abstractmethod
    def shifted(self, shift: Array, mass: Float[Array, " k"]) -> "AbstractBorderedMatrix":
        """shift·diag(1, mass) - self, the matrix of an implicit stage."""

    @abc.abstractmethod
    def multiply(self, x: Bordered) -> Bordered:
        """Matrix times vector."""

    @abc.abstractmethod
    def factor(self):
        """Whatever makes repeated solves cheap; an opaque PyTree for `solve_factored`."""

    @abc.abstractmethod
    def solve_factored(self, factors, b: Bordered) -> Bordered:
        """Solve with the result of `factor`."""

    @abc.abstractmethod
    def solve_transposed(self, factors, b: Bordered) -> Bordered:
        """Solve the transposed system; `factors` are those of this matrix."""


@functools.singledispatch
def linear_solver(matrix: AbstractBorderedMatrix) -> Callable[[Bordered], Bordered]:
    """Factor once; returns a function that solves for many right-hand sides.

    Differentiable by the implicit-function theorem, forward (A dx = db - dA x) and reverse
    (one transposed solve): the factorisation itself is never differentiated. A kind of matrix
    whose derivative is cheaper to take otherwise registers that.
    """
    fixed = jax.lax.stop_gradient(matrix)
    factors = fixed.factor()
    maps = (
        matrix.multiply,
        lambda b: fixed.solve_factored(factors, b),
        lambda b: fixed.solve_transposed(factors, b),
    )
    if matrix.border.size:
        return _implicit(*maps)
    # JAX does not transpose a solve a part of whose right-hand side depends on nothing.
    none = jnp.zeros(0)
    on_nodes = _implicit(*[lambda y, f=f: f(Bordered(y, none)).nodes for f in maps])
    return lambda b: Bordered(on_nodes(b.nodes), none)


def _implicit(multiply: Callable, solve: Callable, transposed: Callable) -> Callable:
    def solution(b):
        return jax.lax.custom_linear_solve(
            multiply, b, lambda _, b: solve(b), lambda _, b: transposed(b)
        )

    return solution


def solve_anew(matrix: AbstractBorderedMatrix, b: Bordered) -> Bordered:
    """Factor and solve once."""
    return matrix.solve_factored(matrix.factor(), b)


class DecoupledMatrix(AbstractBorderedMatrix):
    """Species that meet at the electrode only: m scalar tridiagonal matrices, bands (m, n)."""

    lower: Float[Array, "m n"]
    diagonal: Float[Array, "m n"]
    upper: Float[Array, "m n"]
    node_border: Float[Array, "m k"]
    border_node: Float[Array, "k m"]
    border: Float[Array, "k k"]

    def transpose(self) -> "DecoupledMatrix":
        lower, upper = _shift_right(self.upper), _shift_left(self.lower)
        return DecoupledMatrix(
            lower, self.diagonal, upper, self.border_node.T, self.node_border.T, self.border.T
        )

    def shifted(self, shift: Array, mass: Float[Array, " k"]) -> "DecoupledMatrix":
        return DecoupledMatrix(
            -self.lower,
            shift - self.diagonal,
            -self.upper,
            -self.node_border,
            -self.border_node,
            shift * jnp.diag(mass) - self.border,
        )

    def multiply(self, x: Bordered) -> Bordered:
        y, z = x
        nodes = self.diagonal * y
        nodes = nodes + self.lower * _shift_right(y) + self.upper * _shift_left(y)
        nodes = nodes.at[:, 0].add(small_product(self.node_border, z))
        return Bordered(
            nodes, small_product(self.border_node, y[:, 0]) + small_product(self.border, z)
        )

    def _tridiagonal(self, b: Float[Array, "m n"]) -> Float[Array, "m n"]:
        lower = self.lower.at[:, 0].set(0.0)
        upper = self.upper.at[:, -1].set(0.0)
        return tridiagonal_solve(lower, self.diagonal, upper, b[..., None])[..., 0]

    def factor(self):
        # Response of each species to a unit source at the electrode; then the border sees
        # only its own Schur complement.
        unit = jnp.zeros_like(self.diagonal).at[:, 0].set(1.0)
        response = self._tridiagonal(unit)
        schur = self.border - small_product(self.border_node, response[:, :1] * self.node_border)
        return response, small_inverse(schur)

    def solve_factored(self, factors, b: Bordered) -> Bordered:
        response, inverse = factors
        free = self._tridiagonal(b.nodes)
        border = small_product(inverse, b.border - small_product(self.border_node, free[:, 0]))
        return Bordered(free - response * small_product(self.node_border, border)[:, None], border)

    def solve_transposed(self, factors, b: Bordered) -> Bordered:
        return solve_anew(self.transpose(), b)


class BlockFactors(NamedTuple):
    """Of each node, counted from the electrode: the inverse of what is left of its diagonal block
    once all nodes beyond are eliminated, that times its lower block, and its upper block; and the
    inverse that is left of the border."""

    inverse: Float[Array, "n m m"]
    below: Float[Array, "n m m"]
    upper: Float[Array, "n m m"]
    border: Float[Array, "k k"]


class BlockMatrix(AbstractBorderedMatrix):
    """Species coupled at every node (homogeneous chemistry): blocks (m, m, n).

    Solved by block elimination from the far end, node by node, the border last: as scans, which
    XLA compiles into one function. (Block cyclic reduction takes as long to run; its log2(n)
    unrolled sweeps took 13 s to compile with m = 5 where this takes half a second.) No pivoting
    across nodes: the stage matrices I/(γh) - J are diagonally dominant for steps that resolve the
    chemistry, and the dominance grows as the step shrinks.
    """

    lower: Float[Array, "m m n"]
    diagonal: Float[Array, "m m n"]
    upper: Float[Array, "m m n"]
    node_border: Float[Array, "m k"]
    border_node: Float[Array, "k m"]
    border: Float[Array, "k k"]

    def transpose(self) -> "BlockMatrix":
        def flip(a):
            return jnp.swapaxes(a, 0, 1)

        lower, upper = _shift_right(flip(self.upper)), _shift_left(flip(self.lower))
        return BlockMatrix(
            lower,
            flip(self.diagonal),
            upper,
            self.border_node.T,
            self.node_border.T,
            self.border.T,
        )

    def shifted(self, shift: Array, mass: Float[Array, " k"]) -> "BlockMatrix":
        eye = jnp.eye(self.diagonal.shape[0])[..., None]
        return BlockMatrix(
            -self.lower,
            shift * eye - self.diagonal,
            -self.upper,
            -self.node_border,
            -self.border_node,
            shift * jnp.diag(mass) - self.border,
        )

    def multiply(self, x: Bordered) -> Bordered:
        y, z = x
        nodes = _apply(self.diagonal, y)
        nodes = nodes + _apply(self.lower, _shift_right(y)) + _apply(self.upper, _shift_left(y))
        nodes = nodes.at[:, 0].add(small_product(self.node_border, z))
        return Bordered(
            nodes, small_product(self.border_node, y[:, 0]) + small_product(self.border, z)
        )

    def factor(self) -> BlockFactors:
        rows = [jnp.moveaxis(band, -1, 0) for band in (self.lower, self.diagonal, self.upper)]

        def eliminate(beyond, row):
            lower, diagonal, upper = row
            inverse = small_inverse(diagonal - small_product(upper, beyond))
            below = small_product(inverse, lower)
            return below, (inverse, below)

        _, (inverse, below) = jax.lax.scan(
            eliminate, jnp.zeros(rows[0].shape[1:]), rows, reverse=True
        )
        schur = self.border - small_product(
            small_product(self.border_node, inverse[0]), self.node_border
        )
        return BlockFactors(inverse, below, rows[2], small_inverse(schur))

    def solve_factored(self, factors: BlockFactors, b: Bordered) -> Bordered:
        inverse, below, upper, schur = factors
        zero = jnp.zeros_like(b.nodes[:, 0])

        def inwards(beyond, row):
            inverse, upper, right = row
            partial = small_product(inverse, right - small_product(upper, beyond))
            return partial, partial

        _, partial = jax.lax.scan(inwards, zero, (inverse, upper, b.nodes.T), reverse=True)
        border = small_product(schur, b.border - small_product(self.border_node, partial[0]))
        partial = partial.at[0].add(
            -small_product(inverse[0], small_product(self.node_border, border))
        )

        def outwards(before, row):
            below, partial = row
            x = partial - small_product(below, before)
            return x, x

        _, nodes = jax.lax.scan(outwards, zero, (below, partial))
        return Bordered(nodes.T, border)

    def solve_transposed(self, factors: BlockFactors, b: Bordered) -> Bordered:
        inverse, below, upper, schur = factors
        zero = jnp.zeros_like(b.nodes[:, 0])

        def inwards(beyond, row):
            below, right = row
            partial = right - beyond
            return small_product(below.T, partial), partial

        _, partial = jax.lax.scan(inwards, zero, (below, b.nodes.T), reverse=True)
        border = small_product(
            schur.T,
            b.border - small_product(self.node_border.T, small_product(inverse[0].T, partial[0])),
        )
        partial = partial.at[0].add(-small_product(self.border_node.T, border))

        def outwards(before, row):
            inverse, upper, partial = row
            x = small_product(inverse.T, partial - before)
            return small_product(upper.T, x), x

        _, nodes = jax.lax.scan(outwards, zero, (inverse, upper, partial))
        return Bordered(nodes.T, border)


@jax.custom_jvp
def small_inverse(a: Float[Array, "*b k k"]) -> Float[Array, "*b k k"]:
    """Inverse of small matrices: closed forms up to k = 2, then Gauss-Jordan sweeps.

    For k of one to seven this is elementwise work that XLA fuses, where a LAPACK call a
    matrix would cost more than the solve. No pivots are exchanged. The derivative is
    -a⁻¹ da a⁻¹: that of the sweeps would be many times the program.
    """
    if a.shape[-1] == 1:
        return 1.0 / a
    if a.shape[-1] == 2:
        (p, q), (r, s) = jnp.moveaxis(a, (-2, -1), (0, 1))
        adjugate = jnp.stack([s, -q, -r, p], axis=-1) / (p * s - q * r)[..., None]
        return adjugate.reshape(a.shape)
    size = a.shape[-1]
    if size > _UNROLLED:
        return jax.lax.fori_loop(0, size, _sweep, a)
    return functools.reduce(lambda a, p: _sweep(p, a), range(size), a)


# Sweeps of a larger matrix are a loop, which is a program of one of them.
_UNROLLED = 3


@small_inverse.defjvp
def _(primals, tangents):
    inverse = small_inverse(*primals)
    (change,) = tangents
    return inverse, -small_product(inverse, small_product(change, inverse))


def _sweep(p, a: Float[Array, "*b k k"]) -> Float[Array, "*b k k"]:
    """Pivot `p` of an inversion in place."""
    index = jnp.arange(a.shape[-1])
    on_row, on_column = (index == p)[:, None], (index == p)[None, :]
    row, column = (jax.lax.dynamic_slice_in_dim(a, p, 1, axis=axis) for axis in (-2, -1))
    pivot = 1.0 / jax.lax.dynamic_slice_in_dim(row, p, 1, axis=-1)
    row = row * pivot
    updated = a - column * row
    updated = jnp.where(on_row, row, updated)
    updated = jnp.where(on_column, -column * pivot, updated)
    return jnp.where(on_row & on_column, pivot, updated)


def small_product(a: Array | np.ndarray, b: Array | np.ndarray) -> Array:
    """`a @ b` of small matrices, or of one and a vector, as fused elementwise work.

    A product that XLA hands to a library, which with many tangents it does, breaks the loop it
    stands in out of its one compiled function: half of a Jacobian.
    """
    if a.ndim == 1:
        return jnp.sum(a[:, None] * b, axis=0)
    if b.ndim == 1:
        return jnp.sum(a * b, axis=-1)
    return jnp.sum(a[..., None] * b[..., None, :, :], axis=-2)


def _apply(a: Float[Array, "i j n"], x: Float[Array, "j n"]) -> Float[Array, "i n"]:
    """Small matrices times vectors at every node."""
    return jnp.sum(a * x[None], axis=1)


def _shift_right(a: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """Node i gets the value of node i-1; node 0 gets zero."""
    return jnp.concatenate([jnp.zeros_like(a[..., :1]), a[..., :-1]], axis=-1)


def _shift_left(a: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """Node i gets the value of node i+1; the last node gets zero."""
    return jnp.concatenate([a[..., 1:], jnp.zeros_like(a[..., :1])], axis=-1)
