"""The study of shell tasks, on a problem that costs nothing."""

import json

import numpy as np
import pytest

from diffsim.problems import rosenbrock, shell_tasks
from experiments import _shell_tasks as shared
from experiments._schema import ConfigurationError
from experiments._shell_task import ShellTaskStudy, listed_tasks
from experiments.studies.shell_tasks import METHODS, ShellTasks, ShellTasksSettings

TASK = shell_tasks.ShellTask("valley", "a curved valley", rosenbrock, solved=1e-3)
COST = 150.0


@pytest.fixture
def only_a_valley(monkeypatch):
    monkeypatch.setattr(shell_tasks, "shell_task", lambda name: TASK)


def test_every_method_has_the_same_budget_and_start(tmp_path, only_a_valley):
    settings = ShellTasksSettings(tasks=("valley",), seeds=2, cost=COST, film=False)
    figures = ShellTasks().run(settings, tmp_path)
    known = json.loads((tmp_path / "valley-prices.json").read_text())
    assert figures["valley_gradient_price"] == known["gradient"] >= 1.0
    assert figures["valley_gradient_error"] < 1e-5
    for method in METHODS:
        for seed in range(2):
            cell = json.loads((tmp_path / "cells" / f"valley-{method}-{seed:03d}.json").read_text())
            assert 0 < cell["cost"] <= COST
            assert (cell["cost_to_success"] is not None) == (cell["value"] <= TASK.solved)
    assert figures["valley_gauss_newton_success"] == 1.0
    assert figures["valley_gauss_newton_cost_to_success"] < COST
    assert "| valley |" in (tmp_path / "report.md").read_text()


def test_finished_cells_are_not_computed_again(tmp_path, only_a_valley):
    settings = ShellTasksSettings(
        tasks=("valley",), methods=("gauss_newton",), seeds=1, cost=40.0, film=False
    )
    ShellTasks().run(settings, tmp_path)
    path = tmp_path / "cells" / "valley-gauss_newton-000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"value": 42.0}))
    assert ShellTasks().run(settings, tmp_path)["valley_gauss_newton_value"] == 42.0


def test_a_misspelt_task_is_named(tmp_path):
    settings = ShellTasksSettings(tasks=("slidin",))
    with pytest.raises(ConfigurationError, match="did you mean 'sliding'"):
        ShellTasks().run(settings, tmp_path)


def test_a_run_that_always_fails_is_no_success():
    cell = {"value": None, "cost_to_success": None, "evaluations_to_success": None}
    cell |= {"x": [0.5], "cost": 3.0, "evaluations": 3, "failed": 3, "cpu_seconds": 0.1}
    figures = shared.table("t", {"adam": [cell]}, {"gradient": 2.0})
    assert figures["t_adam_success"] == 0.0
    assert figures["t_adam_cost_to_success"] is None
    assert figures["t_adam_failed"] == 3
    assert np.isinf(figures["t_adam_value"])


def test_each_task_is_a_study_named_and_described_as_the_task_is():
    known = shell_tasks.shell_tasks().values()
    assert sorted(listed_tasks()) == sorted((task.name, task.line) for task in known)


def test_a_task_by_itself_leaves_figures_and_a_report(tmp_path, only_a_valley, monkeypatch):
    shown = []
    monkeypatch.setattr(shared, "show", lambda task, problem, cell, directory: shown.append(cell))
    study = ShellTaskStudy("valley", "a curved valley")
    figures = study.run(study.configuration(cost=COST), tmp_path)
    assert study.name == "shell_valley"
    assert figures["solved"]
    assert figures["value"] <= TASK.solved
    assert figures["cost_to_success"] <= figures["cost"] <= COST
    assert len(shown) == 1
    assert "a curved valley" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize("cost", [COST, 12.0])
def test_local_methods_begin_anew_until_the_budget_is_spent(cost):
    never = shell_tasks.ShellTask("never", "cannot be solved", rosenbrock, solved=-1.0)
    prices = {"gradient": 2.8, "jacobian": 2.8}
    allowance = shared._Allowance(never, rosenbrock(), cost, prices, 0)
    shared._METHODS["gauss_newton"](allowance, np.array([0.2, 0.9]), cost)
    assert len(allowance.runs) > 1
    assert cost - 5.6 < sum(run.counts.cost for run in allowance.runs) <= cost
    begins = np.stack([run.history.x[0] for run in allowance.runs])
    assert len(np.unique(begins, axis=0)) == len(begins)


def test_screening_goes_on_from_the_best_of_its_points():
    never = shell_tasks.ShellTask("never", "cannot be solved", rosenbrock, solved=-1.0)
    prices = {"gradient": 2.0, "jacobian": 2.0}
    allowance = shared._Allowance(never, rosenbrock(), COST, prices, 0)
    shared._METHODS["screened"](allowance, np.array([0.2, 0.9]), COST)
    points, first = allowance.runs[0].history, allowance.runs[1].history
    assert len(points.value) == int(COST / 3.0)
    np.testing.assert_array_equal(first.x[0], points.x[np.argmin(points.value)])
