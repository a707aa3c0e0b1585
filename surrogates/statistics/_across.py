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
    scores = np.atleast_2d(np.asarray(scores, float))
    if not np.all(np.isfinite(scores)):
        raise ValueError("scores must be finite, but are not throughout.")
    random = np.random.default_rng(seed)
    tasks, seeds = scores.shape
    rows = np.arange(tasks)[:, None]
    drawn = scores[rows, random.integers(0, seeds, (resamples, tasks, seeds))]
    drawn = stats.trim_mean(drawn.reshape(resamples, -1), 0.25, axis=1)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(_iqm(scores), float(low), float(high))


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
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(difference.mean()), float(low), float(high))


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
