"""Minimisation, its sparse algebra and its derivatives, on springs; order of the time steps."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from diffsim._status import RESULTS, is_successful
from diffsim.solvers import (
    BDF2,
    AbstractElements,
    AbstractPotentialSystem,
    ImplicitEuler,
    ImplicitMidpoint,
    Motion,
    NewtonSettings,
    Potential,
    differentiable,
    ended,
    minimise,
    mixed_newton,
    sparse_pattern,
)


class Springs(AbstractElements):
    """½ k (|x₁ − x₀| − L)² in the plane."""

    indices: Int[Array, "*e 4"]
    stiffness: Float[Array, "*e"]
    length: Float[Array, "*e"]

    def measures(self, local):
        return jnp.linalg.norm(local[2:] - local[:2])[None]

    def density(self, measures):
        return 0.5 * self.stiffness * (measures[0] - self.length) ** 2

    def convex(self, stress, stiffness):
        return jnp.maximum(stress, 0.0), stiffness


NODES = 7
ENDS = jnp.array([0, 1, 2 * NODES - 2, 2 * NODES - 1])


def chain(stiffness=100.0, weight=1.0, span=5.0, pattern=None):
    """A chain of six springs of length 1 between two supports, which hangs."""
    i = np.arange(NODES - 1)
    indices = np.stack([2 * i, 2 * i + 1, 2 * i + 2, 2 * i + 3], axis=1)
    springs = Springs(jnp.asarray(indices), jnp.full(i.size, 1.0) * stiffness, jnp.ones(i.size))
    n = 2 * NODES
    force = jnp.zeros(n).at[1::2].set(-weight)
    free = jnp.ones(n, bool).at[ENDS].set(False)
    held = jnp.zeros(n).at[n - 2].set(span)
    zeros = jnp.zeros(n)
    pattern = sparse_pattern(n, (indices,)) if pattern is None else pattern
    return Potential((springs,), force, zeros, zeros, free, held, pattern)


def flat(span=5.0):
    x = jnp.linspace(0.0, span, NODES)
    return jnp.stack([x, -0.1 * jnp.sin(jnp.pi * x / span)], axis=1).ravel()


SETTINGS = NewtonSettings(1e-11, 1e-13, max_steps=100)


def dense(matrix):
    """The whole matrix."""
    rows, columns = np.asarray(matrix.pattern.rows), np.asarray(matrix.pattern.columns)
    whole = np.zeros((matrix.pattern.size,) * 2)
    whole[rows, columns] = whole[columns, rows] = np.asarray(matrix.values)
    return whole


def test_the_hessian_is_that_of_the_energy():
    potential = chain()
    q = potential.supported(flat() + 0.1 * jax.random.normal(jax.random.key(0), (2 * NODES,)))
    free = np.asarray(potential.free)
    exact = np.asarray(jax.hessian(potential)(q))
    ours = dense(potential.hessian(q))
    np.testing.assert_allclose(
        ours[np.ix_(free, free)], exact[np.ix_(free, free)], rtol=1e-12, atol=1e-10
    )
    np.testing.assert_allclose(ours[~free][:, ~free], np.eye(int((~free).sum())))
    gradient = jnp.where(potential.free, jax.grad(potential)(q), 0.0)
    np.testing.assert_allclose(potential.gradient(q), gradient, rtol=1e-12, atol=1e-12)


def test_the_convex_hessian_has_no_negative_eigenvalue():
    potential = chain()
    q = 0.5 * flat()  # all springs are compressed
    exact = np.linalg.eigvalsh(dense(potential.hessian(q)))
    convex = np.linalg.eigvalsh(dense(potential.hessian(q, None, jnp.asarray(True))))
    assert exact[0] < -1.0
    assert convex[0] > -1e-10


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_solves_definite_and_indefinite(sign):
    # Stretched, or a folded heap.
    potential, q = (chain(span=7.2), flat(7.2)) if sign > 0 else (chain(), 0.5 * flat())
    matrix = potential.hessian(q)
    whole = dense(matrix)
    assert (np.linalg.eigvalsh(whole)[0] > 0) == (sign > 0)
    right = np.random.default_rng(0).standard_normal((3, 2 * NODES))
    expected = np.linalg.solve(whole, right.T).T
    found, definite = matrix.cholesky_solve(jnp.asarray(right[0]))
    assert bool(definite) == (sign > 0)
    np.testing.assert_allclose(found, expected[0] if sign > 0 else np.nan, rtol=1e-9)
    np.testing.assert_allclose(matrix.solver()(jnp.asarray(right[0])), expected[0], rtol=1e-9)
    together = jax.vmap(matrix.solver())(jnp.asarray(right))
    np.testing.assert_allclose(together, expected, rtol=1e-9)


def test_a_chain_hangs():
    for method in (minimise, mixed_newton):
        found = jax.jit(method)(chain(), flat(), SETTINGS)
        assert is_successful(found.result)
        gradient = chain().gradient(found.q)
        assert np.abs(gradient).max() < 1e-9
        assert found.q[1::2].min() < -1.0


def test_limit_of_steps_and_mechanism_are_result_codes():
    few = NewtonSettings(0.0, 1e-15, max_steps=2)
    assert minimise(chain(), flat(), few).result == RESULTS.diverged
    loose = eqx.tree_at(lambda p: p.free, chain(), jnp.ones(2 * NODES, bool))
    assert minimise(loose, flat(), SETTINGS).result == RESULTS.diverged
    broken = eqx.tree_at(lambda p: p.force, chain(), jnp.full(2 * NODES, jnp.nan))
    assert minimise(broken, flat(), SETTINGS).result == RESULTS.diverged


def test_derivatives_by_the_implicit_function_theorem():
    pattern = chain().pattern
    at = jnp.array([100.0, 1.0, 5.0])
    # The straight chain is a singular start, from which a neighbouring chain may diverge.
    start = minimise(chain(*at, pattern), flat(), SETTINGS).q

    def lowest(parameters):
        potential = chain(*parameters, pattern)
        found = minimise(jax.lax.stop_gradient(potential), start, SETTINGS)
        q = differentiable(potential, found.q)
        q = jnp.where(found.result == RESULTS.successful, q, jnp.nan)
        return q[1::2].min() + 0.1 * jnp.sum(q[::2] ** 2)

    forward, reverse = jax.jit(jax.jacfwd(lowest))(at), jax.jit(jax.grad(lowest))(at)
    np.testing.assert_allclose(forward, reverse, rtol=1e-11)
    value = jax.jit(lowest)
    for i in range(3):
        h = 1e-5 * at[i]
        change = (value(at.at[i].add(h)) - value(at.at[i].add(-h))) / (2 * h)
        np.testing.assert_allclose(forward[i], change, rtol=1e-7)


class Pendulum(AbstractPotentialSystem):
    """A stiffish chain with masses, moved out of rest."""

    chain: Potential

    def potential(self, time):
        return self.chain

    def mass(self):
        return jnp.where(self.chain.free, 1.0, 0.0)

    def settings(self):
        return NewtonSettings(1e-13, 1e-13, max_steps=50)

    def guess(self, time, q):
        return q


@pytest.mark.parametrize(
    ("solver", "order"), [(ImplicitEuler(), 1), (BDF2(), 2), (ImplicitMidpoint(), 2)]
)
def test_order_of_the_schemes(solver, order):
    system = Pendulum(chain(stiffness=20.0))
    start = Motion(system.chain.supported(flat()), jnp.zeros(2 * NODES), jnp.zeros(()))

    @jax.jit
    def end(step):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: y),
            solver, 0.0, 1.0, step, start, system, max_steps=4096, throw=False,
        )  # fmt: skip
        assert solution.ys is not None
        return solution.ys.q[0], ended(solution.result)

    results = [end(1.0 / n) for n in (40, 80, 160, 320)]
    assert all(result == RESULTS.successful for _, result in results)
    ends = [np.asarray(q) for q, _ in results]
    coarse, fine = (np.abs(ends[i] - ends[i + 1]).max() for i in (1, 2))
    assert abs(np.log2(coarse / fine) - order) < 0.2
