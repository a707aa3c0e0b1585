"""Tasks: their truth is the truth, and their oracle refuses what is no design."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import problems
from experiments._study import shared_data
from surrogates import tasks
from surrogates.tasks import _simulated, _tf_bind_8 as table

TABLE = shared_data("tf_bind_8")
needs_table = pytest.mark.skipif(not TABLE.is_dir(), reason=f"{TABLE} is not there")


@pytest.mark.parametrize("name", ["branin", "hartmann6"])
def test_analytic_tasks_know_their_optimum(name):
    from diffsim.problems import CASES

    task = tasks.analytic_task(name, pool=64)
    dataset = task.dataset(0)
    optimum = task.problem.space.unit_cube(
        dict(zip(task.problem.space.names, CASES[name].optima[0], strict=True))
    )
    score = task.true_score(np.asarray(optimum)[None])
    assert float(dataset.normalised(score)[0]) == pytest.approx(1.0, abs=1e-6)
    assert dataset.normalised(dataset.score).max() < 1.0
    assert np.array_equal(task.dataset(0).x, dataset.x)
    assert not np.array_equal(task.dataset(1).x, dataset.x)
    gradient = task.true_gradient(np.asarray(optimum)[None])
    slope = np.abs(task.true_gradient(dataset.x[:8])).max()
    assert np.abs(gradient).max() < 1e-3 * slope


def test_wide_functions():
    task = tasks.wide_analytic_task("styblinski_tang", 5, pool=64)
    x = np.full((1, 5), (-2.903534027771177 + 5) / 10)
    assert task.true_score(x)[0] == pytest.approx(task.best, rel=1e-12)
    with pytest.raises(ValueError, match="name must be one of"):
        tasks.wide_analytic_task("branin", 5)
    with pytest.raises(ValueError, match="name must be one of"):
        tasks.analytic_task("brannin")


def test_what_violates_a_limit_pays_for_it():
    case = problems.CASES["disc"]
    problem, free = case.build(), tasks.penalised(case.build(), 3.0)
    assert free.constraints == ()
    for x in (jnp.asarray([0.5, 0.5]), jnp.asarray([0.97, 0.9]), jnp.asarray([0.1, 0.3])):
        asked = problem.evaluate(x)
        above = float(jnp.maximum(asked.constraints, 0.0).sum())
        assert float(free.evaluate(x).value) == pytest.approx(float(asked.value) + 3.0 * above)
    with pytest.raises(ValueError, match="must have constraints, but branin has none"):
        tasks.penalised(problems.branin())
    with pytest.raises(ValueError, match="weight must be positive"):
        tasks.penalised(problem, 0.0)


def test_gradients_come_with_what_may_be_seen_only(monkeypatch):
    task = tasks.analytic_task("branin", pool=32, gradients=True)
    asked = []
    whole = tasks.ProblemTask.true_gradient

    def broken(self, x):
        asked.append(x)
        slopes = whole(self, x)
        slopes[3] = np.nan
        return slopes

    monkeypatch.setattr(tasks.ProblemTask, "true_gradient", broken)
    dataset = task.dataset(0)
    assert len(asked[0]) == 16
    assert len(dataset.x) == 15  # a design without a gradient is dropped and counted
    assert dataset.failed == {"no gradient": 1}
    np.testing.assert_allclose(dataset.gradients, whole(task, dataset.x))


@pytest.mark.slow
@pytest.mark.parametrize("make", [tasks.cell_design, tasks.shell_shape])
def test_simulated_designs_have_gradients(make):
    task = make()
    x = np.random.default_rng(1).uniform(0.3, 0.7, (1, task.size))
    gradient, h = task.true_gradient(x)[0], 1e-5
    for i in range(2):
        step = h * np.eye(task.size)[i]
        above, below = task.true_score(np.concatenate([x + step, x - step]))
        numeric = (above - below) / (2 * h)
        assert gradient[i] == pytest.approx(numeric, rel=1e-3, abs=1e-4 * np.abs(gradient).max())


def test_the_oracle_refuses_what_is_no_design():
    task = tasks.analytic_task("branin")
    with pytest.raises(ValueError, match=r"\[1, 0\] is 1\.2"):
        task.true_score(np.asarray([[0.1, 0.2], [1.2, 0.3]]))
    with pytest.raises(ValueError, match=r"shape \(k, 2\)"):
        task.true_score(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="must lie in the unit cube"):
        task.true_score(np.full((1, 2), np.nan))


@pytest.mark.slow
def test_the_design_of_a_sweep_has_gradients():
    problem = _simulated._design_problem()
    check = ds.check_gradients(problem)
    assert check.passed(), check.table()


@pytest.mark.slow
def test_the_resistive_recovery_is_best_at_its_truth():
    """Its misfit there is that of the noise, every parameter matters, and gradients are right."""
    task = tasks.resistive_recovery()
    space = task.problem.space
    known = (1e-4, 0.43, 6e-10, 0.3, 400.0)
    truth = np.asarray(space.unit_cube(dict(zip(space.names, known, strict=True))))
    moved = truth + 0.1 * np.concatenate([np.eye(5), -np.eye(5)])
    scores = task.true_score(np.concatenate([truth[None], moved]))
    # Half the sum of squares of 120 residuals of unit variance: 60, with a deviation of 8.
    assert 36 < 10.0 ** -scores[0] - 1.0 < 84
    assert np.all(scores[1:] < scores[0] - 0.03)
    assert space.names[4] == "resistance"
    x = truth[None] + 0.1 * np.asarray([1, -1, 1, 1, -1])
    gradient = task.true_gradient(x)[0]
    for i in (2, 3, 4):
        # Where the integrator takes other steps on one side a difference shows that, and steps
        # carry no derivative: one of the differences does not.
        found = [_central(task, x, i, h) for h in (1e-6, 3e-6, 1e-5, 3e-5)]
        assert min(abs(gradient[i] / np.asarray(found) - 1.0)) < 1e-4


def _central(task, x, i, h):
    step = h * np.eye(x.shape[1])[i]
    above, below = task.true_score(np.concatenate([x + step, x - step]))
    return (above - below) / (2 * h)


def test_letters_to_designs_and_back():
    letters = np.random.default_rng(0).integers(0, 4, (20, 8))
    x = table.encode(letters)
    assert x.shape == (20, 24)
    assert 0.25 < x.min() < x.max() < 0.75  # data keep to the middle of the box
    np.testing.assert_array_equal(table.decode(x), letters)
    anywhere = np.random.default_rng(1).uniform(size=(20, 24))
    expected = table.encode(table.decode(anywhere))
    np.testing.assert_allclose(jax.vmap(tasks.snap)(jnp.asarray(anywhere)), expected)


def test_a_missing_table_says_where_it_should_be(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be at"):
        tasks.TFBind8(tmp_path)


@needs_table
def test_tf_bind_8_is_the_published_task():
    task = tasks.TFBind8(TABLE)
    dataset = task.dataset()
    assert task.table.size == 65536
    assert dataset.score.max() == pytest.approx(0.43930, abs=1e-5)  # D(best), published .439
    assert (dataset.lowest, dataset.best) == (0.0, 1.0)
    assert len(dataset.x) + len(dataset.hidden_x) == 65536
    np.testing.assert_array_equal(task.true_score(dataset.x[:100]), dataset.score[:100])
    # The first rows of the file.
    letters = np.array([[0] * 8, [0] * 7 + [1]])
    np.testing.assert_allclose(task.true_score(table.encode(letters)), [0.5247495, 0.36651137])
