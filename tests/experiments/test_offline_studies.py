"""The comparisons: verdicts by rule from cells, and cells that are never computed twice."""

import json

import jax
import numpy as np
import pytest

from experiments import (
    _offline_bench as bench_module,
    _offline_certificate as certificate,
    _offline_comparison as comparison,
    _offline_default as default,
    _offline_methods as methods,
    _offline_report as report,
    _store as store,
    cli,
)
from experiments._offline_tasks import TASKS
from experiments._registry import configure, find, request_of
from experiments._schema import ConfigurationError
from experiments.studies.offline_comparison import KNOWN, OfflineSettings
from experiments.studies.tf_bind_8 import METHODS, _figures
from surrogates import tasks

SEEDS = 12


def _cells(effects, tasks=("one", "two", "three", "four")):
    """Made-up scores: every arm is the plain one, plus its effect and a little noise."""
    random = np.random.default_rng(0)
    names = ("p50", "gradient_cosine", "rank_correlation_hidden", "over_optimism", "travelled",
             "away")  # fmt: skip
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
        cells[task]["generative"] = {"methods": {"cbas": level, "mins": level}}
        cells[task]["recipe"] = {"methods": {default.RECIPE: level, default.TAUGHT: level},
            "weights": {"one": [0.75] * SEEDS, "other": [0.25] * SEEDS}}  # fmt: skip
        cells[task]["long"] = {"methods": {"gp_ascent": level}}
        cells[task]["certificate"] = {"methods": {}, "coverage": [0.9] * SEEDS,
            "unweighted_coverage": [0.4] * SEEDS, "informative": [0.5] * SEEDS,
            "effective": [7.0] * SEEDS}  # fmt: skip
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
    drawn = report.draw(cells, SETTINGS, tmp_path)
    assert (tmp_path / "table.md").read_text().count("\n| ") == 5
    assert {path.name for path in drawn} == {"offline_comparison.png", "offline_levels.png"}
    assert min(path.stat().st_size for path in drawn) > 10_000
    assert len(list(tmp_path.iterdir())) == 3


def test_a_cell_that_is_there_is_not_computed_again(tmp_path, monkeypatch):
    settings = OfflineSettings(tasks=("branin",), seeds=2, pool=40, designs=4)
    bench = bench_module.TaskBench("branin", settings, tmp_path)
    trained = []

    def train(self, arm, loss, members, plain):
        trained.append(arm)
        if arm == "sam":
            raise KeyboardInterrupt  # killed while this cell is under way
        return "models"

    monkeypatch.setattr(bench_module.TaskBench, "train", train)
    monkeypatch.setattr(bench_module.TaskBench, "judge", lambda self, model, finder: {"p50": [0.5]})
    monkeypatch.setattr(
        bench_module, "uses", lambda family, model: [("ascent", model)] if family == "mse" else []
    )
    first = bench.cell("plain")
    with pytest.raises(KeyboardInterrupt):
        bench.cell("sam")
    assert bench.cell("plain") == first
    assert trained == ["plain", "plain", "plain", "sam"]  # three losses, and the one cut short
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"branin-000.nc", "branin-001.nc", "branin-plain.json"}
    assert json.loads((tmp_path / "branin-plain.json").read_text()) == first
    again = bench_module.TaskBench("branin", settings, tmp_path)
    assert [s.digest for s in again.sets] == [s.digest for s in bench.sets]


def test_all_searches_have_the_same_path():
    """REINFORCE's mean and every climb may go reach·√d, an early stop a quarter of it."""
    settings = OfflineSettings(reach=0.2)
    for share in (1.0, 0.25):
        found = methods.searches(settings, 9, share)
        assert set(found) == set(report.METHODS)
        climb, sampled = found["ascent"].method, found["reinforce"].method
        path = climb.length * climb.steps
        assert path == pytest.approx(share * 0.6, rel=0.05)
        assert sampled.learning_rate * sampled.steps * 3.0 == pytest.approx(path, rel=0.05)
        assert all(found[m] == found["ascent"] for m in found if m != "reinforce")
    _, (_, coms, _), _ = methods.families(settings, "plain", 9)
    assert coms.climb.length * coms.climb.steps == pytest.approx(0.6)


