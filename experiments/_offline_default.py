"""The default recipe of offline optimisation: process and ensemble, weighted by held-out error."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from surrogates import models, search, training

from ._offline_bench import TaskBench, fit_processes, plain_members, predict_all
from ._offline_methods import ascent_steps, ensemble_of

RECIPE, TAUGHT = "default_recipe", "default_recipe_gradients"
HELD_OUT = 0.2
# Settled on functions and on simulators of other truths, seeds from 100 (docs/offline.md).
REACH, POWER, WIDTH = 0.5, 4.0, 1.0


def candidates(bench: TaskBench) -> dict[str, Any]:
    """Models stacked by seed: Gaussian processes of two kernels, and the plain ensemble."""
    return {
        "matern": fit_processes(bench),
        "rbf": fit_processes(bench, models.RBF),
        "ensemble": ensemble_of(plain_members(bench), models.MeanOf()),
    }


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


def weights_of(errors: dict[str, list[float]]) -> np.ndarray:
    """(seed, model): what each counts, as a power of one over its error; the sum is one."""
    powers = np.asarray(list(errors.values()), float).T ** -POWER
    return powers / powers.sum(axis=1, keepdims=True)


def recipe_cell(bench: TaskBench) -> dict[str, Any]:
    """Ascent of the lower bound of each seed's committee; and of that of a process that learns
    from true gradients too."""
    errors = held_out_errors(bench)
    weights = weights_of(errors)
    committee = eqx.filter_vmap(lambda own, *some: models.Committee(*some, weights=own))(
        jnp.asarray(weights), *candidates(bench).values()
    )
    finder = search.Ascent(ascent_steps(bench.settings, bench.task.size, reach=REACH))
    return {
        "methods": {
            RECIPE: bench.judge(_cautious(committee), finder),
            TAUGHT: bench.judge(_cautious(taught_processes(bench)), finder),
        },
        "errors": errors,
        "weights": dict(zip(errors, weights.T.tolist(), strict=True)),
    }


def _cautious(stacked):
    """Mean less a deviation, by seed."""
    return eqx.filter_vmap(lambda model: models.LowerBound(model, WIDTH))(stacked)


def taught_processes(bench: TaskBench) -> models.AbstractSurrogate:
    """Processes of values and of true gradients, stacked by seed."""
    data = (np.asarray(leaf) for leaf in (bench.data.x, bench.data.y, bench.data.gradients))
    fitted = [
        models.fit_derivative_process(x, y, slopes[:, 0], kernel=models.Matern52)
        for x, y, slopes in zip(*data, strict=True)
    ]
    return models.stack_members(fitted)
