"""Linear transport in its modes against the same transport on its nodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.solvers import Bordered, DecoupledMatrix, ModalMatrix, linear_solver, modes

M, N, K = 2, 9, 2


def both(seed=0):
    """One operator on nodes and in modes; the first node shows and receives what a border does."""
    draw = np.random.default_rng(seed)
    lower, upper = (jnp.asarray(draw.uniform(0.5, 2.0, (M, N))) for _ in range(2))
    diagonal = -lower - upper
    rates, first = jax.vmap(modes)(lower, diagonal, upper)
    borders = [jnp.asarray(draw.normal(size=s)) for s in ((M, K), (K, M))]
    corner = jnp.asarray(draw.normal(size=(K, K)) - 5.0 * np.eye(K))
    nodal = DecoupledMatrix(lower, diagonal, upper, *borders, corner)
    return nodal, ModalMatrix(rates, first, *borders, corner)


def shown(matrix, shift, b):
    """What the border answers to a load at the first nodes and at the border."""
    at_first, at_border = b[:M], b[M:]
    if isinstance(matrix, ModalMatrix):
        nodes = matrix.weights * at_first[:, None]
    else:
        nodes = jnp.zeros((M, N)).at[:, 0].set(at_first)
    whole = matrix.shifted(jnp.asarray(shift), jnp.ones(K))
    return linear_solver(whole)(Bordered(nodes, at_border)).border


def test_the_border_sees_the_same():
    nodal, modal = both()
    b = jnp.asarray(np.random.default_rng(1).normal(size=M + K))
    for shift in (0.3, 3.0, 300.0):
        found, expected = (shown(matrix, shift, b) for matrix in (modal, nodal))
        np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_solves_and_transposes():
    _, modal = both()
    whole = modal.shifted(jnp.asarray(2.0), jnp.ones(K))
    draw = np.random.default_rng(2)
    x = Bordered(jnp.asarray(draw.normal(size=(M, N))), jnp.asarray(draw.normal(size=K)))
    y = Bordered(jnp.asarray(draw.normal(size=(M, N))), jnp.asarray(draw.normal(size=K)))
    solved = linear_solver(whole)(whole.multiply(x))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10), solved, x)

    def dot(a, b):
        return sum(jnp.sum(u * v) for u, v in zip(a, b, strict=True))

    left, right = dot(whole.multiply(x), y), dot(x, whole.transpose().multiply(y))
    np.testing.assert_allclose(left, right, rtol=1e-12)


def test_derivatives_of_what_the_border_sees():
    """Forward, reverse and central differences, by shift and by a band: through `modes`, too."""
    nodal, modal = both()
    b = jnp.asarray(np.random.default_rng(3).normal(size=M + K))

    def answer(p):
        rates, first = jax.vmap(modes)(p[1] * nodal.lower, nodal.diagonal, nodal.upper)
        changed = ModalMatrix(rates, first, modal.node_border, modal.border_node, modal.border)
        return jnp.sum(shown(changed, p[0], b) ** 2)

    at = jnp.array([2.0, 1.3])
    forward, reverse = jax.jacfwd(answer)(at), jax.grad(answer)(at)
    np.testing.assert_allclose(forward, reverse, rtol=1e-9)
    for i in range(2):
        step = jnp.zeros(2).at[i].set(1e-6)
        change = (answer(at + step) - answer(at - step)) / 2e-6
        np.testing.assert_allclose(forward[i], change, rtol=1e-6)


def test_parted_nodes_have_a_derivative():
    """A stream so fast that what couples two nodes underflows: their product is zero."""

    def first_rate(pull):
        lower = jnp.array([0.0, 1e-200, 0.7]) * pull
        upper = jnp.array([1e-200, 0.5, 0.0]) * pull
        rates, first = modes(lower, jnp.array([-3.0, -2.0, -1.0]), upper)
        return jnp.sum(rates**2) + jnp.sum(first**4)

    exact = 4 * 0.7 * 0.5  # 2 beside^2 in the sum of squares of the rates
    assert float(jax.grad(first_rate)(1.0)) == pytest.approx(exact, rel=1e-12)
    assert float(jax.jacfwd(first_rate)(1.0)) == pytest.approx(exact, rel=1e-12)
