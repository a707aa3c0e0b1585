"""Comparison across tasks."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """An estimate and its bootstrap interval."""

    value: float
    low: float
    high: float


def _iqm(scores: Float[np.ndarray, "..."]) -> float:
    return float(stats.trim_mean(np.ravel(scores), 0.25))


def interquartile_mean(
    scores: Float[np.ndarray, "t s"],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean of the middle half of all runs, with seeds resampled within tasks.

    R. Agarwal et al., NeurIPS 2021 (2108.13264).

    **Raises:** `ValueError` if a score is not finite.
    """
    scores = _finite(scores)
    drawn = _resampled_iqms(scores, resamples, seed)
    return _interval(_iqm(scores), drawn, confidence)


def interquartile_difference(
    treated: Float[np.ndarray, "..."],
    control: Float[np.ndarray, "..."],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """How much larger the interquartile mean is; the same seeds of both arms are resampled.

    On these tasks: unlike in `hierarchical_effect` they are not resampled themselves.

    **Raises:** `ValueError` for scores that are not finite, or not of one shape.
    """
    treated, control = _finite(treated), _finite(control)
    if treated.shape != control.shape:
        raise ValueError(
            f"treated and control must be paired, but have shapes {treated.shape} and "
            f"{control.shape}."
        )
    drawn = _resampled_iqms(treated, resamples, seed) - _resampled_iqms(control, resamples, seed)
    return _interval(_iqm(treated) - _iqm(control), drawn, confidence)


def _finite(scores) -> Float[np.ndarray, "t s"]:
    scores = np.atleast_2d(np.asarray(scores, float))
    if not np.all(np.isfinite(scores)):
        raise ValueError("scores must be finite, but are not throughout.")
    return scores


def _resampled_iqms(scores: Float[np.ndarray, "t s"], resamples: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    tasks, seeds = scores.shape
    rows = np.arange(tasks)[:, None]
    drawn = scores[rows, random.integers(0, seeds, (resamples, tasks, seeds))]
    return stats.trim_mean(drawn.reshape(resamples, -1), 0.25, axis=1)


def _interval(value: float, drawn: np.ndarray, confidence: float) -> Interval:
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high))


def hierarchical_effect(
    treated: Float[np.ndarray, "t s"],
    control: Float[np.ndarray, "t s"],
    *,
    confidence: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> Interval:
    """Mean paired difference over tasks and seeds; both are resampled, tasks first."""
    difference = np.atleast_2d(np.asarray(treated, float) - np.asarray(control, float))
    random = np.random.default_rng(seed)
    tasks, seeds = difference.shape
    chosen = random.integers(0, tasks, (resamples, tasks, 1))
    drawn = difference[chosen, random.integers(0, seeds, (resamples, tasks, seeds))]
    drawn = drawn.mean(axis=(1, 2))
    return _interval(float(difference.mean()), drawn, confidence)


def probability_of_improvement(
    treated: Float[np.ndarray, "t s"], control: Float[np.ndarray, "t s"]
) -> float:
    """Chance that a run of one arm beats one of the other on the same task, ties half; the mean
    over tasks."""
    treated, control = np.atleast_2d(treated), np.atleast_2d(control)
    wins = [
        np.mean((a[:, None] > b[None]) + 0.5 * (a[:, None] == b[None]))
        for a, b in zip(treated, control, strict=True)
    ]
    return float(np.mean(wins))
