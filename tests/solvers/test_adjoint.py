"""Reverse mode over the steps that were taken, against forward mode and differences."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.solvers import RODAS5P, Bordered, Integration, Rosenbrock, RoundedSteps
from tests.solvers.test_rosenbrock import START, Coupled


class Counted(diffrax.AbstractAdaptiveStepSizeController):
    """A controller that tells of every decision it makes."""

    controller: diffrax.PIDController
    asked: Callable | None = eqx.field(static=True)

    @property
    def rtol(self):
        return self.controller.rtol

    @property
    def atol(self):
        return self.controller.atol

    @property
    def norm(self):
        return self.controller.norm

    def wrap(self, direction):
        return self

    def init(self, *args, **kwargs):
        return self.controller.init(*args, **kwargs)

    def adapt_step_size(self, *args, **kwargs):
        decision = self.controller.adapt_step_size(*args, **kwargs)
        if self.asked is not None:
            jax.debug.callback(self.asked, decision[0])
        return decision


def integration(saveat, rtol=1e-6, event=None, asked=None):
    """Of two units of time, with a corner in the middle; `asked` is called with every decision."""
    controller = Counted(diffrax.PIDController(rtol=rtol, atol=rtol), asked)  # pyright: ignore
    controller = diffrax.ClipStepSizeController(RoundedSteps(controller), jump_ts=[1.0])
    return Integration(Rosenbrock(RODAS5P), controller, 2.0, 0.5, 256, saveat, event)


def consistent(first):
    return Bordered(START.nodes.at[0, 0].set(first), jnp.reshape(first**2, 1))


def dense(pull, first, reverse):
    """Of the border between the steps."""
    start = consistent(first)
    run = integration(diffrax.SaveAt(dense=True))
    solution = run(Coupled(pull), start, reverse=reverse)
    at = jnp.array([0.0, 0.013, 0.4, 0.999, 1.001, 1.7, 2.0])
    shown = jax.vmap(lambda t: solution.evaluate(t).border[0])(at)
    return jnp.sum(jnp.cos(jnp.arange(7.0)) * shown)


def stepwise(pull, first, reverse):
    """Of the nodes at the ends of the last two steps."""
    start = consistent(first)
    run = integration(diffrax.SaveAt(steps=True), event=diffrax.Event(_passed))
    solution = run(Coupled(pull), start, reverse=reverse)
    assert solution.ys is not None
    last = solution.stats["num_accepted_steps"] - 1
    ends = solution.ys.nodes[last, 0] + 2.0 * solution.ys.nodes[last - 1, 0]
    return ends @ jnp.array([1.0, 0.7])


def _passed(t, y, args, **_):
    return t > 0.3


@pytest.mark.parametrize("shown", [dense, stepwise])
def test_both_modes_agree(shown):
    at = jnp.array([0.3, 0.8])
    forward = jax.jit(jax.jacfwd(lambda p: shown(p[0], p[1], False)))(at)
    reverse = jax.jit(jax.grad(lambda p: shown(p[0], p[1], True)))(at)
    np.testing.assert_allclose(reverse, forward, rtol=1e-11)


def test_differences():
    """Central ones; the steps change with the parameter and carry no derivative."""
    at, h = jnp.array([0.3, 0.8]), 1e-4
    value, gradient = (jax.jit(f) for f in (_between, jax.grad(_between)))
    for i, found in enumerate(gradient(at)):
        step = jnp.zeros(2).at[i].set(h)
        change = (value(at + step) - value(at - step)) / (2 * h)
        np.testing.assert_allclose(found, change, rtol=1e-4)


def _between(p):
    return dense(p[0], p[1], True)


def test_many_at_once():
    """Lanes that end after different numbers of steps, each with its own gradient."""
    gradient = jax.grad(lambda p: dense(p[0], p[1], True))
    lanes = jnp.array([[0.3, 0.8], [3.0, 0.1], [-1.0, 2.0]])
    together = jax.jit(jax.vmap(gradient))(lanes)
    np.testing.assert_allclose(together, [gradient(lane) for lane in lanes], rtol=1e-9)


def test_forward_mode_of_reverse_mode():
    """Second derivatives, with the steps held."""
    gradient = jax.grad(lambda p: dense(p[0], p[1], True))
    hessian = jax.jit(jax.jacfwd(gradient))(jnp.array([0.3, 0.8]))
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-9)
    twice = jax.jit(jax.jacfwd(jax.jacfwd(lambda p: dense(p[0], p[1], False))))
    np.testing.assert_allclose(hessian, twice(jnp.array([0.3, 0.8])), rtol=1e-9)


def test_nothing_is_decided_again():
    """The step control is asked once for each step that was tried, on the way there only."""
    calls = []
    run = integration(diffrax.SaveAt(dense=True), asked=lambda kept: calls.append(bool(kept)))

    def last(pull):
        solution = run(Coupled(pull), START, reverse=True)
        return solution.evaluate(1.9).border[0], solution.stats

    (_, stats), gradient = jax.jit(jax.value_and_grad(last, has_aux=True))(jnp.asarray(0.3))
    assert float(gradient) != 0
    jax.effects_barrier()
    tried = int(stats["num_accepted_steps"]), int(stats["num_rejected_steps"])
    assert tried[1] > 0
    assert len(calls) == sum(tried)


def test_what_fails_says_so():
    run = integration(diffrax.SaveAt(dense=True))
    run = eqx.tree_at(lambda r: r.end, run, 1e6)
    solution = run(Coupled(jnp.asarray(0.3)), START, reverse=True)
    assert solution.result == diffrax.RESULTS.max_steps_reached
