"""Conformal lower bounds on designs of a search, checked against the truth."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from surrogates import statistics, training

from ._offline_bench import TaskBench, fit_processes, predict_all, search_all
from ._offline_methods import sampling

CONFIDENCE = 0.9


def certificate_cell(bench: TaskBench) -> dict[str, Any]:
    """A Gaussian process of one half of the offline set, REINFORCE on it, and bounds calibrated on
    the other half: with weights for the shift, and without."""
    seeds = range(bench.settings.seeds)
    halves = [_halves(jax.tree.map(lambda leaf, i=i: leaf[i], bench.data), i) for i in seeds]
    other = bench.trained_on([learnt for learnt, _ in halves])
    kept = jnp.stack([kept.x for _, kept in halves])
    process, count = fit_processes(other), bench.starts.shape[1]
    keys = jax.random.split(jax.random.key(13), len(halves))
    starts = jnp.stack([low.x[jnp.argsort(-low.y[:, 0])[:count]] for low, _ in halves])
    found = search_all(sampling(bench.settings), process, starts, other.data.x, keys)
    predicted = np.asarray(predict_all(process, kept))
    over = predicted - np.stack([np.asarray(kept.y[:, 0]) for _, kept in halves])
    x = np.asarray(found.x)
    truth = bench.task.true_score(x.reshape(-1, x.shape[2])).reshape(x.shape[:2])
    rows = [
        _checked(np.asarray(found.predicted[i]), over[i], np.asarray(kept[i]), x[i], truth[i])
        for i in seeds
    ]
    return {"methods": {}} | {name: [row[name] for row in rows] for name in rows[0]}


def _halves(data: training.TrainingData, seed: int):
    order = np.random.default_rng([seed, 5]).permutation(len(data.x))
    half = len(order) // 2
    return data.at(jnp.asarray(order[:half])), data.at(jnp.asarray(order[half : 2 * half]))


def _checked(predicted, over, known, x, truth) -> dict[str, float]:
    """Coverage of one seed's designs, and how many have a bound at all."""
    first, second = statistics.density_ratio(known, x)
    ones = np.ones(len(known)), np.ones(len(x))
    weighted, plain = (
        statistics.conformal_lower_bounds(predicted, over, *ratio, confidence=CONFIDENCE)
        for ratio in ((first, second), ones)
    )
    return {
        "coverage": weighted.coverage(truth),
        "unweighted_coverage": plain.coverage(truth),
        "informative": weighted.informative,
        "effective": float(weighted.effective[0]),
    }
