"""Bordered diagonal matrices: linear transport in the coordinates of its own modes.

A tridiagonal operator T whose neighbours pull the same way (T[i, i+1] T[i+1, i] > 0) is similar
to a symmetric one, S⁻¹ T S = Q Λ Qᵀ. In the coordinates Qᵀ S⁻¹ u it is diagonal, and all that
the border sees of it are the rates Λ and the first row of Q. A stage is then a few elementwise
operations in place of a sequential elimination.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._matrix import AbstractBorderedMatrix, Bordered, small_inverse, small_product, solve_anew

# The square of a coupling of two nodes that counts for nothing, in parts of their own rates.
_APART = 1e-40


def modes(
    lower: Float[Array, " n"], diagonal: Float[Array, " n"], upper: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Rates Λ and first components Q₀ of a tridiagonal operator, both (n,).

    `lower[0]` and `upper[-1]` are ignored; the products `lower[1:] * upper[:-1]` must be
    positive. The one dense matrix is that of this decomposition, before the integration begins.
    """
    # Where a fast stream parts two nodes their product is less than any double, and of the root of
    # nothing there is no derivative: what is held up is far below round-off.
    least = _APART * diagonal[1:] * diagonal[:-1]
    beside = jnp.sqrt(jnp.maximum(lower[1:] * upper[:-1], least))
    symmetric = jnp.diag(diagonal) + jnp.diag(beside, 1) + jnp.diag(beside, -1)
    rates, vectors = jnp.linalg.eigh(symmetric, symmetrize_input=False)
    return rates, vectors[0]


class ModalMatrix(AbstractBorderedMatrix):
    """Species that meet at the electrode only, each in its modes.

        ⎡ Λ        w ⊗ S ⎤       Λ, w (m, n): rates, and what a mode shows at the electrode
        ⎣ Q w·       P   ⎦

    The node space of the other matrices enters as S and Q: node 0 of species j is Σ wⱼ yⱼ.
    """

    diagonal: Float[Array, "m n"]
    weights: Float[Array, "m n"]
    node_border: Float[Array, "m k"]
    border_node: Float[Array, "k m"]
    border: Float[Array, "k k"]

    def transpose(self) -> "ModalMatrix":
        return ModalMatrix(
            self.diagonal, self.weights, self.border_node.T, self.node_border.T, self.border.T
        )

    def shifted(self, shift: Array, mass: Float[Array, " k"]) -> "ModalMatrix":
        return ModalMatrix(
            shift - self.diagonal,
            self.weights,
            -self.node_border,
            -self.border_node,
            shift * jnp.diag(mass) - self.border,
        )

    def multiply(self, x: Bordered) -> Bordered:
        y, z = x
        nodes = self.diagonal * y + self.weights * small_product(self.node_border, z)[:, None]
        shown = jnp.sum(self.weights * y, axis=-1)
        return Bordered(
            nodes, small_product(self.border_node, shown) + small_product(self.border, z)
        )

    def factor(self):
        response = self.weights / self.diagonal
        shown = jnp.sum(self.weights * response, axis=-1)
        schur = self.border - small_product(self.border_node, shown[:, None] * self.node_border)
        return 1.0 / self.diagonal, response, small_inverse(schur)

    def solve_factored(self, factors, b: Bordered) -> Bordered:
        inverse, response, schur = factors
        shown = jnp.sum(response * b.nodes, axis=-1)
        border = small_product(schur, b.border - small_product(self.border_node, shown))
        nodes = inverse * b.nodes - response * small_product(self.node_border, border)[:, None]
        return Bordered(nodes, border)

    def solve_transposed(self, factors, b: Bordered) -> Bordered:
        return solve_anew(self.transpose(), b)
