"""The default recipe against every single method, from cells alone."""

from typing import Any

import numpy as np

from surrogates import statistics

from ._offline_default import RECIPE, TAUGHT
from ._store import Figures

# Where the plain run of each published method lies: (cell, method).
PUBLISHED = {
    "ascent": "plain", "ensemble_mean": "plain", "ensemble_min": "plain", "reinforce": "plain",
    "coms": "plain", "ram": "plain", "gp_ascent": "gp", "cbas": "generative", "mins": "generative",
}  # fmt: skip
RECIPES = {RECIPE: "recipe", TAUGHT: "recipe_gradients"}
Cells = dict[str, dict[str, dict[str, Any]]]


def method_scores(cells: Cells, method: str, metric: str, cell: str | None = None) -> np.ndarray:
    """(task, seed) of a published method without additions; `cell` "long": on the longer path."""
    where = cell or PUBLISHED[method]
    return np.asarray([cells[task][where]["methods"][method][metric] for task in cells], float)


def recipe_scores(cells: Cells, metric: str, recipe: str = RECIPE) -> np.ndarray:
    """(task, seed) of the designs that a recipe returns."""
    return np.asarray([cells[t]["recipe"]["methods"][recipe][metric] for t in cells], float)


def levels(cells: Cells, metric: str) -> dict[str, statistics.Interval]:
    """Interquartile mean of every published method, on each of its paths, and of the recipes."""
    found = {m: method_scores(cells, m, metric) for m in PUBLISHED}
    found |= {f"{m}_long": method_scores(cells, m, metric, "long") for m in _with_path(cells)}
    found |= {recipe: recipe_scores(cells, metric, recipe) for recipe in RECIPES}
    return {name: statistics.interquartile_mean(scores) for name, scores in found.items()}


def recipe_figures(cells: Cells, metric: str) -> Figures:
    """Each recipe over every published method, which has the path that is better for it *in
    hindsight*, as "best" is the method that is so."""
    level = levels(cells, metric)
    rivals = {}
    for method in PUBLISHED:
        long = f"{method}_long"
        better = long in level and level[long].value > level[method].value
        rivals[method] = long if better else method
    best = max(PUBLISHED, key=lambda method: level[rivals[method]].value)
    figures: Figures = {"best_published": rivals[best]}
    figures["best_published_iqm"] = level[rivals[best]].value
    for recipe, stem in RECIPES.items():
        ours = recipe_scores(cells, metric, recipe)
        for method, rival in rivals.items():
            theirs = method_scores(cells, method, metric, "long" if rival != method else None)
            over = statistics.hierarchical_effect(ours, theirs)
            level_over = statistics.interquartile_difference(ours, theirs)
            for name in ("best", method) if method == best else (method,):
                figures |= {
                    f"{stem}_over_{name}_effect": over.value,
                    f"{stem}_over_{name}_low": over.low,
                    f"{stem}_over_{name}_high": over.high,
                    f"{stem}_iqm_over_{name}": level_over.value,
                    f"{stem}_iqm_over_{name}_low": level_over.low,
                    f"{stem}_iqm_over_{name}_high": level_over.high,
                }
    return figures | {"recipe_weights": _weights(cells)}


def _with_path(cells: Cells) -> list[str]:
    first = next(iter(cells.values()))
    return [method for method in PUBLISHED if method in first["long"]["methods"]]


def _weights(cells: Cells) -> str:
    """The mean weight of each model of the recipe."""
    names = next(iter(cells.values()))["recipe"]["weights"]
    means = {n: np.mean([cells[task]["recipe"]["weights"][n] for task in cells]) for n in names}
    return ", ".join(f"{name} {mean:.2f}" for name, mean in means.items())
