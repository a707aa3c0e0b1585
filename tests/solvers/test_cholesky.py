"""Factorisations on the host: by CHOLMOD and by a band, of one pattern and of sums with blocks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.solvers import _cholesky, _sparse, sparse_pattern
from diffsim.solvers._cholesky import BandPlan, CholmodPlan, cuthill_mckee


def plan(kind, size, rows, columns):
    if kind == "band":
        return BandPlan(size, rows, columns, cuthill_mckee(size, rows, columns))
    pytest.importorskip("cvxopt")
    return CholmodPlan(size, rows, columns)


def grid(side, seed=0):
    """The lower triangle of a random positive definite matrix on a grid, and the whole of it."""
    size = side**2
    number = np.arange(size).reshape(side, side)
    one = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
    two = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
    whole = np.zeros((size, size))
    whole[one, two] = np.random.default_rng(seed).standard_normal(one.size)
    whole += whole.T + 6.0 * np.eye(size)
    columns, rows = np.nonzero(np.triu(whole))
    return rows, columns, whole


@pytest.mark.parametrize("kind", ["band", "cholmod"])
def test_solves_as_dense_algebra_does(kind):
    rows, columns, whole = grid(7)
    ours = plan(kind, 49, rows, columns)
    right = np.random.default_rng(1).standard_normal((49, 3))
    found, definite = ours.solve(whole[rows, columns], right)
    assert definite
    np.testing.assert_allclose(found, np.linalg.solve(whole, right), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("kind", ["band", "cholmod"])
def test_one_factorisation_for_the_same_matrix(kind, monkeypatch):
    rows, columns, whole = grid(5)
    ours, count = plan(kind, 25, rows, columns), []
    factorise = ours.factorise
    monkeypatch.setattr(ours, "factorise", lambda v: count.append(1) or factorise(v))
    values, right = whole[rows, columns], np.ones((25, 1))
    for factor in (1.0, 1.0, 2.0, 1.0):
        found, _ = ours.solve(factor * values, right)
        np.testing.assert_allclose(factor * whole @ found, right, atol=1e-12)
    assert len(count) == 3


@pytest.mark.parametrize("kind", ["band", "cholmod"])
def test_matrices_that_are_not_positive_definite(kind):
    rows, columns, whole = grid(5)
    ours, right = plan(kind, 25, rows, columns), np.ones((25, 2))
    turned = whole - 6.5 * np.eye(25)
    values = turned[rows, columns]
    found, definite = ours.solve(values, right)
    assert not definite
    assert np.isnan(found).all()
    np.testing.assert_allclose(turned @ ours.solve_any(values, right), right, atol=1e-9)
    # The failure leaves nothing behind.
    again, definite = ours.solve(whole[rows, columns], right)
    assert definite
    np.testing.assert_allclose(whole @ again, right, atol=1e-12)
    assert np.isnan(ours.solve_any(0.0 * values, right)).all()
    assert np.isnan(ours.solve_any(np.nan * values, right)).all()


@pytest.mark.parametrize("installed", [True, False])
def test_sums_with_blocks_that_come_and_go(installed, monkeypatch):
    if installed:
        pytest.importorskip("cvxopt")
    else:
        monkeypatch.setattr(_cholesky, "cholmod", lambda: None)
    monkeypatch.setattr(_sparse, "_PLANS", type(_sparse._PLANS)())
    size, random = 12, np.random.default_rng(3)
    chain = np.stack([np.arange(size - 1), np.arange(1, size)], axis=1)
    pattern = sparse_pattern(size, (chain,))
    links = jnp.asarray(np.broadcast_to([[1.0, -1.0], [-1.0, 1.0]], (size - 1, 2, 2)))
    elements = ((jnp.asarray(chain), links),)
    pairs = jnp.asarray([[0, 11], [3, 8], [5, 2]])
    ends = jnp.asarray([[1.0, -0.5], [-0.5, 1.0]])
    weights = jnp.asarray([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    right = jnp.asarray(random.standard_normal(size))
    free = jnp.ones(size, bool)

    @jax.jit
    def solved(weight):
        loose = ((pairs, weight[:, None, None] * ends),)
        matrix = _sparse.Factorised().matrix(pattern, elements, loose, free, 0.1 * jnp.ones(size))
        return matrix.cholesky_solve(right)[0], matrix.solver()(right)

    for weight in weights:
        whole = 0.1 * np.eye(size)
        for (i, j), block in zip(chain, np.asarray(links), strict=True):
            whole[np.ix_([i, j], [i, j])] += block
        for (i, j), w in zip(np.asarray(pairs), np.asarray(weight), strict=True):
            whole[np.ix_([i, j], [i, j])] += w * np.asarray(ends)
        expected = np.linalg.solve(whole, right)
        for found in solved(weight):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    kinds = {type(kept.plan) for kept in _sparse._PLANS.values()}
    assert kinds == {CholmodPlan if installed else BandPlan}
    # In a batch, each matrix has its own.
    for found in jax.vmap(solved)(weights):
        single = [solved(weight)[0] for weight in weights]
        np.testing.assert_allclose(found, single, rtol=1e-11, atol=1e-13)
