"""The pieces of the benchmarks, on examples small enough for every test run; no timings."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from benchmarks import _backward_euler as peer, _shared, recovery
from benchmarks._until import until
from diffsim import problems


def _scan(scheme):
    return np.asarray(jax.jit(lambda: peer.tridiagonal(scheme))())


@pytest.mark.parametrize(
    ("scheme", "theta", "current"),
    [
        # What the published program gives (reference, section 3), on its grid of potentials.
        (peer.Scheme(), -1.10, -0.446334),
        (peer.Scheme(), 1.15, 0.358276),
        (peer.Scheme(rate=1.0), -2.0, -0.406746),
    ],
)
def test_the_peer_reproduces_the_published_program(scheme, theta, current):
    assert scheme.positions().size == 291
    assert scheme.potentials().size == 1600
    found = _scan(scheme)
    assert found[np.argmin(np.abs(scheme.potentials() - theta)
                           + np.where(np.sign(found) == np.sign(current), 0, 1e3))
                 ] == pytest.approx(current, abs=1e-6)  # fmt: skip


def test_the_published_program_s_butler_volmer_peak():
    scheme = peer.Scheme(rate=1.0)
    lowest, theta = peer.peak(scheme.potentials(), _scan(scheme))
    assert lowest == pytest.approx(-0.406748, abs=1e-6)
    assert theta == pytest.approx(-2.008, abs=1e-3)


@pytest.mark.parametrize("rate", [None, 1.0])
def test_dense_and_tridiagonal_are_one_scheme(rate):
    scheme = peer.Scheme(first=1e-4, growth=1.4, step=2.0, rate=rate)
    current, per_step = peer.dense(scheme)
    assert per_step > 0
    np.testing.assert_allclose(current, _scan(scheme), atol=1e-10)


def test_the_peak_of_a_parabola_is_exact():
    x = np.linspace(-1.0, 1.0, 12)
    assert peer.peak(x, 3 * (x - 0.07) ** 2 - 2) == pytest.approx((-2.0, 0.07))


def test_a_failed_measurement_is_recorded_and_not_dropped(capsys):
    figures = {}
    _shared.attempt(figures, ("a", "b"), lambda: 1 / 0)
    assert figures["a"] is None
    assert figures["b"] is None
    assert "division" in figures["a_failure"]
    _shared.print_json(figures | {"c": np.float64(2.0), "d": float("inf"), "e": jnp.asarray(3)})
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["c"] == 2.0
    assert answer["d"] is None
    assert answer["e"] == 3
    with pytest.raises(TypeError, match="figure 'x' must be a number"):
        _shared.print_json({"x": [1]})


def test_compiled_programs_and_their_cpu_seconds():
    call, compilation = _shared.compiled(lambda x, n: jnp.sum(x) * n, jnp.arange(3.0), 2)
    assert float(call()) == 6.0
    assert compilation > 0
    assert 0 < _shared.cpu_seconds(call, repeats=1, least=1e-3) < 1


@pytest.mark.parametrize(
    "method", [ds.LevenbergMarquardt(), ds.BFGS(), ds.NelderMead(), ds.CMAES()], ids=repr
)
def test_a_method_is_stopped_where_it_arrives(method):
    problem = problems.exponential_decay()
    optimum = ds.solve(problem, ds.LevenbergMarquardt(), budget=200, progress=False).best_physical
    stopped = ds.solve(problem, until(method, problem, optimum, 1e-2), budget=2000, progress=False)
    alone = ds.solve(problem, method, budget=2000, progress=False)
    for name, value in optimum.items():
        assert stopped.best_physical[name] == pytest.approx(value, rel=1.001e-2)
    count = stopped.counts.evaluations
    assert count < alone.counts.evaluations
    # It is the same method: the same points as far as it went, and not there one batch before.
    np.testing.assert_array_equal(stopped.history.x, alone.history.x[:count])


def test_medians_count_failures_as_infinite():
    assert recovery.median_interval([3.0, 1.0, 2.0])["median"] == 2.0
    assert recovery.median_interval([1.0, np.inf, 2.0])["median"] == 2.0
    assert recovery.median_interval([1.0, np.inf, np.inf])["median"] == np.inf
    sample = recovery.median_interval(np.arange(101.0))
    assert 35 < sample["low"] < 50 < sample["high"] < 65


def _cell(method, seed, cost, reached=True):
    return {"method": method, "seed": seed, "reached": reached, "evaluations": int(cost),
            "cost": cost, "cpu_s": cost / 100, "reason": "budget"}  # fmt: skip


def test_cells_become_figures_a_table_and_a_picture(tmp_path):
    cells = [_cell("LevenbergMarquardt", s, 25.0 + s) for s in range(3)]
    cells += [_cell("CMAES", s, 300.0, reached=s == 0) for s in range(3)]
    rows = recovery.summarise(cells)
    figures = recovery.as_figures(rows)
    assert figures["LevenbergMarquardt_cost_median"] == 26.0
    assert figures["CMAES_reached"] == 1
    assert figures["CMAES_cost_median"] == np.inf
    facts = {"hardware": "h", "versions": "v", "optimum_distance_to_truth_median": 1e-3}
    table = recovery.markdown(rows, recovery.Study(), facts)
    assert table.index("LevenbergMarquardt") < table.index("CMAES")
    assert "not reached" in table
    recovery.draw(rows, tmp_path / "cost.png", budget=3000)
    assert (tmp_path / "cost.png").stat().st_size > 1000


def test_finished_cells_are_not_run_again(tmp_path, monkeypatch):
    study, ran = recovery.Study(), []
    monkeypatch.setattr(recovery, "optimum", lambda *_: {"parameters": {}, "value": 1.0})
    monkeypatch.setattr(recovery, "warm_up", lambda *_: None)
    monkeypatch.setattr(
        recovery, "run_cell", lambda _, name, seed, best: ran.append(seed) or _cell(name, seed, 1.0)
    )
    first = recovery.run_cells(study, ["BFGS"], range(2), tmp_path)
    again = recovery.run_cells(study, ["BFGS"], range(3), tmp_path)
    assert ran == [0, 1, 2]
    assert again[:2] == first
    # Another budget is another question.
    assert study.path(tmp_path, "BFGS", 0) != recovery.Study(budget=9).path(tmp_path, "BFGS", 0)


@pytest.mark.slow
def test_the_figures_of_training():
    from benchmarks import training

    figures = training.measure(rows=256, repeats=1)
    names = ("seeds_20_over_1", "ignite_step_ratio", "ignite_exact_step_ratio",
             "small_seeds_20_over_1_with_compilation")  # fmt: skip
    assert all(figures[name] > 0.0 for name in names)
    # The same arithmetic, counted once: twenty seeds are twenty times one.
    rate, seconds = figures["small_20_gflop_per_s"], figures["small_20_cpu_s"]
    assert rate * seconds == pytest.approx(20 * 1e-9 * training.SMALL.operations())
