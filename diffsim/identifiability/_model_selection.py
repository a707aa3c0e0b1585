"""Which of several fitted models the data prefer, and by how much."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .._problem import Problem
from ..optimise._run import Run
from ._fit import Fit, fit_of
from ._noise import autocorrelation_time


@dataclass(frozen=True)
class ModelScore:
    """How well one model does on data that several models were fitted to.

    Lower is better for `aic` and `bic`, higher for `log_evidence`; only differences between
    models of the same data mean anything.

    **Fields:** `name`; `parameters` that were fitted (the noise not counted); `rms` of the scaled
    residuals; `log_likelihood` at its maximum; `aic` (corrected for few data), `bic`,
    `log_evidence` and `probability`, the posterior one if all models were equally likely before.
    """

    name: str
    parameters: int
    rms: float
    log_likelihood: float
    aic: float
    bic: float
    log_evidence: float
    probability: float


def compare_models(
    fits: Mapping[str, tuple[Problem, Run]], *, independent: float | int | None = None
) -> tuple[ModelScore, ...]:
    """Scores of fitted models of the same data, the most probable first.

    The noise is Gaussian, its size unknown and fitted. Neighbouring residuals of a model that is
    not quite right are no independent witnesses: with N residuals that stand for n independent
    ones the log likelihood is n/N of its sum.

        ln L = −n/2 (1 + ln 2πσ²),   σ² = RSS/N
        AIC = 2p − 2 ln L + 2p(p+1)/(n−p−1),   BIC = p ln n − 2 ln L
        ln Z = ln L + Σᵢ min(0, ½ ln 2π/λᵢ)

    p counts σ. λᵢ are the eigenvalues of JᵀJ n/(Nσ²) in the unit cube, over which the prior is flat
    on the scale of each variable: Laplace's approximation, in which no direction counts for
    more than the whole cube. What all models share (the prior of σ) is left out.

    **Arguments:**

    - `fits`: problem and run by the name of the model; all of the same data and scale.
    - `independent`: n; by default N over the autocorrelation time of the residuals of the model
      that fits best.

    **Raises:** `ValueError` for no model, or models of different numbers of data.

    Sources: K. P. Burnham, D. R. Anderson, Model Selection and Multimodel Inference, 2nd ed.
    (2002); D. J. C. MacKay, Neural Comput. 4 (1992) 415.
    """
    return scores_of({name: fit_of(*pair) for name, pair in fits.items()}, independent)


def scores_of(
    made: Mapping[str, Fit], independent: float | int | None = None
) -> tuple[ModelScore, ...]:
    """`compare_models` of fits that are at hand."""
    sizes = {name: fit.residuals.size for name, fit in made.items()}
    if len(set(sizes.values())) != 1:
        raise ValueError(f"models must be of the same data, but have residuals: {sizes}.")
    best = min(made.values(), key=lambda fit: fit.sum_of_squares)
    if independent is None:
        independent = best.residuals.size / autocorrelation_time(best.residuals, best.group)
    scores = [_score(name, fit, float(independent)) for name, fit in made.items()]
    evidence = np.array([score.log_evidence for score in scores])
    weight = np.exp(evidence - evidence.max())
    ranked = [
        ModelScore(**{**vars(score), "probability": float(w / weight.sum())})
        for score, w in zip(scores, weight, strict=True)
    ]
    return tuple(sorted(ranked, key=lambda score: -score.log_evidence))


def _score(name: str, fit: Fit, n: float) -> ModelScore:
    size, d = fit.residuals.size, len(fit.names)
    variance = fit.sum_of_squares / size
    likelihood = -0.5 * n * (1.0 + np.log(2 * np.pi * variance))
    p = d + 1
    few = 2 * p * (p + 1) / (n - p - 1) if n > p + 1 else np.inf
    return ModelScore(
        name,
        d,
        float(np.sqrt(variance)),
        float(likelihood),
        float(2 * p - 2 * likelihood + few),
        float(p * np.log(n) - 2 * likelihood),
        float(likelihood + _log_volume(fit.jacobian * np.sqrt(n / (size * variance)))),
        np.nan,
    )


def _log_volume(jacobian: Float[np.ndarray, "p d"]) -> float:
    """Logarithm of the part of the unit cube that the posterior fills."""
    singular = np.linalg.svd(jacobian, compute_uv=False)
    with np.errstate(divide="ignore"):
        widths = 0.5 * np.log(2 * np.pi) - np.log(singular)
    return float(np.sum(np.minimum(widths, 0.0)))
