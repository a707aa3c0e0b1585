"""The study of shell tasks, on a problem that costs nothing."""

import json

import numpy as np
import pytest

from diffsim.problems import rosenbrock, shell_tasks
from experiments import _shell_tasks as shared
from experiments._schema import ConfigurationError
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
