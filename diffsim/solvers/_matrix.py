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
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
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


def linear_solver(matrix: AbstractBorderedMatrix):
    """Factor once; returns a function that solves for many right-hand sides.

    Differentiable by the implicit-function theorem, forward (A dx = db - dA x) and reverse
    (one transposed solve): the factorisation itself is never differentiated.
    """
    fixed = jax.lax.stop_gradient(matrix)
    factors = fixed.factor()

    def transposed(_, b):
        flipped = fixed.transpose()
        return flipped.solve_factored(flipped.factor(), b)

    def solve(b: Bordered) -> Bordered:
        return jax.lax.custom_linear_solve(
            matrix.multiply,
            b,
            solve=lambda _, b: fixed.solve_factored(factors, b),
            transpose_solve=transposed,
        )

    return solve


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
        nodes = nodes.at[:, 0].add(self.node_border @ z)
        return Bordered(nodes, self.border_node @ y[:, 0] + self.border @ z)

    def _tridiagonal(self, b: Float[Array, "m n"]) -> Float[Array, "m n"]:
        lower = self.lower.at[:, 0].set(0.0)
        upper = self.upper.at[:, -1].set(0.0)
        return tridiagonal_solve(lower, self.diagonal, upper, b[..., None])[..., 0]

    def factor(self):
        # Response of each species to a unit source at the electrode; then the border sees
        # only its own Schur complement.
        unit = jnp.zeros_like(self.diagonal).at[:, 0].set(1.0)
        response = self._tridiagonal(unit)
        schur = self.border - self.border_node @ (response[:, :1] * self.node_border)
        return response, small_inverse(schur)

    def solve_factored(self, factors, b: Bordered) -> Bordered:
        response, inverse = factors
        free = self._tridiagonal(b.nodes)
        border = inverse @ (b.border - self.border_node @ free[:, 0])
        return Bordered(free - response * (self.node_border @ border)[:, None], border)


