"""The computations of `offline_comparison`: a cell for each task and arm, all seeds at once."""

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from surrogates import models, offline, search, statistics, tasks, training

from ._store import write_text

RADIUS = 0.05
_PLACEBO = 1000  # added to the seed of training

TASKS: dict[str, Callable[[int], tasks.ProblemTask]] = {
    "branin": lambda pool: tasks.analytic_task("branin", pool=pool, gradients=True),
    "hartmann6": lambda pool: tasks.analytic_task("hartmann6", pool=pool, gradients=True),
    "levy8": lambda pool: tasks.wide_analytic_task("levy", 8, pool=pool, gradients=True),
    "styblinski_tang8": lambda pool: tasks.wide_analytic_task(
        "styblinski_tang", 8, pool=pool, gradients=True
    ),
    "steady_state": lambda pool: tasks.steady_state_recovery(pool=pool, gradients=True),
    "steady_state_biased": lambda pool: tasks.biased_steady_state_recovery(gradients=True),
    "voltammetric_recovery": lambda pool: tasks.voltammetric_recovery(pool=pool, gradients=True),
    "sweep_design": lambda pool: tasks.sweep_design(pool=pool, gradients=True),
}

METHODS: dict[str, search.AbstractSearch] = {
    "ascent": search.Ascent(search.NormalisedAscent(length=0.01, steps=50)),
    "ensemble_mean": search.Ascent(search.NormalisedAscent(length=0.01, steps=50)),
    "ensemble_min": search.Ascent(search.NormalisedAscent(length=0.01, steps=50)),
    "reinforce": search.Sampling(search.Reinforce(0.002, 0.05, members=64, steps=100)),
    "coms": search.Ascent(search.NormalisedAscent(length=0.01, steps=50)),
    "ram": search.Ascent(search.NormalisedAscent(length=0.01, steps=50)),
}
# On the plain ensemble only.
GENERATIVE: dict[str, search.AbstractSearch] = {
    "cbas": search.ConditioningSearch(members=200, rounds=15),
    "mins": search.InverseSearch(steps=200, batch=64, draws=1024),
}
# Among these the default recipe chooses; REINFORCE has the ensemble's model.
CANDIDATES = ("ascent", "ensemble_mean", "ensemble_min", "coms", "ram", "gp_ascent")
HELD_OUT = 0.2
ARMS = ("plain", "ignite", "ignite2", "sam", "weight_decay", "placebo", "early_stop", "sobolev")
_EARLY = search.Ascent(search.NormalisedAscent(length=0.01, steps=12))
_EARLY_SAMPLING = search.Sampling(search.Reinforce(0.002, 0.05, members=64, steps=25))


class TaskBench:
    """One task with the offline sets of all seeds, stacked."""

    def __init__(self, name: str, settings: Any, directory: Path):
        self.name, self.settings, self.directory = name, settings, directory
        self.task = TASKS[name](settings.pool).settled()
        self.sets = [self._dataset(seed) for seed in range(settings.seeds)]
        rows = min(len(s.x) for s in self.sets)  # failures differ from seed to seed
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

    def _dataset(self, seed: int) -> offline.OfflineDataset:
        path = self.directory / f"{self.name}-{seed:03d}.nc"
        if not path.exists():
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
            return models.MLP(scale, width=self.settings.width, key=key)

        stacked = eqx.filter_vmap(make)(scales, self._keys(placebo, members))
        trainer, axes = _trainer(arm, loss, self.settings, self._bounds(plain, members))
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

    def _bounds(self, plain, members: int):
        """The bound of each model, from the plain model of its seed."""
        if plain is None:
            return None

        def bound(model, x):
            return training.relative_bound(model, x, RADIUS)

        first = jax.tree.map(lambda leaf: leaf[:, 0] if eqx.is_array(leaf) else leaf, plain)
        return jnp.repeat(eqx.filter_vmap(bound)(first, self.data.x), members)

    # --- cells ----------------------------------------------------------------------------

    def cell(self, arm: str) -> dict[str, Any]:
        """Every method of one arm; from its file if it is there."""
        path = self.directory / f"{self.name}-{arm}.json"
        if path.exists():
            return json.loads(path.read_text())
        began = time.process_time()
        found: dict[str, Any] = {"methods": {}}
        for family, loss, members in _families(self.settings, arm):
            trained = self._trained(arm, family, loss, members)
            for method, model, finder in _uses(family, trained, arm):
                found["methods"][method] = self._judge(model, finder)
        found["cpu_s"] = time.process_time() - began
        write_text(path, json.dumps(found))
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

    def _judge(self, stacked, finder: search.AbstractSearch) -> dict[str, Any]:
        keys = jax.random.split(jax.random.key(11), self.settings.seeds)
        found = _search_all(finder, stacked, self.starts, self.data.x, keys)
        ranks, cosines = _diagnose(stacked, self.sets, self.task)
        judged: dict[str, list[float]] = {
            n: [] for n in ("p100", "p50", "top1", "over_optimism", "failed", "travelled")
        }
        for i, dataset in enumerate(self.sets):
            scores = self.task.true_score(np.asarray(found.x[i]))
            fine, promise = np.isfinite(scores), np.asarray(found.predicted[i])
            # A design whose simulation fails is worth what the worst of the pool is.
            value = dataset.normalised(np.where(fine, scores, dataset.lowest))
            judged["p100"].append(float(value.max()))
            judged["p50"].append(float(np.median(value)))
            judged["top1"].append(float(value[int(np.argmax(promise))]))
            scale = dataset.best - dataset.lowest
            judged["over_optimism"].append(statistics.over_optimism(promise, scores) / scale)
            judged["failed"].append(float(np.mean(~fine)))
            way = np.linalg.norm(found.x[i] - self.starts[i], axis=1)
            judged["travelled"].append(float(way.mean()))
        return judged | {"rank_correlation_hidden": ranks, "gradient_cosine": cosines}