def test_the_recipe_is_compared_with_each_method_on_its_better_path():
    cells = _cells({})
    for of_task in cells.values():
        of_task["plain"]["methods"]["ram"]["p50"] = [0.7] * SEEDS
        of_task["plain"]["methods"]["reinforce"]["p50"] = [0.8] * SEEDS
        of_task["long"]["methods"]["ram"] = {"p50": [0.9] * SEEDS}
        of_task["long"]["methods"]["reinforce"] = {"p50": [0.1] * SEEDS}
        of_task["recipe"]["methods"][default.RECIPE] = {"p50": [0.95] * SEEDS}
        of_task["recipe"]["methods"][default.TAUGHT] = {"p50": [0.85] * SEEDS}
    figures = report.figures_of(cells, SETTINGS)
    assert figures["best_published"] == "ram_long"
    assert figures["best_published_iqm"] == pytest.approx(0.9)
    assert figures["recipe_over_reinforce_effect"] == pytest.approx(0.15)
    assert figures["recipe_gradients_over_best_effect"] == pytest.approx(-0.05)
    assert figures["recipe_weights"] == "one 0.75, other 0.25"
    assert figures["default_recipe_iqm"] == pytest.approx(0.95)
    assert figures["recipe_over_best_effect"] == pytest.approx(0.05)
    assert figures["certificate_coverage"] == pytest.approx(0.9)


SMALL = OfflineSettings(tasks=("branin",), seeds=2, pool=60, designs=4, width=8, epochs=2, batch=16)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return bench_module.TaskBench("branin", SMALL, tmp_path_factory.mktemp("offline"))


@pytest.mark.slow
def test_the_recipe_is_chosen_without_truth_and_hidden_part(bench, monkeypatch):
    learnt, kept = default.held_out(_first(bench.data), 0)
    assert len(learnt.x) + len(kept.x) == len(bench.sets[0].x)
    assert not {tuple(r) for r in np.asarray(learnt.x)} & {tuple(r) for r in np.asarray(kept.x)}
    with monkeypatch.context() as blind:
        blind.delattr(tasks.ProblemTask, "true_score")
        blind.setattr(bench, "sets", None)
        errors = default.held_out_errors(bench)
    assert set(errors) == {"matern", "rbf", "ensemble"}
    assert all(len(values) == 2 and np.all(np.asarray(values) > 0) for values in errors.values())
    # A process of branin errs little; a perceptron of two epochs predicts next to nothing.
    assert max(errors["matern"]) < 0.7 < min(errors["ensemble"])
    assert len(bench.data.x[0]) == len(bench.sets[0].x)  # the bench itself still has all
    cell = default.recipe_cell(bench)
    assert cell["weights"]["matern"][0] > 3.0 * cell["weights"]["ensemble"][0]
    for name in (default.RECIPE, default.TAUGHT):
        assert len(cell["methods"][name]["p50"]) == 2
    # Who learns from true gradients knows the gradient better.
    cosine = {name: np.mean(found["gradient_cosine"]) for name, found in cell["methods"].items()}
    assert cosine[default.TAUGHT] > cosine[default.RECIPE]


def test_weights_fall_with_the_error():
    weights = default.weights_of({"good": [0.1, 0.5], "poor": [0.2, 0.5]})
    np.testing.assert_allclose(weights, [[16 / 17, 1 / 17], [0.5, 0.5]])


@pytest.mark.slow
def test_a_longer_path_is_another_search_and_coms_are_trained_for_it(bench):
    longer = bench.reaching(0.5)
    short, long = bench.plain_methods(), longer.plain_methods()
    assert set(short) == set(long) == set(report.METHODS)
    for method in ("ascent", "coms", "ram"):
        assert np.mean(long[method]["travelled"]) > 1.2 * np.mean(short[method]["travelled"])
    assert longer._plain("mse", None, 3) is bench._plain("mse", None, 3)
    assert longer._cache["coms"] is not bench._cache["coms"]


@pytest.mark.slow
def test_the_certificate_is_calibrated_on_what_the_model_has_not_seen(bench):
    learnt, kept = certificate._halves(_first(bench.data), 0)
    rows = {tuple(row) for row in np.asarray(learnt.x)} & {tuple(row) for row in np.asarray(kept.x)}
    assert not rows
    cell = certificate.certificate_cell(bench)
    for name in ("coverage", "unweighted_coverage", "informative"):
        assert len(cell[name]) == 2
        assert all(0.0 <= value <= 1.0 for value in cell[name])


