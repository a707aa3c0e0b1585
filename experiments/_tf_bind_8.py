"""The computations of the study `tf_bind_8`: a cell for each method and arm, all seeds at once."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import diffsim as ds
from surrogates import models, search, tasks, training

from ._offline_cells import kept
from ._store import write_text

# On the z-scored scale of the designs, in which the published settings are.
PUBLISHED = training.SharpnessConstraint(0.1, 0.05, 1e-3, 1e-3)
PUBLISHED_FIXED = training.SharpnessPenalty(0.01, 0.2)
_SCALE_DESIGNS = 2048
RECIPE = "default_recipe"
# Seeds whose models are trained in one program and stored in one file: what a killed run repeats.
_TOGETHER = 4
_PLAIN = ("plain", training.Unregularised())
# What a cell is made of: the models, made when they are needed, and the search on them.
Recipe = tuple[Callable[[], Any], Any]


class Bench:
    """The task, the seeds, and what was trained so far; every cell is a file."""

    def __init__(self, task: tasks.TFBind8, settings: Any, directory: Path):
        self.task, self.settings, self.directory = task, settings, directory
        dataset = task.dataset()
        self.data = dataset.training_data()
        self.starts = jnp.asarray(dataset.top(settings.designs))
        self.normalisation = models.Normalisation.of(self.data.x, self.data.y)
        self.z_score = float(jnp.mean(self.normalisation.x_scale))
        thinned = np.linspace(0, len(dataset.x) - 1, _SCALE_DESIGNS).astype(int)
        self.offline = self.data.x[thinned]
        self.best_offline = float(dataset.normalised(dataset.score).max())

    # --- training -------------------------------------------------------------------------

    def _make(self, kind: type, activation: str) -> Callable:
        def make(key):
            return kind(
                self.normalisation,
                width=self.settings.width,
                activation=activation,
                dtype=jnp.float32,
                key=key,
            )

        return make

    def _keys(self, members: int, every: int, salt: int):
        """Keys (seeds·members): every arm starts from the same weights and sees the same batches.

        `every` > 1 takes each so-manyth of as many more: the first members of ensembles.
        """
        key = jax.random.fold_in(jax.random.key(self.settings.seed), salt)
        return jax.random.split(key, self.settings.seeds * members * every)[::every]

    def train(
        self,
        name: str,
        loss: training.AbstractLoss,
        regulariser: training.AbstractRegulariser,
        *,
        kind: type = models.MLP,
        activation: str = "leaky_relu",
        members: int = 1,
        every: int = 1,
        batch: int = 128,
        epochs: int,
        salt: int = 0,
    ) -> models.AbstractSurrogate:
        """Models stacked (seeds·members); those of `_TOGETHER` seeds are a file."""
        make = self._make(kind, activation)
        trainer = training.Trainer(
            loss, regulariser, chain=training.Adam(self.settings.learning_rate),
            epochs=epochs, batch=batch,
        )  # fmt: skip
        initial = self._keys(members, every, 2 * salt)
        keys = self._keys(members, every, 2 * salt + 1)
        rows = _TOGETHER * len(keys) // self.settings.seeds
        trained = [
            self._train_some(
                f"{name}-{first // rows * _TOGETHER:03d}",
                models.initialise_members(make, initial[first : first + rows]),
                trainer,
                keys[first : first + rows],
            )
            for first in range(0, len(keys), rows)
        ]
        return jax.tree.map(
            lambda *parts: jnp.concatenate(parts) if eqx.is_array(parts[0]) else parts[0], *trained
        )

    def _train_some(self, name: str, stacked, trainer: training.Trainer, keys):
        """The stacked models trained, from their file if it is there."""
        path = self.directory / f"{name}.weights"
        if path.exists():
            return eqx.tree_deserialise_leaves(path, stacked)
        began = time.process_time()
        trained = training.fit_many(stacked, self.data, trainer, keys=keys)
        jax.block_until_ready(trained.log)
        spent = time.process_time() - began
        last = {n: np.asarray(v)[:, -1].tolist() for n, v in trained.log.items()}
        write_text(self.directory / f"{name}.log.json", json.dumps({"cpu_s": spent} | last))
        beside = path.with_suffix(".partial")
        eqx.tree_serialise_leaves(beside, trained.model)
        beside.rename(path)
        return trained.model

    def grouped(self, stacked: models.AbstractSurrogate, members: int):
        """Stacked (seeds·members) to stacked (seeds, members)."""

        def regroup(leaf):
            if not eqx.is_array(leaf):
                return leaf
            return leaf.reshape(self.settings.seeds, members, *leaf.shape[1:])

        return jax.tree.map(regroup, stacked)

    # --- searches -------------------------------------------------------------------------

    def _rate(self, rate: float) -> float:
        """A rate on the z-scored scale in units of the cube."""
        return rate * self.z_score**2

    def ascent(self, rate: float = 0.01, steps: int = 200) -> search.Ascent:
        return search.Ascent(search.GradientAscent(rate=self._rate(rate), steps=steps))

    def adam(self, rate: float = 0.1, steps: int = 100) -> search.Ascent:
        return search.Ascent(ds.Adam(learning_rate=rate * self.z_score, steps=steps))

    def cell(
        self, name: str, make: Callable[[], Any], finder: Any, *, stacked: bool = True
    ) -> dict[str, Any]:
        """Percentiles of the true scores of what a search returns, a number for each seed."""
        return self._kept(
            name, lambda: self.judged(self._search(make(), finder, self._search_keys(), stacked))
        )

    def one_by_one(
        self, name: str, make: Callable[[], Any], finder: Any, count: int
    ) -> dict[str, Any]:
        """As `cell`, for a search that runs outside JAX: a file for each of `count` seeds."""

        def one(seed: int) -> dict[str, Any]:
            model = models.member_of(make(), seed)
            found = finder(model, self.starts, self.offline, self._search_keys()[seed])
            return self.judged(jax.tree.map(lambda leaf: leaf[None], found))

        cells = [self._kept(f"{name}-{i:03d}", lambda i=i: one(i)) for i in range(count)]
        metrics = [name for name in cells[0] if name != "cpu_s"]
        joined = {name: [value for cell in cells for value in cell[name]] for name in metrics}
        return joined | {"cpu_s": sum(cell["cpu_s"] for cell in cells)}

    def judged(self, found: search.Designs) -> dict[str, Any]:
        """Percentiles of the true scores of designs stacked by seed, and how far they lie."""
        scores = [self.task.true_score(np.asarray(x, float)) for x in found.x]
        return {
            "p100": [float(np.max(s)) for s in scores],
            "p80": [float(np.percentile(s, 80)) for s in scores],
            "p50": [float(np.median(s)) for s in scores],
            "top1": [
                float(s[int(np.argmax(p))])
                for s, p in zip(scores, np.asarray(found.predicted), strict=True)
            ],
            "travelled": [float(np.mean(np.linalg.norm(x - self.starts, axis=1))) for x in found.x],
        }

    def _kept(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return kept(self.directory / f"{name}.json", compute)

    def _search_keys(self):
        return jax.random.split(jax.random.key(self.settings.seed + 7), self.settings.seeds)

    def _search(self, models_, finder, keys, stacked: bool) -> search.Designs:
        if not stacked:
            one = search.propose(finder, models_, self.starts, self.offline, key=keys[0])
            return jax.tree.map(lambda leaf: leaf[None], one)
        return _search_many(finder, models_, self.starts, self.offline, keys)


@eqx.filter_jit
def _search_many(finder, stacked, starts, offline, keys):
    def one(model, key):
        return finder(model, starts, offline, key)

    return eqx.filter_vmap(one)(stacked, keys)


def regularisers() -> dict[str, training.AbstractRegulariser]:
    """The arms, by name."""
    return {_PLAIN[0]: _PLAIN[1], "ignite": PUBLISHED}


def run_cells(task: tasks.TFBind8, settings: Any, directory: Path) -> dict[str, dict[str, Any]]:
    """Every cell of the methods and arms that are asked for, named "method-arm"."""
    bench = Bench(task, settings, directory)
    cells: dict[str, dict[str, Any]] = {"best_offline": {"p100": [bench.best_offline]}}
    for name, recipe in _recipes(bench).items():
        cells[name] = bench.cell(name, *recipe)
    if "gp_ascent" in settings.methods:
        cells["gp_ascent-plain"] = bench.cell(
            "gp_ascent-plain", lambda: _process(bench), bench.ascent(), stacked=False
        )
    if settings.bo_seeds:
        finder = search.ExpectedImprovementSearch(restarts=2)
        for arm, regulariser in _asked_arms(settings).items():
            snapped = lambda regulariser=regulariser, arm=arm: _snapped(bench, arm, regulariser)
            name = f"bo_qei-{arm}"
            cells[name] = bench.one_by_one(name, snapped, finder, settings.bo_seeds)
    return cells


def _asked_arms(settings: Any) -> dict[str, training.AbstractRegulariser]:
    return {arm: found for arm, found in regularisers().items() if arm in settings.arms}


def _recipes(bench: Bench) -> dict[str, Recipe]:
    """What is asked for of all that learns networks, all seeds at once."""
    methods = bench.settings.methods
    found: dict[str, Recipe] = {}
    for arm, regulariser in _asked_arms(bench.settings).items():
        of_arm = _forward_models(bench, arm, regulariser) | _own_losses(bench, arm, regulariser)
        found |= {f"{name}-{arm}": of_arm[name] for name in of_arm if name in methods}
    if "gradient_ascent" in methods:
        extra = {
            # The same method with other random numbers: what chance alone does.
            "placebo": (lambda: _member(_forward_groups(bench, *_PLAIN), 1), bench.ascent()),
            "ignite2": (
                lambda: _forward(bench, "ignite2", PUBLISHED_FIXED, firsts=True),
                bench.ascent(),
            ),
        }
        found |= {f"gradient_ascent-{a}": extra[a] for a in extra if a in bench.settings.arms}
    if RECIPE in methods:
        found[RECIPE] = (lambda: _recipe(bench), _everything(bench))
    return found


def _recipe(bench: Bench):
    """All that was trained to predict, each network with one vote: the ensemble and RaM's."""

    def committee(group, ranking):
        ensemble = models.Ensemble(group, models.MeanOf())
        voters = (search.calibrated(model, bench.offline) for model in (ensemble, ranking))
        votes = jnp.asarray([float(bench.settings.members), 1.0])
        return models.Committee(*voters, weights=votes)

    return eqx.filter_vmap(committee)(_forward_groups(bench, *_PLAIN), _ranking(bench, *_PLAIN))


