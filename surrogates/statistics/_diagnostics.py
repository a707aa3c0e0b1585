"""How good a surrogate is where the search goes."""

import numpy as np
from jaxtyping import Float
from scipy import stats


def over_optimism(predicted: Float[np.ndarray, " k"], true: Float[np.ndarray, " k"]) -> float:
    """Mean of prediction minus truth over returned designs whose simulation did not fail."""
    fine = np.isfinite(true)
    return float(np.mean(predicted[fine] - true[fine])) if fine.any() else float("nan")


def rank_correlation(predicted: Float[np.ndarray, " k"], true: Float[np.ndarray, " k"]) -> float:
    """Spearman's correlation; 0 where one side is constant."""
    if np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return 0.0
    return float(stats.spearmanr(predicted, true)[0])  # pyright: ignore


def gradient_cosine(found: Float[np.ndarray, "k d"], true: Float[np.ndarray, "k d"]) -> float:
    """Mean cosine between gradients, where neither vanishes."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(true, axis=1)
    fine = np.isfinite(lengths) & (lengths > 0)
    return float(np.mean(np.sum(found[fine] * true[fine], axis=1) / lengths[fine]))


def stability(curve: Float[np.ndarray, " n"], best_offline: float) -> tuple[float, float, float]:
    """(SI, OI, SO) of the true score along a search, on a scale where scores are positive.

    SI is the area under the curve over that under its running maximum, OI over that of the best
    offline score, SO their harmonic mean. SOO-Bench, ICLR 2025.

    **Raises:** `ValueError` if a score is not positive.
    """
    curve = np.asarray(curve, float)
    if not (np.all(curve > 0) and best_offline > 0):
        raise ValueError("stability needs positive scores, but some are not: normalise them.")
    area = np.trapezoid(curve)
    steady = float(area / np.trapezoid(np.maximum.accumulate(curve)))
    better = float(area / (best_offline * (curve.size - 1)))
    return steady, better, 2.0 * steady * better / (steady + better)