def _first(data):
    return jax.tree.map(lambda leaf: leaf[0], data)


def _write_run(directory, cells, settings):
    """A directory as `diffsim run offline_comparison` leaves it."""
    store.claim(directory, request_of(find("offline_comparison"), settings))
    for task, of_task in cells.items():
        for name, cell in of_task.items():
            if name != "best_offline":
                (directory / f"{task}-{name}.json").write_text(json.dumps(cell))


def test_compare_makes_the_page_from_files_alone(bench, monkeypatch, capsys):
    settings = OfflineSettings(**(SMALL.model_dump() | {"tasks": ("branin", "levy8")}))
    full = _cells({"ignite": 0.1}, tasks=("branin", "levy8"))
    del full["levy8"]["sam"]
    _write_run(bench.directory, full, settings)
    monkeypatch.setattr(comparison, "TaskBench", None)  # nothing may be computed
    page = bench.directory / "pages" / "page.html"
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", "offline", str(bench.directory), "--json", "-o", str(page)])
    assert not stop.value.code
    figures = json.loads(capsys.readouterr().out)
    assert figures["tasks"] == 1
    assert figures["ignite_effect"] == pytest.approx(0.1, abs=0.02)
    stay = np.mean([s.normalised(s.score).max() for s in bench.sets])
    assert figures["best_offline_iqm"] == pytest.approx(stay)
    text = page.read_text()
    assert text.count("data:image/svg+xml;base64,") == 2
    assert "levy8 is not complete and left out: sam missing." in text
    assert f"{figures['ignite_effect']:+.4f}" in text
    assert f"{figures['recipe_iqm_over_best']:+z.4f}" in text
    assert "-0.0000" not in text  # a zero has no sign
    rows = text[text.index("<section") : text.index('<section id="configuration">')]
    assert "early stop" in rows
    assert "early_stop" not in rows  # words for people, names for the configuration
    assert "http" not in text.replace("http://www.w3.org", "")
    assert {path.name for path in page.parent.iterdir()} == {
        "page.html", "offline_comparison.md", "offline_comparison.png", "offline_levels.png",
    }  # fmt: skip


def test_compare_refuses_what_it_cannot_use(tmp_path, capsys):
    def message(directory):
        with pytest.raises(SystemExit) as stop:
            cli.main(["compare", "offline", str(directory)])
        assert stop.value.code == 2
        return capsys.readouterr().err

    assert "must hold a run that was begun" in message(tmp_path / "none")
    store.claim(tmp_path / "empty", request_of(find("offline_comparison"), SMALL))
    assert "must hold a complete task, but has none: branin lacks plain" in message(
        tmp_path / "empty"
    )
    store.claim(tmp_path / "other", {"study": "fe3_fe2", "configuration": {}})
    assert "must hold a run of offline_comparison, but holds 'fe3_fe2'" in message(
        tmp_path / "other"
    )


def test_settings():
    study = find("offline_comparison")
    assert set(KNOWN) == set(TASKS)
    with pytest.raises(ConfigurationError, match=r"tasks must be some of steady_state.*'brannin'"):
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
    ours = (np.asarray(cells["ram-plain"]["p100"]) + 0.03).tolist()
    cells["default_recipe"] = {"p100": ours, "p50": ours}
    # BO-qEI may have fewer seeds: it is compared on those that it has.
    few = cells["ram-plain"]["p100"][:4]
    cells["bo_qei-plain"] = cells["bo_qei-ignite"] = {"p100": few, "p50": few}
    figures = _figures(cells, "p100")
    assert figures["recipe_over_ram_effect"] == pytest.approx(0.03)
    assert figures["recipe_over_bo_qei_effect"] == pytest.approx(0.03)
    assert figures["recipe_iqm_over_ram_low"] == pytest.approx(0.03)
    assert "recipe_over_enumeration_effect" not in figures  # ours as well
    assert figures["default_recipe_iqm"] > figures["best_published_iqm"]
    assert figures["coms_ignite_effect"] == pytest.approx(0.02, abs=2e-3)
    assert 0 < figures["coms_ignite_low"] < figures["coms_ignite_high"]
    assert figures["coms_ignite_holm_p"] < 0.05
    assert figures["gradient_ascent_chance_placebo_effect"] == 0.0