def _everything(bench: Bench) -> search.Enumeration:
    return search.Enumeration(jnp.asarray(bench.task.designs()))


def _forward(bench: Bench, arm: str, regulariser, *, firsts: bool = False):
    """design-baselines' forward models, stacked (seeds·members); or the first members alone, from
    the same weights and batches."""
    members = bench.settings.members
    return bench.train(
        f"forward-{arm}",
        training.GaussianNLL(),
        regulariser,
        kind=models.GaussianMLP,
        members=1 if firsts else members,
        every=members if firsts else 1,
        epochs=bench.settings.epochs,
    )


def _ranking(bench: Bench, arm: str, regulariser):
    """RaM's models, stacked by seed."""
    epochs = 2 * bench.settings.epochs
    return bench.train(
        f"ram-{arm}", training.ListNet(), regulariser, batch=1000, epochs=epochs, salt=2
    )


def _forward_groups(bench: Bench, arm: str, regulariser):
    """The forward models, stacked (seeds, members)."""
    return bench.grouped(_forward(bench, arm, regulariser), bench.settings.members)


def _member(groups, index: int):
    """One member of each ensemble, stacked by seed."""
    return jax.tree.map(lambda leaf: leaf[:, index] if eqx.is_array(leaf) else leaf, groups)


def _snapped(bench: Bench, arm: str, regulariser):
    """Ensembles that are asked at sequences only."""

    def snapped(group):
        return models.Projected(models.Ensemble(group, models.MeanOf()), tasks.snap)

    return eqx.filter_vmap(snapped)(_forward_groups(bench, arm, regulariser))


