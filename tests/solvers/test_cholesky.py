"""Factorisations on the host: by CHOLMOD and by a band, of one pattern and of sums with blocks."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy

from diffsim import shells
from diffsim.solvers import _cholesky, _sparse, sparse_pattern
from diffsim.solvers._cholesky import (
    BandPlan,
    CholmodPlan,
    cuthill_mckee,
    dissection,
    lasting_plan,
)

KINDS = ("band", "cholmod", "dissected")


def plan(kind, size, rows, columns):
    if kind == "band":
        return BandPlan(size, rows, columns, cuthill_mckee(size, rows, columns))
    pytest.importorskip("cvxopt")
    if kind == "cholmod":
        return CholmodPlan(size, rows, columns)
    pytest.importorskip("pymetis")
    return CholmodPlan(size, rows, columns, dissection(size, rows, columns))


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


@pytest.mark.parametrize("kind", KINDS)
def test_solves_as_dense_algebra_does(kind):
    rows, columns, whole = grid(7)
    ours = plan(kind, 49, rows, columns)
    right = np.random.default_rng(1).standard_normal((49, 3))
    found, definite = ours.solve(whole[rows, columns], right)
    assert definite
    np.testing.assert_allclose(found, np.linalg.solve(whole, right), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("kind", KINDS)
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


def fill(rows, columns, order):
    """Entries of the factor of a lower triangle in an order, counted by dense elimination."""
    rank = np.argsort(order)
    there = np.eye(order.size, dtype=bool)
    there[rank[rows], rank[columns]] = there[rank[columns], rank[rows]] = True
    for k in range(order.size):
        below = k + 1 + np.flatnonzero(there[k + 1 :, k])
        there[np.ix_(below, below)] = True
    return np.count_nonzero(np.tril(there))


def test_an_order_of_nested_dissection_fills_less_than_a_band():
    pytest.importorskip("pymetis")
    rows, columns, _ = grid(20)
    order = dissection(400, rows, columns)
    assert sorted(order.tolist()) == list(range(400))
    assert fill(rows, columns, order) < 0.7 * fill(rows, columns, cuthill_mckee(400, rows, columns))


@pytest.mark.parametrize("missing", ["nothing", "pymetis", "cvxopt"])
def test_plans_of_patterns_that_stay(missing, monkeypatch):
    """In an order of METIS, in CHOLMOD's own without it, and as a band without CHOLMOD."""
    pytest.importorskip("cvxopt")
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "cvxopt":
        monkeypatch.setattr(_cholesky, "cholmod", lambda: None)
    rows, columns, whole = grid(6)
    order = cuthill_mckee(36, rows, columns)
    found = lasting_plan(36, rows, columns, order)
    assert isinstance(found, BandPlan if missing == "cvxopt" else CholmodPlan)
    if missing == "pymetis":
        assert dissection(36, rows, columns) is None
    right = np.ones((36, 1))
    np.testing.assert_allclose(whole @ found.solve(whole[rows, columns], right)[0], right)


def test_rows_may_be_exchanged_without_much_fill(monkeypatch):
    """Of a crumpled sheet, whose matrix is far from definite: in an order for symmetric matrices
    the factor of LU with pivoting was two thirds full."""
    factors, splu = [], scipy.sparse.linalg.splu

    def recorded(*arguments, **keywords):
        factors.append(splu(*arguments, **keywords))
        return factors[-1]

    monkeypatch.setattr(scipy.sparse.linalg, "splu", recorded)
    sheet = shells.strip(1.0, 1.0, (15, 15))
    held = [shells.Clamp(lambda x, y, z: x < 1e-9)]
    shell = shells.Shell(sheet, shells.IsotropicMaterial(1e7, 0.3, 1e-3, 200.0), supports=held)
    q = shell.rest() + 1e-3 * np.random.default_rng(0).standard_normal(shell.size)
    potential = shell.potential()
    right = jnp.where(potential.free, 1.0, 0.0)
    solve = potential.hessian(q).solver()
    found = solve(right)
    product = jax.jvp(potential.gradient, (q,), (found,))[1]
    np.testing.assert_allclose(product, right, atol=1e-8)
    np.testing.assert_allclose(solve(2.0 * right), 2.0 * found, rtol=1e-12)
    assert len(factors) == 1
    assert factors[0].L.nnz < 0.1 * shell.size**2 / 2
