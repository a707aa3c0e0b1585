"""Levenberg-Marquardt: few evaluations, bounds, failures; and the box problem inside it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import lsq_linear

import diffsim.optimise as opt
from diffsim.optimise import Budget, LevenbergMarquardt, solve
from diffsim.optimise._box import box_least_squares
from diffsim.problems import (
    CASES,
    DECAY_TRUTH,
    exponential_decay,
    half_failing,
    rosenbrock,
    steady_state_voltammogram,
    straight_line,
    unidentifiable_product,
)

EVALUATIONS = Budget(evaluations=100)


def fit(problem, x0=None, method=None, **kwargs):
    method = LevenbergMarquardt() if method is None else method
    return solve(problem, method, budget=EVALUATIONS, x0=x0, progress=False, **kwargs)


@pytest.mark.parametrize("d", [1, 3, 6])
def test_box_problem_against_scipy(d):
    random = np.random.default_rng(d)
    factors = random.standard_normal((60, d, d))
    offsets = 3 * random.standard_normal((60, d))
    low = -random.uniform(0, 1, (60, d)) * (random.uniform(size=(60, d)) < 0.8)
    high = random.uniform(0, 1, (60, d))
    weight = jnp.full(d, 1e-5)
    ours = jax.vmap(lambda *a: box_least_squares(a[0], a[1], weight, a[2], a[3]))(
        factors, offsets, low, high
    )
    for i in range(60):
        stacked = np.vstack([factors[i], np.diag(weight)])
        target = -np.concatenate([offsets[i], np.zeros(d)])
        bounds = (low[i] - 1e-12, high[i] + 1e-12)
        theirs = lsq_linear(stacked, target, bounds, method="bvls", tol=1e-14).x
        value = [np.sum((stacked @ s - target) ** 2) for s in (np.asarray(ours[i]), theirs)]
        assert value[0] <= value[1] + 1e-8
        assert np.all((ours[i] >= low[i]) & (ours[i] <= high[i]))


def test_box_problem_with_held_variables():
    step = box_least_squares(
        jnp.eye(3), -jnp.ones(3), jnp.full(3, 1e-9), jnp.asarray([-1.0, 0.0, -1.0]),
        jnp.asarray([1.0, 0.0, 0.25]),
    )  # fmt: skip
    assert np.allclose(step, [1.0, 0.0, 0.25])


def test_few_evaluations_on_well_behaved_curves():
    """Medians and maxima over random starts within a factor of ten of the truth."""
    random = np.random.default_rng(0)
    problem, counts = exponential_decay(), []
    centre = np.asarray(
        problem.space.unit_cube(dict(zip(problem.space.names, DECAY_TRUTH, strict=True)))
    )
    for _ in range(20):
        x0 = np.clip(centre + random.uniform(-0.25, 0.25, 3), 0, 1)
        run = fit(problem, x0)
        assert run.best_value == pytest.approx(11.8944983, rel=1e-6)
        counts.append(run.counts.jacobians)
    assert np.median(counts) <= 7
    assert max(counts) <= 11


def test_truth_is_found_without_noise():
    run = fit(exponential_decay(noise=0.0))
    assert np.allclose(list(run.best_physical.values()), DECAY_TRUTH, rtol=1e-9)


def test_all_starts_of_a_voltammogram_agree():
    problem = steady_state_voltammogram(1e-4)
    run = solve(
        problem, opt.Multistart(LevenbergMarquardt(), 30), budget=10_000, key=3, progress=False
    )
    assert np.all(run.starts.agreeing(relative=1e-6))
    assert np.median(run.starts.evaluations) <= 14
    assert max(run.starts.evaluations) <= 25


def test_a_linear_problem_needs_one_step_within_the_trust_region():
    run = fit(straight_line(), method=LevenbergMarquardt(radius=1.0, largest_radius=1.0))
    assert run.counts.evaluations == 2
    assert run.reason_name == "decrease"


def test_an_active_bound_is_reached_exactly():
    run = fit(rosenbrock(0.5))
    assert run.best_x[0] == 1.0
    assert run.best_physical["x0"] == pytest.approx(0.5, abs=1e-15)
    assert run.best_value == pytest.approx(0.125, abs=1e-12)


@pytest.mark.parametrize("x0", [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_it_comes_away_from_a_bound_it_starts_at(x0):
    assert fit(rosenbrock(), x0).best_value < 1e-15


def test_null_directions_do_not_move_it():
    """A, C, D of the product act alike: their smallest-norm step is shared, none runs off."""
    run = fit(unidentifiable_product())
    assert run.reason_name == "decrease"
    assert np.all((run.best_x > 0.2) & (run.best_x < 0.8))


def test_failed_evaluations_are_rejected_steps():
    for x0 in ((0.45, 0.45), (0.52, 0.6), (0.3, 0.62)):
        run = fit(half_failing(), x0=x0)
        assert run.best_value < 1e-15
        assert run.counts.failed > 0
        assert run.counts.evaluations <= 20


def test_a_failed_start_is_said_to_be_one():
    run = fit(half_failing(), x0=(0.0, 0.0), throw=False)
    assert run.reason_name == "start_failed"
    assert run.counts.evaluations == run.counts.failed == 1
    assert np.isnan(run.best_value)


def test_held_variables_stay():
    held = LevenbergMarquardt(low=jnp.asarray([0.3, 0.0]), high=jnp.asarray([0.3, 1.0]))
    run = fit(rosenbrock(), method=held)
    assert np.all(run.history.x[:, 0] == 0.3)
    x = -2.0 + 4.0 * 0.3
    assert run.best_value == pytest.approx(0.5 * (1 - x) ** 2, rel=1e-10)


def test_rough_values_end_the_run():
    """A derivative that does not belong to the value: the method stops and says so."""
    from diffsim.problems import formula_problem
    from diffsim.problems._analytic import _box

    def wrong(x, _):
        return jnp.stack([jax.lax.stop_gradient(2 - 2 * x[0]) + x[0], x[1] * 0.01])

    problem = formula_problem(wrong, _box(0.0, 1.0, 2), start=(0.5, 0.5), data=np.zeros(2),
                              name="wrong")  # fmt: skip
    run = fit(problem)
    assert run.reason_name == "stalled"
    assert run.counts.evaluations < 15


def _rough_line(x, t):
    rough = jax.lax.stop_gradient(jnp.sin(1e6 * x[0] + 1e7 * x[1] + jnp.arange(t.size)))
    return (x[0] + x[1] * t**2 + x[0] * x[1] * t) * (1 + 1e-5 * rough)


def test_a_rough_value_costs_few_evaluations():
    """As an adaptive integrator's: the derivative is right, the value rough at 1e-5."""
    from diffsim.problems import formula_problem
    from diffsim.problems._analytic import _box

    t = jnp.linspace(0.0, 1.0, 50)
    data = np.asarray(_rough_line(jnp.asarray([0.3, 0.6]), t))
    data = data + 0.01 * np.random.default_rng(0).standard_normal(50)
    problem = formula_problem(
        _rough_line, _box(0.0, 1.0, 2), start=(0.9, 0.1), inputs=t, data=data, noise=0.01,
        name="rough_line",
    )  # fmt: skip
    runs = [fit(problem, x0) for x0 in np.random.default_rng(1).uniform(size=(10, 2))]
    assert max(run.counts.evaluations for run in runs) <= 14
    assert {run.reason_name for run in runs} <= {"roughness", "decrease"}
    values = [run.best_value for run in runs]
    assert max(values) <= min(values) * 1.002


def test_state_is_a_pytree_of_arrays_that_can_be_written_and_read(tmp_path):
    problem, method = CASES["rosenbrock"].build(), LevenbergMarquardt()
    traits = opt.Traits(2, 0, True)
    state = method.init(jnp.asarray([0.2, 0.9]), jax.random.key(0), traits)

    def advance(state):
        request = method.ask(state)
        answer = jax.vmap(lambda x: problem.evaluate(x, request.order))(request.points)
        return method.tell(state, request, answer)

    for _ in range(3):
        state = advance(state)
    eqx.tree_serialise_leaves(tmp_path / "state.eqx", state)
    again = eqx.tree_deserialise_leaves(tmp_path / "state.eqx", state)
    assert eqx.tree_equal(advance(state), advance(again))
