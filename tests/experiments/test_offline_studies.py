"""The comparisons: verdicts by rule from cells, and cells that are never computed twice."""

import json

import numpy as np
import pytest

from experiments import _offline_comparison as comparison, _offline_report as report
from experiments._registry import configure, find
from experiments._schema import ConfigurationError
from experiments.studies.offline_comparison import KNOWN, OfflineSettings
from experiments.studies.tf_bind_8 import METHODS, _figures

SEEDS = 12


def _cells(effects, tasks=("one", "two", "three", "four")):
    """Made-up scores: every arm is the plain one, plus its effect and a little noise."""
    random = np.random.default_rng(0)
    names = ("p50", "gradient_cosine", "rank_correlation_hidden", "over_optimism")
    cells = {}
    for task in tasks:
        plain = {m: random.uniform(0.3, 0.7, SEEDS) for m in report.METHODS}
        cells[task] = {}
        for arm in ("plain", "sobolev", *report.ARMS):
            shift = effects.get(arm, 0.0)
            cells[task][arm] = {"methods": {
                m: {n: (v + shift + 0.01 * random.normal(size=SEEDS)).tolist() for n in names}
                for m, v in plain.items()
            }}  # fmt: skip
        level = {n: [0.5] * SEEDS for n in names}
        cells[task]["gp"] = {"methods": {"gp_ascent": level}}
        cells[task]["best_offline"] = {"methods": {"stay": level}}
    return cells


SETTINGS = OfflineSettings(seeds=SEEDS)


def test_what_beats_plain_and_every_control_helps():
    figures = report.figures_of(_cells({"ignite": 0.1}), SETTINGS)
    assert figures["ignite_verdict"] == "helps"
    assert figures["ignite_effect"] == pytest.approx(0.1, abs=0.01)
    assert figures["ignite_tasks_hurt"] == 0.0
    assert figures["placebo_verdict"] == "equivalent"
    assert abs(figures["placebo_effect"]) < 0.01


def test_what_only_does_what_a_control_does_shows_no_benefit():
    figures = report.figures_of(_cells({"ignite": 0.1, "early_stop": 0.12}), SETTINGS)
    assert figures["ignite_best_control"] == "early_stop"
    assert figures["ignite_verdict"] == "no benefit shown"
    assert figures["early_stop_verdict"] == "helps"


def test_harm_is_called_so():
    figures = report.figures_of(_cells({"ignite2": -0.1}), SETTINGS)
    assert figures["ignite2_verdict"] == "hurts"
    assert figures["ignite2_tasks_hurt"] == 1.0


def test_table_and_picture_come_from_the_cells(tmp_path):
    cells = _cells({})
    report.write_table(cells, SETTINGS, tmp_path / "table.md")
    report.draw(cells, SETTINGS, tmp_path / "effects.png")
    assert (tmp_path / "table.md").read_text().count("\n| ") == 5
    assert (tmp_path / "effects.png").stat().st_size > 10_000
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cell_that_is_there_is_not_computed_again(tmp_path, monkeypatch):
    monkeypatch.setitem(
        comparison.TASKS, "branin", lambda pool: comparison.tasks.analytic_task(
            "branin", pool=pool, gradients=True
        ),
    )  # fmt: skip
    settings = OfflineSettings(tasks=("branin",), seeds=2, pool=40, designs=4)
    bench = comparison.TaskBench("branin", settings, tmp_path)
    trained = []

    def train(self, arm, loss, members, plain):
        trained.append(arm)
        if arm == "sam":
            raise KeyboardInterrupt  # killed while this cell is under way
        return "models"

    monkeypatch.setattr(comparison.TaskBench, "train", train)
    monkeypatch.setattr(comparison.TaskBench, "_judge", lambda self, model, finder: {"p50": [0.5]})
    monkeypatch.setattr(comparison, "_uses", lambda family, model, arm: [(family, model, None)])
    first = bench.cell("plain")
    with pytest.raises(KeyboardInterrupt):
        bench.cell("sam")
    assert bench.cell("plain") == first
    assert trained == ["plain", "plain", "plain", "sam"]  # three losses, and the one cut short
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"branin-000.nc", "branin-001.nc", "branin-plain.json"}
    assert json.loads((tmp_path / "branin-plain.json").read_text()) == first
    again = comparison.TaskBench("branin", settings, tmp_path)
    assert [s.digest for s in again.sets] == [s.digest for s in bench.sets]


def test_settings():
    study = find("offline_comparison")
    assert set(KNOWN) == set(comparison.TASKS)
    with pytest.raises(ConfigurationError, match=r"tasks must be some of branin.*'brannin'"):
        configure(study, {"tasks": "[brannin]"})
    with pytest.raises(ConfigurationError, match="primary"):
        configure(study, {"primary": "p90"})


def test_the_effects_of_tf_bind_8_are_paired():
    random = np.random.default_rng(0)
    cells = {"best_offline": {"p100": [0.44]}}
    for method in METHODS:
        plain = random.uniform(0.8, 0.9, SEEDS)
        for arm, shift in (("plain", 0.0), ("ignite", 0.02)):
            scores = (plain + shift + 1e-3 * random.normal(size=SEEDS)).tolist()
            cells[f"{method}-{arm}"] = {"p100": scores, "p50": scores}
    cells["gradient_ascent-ignite2"] = cells["gradient_ascent-ignite"]
    cells["gradient_ascent-placebo"] = cells["gradient_ascent-plain"]
    figures = _figures(cells, "p100")
    assert figures["coms_ignite_effect"] == pytest.approx(0.02, abs=2e-3)
    assert 0 < figures["coms_ignite_low"] < figures["coms_ignite_high"]
    assert figures["coms_ignite_holm_p"] < 0.05
    assert figures["gradient_ascent_chance_placebo_effect"] == 0.0
