"""The default recipe against every single method, from cells alone."""

from collections import Counter
from typing import Any

import numpy as np

from surrogates import statistics

from ._offline_default import RECIPE
from ._store import Figures

# Where the plain run of each published method lies: (cell, method).
PUBLISHED = {
    "ascent": "plain", "ensemble_mean": "plain", "ensemble_min": "plain", "reinforce": "plain",
    "coms": "plain", "ram": "plain", "gp_ascent": "gp", "cbas": "generative", "mins": "generative",
}  # fmt: skip
Cells = dict[str, dict[str, dict[str, Any]]]


def method_scores(cells: Cells, method: str, metric: str) -> np.ndarray:
    """(task, seed) of a published method without additions."""
    cell = PUBLISHED[method]
    return np.asarray([cells[task][cell]["methods"][method][metric] for task in cells], float)


def recipe_scores(cells: Cells, metric: str) -> np.ndarray:
    """(task, seed) of the designs that the recipe returns."""
    return np.asarray([cells[t]["recipe"]["methods"][RECIPE][metric] for t in cells], float)


def levels(cells: Cells, metric: str) -> dict[str, statistics.Interval]:
    """Interquartile mean of every published method and of the recipe."""
    found = {m: method_scores(cells, m, metric) for m in PUBLISHED}
    found[RECIPE] = recipe_scores(cells, metric)
    return {name: statistics.interquartile_mean(scores) for name, scores in found.items()}


def recipe_figures(cells: Cells, metric: str) -> Figures:
    """The recipe over every published method; "best" is the one that is best *in hindsight*."""
    level = levels(cells, metric)
    best = max(PUBLISHED, key=lambda method: level[method].value)
    recipe = recipe_scores(cells, metric)
    taken = Counter(method for task in cells for method in cells[task]["recipe"]["chosen"])
    figures: Figures = {"best_published": best, "best_published_iqm": level[best].value}
    for method in PUBLISHED:
        over = statistics.hierarchical_effect(recipe, method_scores(cells, method, metric))
        for name in ("best", method) if method == best else (method,):
            figures |= {
                f"recipe_over_{name}_effect": over.value,
                f"recipe_over_{name}_low": over.low,
                f"recipe_over_{name}_high": over.high,
            }
    taken_text = ", ".join(f"{name} {count}" for name, count in taken.most_common())
    return figures | {"recipe_taken": taken_text}
