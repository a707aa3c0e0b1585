"""Scores of models: by hand, against a numerical integral, and for data of a known model."""

import numpy as np
import pytest
from scipy.integrate import quad

from diffsim import DesignSpace, Linear
from diffsim.identifiability._fit import Fit
from diffsim.identifiability._model_selection import scores_of

POINTS = 60
TIME = np.linspace(-1.0, 1.0, POINTS)


def polynomial(data, degree, low=-2.0, high=2.0) -> Fit:
    """The least-squares polynomial, each coefficient in [low, high]."""
    design = np.stack([TIME**k for k in range(degree + 1)], axis=1)
    best = np.linalg.lstsq(design, data, rcond=None)[0]
    space = DesignSpace({f"c{k}": Linear(low, high) for k in range(degree + 1)})
    x = (best - low) / (high - low)
    jacobian = design * (high - low)
    free = np.ones(degree + 1, bool)
    return Fit(space, x, design @ best - data, jacobian, np.zeros(POINTS, int), free)


def line(seed, noise=0.1):
    return 0.3 + 0.8 * TIME + noise * np.random.default_rng(seed).standard_normal(POINTS)


def test_the_criteria_by_hand():
    fit = polynomial(line(0), 1)
    (score,) = scores_of({"line": fit}, independent=POINTS)
    variance = np.mean(fit.residuals**2)
    log_likelihood = np.sum(-0.5 * fit.residuals**2 / variance - 0.5 * np.log(2 * np.pi * variance))
    assert score.log_likelihood == pytest.approx(log_likelihood)
    assert score.aic == pytest.approx(6 - 2 * log_likelihood + 2 * 3 * 4 / (POINTS - 4))
    assert score.bic == pytest.approx(3 * np.log(POINTS) - 2 * log_likelihood)
    assert score.probability == 1.0
    assert score.rms == pytest.approx(np.sqrt(variance))


def test_the_evidence_is_the_integral_over_the_prior():
    """Of a linear model, for the noise that was fitted: Laplace is exact."""
    data = line(1)
    fit = polynomial(data, 0)
    (score,) = scores_of({"constant": fit}, independent=POINTS)
    variance = np.mean(fit.residuals**2)

    def likelihood(x):
        residuals = fit.residuals + fit.jacobian[:, 0] * (x - fit.x[0])
        return np.exp(-0.5 * (np.sum(residuals**2) - fit.sum_of_squares) / variance)

    integral, _ = quad(likelihood, 0, 1, points=[fit.x[0]])
    assert score.log_evidence == pytest.approx(score.log_likelihood + np.log(integral), abs=1e-6)


def test_the_model_that_made_the_data_wins():
    wins = 0
    for seed in range(50):
        data = line(seed)
        scores = scores_of({f"{d}": polynomial(data, d) for d in range(4)}, independent=POINTS)
        assert sum(s.probability for s in scores) == pytest.approx(1.0)
        wins += scores[0].name == "1"
    assert wins >= 47


def test_a_direction_that_nothing_determines_costs_nothing():
    data = line(2)
    fit = polynomial(data, 1)
    blind = Fit(
        DesignSpace({**fit.space.scales, "unseen": Linear(0.0, 1.0)}),
        np.append(fit.x, 0.5),
        fit.residuals,
        np.column_stack([fit.jacobian, np.zeros(POINTS)]),
        fit.group,
        np.ones(3, bool),
    )
    scores = {s.name: s for s in scores_of({"with": blind, "without": fit}, independent=POINTS)}
    assert scores["with"].log_evidence == pytest.approx(scores["without"].log_evidence)
    assert scores["with"].bic > scores["without"].bic


def test_residuals_that_hang_together_are_fewer_witnesses():
    """A sum that is only half as sharp for half as many independent residuals."""
    fit = polynomial(line(3), 1)
    whole = scores_of({"line": fit}, independent=POINTS)[0]
    half = scores_of({"line": fit}, independent=POINTS / 2)[0]
    assert half.log_likelihood == pytest.approx(0.5 * whole.log_likelihood)
    assert half.log_evidence - half.log_likelihood > whole.log_evidence - whole.log_likelihood


def test_models_of_different_data_are_refused():
    short = polynomial(line(0), 1)
    cut = Fit(short.space, short.x, short.residuals[1:], short.jacobian[1:], short.group[1:],
              short.free)  # fmt: skip
    with pytest.raises(ValueError, match=r"same data.*60"):
        scores_of({"one": short, "other": cut})
