"""Transport with a field that follows at once: a velocity, a potential, a volume flow.

A quantity w that has its own tridiagonal equation at every node, without a time derivative, makes
the Jacobian of the others dense when it is eliminated by hand. Kept as one more species of a
`BlockMatrix`, whose rows have no mass, it leaves the cost linear in the number of nodes.
"""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import tridiagonal_solve
from jaxtyping import Array, Float

from ._matrix import AbstractBorderedMatrix, BlockMatrix, Bordered, linear_solver


class AlgebraicMatrix(AbstractBorderedMatrix):
    """The matrix of m species y after one algebraic field w is eliminated.

        ⎡ A  B ⎤        seen from outside: A − B E⁻¹ K   on y (m, n)
        ⎣ K  E ⎦

    **Arguments:**

    - `whole`: the bordered matrix of y and w together, blocks (m + 1, m + 1, n); w is the last
      species and E an invertible tridiagonal matrix. w may act on the border and the border on w:
      the fields below leave out what goes that way.
    """

    whole: BlockMatrix

    @property
    def lower(self) -> Array:
        """Of y on y, without what goes through w."""
        return self.whole.lower[:-1, :-1]

    @property
    def diagonal(self) -> Array:
        """Of y on y, without what goes through w."""
        return self.whole.diagonal[:-1, :-1]

    @property
    def upper(self) -> Array:
        """Of y on y, without what goes through w."""
        return self.whole.upper[:-1, :-1]

    @property
    def node_border(self) -> Float[Array, "m k"]:
        """S (m, k)."""
        return self.whole.node_border[:-1]

    @property
    def border_node(self) -> Float[Array, "k m"]:
        """Q (k, m)."""
        return self.whole.border_node[:, :-1]

    @property
    def border(self) -> Float[Array, "k k"]:
        """P (k, k)."""
        return self.whole.border

    def transpose(self) -> "AlgebraicMatrix":
        return AlgebraicMatrix(self.whole.transpose())  # pyright: ignore

    def shifted(self, shift: Array, mass: Float[Array, " k"]) -> "AlgebraicMatrix":
        return AlgebraicMatrix(_shifted(self.whole, shift, mass))  # pyright: ignore

    def multiply(self, x: Bordered) -> Bordered:
        nodes = self.whole.multiply(_widened(x)).nodes
        lower, diagonal, upper = (
            band[-1, -1] for band in (self.whole.lower, self.whole.diagonal, self.whole.upper)
        )
        lower, upper = lower.at[0].set(0.0), upper.at[-1].set(0.0)
        field = tridiagonal_solve(lower, diagonal, upper, -nodes[-1][:, None])[:, 0]
        image = self.whole.multiply(Bordered(jnp.concatenate([x.nodes, field[None]]), x.border))
        return Bordered(image.nodes[:-1], image.border)

    def factor(self):
        return self.whole.factor()

    def solve_factored(self, factors, b: Bordered) -> Bordered:
        solved = self.whole.solve_factored(factors, _widened(b))
        return Bordered(solved.nodes[:-1], solved.border)

    def solve_transposed(self, factors, b: Bordered) -> Bordered:
        solved = self.whole.solve_transposed(factors, _widened(b))
        return Bordered(solved.nodes[:-1], solved.border)


@linear_solver.register
def _solver_of_the_whole(matrix: AlgebraicMatrix) -> Callable[[Bordered], Bordered]:
    """With w as an unknown: the derivative of `multiply` would solve for it anew."""
    solve = linear_solver(matrix.whole)

    def narrowed(b: Bordered) -> Bordered:
        solved = solve(_widened(b))
        return Bordered(solved.nodes[:-1], solved.border)

    return narrowed


class ConstrainedMatrix(AbstractBorderedMatrix):
    """The matrix of m species of which the last have no mass and stay unknowns.

    For a field that its own equation determines badly, such as the potential of Poisson's equation
    from a charge density that nearly cancels: eliminated, it would be the noise of that.

    **Arguments:**

    - `whole`: blocks (m, m, n).
    - `massless`: how many species at the end have no mass.
    """

    whole: BlockMatrix
    massless: int = eqx.field(static=True, default=1)

    @property
    def node_border(self) -> Float[Array, "m k"]:
        """S (m, k)."""
        return self.whole.node_border

    @property
    def border_node(self) -> Float[Array, "k m"]:
        """Q (k, m)."""
        return self.whole.border_node

    @property
    def border(self) -> Float[Array, "k k"]:
        """P (k, k)."""
        return self.whole.border

    def transpose(self) -> "ConstrainedMatrix":
        return ConstrainedMatrix(self.whole.transpose(), self.massless)  # pyright: ignore

    def shifted(self, shift: Array, mass: Float[Array, " k"]) -> "ConstrainedMatrix":
        moved = _shifted(self.whole, shift, mass, self.massless)
        return ConstrainedMatrix(moved, self.massless)  # pyright: ignore

    def multiply(self, x: Bordered) -> Bordered:
        return self.whole.multiply(x)

    def factor(self):
        return self.whole.factor()

    def solve_factored(self, factors, b: Bordered) -> Bordered:
        return self.whole.solve_factored(factors, b)

    def solve_transposed(self, factors, b: Bordered) -> Bordered:
        return self.whole.solve_transposed(factors, b)


def _shifted(
    whole: BlockMatrix, shift: Array, mass: Float[Array, " k"], massless: int = 1
) -> BlockMatrix:
    """`shifted`, in which the last species have no mass: their diagonal stays where it is."""
    moved = whole.shifted(shift, mass)
    last = np.arange(whole.diagonal.shape[0])[-massless:]
    diagonal = moved.diagonal.at[last, last].set(-whole.diagonal[last, last])
    return eqx.tree_at(lambda m: m.diagonal, moved, diagonal)


def _widened(x: Bordered) -> Bordered:
    """With a field of zeros below the species."""
    return Bordered(jnp.concatenate([x.nodes, jnp.zeros_like(x.nodes[:1])]), x.border)
