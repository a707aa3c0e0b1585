"""The default recipe of offline optimisation: the model that predicts best, by held-out data."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from surrogates import models, training

from ._offline_bench import TaskBench, fit_processes, plain_members, predict_all, search_all
from ._offline_methods import ensemble_of, sampling

RECIPE = "default_recipe"
HELD_OUT = 0.2


def candidates(bench: TaskBench) -> dict[str, Any]:
    """Models stacked by seed: a Gaussian process, the plain ensemble, and both together."""
    process = fit_processes(bench)
    ensemble = ensemble_of(plain_members(bench), models.MeanOf())
    both = eqx.filter_vmap(lambda one, other: models.Committee(one, other))(process, ensemble)
    return {"process": process, "ensemble": ensemble, "committee": both}


def held_out_errors(bench: TaskBench) -> dict[str, list[float]]:
    """By model and seed, the root mean square error on a fifth of the *offline* set, drawn at
    random and kept from the model, over the spread there. Neither the hidden part nor the truth is
    looked at."""
    seeds = range(bench.settings.seeds)
    parts = [held_out(jax.tree.map(lambda leaf, i=i: leaf[i], bench.data), i) for i in seeds]
    x = jnp.stack([kept.x for _, kept in parts])
    truth = np.stack([np.asarray(kept.y[:, 0]) for _, kept in parts])
    found = candidates(bench.trained_on([learnt for learnt, _ in parts]))
    return {
        name: (
            np.sqrt(np.mean((np.asarray(predict_all(model, x)) - truth) ** 2, axis=1))
            / truth.std(axis=1)
        ).tolist()
        for name, model in found.items()
    }


def held_out(
    data: training.TrainingData, seed: int
) -> tuple[training.TrainingData, training.TrainingData]:
    """(what is learnt from, a fifth that is not)."""
    order = jnp.asarray(np.random.default_rng([seed, 9]).permutation(len(data.x)))
    count = max(4, round(HELD_OUT * len(order)))
    return data.at(order[count:]), data.at(order[:count])


def chosen(errors: dict[str, list[float]]) -> list[str]:
    """The model of least error for each seed; the first of those that are equal."""
    names = list(errors)
    best = np.argmin(np.asarray([errors[name] for name in names], float), axis=0)
    return [names[i] for i in best]


def recipe_cell(bench: TaskBench) -> dict[str, Any]:
    """REINFORCE on each seed's choice, learnt from the whole offline set; what chose it beside."""
    errors = held_out_errors(bench)
    names = chosen(errors)
    keys = jax.random.split(jax.random.key(12), len(names))
    finder = sampling(bench.settings)
    found = {
        name: search_all(finder, model, bench.starts, bench.data.x, keys)
        for name, model in candidates(bench).items()
        if name in names
    }
    rows = [jax.tree.map(lambda leaf, i=i: leaf[i], found[n]) for i, n in enumerate(names)]
    taken = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)
    return {"methods": {RECIPE: bench.judged(taken)}, "errors": errors, "chosen": names}