class BlockMatrix(AbstractBorderedMatrix):
    """Species coupled at every node (homogeneous chemistry): blocks (m, m, n).

    Solved by block cyclic reduction: log2(n) vectorised sweeps in place of n sequential
    ones, which on XLA's CPU backend is what decides (a `scan` pays about a microsecond a
    node). No pivoting across nodes: the stage matrices I/(γh) - J are diagonally dominant
    for steps that resolve the chemistry, and the dominance grows as the step shrinks.
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
        nodes = nodes.at[:, 0].add(self.node_border @ z)
        return Bordered(nodes, self.border_node @ y[:, 0] + self.border @ z)

    def factor(self):
        # The border is eliminated first, into the block of node 0.
        border_inverse = small_inverse(self.border)
        first = self.diagonal[..., 0] - self.node_border @ border_inverse @ self.border_node
        lower = self.lower.at[..., 0].set(0.0)
        upper = self.upper.at[..., -1].set(0.0)
        levels = _reduce(lower, self.diagonal.at[..., 0].set(first), upper)
        return levels, border_inverse

    def solve_factored(self, factors, b: Bordered) -> Bordered:
        levels, border_inverse = factors
        reduced = self.node_border @ (border_inverse @ b.border)
        nodes = _substitute(levels, b.nodes.at[:, 0].add(-reduced))
        border = border_inverse @ (b.border - self.border_node @ nodes[:, 0])
        return Bordered(nodes, border)


def _reduce(lower: Array, diagonal: Array, upper: Array) -> list:
    """Factors of block cyclic reduction: even nodes are kept, odd ones eliminated."""
    levels = []
    while diagonal.shape[-1] > 1:
        odd = diagonal.shape[-1] // 2
        inverse = _inverse_blocks(diagonal[..., 1::2])
        below, above = _product(inverse, lower[..., 1::2]), _product(inverse, upper[..., 1::2])
        left, right = lower[..., 2::2], upper[..., :-1:2]  # of even nodes to odd neighbours
        levels.append((inverse, below, above, left, right))
        inner = left.shape[-1]
        kept = diagonal[..., ::2]
        kept = kept.at[..., 1:].add(-_product(left, above[..., :inner]))
        diagonal = kept.at[..., :odd].add(-_product(right, below))
        zero = jnp.zeros_like(diagonal[..., :1])
        lower = jnp.concatenate([zero, -_product(left, below[..., :inner])], axis=-1)
        upper = jnp.concatenate([-_product(right, above), zero], axis=-1)
        upper = upper[..., : diagonal.shape[-1]]
    levels.append(_inverse_blocks(diagonal))
    return levels


def _substitute(levels: list, b: Float[Array, "m n"]) -> Float[Array, "m n"]:
    """Forward reduction of the right-hand side and back substitution."""
    *levels, last = levels
    stack = []
    for inverse, _, _, left, right in levels:
        odd = _apply(inverse, b[:, 1::2])
        stack.append(odd)
        kept = b[:, ::2].at[:, 1:].add(-_apply(left, odd[:, : left.shape[-1]]))
        b = kept.at[:, : odd.shape[-1]].add(-_apply(right, odd))
    x = _apply(last, b)
    for (_, below, above, left, _), odd in zip(levels[::-1], stack[::-1], strict=True):
        inner = left.shape[-1]
        odd = odd - _apply(below, x[:, : odd.shape[-1]])
        odd = odd.at[:, :inner].add(-_apply(above[..., :inner], x[:, 1:]))
        merged = jnp.zeros((x.shape[0], x.shape[-1] + odd.shape[-1]))
        x = merged.at[:, ::2].set(x).at[:, 1::2].set(odd)
    return x


def _inverse_blocks(a: Float[Array, "m m n"]) -> Float[Array, "m m n"]:
    return jnp.moveaxis(small_inverse(jnp.moveaxis(a, -1, 0)), 0, -1)


def small_inverse(a: Float[Array, "*b k k"]) -> Float[Array, "*b k k"]:
    """Inverse of small matrices: closed forms up to k = 2, then unrolled Gauss-Jordan sweeps.

    For k of one to five this is elementwise work that XLA fuses, where a LAPACK call a
    matrix would cost more than the solve. No pivots are exchanged.
    """
    if a.shape[-1] == 1:
        return 1.0 / a
    if a.shape[-1] == 2:
        (p, q), (r, s) = jnp.moveaxis(a, (-2, -1), (0, 1))
        adjugate = jnp.stack([s, -q, -r, p], axis=-1) / (p * s - q * r)[..., None]
        return adjugate.reshape(a.shape)
    size = a.shape[-1]
    index = jnp.arange(size)
    for p in range(size):
        pivot = 1.0 / a[..., p, p][..., None, None]
        row, column = a[..., p : p + 1, :] * pivot, a[..., :, p : p + 1]
        on_row, on_column = (index == p)[:, None], (index == p)[None, :]
        updated = a - column * row
        updated = jnp.where(on_row, row, updated)
        updated = jnp.where(on_column, -column * pivot, updated)
        a = jnp.where(on_row & on_column, pivot, updated)
    return a


def _product(a: Float[Array, "i j n"], b: Float[Array, "j k n"]) -> Float[Array, "i k n"]:
    """Products of small matrices at every node, as fused elementwise work."""
    return jnp.sum(a[:, :, None] * b[None], axis=1)


def _apply(a: Float[Array, "i j n"], x: Float[Array, "j n"]) -> Float[Array, "i n"]:
    """Small matrices times vectors at every node."""
    return jnp.sum(a * x[None], axis=1)


def _shift_right(a: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """Node i gets the value of node i-1; node 0 gets zero."""
    return jnp.concatenate([jnp.zeros_like(a[..., :1]), a[..., :-1]], axis=-1)


def _shift_left(a: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """Node i gets the value of node i+1; the last node gets zero."""
    return jnp.concatenate([a[..., 1:], jnp.zeros_like(a[..., :1])], axis=-1)