def _first_rows(data: training.TrainingData, dataset, rows: int) -> training.TrainingData:
    """An even choice of `rows` rows that keeps the best."""
    order = np.argsort(-dataset.score, kind="stable")
    index = order[np.linspace(0, len(order) - 1, rows).round().astype(int)]
    return data.at(jnp.asarray(np.sort(index)))


def _families(settings, arm: str) -> list[tuple[str, training.AbstractLoss, int]]:
    """(name, loss, members) of what is trained: the ensemble, COMs' model, RaM's model."""
    if arm == "sobolev":  # uses true gradients: marked so wherever it is shown
        return [("mse", training.Sobolev(), settings.members)]
    conservative = training.Conservative(limit=0.5, step=0.05, steps=settings.coms_steps)
    return [
        ("mse", training.MSE(), settings.members),
        ("coms", conservative, 1),
        ("ram", training.ListNet(), 1),
    ]


def _trainer(arm: str, loss, settings, bounds):
    """The recipe of an arm, and which of its numbers are stacked."""
    regulariser: training.AbstractRegulariser = training.Unregularised()
    chain: training.AbstractChain = training.Adam(settings.learning_rate)
    if arm == "ignite2":
        regulariser = training.SharpnessPenalty(0.1, RADIUS)
    if arm == "placebo":
        regulariser = training.Placebo(training.SharpnessPenalty(0.1, RADIUS))
    if arm == "sam":
        chain = training.SAM(settings.learning_rate, 0.05)
    if arm == "weight_decay":
        chain = training.AdamW(settings.learning_rate, 0.1)
    if arm == "ignite":
        regulariser = training.SharpnessConstraint(
            bound=1.0, radius=RADIUS, rate=settings.dual_rate, initial=0.0, memory=0.9
        )
    trainer = training.Trainer(
        loss, regulariser, chain, epochs=settings.epochs, batch=settings.batch
    )
    if arm != "ignite":
        return trainer, None
    return training.varied(trainer, _bound_of, bounds)


def _bound_of(trainer: Any) -> Any:
    return trainer.regulariser.bound


def _uses(family: str, stacked, arm: str):
    """(method, model stacked by seed, search) for what was trained."""
    first = jax.tree.map(lambda leaf: leaf[:, 0] if eqx.is_array(leaf) else leaf, stacked)
    early = arm == "early_stop"

    def finder(method: str):
        if not early:
            return METHODS[method]
        return _EARLY_SAMPLING if method == "reinforce" else _EARLY

    if family != "mse":
        yield family, first, finder(family)
        return

    def ensemble(how):
        return eqx.filter_vmap(lambda group: models.Ensemble(group, how))(stacked)

    yield "ascent", first, finder("ascent")
    yield "ensemble_mean", ensemble(models.MeanOf()), finder("ensemble_mean")
    yield "ensemble_min", ensemble(models.MinimumOf()), finder("ensemble_min")
    yield "reinforce", ensemble(models.MeanOf()), finder("reinforce")


@eqx.filter_jit
def _search_all(finder, stacked, starts, designs, keys):
    return eqx.filter_vmap(lambda *given: finder(*given))(stacked, starts, designs, keys)


@eqx.filter_jit
def _predict_all(stacked, x):
    return eqx.filter_vmap(lambda model, x: jax.vmap(model)(x)[:, 0])(stacked, x)


@eqx.filter_jit
def _slopes_all(stacked, x):
    def slopes(model, x):
        return jax.vmap(jax.grad(lambda point: model(point)[0]))(x)

    return eqx.filter_vmap(slopes)(stacked, x)


def _diagnose(stacked, sets, task) -> tuple[list[float], list[float]]:
    """Rank correlation on the hidden part, and cosine with the true gradient on offline data."""
    hidden = min(len(s.hidden_x) for s in sets)
    x = jnp.stack([jnp.asarray(s.hidden_x[:hidden]) for s in sets])
    predicted = np.asarray(_predict_all(stacked, x))
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


