"""Lower bounds on what returned designs are truly worth, by weighted split-conformal prediction."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

# Of the squares of the classifier's coefficients: keeps separable sets finite.
_RIDGE = 1e-2


@dataclass(frozen=True)
class Certificate:
    """Lower bounds (k,), -inf where the calibration designs say nothing of a design.

    `effective` (k,): as how many calibration designs the weights count, (Σw)²/Σw².
    """

    bound: Float[np.ndarray, " k"]
    effective: Float[np.ndarray, " k"]

    def coverage(self, true: Float[np.ndarray, " k"]) -> float:
        """Share of the designs that are worth at least their bound; a failed one is worth less."""
        return float(np.mean(np.nan_to_num(true, nan=-np.inf) >= self.bound))

    @property
    def informative(self) -> float:
        """Share of the designs whose bound is finite."""
        return float(np.mean(np.isfinite(self.bound)))


def conformal_lower_bounds(
    predicted: Float[np.ndarray, "..."],
    over_predicted: Float[np.ndarray, "..."],
    known_ratio: Float[np.ndarray, "..."],
    ratio: Float[np.ndarray, "..."],
    *,
    confidence: float = 0.9,
) -> Certificate:
    """Bounds that designs drawn from the shifted density exceed with the given confidence.

    L(x) = g(x) - Q(x), with Q(x) the `confidence` quantile of Σ pᵢ δ(sᵢ) + p(x) δ(∞), where
    sᵢ = g(xᵢ) - yᵢ on calibration designs that the model has not seen, and p are the density ratios
    w = q/p₀ of candidates to calibration designs, normalised to sum 1 with that of x. With exact
    ratios the coverage is at least `confidence` whatever the model (R. Tibshirani, R. Foygel
    Barber, E. Candès, A. Ramdas, NeurIPS 2019, 1904.06019, corollary 1); with `density_ratio`'s it
    is not guaranteed, and where candidates leave the support of the calibration designs no ratio
    exists.

    **Arguments:** `predicted` at the candidates; `over_predicted` sᵢ; `known_ratio`, `ratio`: w at
    calibration designs and candidates (all ones: no shift, the usual split-conformal bound).

    **Raises:** `ValueError` for empty, negative or mismatched arrays, or a confidence that is not
    in (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), but is {confidence:g}.")
    if over_predicted.size == 0 or over_predicted.shape != known_ratio.shape:
        raise ValueError(
            "over_predicted and known_ratio must have the same positive size, but have "
            f"{over_predicted.size} and {known_ratio.size}."
        )
    if predicted.shape != ratio.shape:
        raise ValueError(
            f"predicted and ratio must have the same size, but have {predicted.size} and "
            f"{ratio.size}."
        )
    for name, values in (("known_ratio", known_ratio), ("ratio", ratio)):
        if not (np.all(np.isfinite(values)) and np.all(values >= 0)):
            raise ValueError(f"{name} must be finite and at least 0, but is not throughout.")
    order = np.argsort(over_predicted, kind="stable")
    scores, weights = over_predicted[order], known_ratio[order]
    below, whole = np.cumsum(weights), weights.sum()
    # The first score below which lies enough of the weight; none if the design's own is needed.
    index = np.searchsorted(below, confidence * (whole + ratio) * (1.0 - 1e-12))
    quantile = np.append(scores, np.inf)[index]
    effective = np.full(predicted.shape, whole**2 / max(np.sum(weights**2), 1e-300))
    return Certificate(predicted - quantile, effective)


def density_ratio(
    known: Float[np.ndarray, "..."], candidates: Float[np.ndarray, "..."], *, steps: int = 50
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " k"]]:
    """w = q/p₀ at known designs and at candidates, up to a common factor.

    By a logistic classifier between the two sets with linear and square terms of the z-scored
    variables (S. Bickel, M. Brückner, T. Scheffer, J. Mach. Learn. Res. 10 (2009) 2137), which is
    exact for two normal distributions with diagonal covariances; ridge 0.01, Newton's method.

    **Raises:** `ValueError` for sets that are empty or of different numbers of variables.
    """
    if len(known) == 0 or len(candidates) == 0 or known.shape[1] != candidates.shape[1]:
        raise ValueError(
            "known and candidates must be designs of the same variables, but have shapes "
            f"{known.shape} and {candidates.shape}."
        )
    shift, spread = known.mean(axis=0), known.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    features = [_terms((x - shift) / scale) for x in (known, candidates)]
    rows = np.concatenate(features)
    target = np.repeat([0.0, 1.0], [len(known), len(candidates)])
    # Both sets count the same, however many designs they have.
    share = np.repeat([0.5 / len(known), 0.5 / len(candidates)], [len(known), len(candidates)])
    ridge = _RIDGE * np.eye(rows.shape[1]) / len(rows)
    ridge[0, 0] = 0.0
    slope = np.zeros(rows.shape[1])
    for _ in range(steps):
        chance = _chance(rows @ slope)
        gradient = rows.T @ (share * (chance - target)) + ridge @ slope
        curvature = (rows * (share * chance * (1 - chance))[:, None]).T @ rows + ridge
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(slope)), gradient)
        slope -= step * min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    first, second = (np.exp(np.clip(f @ slope, -50.0, 50.0)) for f in features)
    return first, second


def _terms(z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n t"]:
    return np.concatenate([np.ones((len(z), 1)), z, z**2], axis=1)


def _chance(logit: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return 1.0 / (1.0 + np.exp(-np.clip(logit, -50.0, 50.0)))
