"""The study of designs: what it makes of a rehearsal, and its settings."""

import json

import numpy as np
import pytest

from experiments._registry import configure, find
from experiments._schema import ConfigurationError
from experiments.studies import experiment_design as study


def rehearsal(spread, ratio):
    observed = np.diag(np.array(spread) ** 2)
    return {
        "names": ["k0", "alpha"],
        "ratios": {"k0": ratio, "alpha": 1.0},
        "volume_ratio": ratio**0.5,
        "predicted": (observed * ratio**2).tolist(),
        "observed": observed.tolist(),
        "errors": [[0.0, 0.0]] * 50,
        "failed": 0,
        "bounded": 1,
        "evaluations": 4.0,
    }


def test_figures_of_a_rehearsal():
    made = {"usual": rehearsal([0.4, 0.1], 0.8), "designed": rehearsal([0.1, 0.1], 1.1)}
    figures = study._rehearsal_figures("pair", made)
    assert figures["pair_predicted_over_observed"] == pytest.approx(1.1**0.5)
    assert figures["pair_predicted_over_observed_furthest_usual"] == 0.8
    assert figures["pair_standard_error_ratio_k0_observed"] == pytest.approx(0.25)
    # det falls by 16, and with it the number of repetitions by 16^(1/2).
    assert figures["pair_d_efficiency_usual_observed"] == pytest.approx(0.25)
    assert figures["pair_recoveries_at_bound"] == 1


def test_a_rehearsal_that_is_there_is_not_made_again(tmp_path):
    settings = study.ExperimentDesignSettings(draws=50)
    stored = rehearsal([0.1, 0.1], 1.0) | {"asked": {"x": [0.5], "draws": 50, "seed": 0}}
    path = tmp_path / "rehearsal.json"
    path.write_text(json.dumps(stored))
    # No problem is given that could be simulated.
    assert study._rehearsed(None, np.array([0.5]), settings, path) == stored


def test_settings():
    known = find("experiment_design")
    assert configure(known, {"designs": "[vertices]"}).designs == ("vertices",)
    with pytest.raises(ConfigurationError, match="designs"):
        configure(known, {"designs": "[vertice]"})
    with pytest.raises(ConfigurationError, match="draws"):
        configure(known, {"draws": "1"})