def _forward_models(bench: Bench, arm: str, regulariser) -> dict[str, Recipe]:
    """What searches on ensembles of design-baselines' forward model; gradient ascent on the first
    member of each."""

    def groups():
        return _forward_groups(bench, arm, regulariser)

    def ensemble(aggregate):
        return eqx.filter_vmap(lambda group: models.Ensemble(group, aggregate))(groups())

    def snapped():
        return _snapped(bench, arm, regulariser)

    mean, least = models.MeanOf(), models.MinimumOf()
    evolution = search.CovarianceSearch(0.5 * bench.z_score, bench.settings.generations)
    count = bench.settings.designs
    sampling = search.Sampling(search.Reinforce(0.01 * bench.z_score, 0.5 * bench.z_score))
    return {
        "gradient_ascent": (lambda: _member(groups(), 0), bench.ascent()),
        "short_ascent": (lambda: _member(groups(), 0), bench.ascent(steps=50)),
        "ensemble_mean": (lambda: ensemble(mean), bench.ascent()),
        "ensemble_min": (lambda: ensemble(least), bench.ascent()),
        "reinforce": (snapped, sampling),
        "cma_es": (lambda: ensemble(mean), evolution),
        "cbas": (snapped, search.ConditioningSearch()),
        "mins": (snapped, search.InverseSearch(draws=max(512, 4 * count))),
        "enumeration": (lambda: ensemble(mean), _everything(bench)),
    }


def _own_losses(bench: Bench, arm: str, regulariser) -> dict[str, Recipe]:
    """Methods that are a loss of their own: COMs and RaM."""
    inner, step = bench.settings.coms_steps, 0.4
    conservative = training.Conservative(limit=2.0, climb=training.RawClimb(rate=step, steps=inner))
    epochs = bench.settings.epochs

    def coms():
        return bench.train(
            f"coms-{arm}", conservative, regulariser, activation="relu",
            epochs=max(epochs // 2, 1), salt=1,
        )  # fmt: skip

    return {
        "coms": (coms, bench.ascent(step, inner)),
        "ram": (lambda: _ranking(bench, arm, regulariser), bench.adam()),
    }


def _process(bench: Bench) -> models.GaussianProcess:
    return models.fit_gaussian_process(bench.data.x, bench.data.y, steps=60, most=600)
