"""One task of `offline_comparison`: a cell for each arm, all seeds at once."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from surrogates import models, offline, search, statistics, training

from ._offline_cells import kept
from ._offline_methods import (
    bounds_of,
    families,
    searches,
    trainer_of,
    uses,
)
from ._offline_tasks import TASKS

_PLACEBO = 1000  # added to the seed of training


class TaskBench:
    """One task with the offline sets of all seeds, stacked."""

    def __init__(self, name: str, settings: Any, directory: Path):
        self.name, self.settings, self.directory = name, settings, directory
        self.task = TASKS[name](settings.pool)
        self.sets = [self._dataset(seed) for seed in range(settings.seeds)]
        # Failures differ from seed to seed, and biased pools are larger.
        rows = min(settings.pool // 2, *(len(s.x) for s in self.sets))
        self._learn_from([_first_rows(s.training_data(), s, rows) for s in self.sets])
        self.starts = jnp.stack([jnp.asarray(s.top(settings.designs)) for s in self.sets])

    def _learn_from(self, data: list[training.TrainingData]) -> None:
        self.data = jax.tree.map(lambda *leaves: jnp.stack(leaves), *data)
        scales = [models.Normalisation.of(d.x, d.y) for d in data]
        self.scales = jax.tree.map(lambda *leaves: jnp.stack(leaves), *scales)
        self._cache: dict[str, models.AbstractSurrogate] = {}

    def trained_on(self, data: list[training.TrainingData]) -> "TaskBench":
        """The same bench, whose models learn from other data: one set for each seed."""
        other = copy.copy(self)
        other._learn_from(data)
        return other

    def reaching(self, reach: float) -> "TaskBench":
        """The same bench, whose searches go another way; COMs are trained for it."""
        other = copy.copy(self)
        other.settings = self.settings.model_copy(update={"reach": reach})
        other._cache = {name: model for name, model in self._cache.items() if name != "coms"}
        return other

    def _dataset(self, seed: int) -> offline.OfflineDataset:
        path = self.directory / f"{self.name}-{seed:03d}.nc"
        if not path.exists():
            self.task = self.task.settled()
            offline.freeze(self.task.dataset(seed), path)
        return offline.thaw(path)

    def _keys(self, salt: int, members: int):
        keys = [jax.random.split(jax.random.key(salt + 17 * i), members)
                for i in range(self.settings.seeds)]  # fmt: skip
        return jnp.stack(keys).reshape(-1)

    def train(self, arm: str, loss, members: int, plain: models.AbstractSurrogate | None):
        """Models stacked (seeds, members)."""
        seeds, placebo = self.settings.seeds, _PLACEBO if arm == "placebo" else 0
        repeat = lambda leaf: jnp.repeat(leaf, members, axis=0)
        scales = jax.tree.map(repeat, self.scales)

        def make(scale, key):
            width = self.settings.width
            return models.MLP(scale, width=width, dtype=jnp.float32, key=key)

        stacked = eqx.filter_vmap(make)(scales, self._keys(placebo, members))
        bounds = None if plain is None else bounds_of(plain, self.data.x, members)
        trainer, axes = trainer_of(arm, loss, self.settings, bounds)
        data = jax.tree.map(repeat, self.data)
        keys = self._keys(placebo + 500_000, members)
        trained = training.fit_many(
            stacked, data, trainer, keys=keys, data_axis=0, trainer_axes=axes
        )
        return jax.tree.map(
            lambda leaf: (
                leaf.reshape(seeds, members, *leaf.shape[1:]) if eqx.is_array(leaf) else leaf
            ),
            trained.model,
        )

    # --- cells ----------------------------------------------------------------------------

    def cell(self, arm: str) -> dict[str, Any]:
        """Every method of one arm; from its file if it is there."""
        return self.kept(arm, lambda: {"methods": self._methods(arm, self._trained)})

    def kept(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A cell of this task, computed if its file is not there."""
        return kept(self.directory / f"{self.name}-{name}.json", compute)

    def plain_methods(self) -> dict[str, dict[str, list[float]]]:
        """The arm "plain" under settings of its own, without a file; models may be shared."""
        return self._methods("plain", lambda arm, *what: self._plain(*what))

    def _methods(self, arm: str, trained: Callable) -> dict[str, dict[str, list[float]]]:
        finders = searches(self.settings, self.task.size, 0.25 if arm == "early_stop" else 1.0)
        found = {}
        for family, loss, members in families(self.settings, arm, self.task.size):
            for method, model in uses(family, trained(arm, family, loss, members)):
                found[method] = self.judge(model, finders[method])
        return found

    def _trained(self, arm: str, family: str, loss, members: int):
        """Early stopping of the search takes the plain models; constraints their sharpness."""
        plain = None
        if arm in ("ignite", "early_stop"):
            plain = self._plain(family, loss, members)
        return plain if arm == "early_stop" else self.train(arm, loss, members, plain)

    def _plain(self, family: str, loss, members: int):
        if family not in self._cache:
            self._cache[family] = self.train("plain", loss, members, None)
        return self._cache[family]

    def judge(self, stacked, finder: search.AbstractSearch) -> dict[str, Any]:
        keys = jax.random.split(jax.random.key(11), self.settings.seeds)
        found = search_all(finder, stacked, self.starts, self.data.x, keys)
        ranks, cosines = _diagnose(stacked, self.sets)
        judged = self.judged(found)
        return judged | {"rank_correlation_hidden": ranks, "gradient_cosine": cosines}

    def judged(self, found: search.Designs) -> dict[str, list[float]]:
        """What the truth says of designs stacked by seed; all seeds are simulated together."""
        x = np.asarray(found.x)
        truth = self.task.true_score(x.reshape(-1, x.shape[2])).reshape(x.shape[:2])
        judged: dict[str, list[float]] = {
            n: [] for n in ("p100", "p50", "top1", "over_optimism", "failed", "travelled", "away")
        }
        for i, (dataset, scores) in enumerate(zip(self.sets, truth, strict=True)):
            fine, promise = np.isfinite(scores), np.asarray(found.predicted[i])
            # A design whose simulation fails is worth what the worst of the pool is.
            value = dataset.normalised(np.where(fine, scores, dataset.lowest))
            judged["p100"].append(float(value.max()))
            judged["p50"].append(float(np.median(value)))
            judged["top1"].append(float(value[int(np.argmax(promise))]))
            scale = dataset.best - dataset.lowest
            judged["over_optimism"].append(statistics.over_optimism(promise, scores) / scale)
            judged["failed"].append(float(np.mean(~fine)))
            way = np.linalg.norm(x[i] - self.starts[i], axis=1)
            judged["travelled"].append(float(way.mean()))
            apart = np.linalg.norm(x[i][:, None] - dataset.x[None], axis=2)
            judged["away"].append(float(apart.min(axis=1).mean()))  # from all that is known
        return judged