def _kept(bench: TaskBench, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is computed, with its CPU seconds; from its file if it is there."""
    path = bench.directory / f"{bench.name}-{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    began = time.process_time()
    found = compute()
    found["cpu_s"] = time.process_time() - began
    write_text(path, json.dumps(found))
    return found


def fit_processes(bench: TaskBench) -> models.AbstractSurrogate:
    """A Gaussian process for each seed, stacked."""
    fitted = [
        models.fit_gaussian_process(x, y, steps=60, most=200)
        for x, y in zip(np.asarray(bench.data.x), np.asarray(bench.data.y), strict=True)
    ]
    return models.stack_members(fitted)


def _gp_cell(bench: TaskBench) -> dict[str, Any]:
    """Ascent of a Gaussian process's posterior mean."""
    judged = bench._judge(fit_processes(bench), METHODS["ascent"])
    return {"methods": {"gp_ascent": judged}}


def _generative_cell(bench: TaskBench) -> dict[str, Any]:
    """Searches by distributions of designs, on the plain ensemble."""
    stacked = bench._plain("mse", training.MSE(), bench.settings.members)
    ensemble = eqx.filter_vmap(lambda group: models.Ensemble(group, models.MeanOf()))(stacked)
    return {"methods": {m: bench._judge(ensemble, finder) for m, finder in GENERATIVE.items()}}


def _recipe_cell(bench: TaskBench) -> dict[str, Any]:
    """What chooses the default recipe; without methods of its own."""
    return {"methods": {}, "criterion": ranking_criterion(bench)}


def ranking_criterion(bench: TaskBench) -> dict[str, list[float]]:
    """By method and seed, what offline data alone say of a model: how it ranks the best of them.

    The best `HELD_OUT` of the *offline* set are kept from the models, and are then to be put in
    order (Spearman). Neither the hidden part nor the truth is looked at.
    """
    seeds = range(bench.settings.seeds)
    split = [_split(jax.tree.map(lambda leaf, i=i: leaf[i], bench.data)) for i in seeds]
    other = bench.trained_on([learnt for learnt, _ in split])
    wanted = [best for _, best in split]
    stacked = {"gp_ascent": fit_processes(other)}
    for family, loss, members in _families(bench.settings, "plain"):
        trained = other.train("plain", loss, members, None)
        stacked |= {m: model for m, model, _ in _uses(family, trained, "plain") if m in CANDIDATES}
    x = jnp.stack([best.x for best in wanted])
    return {
        method: [
            statistics.rank_correlation(p, np.asarray(best.y[:, 0]))
            for p, best in zip(np.asarray(_predict_all(model, x)), wanted, strict=True)
        ]
        for method, model in stacked.items()
    }


def _split(data: training.TrainingData) -> tuple[training.TrainingData, training.TrainingData]:
    """(what is learnt from, the best of it)."""
    order = jnp.argsort(-data.y[:, 0])
    count = max(4, round(HELD_OUT * len(order)))
    return data.at(jnp.sort(order[count:])), data.at(order[:count])


EXTRAS: dict[str, Callable[[TaskBench], dict[str, Any]]] = {
    "gp": _gp_cell,
    "generative": _generative_cell,
    "recipe": _recipe_cell,
}


def run_cells(settings: Any, directory: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Cells by task and name: the arms, `EXTRAS`, and "best_offline"."""
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for name in settings.tasks:
        bench = TaskBench(name, settings, directory)
        cells[name] = {arm: bench.cell(arm) for arm in ARMS}
        cells[name] |= {e: _kept(bench, e, lambda c=c, b=bench: c(b)) for e, c in EXTRAS.items()}
        cells[name]["best_offline"] = best_offline(bench.sets, settings.primary)
    return cells


def best_offline(sets: list[offline.OfflineDataset], metric: str) -> dict[str, Any]:
    """The best score that could be seen, as a cell."""
    top = [float(s.normalised(s.score).max()) for s in sets]
    return {"methods": {"stay": {metric: top}}}


def stored_cells(
    settings: Any, directory: Path
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, list[str]]]:
    """(cells of the tasks that are complete, what is missing of the others), from files alone.

    **Raises:** `ValueError` if no task is complete.
    """
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    missing: dict[str, list[str]] = {}
    for task in settings.tasks:
        files = {name: directory / f"{task}-{name}.json" for name in (*ARMS, *EXTRAS)}
        absent = [name for name, path in files.items() if not path.exists()]
        if absent:
            missing[task] = absent
            continue
        cells[task] = {name: json.loads(path.read_text()) for name, path in files.items()}
        paths = [directory / f"{task}-{seed:03d}.nc" for seed in range(settings.seeds)]
        sets = [offline.thaw(path) for path in paths]
        cells[task]["best_offline"] = best_offline(sets, settings.primary)
    if not cells:
        lacking = "; ".join(f"{task} lacks {', '.join(names)}" for task, names in missing.items())
        raise ValueError(f"{directory} must hold a complete task, but has none: {lacking}.")
    return cells, missing
