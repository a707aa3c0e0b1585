"""TF-Bind-8's study without its table: what is asked for, and trainings that resume."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from experiments import _tf_bind_8 as cells
from experiments._registry import configure, find
from experiments._schema import ConfigurationError
from experiments.studies.tf_bind_8 import ARMS, METHODS, TFBind8Settings, _figures
from surrogates import models, tasks, training


class Small(tasks.TFBind8):
    """Another task in the place of the table."""

    def __init__(self):
        self.name, self.size = "small", 2

    def dataset(self, seed=0):
        return tasks.analytic_task("branin", pool=40).dataset(0)

    def designs(self):
        return np.eye(2)


def _bench(directory, **settings):
    settings = TFBind8Settings(seeds=3, designs=2, width=4, members=2, epochs=1, **settings)
    return cells.Bench(Small(), settings, directory)


def _weights(model):
    return np.asarray(ravel_pytree(models.split_weights(model)[0])[0])


def test_trainings_are_stored_by_some_seeds_and_resume(tmp_path, monkeypatch):
    def train(directory):
        return _bench(directory).train("all", training.MSE(), training.Unregularised(),
                                       members=2, batch=8, epochs=1)  # fmt: skip

    trained = []

    def fit_many(stacked, data, trainer, *, keys):
        """In the place of a training: what it makes depends on weights and key."""
        trained.append(len(keys))
        if trained == [6, 4, 2]:
            raise KeyboardInterrupt

        def shifted(model, key):
            weights, rest = models.split_weights(model)
            shift = jax.random.uniform(key)
            moved = jax.tree.map(lambda w: w + shift.astype(w.dtype), weights)
            return eqx.combine(moved, rest)

        log = {"loss": jnp.zeros((len(keys), 1))}
        return training.Trained(eqx.filter_vmap(shifted)(stacked, keys), log)

    monkeypatch.setattr(training, "fit_many", fit_many)
    whole = train(tmp_path / "whole")
    monkeypatch.setattr(cells, "_TOGETHER", 2)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts")
    parts = train(tmp_path / "parts")
    assert trained == [6, 4, 2, 2]  # the first four are read from their file
    names = {path.name for path in (tmp_path / "parts").glob("*.weights")}
    assert names == {"all-000.weights", "all-002.weights"}
    np.testing.assert_allclose(_weights(parts), _weights(whole), rtol=1e-6)
    assert jax.tree.leaves(parts)[0].shape == jax.tree.leaves(whole)[0].shape


def test_another_seed_shares_no_key(tmp_path):
    def keys(seed):
        found = _bench(tmp_path, seed=seed)._keys(2, 1, 0)
        return {tuple(key) for key in np.asarray(jax.random.key_data(found)).tolist()}

    assert len(keys(0)) == 6
    assert not keys(0) & keys(100)


def test_only_what_is_asked_for_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr(cells.Bench, "cell", lambda self, name, *recipe, stacked=True: {})

    def names(**settings):
        settings = TFBind8Settings(designs=2, **settings)
        return set(cells.run_cells(Small(), settings, tmp_path)) - {"best_offline"}

    every = {f"{method}-{arm}" for method in METHODS for arm in ("plain", "ignite")}
    every |= {"gradient_ascent-ignite2", "gradient_ascent-placebo", "gp_ascent-plain"}
    assert names() == every | {"default_recipe"}
    assert names(methods=("ram", "default_recipe"), arms=("plain",)) == {
        "ram-plain", "default_recipe"
    }  # fmt: skip
    assert names(methods=("ram",)) == {"ram-plain", "ram-ignite"}
    assert names(methods=("gradient_ascent",), arms=("plain", "placebo")) == {
        "gradient_ascent-plain", "gradient_ascent-placebo"
    }  # fmt: skip


def test_figures_of_a_part():
    scores = np.random.default_rng(0).uniform(0.8, 0.9, 12)
    found = {"best_offline": {"p100": [0.44]}}
    for name, shift in (("ram-plain", 0.0), ("default_recipe", 0.02)):
        values = (scores + shift).tolist()
        found[name] = {"p100": values, "p50": values}
    figures = _figures(found, "p100")
    assert figures["recipe_over_ram_effect"] == pytest.approx(0.02)
    assert figures["recipe_over_ram_p_value"] == pytest.approx(2.0**-11)
    assert figures["recipe_over_ram_pairs"] == 12
    assert figures["best_published"] == "ram"
    del found["ram-plain"]
    assert "recipe_over_ram_effect" not in _figures(found, "p100")


def test_settings_name_what_is_wrong():
    study = find("tf_bind_8")
    chosen = configure(study, {"methods": "[ram]"}).model_dump()
    assert (chosen["methods"], chosen["arms"]) == (("ram",), ARMS)
    with pytest.raises(ConfigurationError, match=r"methods must be some of gradient.*'rum'"):
        configure(study, {"methods": "[rum]"})
    with pytest.raises(ConfigurationError, match="arms must hold plain"):
        configure(study, {"arms": "[ignite]"})
    with pytest.raises(ConfigurationError, match=r"arms must be some of plain.*'sam'"):
        configure(study, {"arms": "[plain, sam]"})
