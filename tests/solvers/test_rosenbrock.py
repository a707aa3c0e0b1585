"""Order of the Rosenbrock methods, measured on the solver itself with steps of one size."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.solvers import (
    RODAS4P,
    RODAS5P,
    AbstractBorderedSystem,
    BlockMatrix,
    Bordered,
    Rosenbrock,
)


class Coupled(AbstractBorderedSystem):
    """Two nonlinear nodes, forced in time, and an algebraic border z = y₀² + sin t."""

    pull: jax.Array = eqx.field(default_factory=lambda: jnp.asarray(0.3))

    def during(self, t):
        return self

    def enter(self, t, state, jumped):
        return state

    def mass(self):
        return jnp.zeros(1)

    def field(self, t, state):
        y, z = state
        first = -(y[:, :1] ** 2) + y[:, 1:] + self.pull * z[0]
        second = -2.0 * y[:, 1:] + y[:, :1] + jnp.cos(3.0 * t)
        balance = y[0, 0] ** 2 + jnp.sin(t) - z[0]
        return Bordered(jnp.concatenate([first, second], axis=1), balance[None])

    def linearise(self, t, state):
        by_time = jax.jacfwd(self.field)(t, state)
        by_state = jax.jacfwd(lambda s: self.field(t, s))(state)
        nodes = by_state.nodes.nodes  # (m, n, m, n)
        zero = jnp.zeros((1, 1))
        matrix = BlockMatrix(
            jnp.stack([zero, nodes[:, 1, :, 0]], axis=-1),
            jnp.stack([nodes[:, 0, :, 0], nodes[:, 1, :, 1]], axis=-1),
            jnp.stack([nodes[:, 0, :, 1], zero], axis=-1),
            by_state.nodes.border[:, 0],
            by_state.border.nodes[:, :, 0],
            by_state.border.border,
        )
        return matrix, by_time


START = Bordered(jnp.array([[0.8, 0.1]]), jnp.array([0.64]))


@eqx.filter_jit
def integrate(solver, step, at):
    return diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: args.field(t, y)),
        solver,
        0.0,
        1.0,
        step,
        START,
        args=Coupled(),
        saveat=diffrax.SaveAt(dense=True, t1=True),
        max_steps=4096,
        adjoint=diffrax.ForwardMode(),
    ).evaluate(at)


@pytest.mark.parametrize("tableau", [RODAS4P, RODAS5P], ids=["RODAS4P", "RODAS5P"])
def test_order(tableau):
    def at(steps, time):
        return integrate(Rosenbrock(tableau), 1.0 / steps, time).border[0]

    exact = integrate(Rosenbrock(RODAS5P), 1.0 / 1024, 1.0).border[0]
    errors = [abs(float(at(n, 1.0) - exact)) for n in (8, 16)]
    order = np.log2(errors[0] / errors[1])
    assert tableau.order - 0.5 < order < tableau.order + 1.0
    # Between the steps: one order less is promised.
    middle = 0.5 + 0.4 / 32  # inside a step of every count
    exact = integrate(Rosenbrock(RODAS5P), 1.0 / 1024, middle).border[0]
    errors = [abs(float(at(n, middle) - exact)) for n in (8, 16)]
    assert max(errors) < 1e-4


@pytest.mark.parametrize("tableau", [RODAS4P, RODAS5P], ids=["RODAS4P", "RODAS5P"])
def test_conditions_of_the_tableau(tableau):
    assert np.allclose(np.triu(tableau.a), 0)
    assert np.allclose(np.triu(tableau.c), 0)
    # Stiffly accurate: the last stage starts from the embedded solution.
    np.testing.assert_allclose(tableau.solution[:-1], tableau.a[-1, :-1])
    assert tableau.solution[-1] == tableau.error[-1] == 1.0
    # The end of the dense output is the solution, whatever its coefficients.
    assert tableau.dense.shape[1] == tableau.nodes.size


class Decaying(AbstractBorderedSystem):
    """One node, dy/dt = −k y, and a border that shows it."""

    rate: jax.Array

    def during(self, t):
        return self

    def enter(self, t, state, jumped):
        return state

    def mass(self):
        return jnp.zeros(1)

    def field(self, t, state):
        return Bordered(-self.rate * state.nodes, state.nodes[0] - state.border)

    def linearise(self, t, state):
        zero = jnp.zeros((1, 1, 1))
        seen = (jnp.zeros((1, 1)), jnp.ones((1, 1)), -jnp.ones((1, 1)))
        matrix = BlockMatrix(zero, -self.rate * jnp.ones((1, 1, 1)), zero, *seen)
        return matrix, jax.tree.map(jnp.zeros_like, state)


def test_a_batch_whose_members_end_apart_has_a_derivative_in_reverse():
    """Who has ended goes on with steps of nothing, of which no NaN may come back."""

    def end(rate):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: args.field(t, y)),
            Rosenbrock(RODAS4P),
            0.0,
            1.0,
            0.1,
            Bordered(jnp.ones((1, 1)), jnp.ones(1)),
            args=Decaying(rate),
            stepsize_controller=diffrax.PIDController(
                rtol=1e-8, atol=1e-8, norm=lambda error: jnp.sqrt(jnp.sum(error.nodes**2))
            ),
            max_steps=256,
        )
        return solution.ys.nodes[0, 0, 0]  # pyright: ignore

    rates = jnp.array([0.07, 0.7, 7.0])
    slopes = jax.grad(lambda rates: jnp.sum(jax.vmap(end)(rates)))(rates)
    np.testing.assert_allclose(slopes, -np.exp(-rates), atol=1e-6)


def test_a_transient_at_the_beginning_is_seen_between_the_steps():
    """An L-stable step over a transient is right at its end only."""
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: args.field(t, y)),
        Rosenbrock(),
        0.0,
        1.0,
        0.1,
        Bordered(jnp.ones((1, 1)), jnp.ones(1)),
        args=Decaying(jnp.asarray(1e8)),
        saveat=diffrax.SaveAt(dense=True),
        stepsize_controller=diffrax.PIDController(rtol=1e-3, atol=1e-3),
        adjoint=diffrax.ForwardMode(),
    )
    times = jnp.linspace(1e-4, 0.09, 20)
    seen = jax.vmap(lambda t: solution.evaluate(t).border[0])(times)
    np.testing.assert_allclose(seen, np.exp(-1e8 * times), atol=5e-3)
