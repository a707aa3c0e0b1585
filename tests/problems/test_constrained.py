"""Problems for constrained search, and the methods that take constraints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import optimise as opt, problems


def at_start(problem):
    return problem.evaluate(jnp.asarray(problem.space.initial(problem.simulator)))


@pytest.mark.parametrize("variant", ["smooth", "rounded", "relu"])
def test_trials_are_seeded_and_start_feasible(variant):
    one, same, other = (problems.trial(s, 5, variant) for s in (1, 1, 2))
    assert np.array_equal(one.simulator.weights, same.simulator.weights)
    assert not np.array_equal(one.simulator.weights, other.simulator.weights)
    assert np.all(np.asarray(at_start(one).constraints) <= 0)
    y = np.asarray(one.observe(jnp.full(5, 0.3)).values["y"])
    assert np.allclose(y / 0.05, np.round(y / 0.05)) == (variant == "rounded")


def test_trials_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="size must be at least 2"):
        problems.trial(0, 1)


def test_the_reactor_conserves_glycerol_and_methyl():
    reactor = problems.TransesterificationReactor(duration=55.0, heating=8.0)
    tg, dg, mg, g, me = np.asarray(reactor(None).checked().values["concentrations"])
    assert tg + dg + mg + g == pytest.approx(0.85, rel=1e-7)
    assert me == pytest.approx(dg + 2 * mg + 3 * g, rel=1e-7)


def test_the_reactor_s_temperature_is_the_exact_exponential():
    reactor = problems.TransesterificationReactor(duration=55.0, heating=8.0)
    rest = 296.15 + 8.0 / 0.11
    exact = rest + (298.15 - rest) * np.exp(-60.0 * 55.0 * 0.11 / 420.0)
    assert float(reactor(None).values["temperature"]) == pytest.approx(exact, rel=1e-8)


def test_the_reactor_differentiates_both_ways():
    problem = problems.transesterification()
    x, step = jnp.asarray([0.4, 0.3]), 1e-5
    forward = np.asarray(problem.evaluate(x, "gradient").gradient)
    reverse = np.asarray(jax.grad(lambda p: problem._value(p, "checkpointed").value)(x))
    np.testing.assert_allclose(forward, reverse, rtol=1e-8)
    ends = [problem.evaluate(x.at[0].add(s * step)).value for s in (1, -1)]
    assert forward[0] == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-4)


@pytest.mark.parametrize(
    "method",
    [opt.ScipyMinimise("SLSQP", tolerance=1e-10), opt.AugmentedLagrangian(), opt.CMALagrangian()],
    ids=lambda m: type(m).__name__,
)
def test_methods_with_constraints_reach_the_optimum(method, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case = problems.CASES["disc"]
    budget = ds.Budget(evaluations=400)
    run = ds.solve(case.build(), method, budget=budget, key=1, progress=False)
    assert run.succeeded
    assert case.value <= run.best_value <= case.value + 1e-3
    assert not list(tmp_path.iterdir())  # no library leaves files about


def test_linearised_is_gradient_and_constraint_jacobian():
    problem = problems.disc()
    answer = problem.evaluate(jnp.asarray([0.6, 0.3]), "linearised")
    x = 4.0 * np.array([0.6, 0.3]) - 2.0
    np.testing.assert_allclose(answer.gradient, [4.0, 4.0])
    np.testing.assert_allclose(answer.constraint_jacobian, [8.0 * x], atol=1e-12)
    budget = ds.Budget(cost=10)
    assert budget.price(problem, "linearised", 1) == 3.0
    assert budget.price(problems.levy(12), "linearised", 2) == 5.0 + 2 * 4.0


@pytest.mark.slow
def test_the_cell_starts_feasible():
    problem = problems.cell_design()
    assert np.all(np.asarray(at_start(problem).constraints) <= 0)
