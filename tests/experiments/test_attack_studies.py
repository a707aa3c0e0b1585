"""Studies of attacks: gaps, verdicts by rule, extras asked for before anything is computed."""

import importlib.util

import numpy as np
import pytest

from experiments import _attack_cells as shared
from experiments._study import require_extra
from experiments.studies.attacks_sharpness import _verdict as sharpness_verdict
from experiments.studies.attacks_simulator import AttacksSimulator, _table


def _cell(end, start=1.0, count=100, feasible_from=0):
    """A run whose feasible best falls geometrically from `start` to `end`."""
    best = np.geomspace(start, end, count).tolist()
    best[:feasible_from] = [None] * feasible_from
    return {"best": best, "units": list(range(2, 2 * count + 2, 2)), "violation": 0.0,
            "evaluations": count}  # fmt: skip


def _row(**ends):
    others = {"cdsm": 0.3, "hybrid": 0.1, "hybrid_plain": 0.2, "surrogate_plain": 0.1}
    return {name: _cell(end) for name, end in (others | ends).items()}


def test_the_gap_is_relative_to_the_best_known_and_to_the_start():
    row = {"a": _cell(0.1), "b": _cell(0.5)}
    assert shared.gaps(row, 100) == {"a": 0.0, "b": pytest.approx(0.4 / 0.9)}
    assert shared.gaps(row, 1) == {"a": 1.0, "b": 1.0}
    # Twenty units pay for ten evaluations.
    assert shared.gaps(row, 21, "units")["b"] == shared.gaps(row, 10)["b"]


def test_no_feasible_point_is_no_progress():
    row = {"a": _cell(0.1), "late": _cell(0.2, feasible_from=50)}
    assert shared.gaps(row, 40)["late"] == 1.0
    assert shared.gaps(row, 100)["late"] < 0.2


def test_the_verdict_is_against_every_rival_where_both_ran():
    rows = [_row(surrogate=0.05 + 0.001 * i, slsqp_gradient=0.01) for i in range(8)]
    found = _table("p", rows, 100)
    assert found["p_surrogate_best"] == "yes"  # gradients of the simulator do not compete
    assert found["p_best_rival_100"] == "hybrid"
    assert found["p_hybrid_over_cdsm_100"] == pytest.approx(0.09 / 0.29, rel=0.02)
    # A rival that ran on three problems only and was better there decides.
    for row in rows[:3]:
        row["scbo"] = _cell(0.02)
    assert _table("p", rows, 100)["p_surrogate_best"] == "no"


def test_a_worse_median_is_no_win():
    rows = [_row(surrogate=0.2 if i % 3 else 0.05) for i in range(9)]
    assert _table("p", rows, 100)["p_surrogate_best"] == "no"


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.5, "helps"), (0.6, "hurts"), (1.0, "no difference shown")]
)
def test_sharpness_is_judged_by_the_paired_interval(factor, verdict):
    random = np.random.default_rng(0)
    plain = {"success_radius": random.uniform(0.05, 0.2, 20)}
    noise = np.exp(0.1 * random.normal(size=20))
    own = {"success_radius": factor * plain["success_radius"] * noise}
    plain["exploitation_gap"] = random.uniform(0.1, 0.3, 20)
    own["exploitation_gap"] = plain["exploitation_gap"] + 1.0 - factor
    found = sharpness_verdict("sam", own, plain)
    assert found["sam_verdict"] == verdict
    assert found["sam_gap_verdict"] == verdict
    assert found["sam_radius_over_plain"] == pytest.approx(factor, rel=0.1)


def test_a_missing_extra_is_said_before_the_work(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"botorch .*diffsim\[bo\].*bayesian=0"):
        AttacksSimulator().run(AttacksSimulator.configuration(), tmp_path)
    with pytest.raises(ValueError, match="sklearn is needed"):
        require_extra("sklearn", "digits", "digits=0")
    assert not list(tmp_path.iterdir())
