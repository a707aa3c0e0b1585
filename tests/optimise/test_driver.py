"""The driver: counts, budgets, best so far, errors before any compute."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
import diffsim.optimise as opt
from diffsim.optimise import Budget, LevenbergMarquardt, Multistart, Request, solve
from diffsim.optimise._answering import Simulation
from diffsim.problems import CASES, branin, disc, exponential_decay, half_failing, levy, rosenbrock
from diffsim.problems._analytic import _box, formula_problem

CALLS = []


def _counted(x, _):
    jax.debug.callback(lambda value: CALLS.append(float(value)), x[0])
    return jnp.stack([x[0] - 0.3, 10 * (x[1] - 0.6)])


@pytest.fixture
def counted():
    CALLS.clear()
    return formula_problem(
        _counted, _box(0.0, 1.0, 2), start=(0.9, 0.1), data=np.zeros(2), name="counted"
    )


def true_calls():
    jax.effects_barrier()
    return len(CALLS)


@pytest.mark.parametrize(
    ("method", "budget"),
    [
        (LevenbergMarquardt(), Budget(evaluations=20)),
        (opt.BFGS(), Budget(cost=40)),
        (opt.Adam(steps=50), Budget(columns=30)),
        (opt.NelderMead(), Budget(evaluations=37)),
        (opt.CMAES(), Budget(evaluations=33)),
        (opt.ParticleSwarm(particles=10), Budget(cost=44)),
        (opt.SobolSearch(points=40, batch=16), Budget(evaluations=100)),
    ],
)
def test_counts_are_the_true_calls(counted, method, budget):
    run = solve(counted, method, budget=budget, progress=False)
    assert run.counts.evaluations == true_calls() == run.history.value.size
    kinds = run.counts.values, run.counts.residuals, run.counts.gradients, run.counts.jacobians
    assert sum(kinds) == run.counts.evaluations
    assert run.counts.columns == 2 * (run.counts.gradients + run.counts.jacobians)
    assert run.counts.cost == run.counts.evaluations + run.counts.columns
    for spent, limit in (
        (run.counts.evaluations, budget.evaluations),
        (run.counts.cost, budget.cost),
        (run.counts.columns, budget.columns),
    ):
        assert limit is None or spent <= limit


def test_idle_places_of_a_batch_are_computed_but_not_counted(counted):
    run = solve(counted, Multistart(LevenbergMarquardt(), 5), budget=500, progress=False)
    assert run.counts.evaluations == run.starts.evaluations.sum() == run.history.value.size
    assert true_calls() == run.counts.evaluations + run.counts.idle
    assert run.counts.idle > 0


def test_a_request_that_does_not_fit_is_not_made(counted):
    run = solve(counted, opt.CMAES(members=10), budget=Budget(evaluations=25), progress=False)
    assert true_calls() == run.counts.evaluations == 20
    assert run.reason_name == "budget"


def test_a_run_ends_at_its_target(counted):
    whole = solve(counted, opt.CMAES(), budget=Budget(evaluations=300), progress=False)
    target = float(whole.history.best[60])
    run = solve(counted, opt.CMAES(), budget=Budget(300, target=target), progress=False)
    generation = 6
    assert run.best_value <= target < run.history.best[-1 - generation]
    assert run.counts.evaluations < whole.counts.evaluations
    assert run.reason_name == "budget"


def test_seconds_end_a_run(counted):
    run = solve(counted, opt.Adam(steps=10**6), budget=Budget(seconds=0.02), progress=False)
    assert run.reason_name == "budget"
    assert run.counts.evaluation_seconds >= 0.02


def test_prices():
    problem = rosenbrock()
    budget = Budget(cost=10)
    assert budget.price(problem, "value") == 1
    assert budget.price(problem, "jacobian") == 3
    assert budget.price(problem, "gradient") == 3
    assert Budget(cost=10, costs={"jacobian": 1.6}).price(problem, "jacobian") == 1.6


def test_reverse_mode_gradients_have_no_columns():
    problem = CASES["levy"].build()
    many = levy(12)
    assert problem.forward_mode
    assert not many.forward_mode
    run = solve(many, opt.Adam(steps=3), budget=100, progress=False)
    assert run.counts.columns == 0
    assert run.counts.cost == 15


@pytest.mark.parametrize("bad", [dict(), dict(cost=0), dict(evaluations=-1)])
def test_budgets_are_checked(bad):
    with pytest.raises(ValueError, match="Budget must"):
        Budget(**bad)


def test_best_so_far_is_monotone_and_reached():
    run = solve(branin(), opt.CMAES(), budget=Budget(evaluations=120), progress=False)
    assert np.all(np.diff(run.history.best) <= 0)
    assert run.history.best[-1] == run.best_value == run.history.value.min()
    assert run.best_value == ds.evaluate(branin(), jnp.asarray(run.best_x), "value").value


def test_feasible_points_come_first():
    run = solve(disc(), opt.RandomSearch(points=200), budget=300, progress=False)
    feasible = run.history.violation == 0
    assert not feasible[np.argmin(run.history.value)]
    assert run.best_violation == 0.0
    assert run.best_value == run.history.value[feasible].min()


def test_failures_are_recorded_and_located():
    run = solve(half_failing(), opt.SobolSearch(points=64), budget=100, progress=False)
    failed = run.history.result != 0
    assert run.failures() == {"nonfinite": int(failed.sum())}
    assert run.counts.failed == failed.sum() > 10
    assert np.all(np.isnan(run.history.value[failed]))
    assert np.all(np.isinf(run.history.violation[failed]))
    radius = np.sum(run.physical_history**2, axis=1)
    assert np.all(radius[failed] >= 1)
    assert f"{failed.sum()} failed (nonfinite) at x0 in [" in run.summary()


def test_a_run_without_success_raises_its_remedy():
    nowhere = formula_problem(
        lambda x, _: x * jnp.nan, _box(0.0, 1.0, 2), start=(0.5, 0.5), data=np.zeros(2),
        name="nowhere",
    )  # fmt: skip
    with pytest.raises(ds.SimulationError, match="all 1 evaluations of 'nowhere' failed"):
        solve(nowhere, LevenbergMarquardt(), budget=10, progress=False)
    run = solve(nowhere, LevenbergMarquardt(), budget=10, progress=False, throw=False)
    assert not run.succeeded


class TestErrorsBeforeCompute:
    def test_jacobian_of_a_scalar(self):
        with pytest.raises(ValueError, match="must have residuals for LevenbergMarquardt"):
            solve(branin(), LevenbergMarquardt(), budget=10)

    def test_constraints(self):
        with pytest.raises(ValueError, match=r"no constraints for BFGS.*\['disc'\]"):
            solve(disc(), opt.BFGS(), budget=10)

    def test_multistart_is_checked_like_its_method(self):
        with pytest.raises(ValueError, match="must have residuals"):
            solve(branin(), Multistart(LevenbergMarquardt(), 3), budget=10)

    def test_budget_below_the_first_request(self, counted):
        with pytest.raises(ValueError, match="must allow a first request"):
            solve(counted, opt.CMAES(members=10), budget=5, progress=False)
        assert true_calls() == 0

    @pytest.mark.parametrize("x0", [(0.5,), (0.5, 1.5)])
    def test_start(self, counted, x0):
        with pytest.raises(ValueError, match="x0 must"):
            solve(counted, LevenbergMarquardt(), budget=10, x0=np.asarray(x0), progress=False)


def test_starts_may_be_physical_values():
    run = solve(
        rosenbrock(), LevenbergMarquardt(), budget=50, x0={"x0": -1.0, "x1": 0.5}, progress=False
    )
    assert np.allclose(run.physical_history[0], [-1.0, 0.5])


def test_nothing_is_compiled_twice():
    """Other data, another start, another tolerance: the same programs."""
    solve(exponential_decay(seed=1), LevenbergMarquardt(), budget=100, progress=False)
    again = solve(
        exponential_decay(seed=2),
        LevenbergMarquardt(value_tolerance=1e-6),
        budget=100,
        x0=np.asarray([0.4, 0.4, 0.4]),
        progress=False,
    )
    assert again.counts.compile_seconds == 0.0


def test_compilation_is_reported_apart():
    problem = exponential_decay(points=23)
    run = solve(problem, LevenbergMarquardt(), budget=100, progress=False)
    assert run.counts.compile_seconds > 10 * run.counts.evaluation_seconds > 0


def test_progress_goes_to_standard_error_and_only_to_a_terminal(capsys):
    solve(rosenbrock(), LevenbergMarquardt(), budget=50, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_a_simulator_that_goes_in_turn_answers_the_same_with_two_programs(monkeypatch):
    problem = rosenbrock()
    points = np.random.default_rng(3).uniform(size=(3, 2))
    together = {o: Simulation(problem)(Request.at(points, o)).value for o in ("value", "gradient")}
    monkeypatch.setattr(type(problem.simulator), "batches", "in turn")
    in_turn = Simulation(problem)
    for order, expected in together.items():
        timed = in_turn(Request.at(points, order))
        np.testing.assert_allclose(timed.value.value, expected.value, rtol=1e-12)
        assert timed.value.residuals is timed.value.jacobian is None
        assert timed.cpu_seconds > 0
    found = in_turn(Request.at(points, "gradient")).value.gradient
    np.testing.assert_allclose(found, together["gradient"].gradient, rtol=1e-12)
    # A Jacobian has been compiled with it.
    assert in_turn(Request.at(points, "jacobian")).compile_seconds == 0.0