def _first_rows(data: training.TrainingData, dataset, rows: int) -> training.TrainingData:
    """An even choice of `rows` rows that keeps the best."""
    order = np.argsort(-dataset.score, kind="stable")
    index = order[np.linspace(0, len(order) - 1, rows).round().astype(int)]
    return data.at(jnp.asarray(np.sort(index)))


@eqx.filter_jit
def search_all(finder, stacked, starts, designs, keys):
    return eqx.filter_vmap(lambda *given: finder(*given))(stacked, starts, designs, keys)


@eqx.filter_jit
def predict_all(stacked, x):
    return eqx.filter_vmap(lambda model, x: jax.vmap(model)(x)[:, 0])(stacked, x)


@eqx.filter_jit
def _slopes_all(stacked, x):
    def slopes(model, x):
        return jax.vmap(jax.grad(lambda point: model(point)[0]))(x)

    return eqx.filter_vmap(slopes)(stacked, x)


def _diagnose(stacked, sets) -> tuple[list[float], list[float]]:
    """Rank correlation on the hidden part, and cosine with the true gradient on offline data."""
    hidden = min(len(s.hidden_x) for s in sets)
    x = jnp.stack([jnp.asarray(s.hidden_x[:hidden]) for s in sets])
    predicted = np.asarray(predict_all(stacked, x))
    ranks = [
        statistics.rank_correlation(p, s.hidden_score[:hidden])
        for p, s in zip(predicted, sets, strict=True)
    ]
    seen = jnp.stack([jnp.asarray(s.x[:64]) for s in sets])
    slopes = np.asarray(_slopes_all(stacked, seen))
    cosines = [
        statistics.gradient_cosine(g, s.gradients[:64]) for g, s in zip(slopes, sets, strict=True)
    ]
    return ranks, cosines


def fit_processes(
    bench: TaskBench, kernel: type[models.AbstractKernel] = models.Matern52
) -> models.AbstractSurrogate:
    """A Gaussian process for each seed, stacked."""
    fitted = [
        models.fit_gaussian_process(x, y, kernel=kernel, steps=60, most=200)
        for x, y in zip(np.asarray(bench.data.x), np.asarray(bench.data.y), strict=True)
    ]
    return models.stack_members(fitted)


def plain_members(bench: TaskBench):
    """The plain ensembles' members, stacked (seeds, members)."""
    return bench._plain("mse", training.MSE(), bench.settings.members)
