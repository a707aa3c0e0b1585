"""The default recipe of offline optimisation: several models and searches, chosen by a backtest."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from surrogates import models, search

from ._offline_bench import (
    TaskBench,
    fit_processes,
    plain_members,
    predict_all,
    search_all,
    split,
)
from ._offline_methods import ascent_steps, ensemble_of, sampling

RECIPE = "default_recipe"


def committee(process: Any, ensemble: Any):
    """Process and ensemble of each seed as one model."""
    return eqx.filter_vmap(lambda one, other: models.Committee(one, other))(process, ensemble)


def candidates(settings: Any, size: int, process: Any, ensemble: Any) -> dict[str, tuple]:
    """(model, search) by name: a Gaussian process, an ensemble and both together, each climbed
    from every offline design and searched by REINFORCE."""
    both = committee(process, ensemble)
    finders = {
        "multistart": search.Multistart(ascent_steps(settings, size)),
        "reinforce": sampling(settings),
    }
    known = {"process": process, "ensemble": ensemble, "committee": both}
    return {f"{m}_{f}": (model, finder) for m, model in known.items() for f, finder in
            finders.items()}  # fmt: skip


def found_by(bench: TaskBench) -> dict[str, search.Designs]:
    """What each candidate returns, stacked by seed."""
    ensemble = ensemble_of(plain_members(bench), models.MeanOf())
    known = candidates(bench.settings, bench.task.size, fit_processes(bench), ensemble)
    keys = jax.random.split(jax.random.key(12), bench.settings.seeds)
    return {
        name: search_all(finder, model, bench.starts, bench.data.x, keys)
        for name, (model, finder) in known.items()
    }


def backtest(bench: TaskBench) -> dict[str, list[float]]:
    """By candidate and seed, how good its designs would have been without the best of the data.

    The best fifth of the *offline* set is kept from the models, which then are searched from the
    best of the rest; what is found is scored by process and ensemble of the whole offline set
    together, on its z-scored scale, and the median is taken. Neither the hidden part nor the truth
    is looked at.
    """
    judge = committee(fit_processes(bench), ensemble_of(plain_members(bench), models.MeanOf()))
    seeds, count = range(bench.settings.seeds), bench.starts.shape[1]
    lower = [split(jax.tree.map(lambda leaf, i=i: leaf[i], bench.data))[0] for i in seeds]
    other = bench.trained_on(lower)
    other.starts = jnp.stack([low.x[jnp.argsort(-low.y[:, 0])[:count]] for low in lower])
    scores = {}
    for name, found in found_by(other).items():
        worth = np.asarray(predict_all(judge, found.x))
        level, scale = (np.asarray(v)[:, 0] for v in (bench.scales.y_shift, bench.scales.y_scale))
        scores[name] = ((np.median(worth, axis=1) - level) / scale).tolist()
    return scores


def chosen(criterion: dict[str, list[float]]) -> list[str]:
    """The best candidate of each seed; the first of those that are equal."""
    names = list(criterion)
    best = np.argmax(np.asarray([criterion[name] for name in names], float), axis=0)
    return [names[i] for i in best]


def recipe_cell(bench: TaskBench) -> dict[str, Any]:
    """The designs of each seed's choice, judged; what chose them stands beside it."""
    criterion = backtest(bench)
    names, found = chosen(criterion), found_by(bench)
    rows = [jax.tree.map(lambda leaf, i=i: leaf[i], found[n]) for i, n in enumerate(names)]
    taken = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)
    judged = bench.judged(taken)
    return {"methods": {RECIPE: judged}, "criterion": criterion, "chosen": names}
