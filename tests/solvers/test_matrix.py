"""Bordered matrices against dense ones, and their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.solvers import (
    BlockMatrix,
    Bordered,
    ConstrainedMatrix,
    DecoupledMatrix,
    linear_solver,
    small_inverse,
)

M, K = 3, 2


def make(kind, n, seed=0):
    draw = np.random.default_rng(seed)
    shape = (M, n) if kind is DecoupledMatrix else (M, M, n)
    bands = [0.3 * draw.normal(size=shape) for _ in range(3)]
    if kind is DecoupledMatrix:
        bands[1] += 4.0
    else:
        bands[1] += 6.0 * np.eye(M)[..., None]
    border = draw.normal(size=(K, K)) + 5.0 * np.eye(K)
    rest = (draw.normal(size=(M, K)), draw.normal(size=(K, M)), border)
    return kind(*map(jnp.asarray, (*bands, *rest)))


def dense(matrix) -> np.ndarray:
    """By hand, entry by entry."""
    n = matrix.diagonal.shape[-1]
    full = np.zeros((M * n + K, M * n + K))
    bands = {-1: matrix.lower, 0: matrix.diagonal, 1: matrix.upper}
    for node in range(n):
        for offset, band in bands.items():
            if 0 <= node + offset < n:
                block = np.asarray(band)[..., node]
                block = np.diag(block) if block.ndim == 1 else block
                rows, columns = node * M, (node + offset) * M
                full[rows : rows + M, columns : columns + M] = block
    full[:M, M * n :] = matrix.node_border
    full[M * n :, :M] = matrix.border_node
    full[M * n :, M * n :] = matrix.border
    return full


def flat(x: Bordered) -> np.ndarray:
    return np.concatenate([np.asarray(x.nodes).T.ravel(), np.asarray(x.border)])


def vector(n, seed=1) -> Bordered:
    draw = np.random.default_rng(seed)
    return Bordered(jnp.asarray(draw.normal(size=(M, n))), jnp.asarray(draw.normal(size=K)))


@pytest.mark.parametrize("kind", [DecoupledMatrix, BlockMatrix])
@pytest.mark.parametrize("n", [1, 2, 7, 8])
class TestAgainstDense:
    def test_multiply_transpose_and_shift(self, kind, n):
        matrix, x = make(kind, n), vector(n)
        full = dense(matrix)
        np.testing.assert_allclose(flat(matrix.multiply(x)), full @ flat(x), atol=1e-13)
        np.testing.assert_allclose(dense(matrix.transpose()), full.T, atol=0)
        mass = jnp.asarray([0.0, 0.7])
        weights = np.concatenate([np.ones(M * n), mass])
        shifted = matrix.shifted(jnp.asarray(2.5), mass)
        np.testing.assert_allclose(dense(shifted), 2.5 * np.diag(weights) - full, atol=1e-14)

    def test_solve(self, kind, n):
        matrix, b = make(kind, n), vector(n)
        found = flat(linear_solver(matrix)(b))
        np.testing.assert_allclose(found, np.linalg.solve(dense(matrix), flat(b)), rtol=1e-11)

    def test_derivatives(self, kind, n):
        matrix, b = make(kind, n), vector(n)
        weights = vector(n, 3)

        def value(matrix, b):
            x = linear_solver(matrix)(b)
            return jnp.sum(weights.nodes * x.nodes**2) + weights.border @ x.border

        tangents = make(kind, n, 5), vector(n, 6)
        _, forward = jax.jvp(value, (matrix, b), tangents)
        gradient = jax.grad(value, (0, 1))(matrix, b)
        products = jax.tree.map(lambda g, t: jnp.sum(g * t), gradient, tangents)
        np.testing.assert_allclose(sum(jax.tree.leaves(products)), forward, rtol=1e-10)

        def moved(step):
            return value(*jax.tree.map(lambda x, t: x + step * t, (matrix, b), tangents))

        central = (moved(1e-5) - moved(-1e-5)) / 2e-5
        np.testing.assert_allclose(central, forward, rtol=1e-6)


def test_blocks_without_coupling_equal_decoupled():
    split = make(DecoupledMatrix, 9)
    eye = jnp.eye(M)[..., None]
    rest = (split.node_border, split.border_node, split.border)
    joined = BlockMatrix(split.lower * eye, split.diagonal * eye, split.upper * eye, *rest)
    b = vector(9)
    np.testing.assert_allclose(
        flat(linear_solver(split)(b)), flat(linear_solver(joined)(b)), rtol=1e-12
    )


@pytest.mark.parametrize("size", [1, 2, 5])
def test_small_inverse(size):
    a = np.random.default_rng(size).normal(size=(4, size, size)) + 4 * np.eye(size)
    np.testing.assert_allclose(small_inverse(jnp.asarray(a)), np.linalg.inv(a), rtol=1e-10)


@pytest.mark.parametrize("massless", [1, 2])
def test_constraints_have_no_mass(massless):
    """The last species' rows of shift·diag(mass) − A keep −A; solves go both ways."""
    whole = make(BlockMatrix, 7)
    mass = jnp.asarray([1.0, 0.0])
    matrix = ConstrainedMatrix(whole, massless).shifted(jnp.asarray(40.0), mass)
    weights = np.concatenate(
        [np.tile(np.where(np.arange(M) < M - massless, 1.0, 0.0), 7), np.asarray(mass)]
    )
    expected = 40.0 * np.diag(weights) - dense(whole)
    np.testing.assert_allclose(dense(matrix.whole), expected, atol=1e-13)
    b = vector(7)
    np.testing.assert_allclose(
        flat(linear_solver(matrix)(b)), np.linalg.solve(expected, flat(b)), rtol=1e-9, atol=1e-12
    )
    flipped = matrix.transpose()
    np.testing.assert_allclose(dense(flipped.whole), expected.T, atol=1e-13)
    assert flipped.massless == massless
