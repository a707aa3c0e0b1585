"""CbAS, MINs and BO-qEI: better designs than the data have, inside the box, and no others twice."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from surrogates import models, offline, search, tasks
from tests.surrogates._examples import data, model

KEY = jax.random.key(0)


class _Counted(tasks.AbstractTask):
    """A parabola with its best design at 0.7, whose calls are counted."""

    name, size, centre = "counted", 3, 0.7

    def __init__(self):
        self.calls = 0

    def dataset(self, seed: int = 0):
        x = np.random.default_rng(seed).uniform(size=(160, 3))
        pool = offline.Pool(x, self._score(x), {})
        return offline.keep_bottom(pool, 50, name=self.name, best=0.0)

    def _score(self, x):
        return -np.sum((x - self.centre) ** 2, axis=1)

    def true_score(self, x):
        self.calls += 1
        return self._score(x)


TASK = _Counted()
KNOWN = TASK.dataset()
SEEN = jnp.asarray(KNOWN.x)
PROCESS = models.fit_gaussian_process(KNOWN.x, KNOWN.score[:, None], steps=60)
STARTS = jnp.asarray(KNOWN.top(8))
FINDERS = {
    "conditioning": search.ConditioningSearch(members=200, rounds=15),
    "inverse": search.InverseSearch(steps=300, draws=256, batch=64),
}


def _found(finder, key=KEY, surrogate=PROCESS):
    return search.propose(finder, surrogate, STARTS, SEEN, key=key)


@pytest.mark.parametrize("name", FINDERS)
def test_the_designs_are_better_than_all_that_was_seen(name):
    TASK.calls = 0
    found = _found(FINDERS[name])
    assert TASK.calls == 0
    assert found.x.shape == STARTS.shape
    np.testing.assert_allclose(found.predicted, models.predict(PROCESS, found.x)[:, 0])
    assert TASK.true_score(np.asarray(found.x)).max() > KNOWN.score.max()
    assert np.median(TASK.true_score(np.asarray(found.x))) > np.quantile(KNOWN.score, 0.9)


@pytest.mark.parametrize("name", FINDERS)
def test_the_key_decides(name):
    first = np.asarray(_found(FINDERS[name]).x)
    np.testing.assert_array_equal(_found(FINDERS[name]).x, first)
    assert np.abs(_found(FINDERS[name], jax.random.key(1)).x - first).max() > 1e-3


@pytest.mark.parametrize("name", FINDERS)
def test_the_box_is_kept_where_the_model_rises_beyond_it(name):
    rising = data(64)
    steep = model(rising)
    x = jnp.asarray(rising.x)
    found = search.propose(FINDERS[name], steep, x[:8], x, key=KEY)
    assert float(found.x.min()) >= 0.0
    assert float(found.x.max()) <= 1.0


def test_conditioning_stays_closer_to_the_data_the_more_certain_the_prior():
    """Where the data are narrow the prior forbids what the model would promise beyond them."""
    narrow = 0.3 + 0.02 * np.random.default_rng(0).normal(size=(80, 3))
    finder = FINDERS["conditioning"]
    near = search.propose(finder, PROCESS, STARTS, jnp.asarray(narrow), key=KEY).x
    far = search.propose(finder, PROCESS, STARTS, SEEN, key=KEY).x
    assert np.linalg.norm(np.mean(near, axis=0) - 0.3) < 0.25
    assert np.linalg.norm(np.mean(far, axis=0) - 0.3) > 0.4


def test_bad_settings():
    with pytest.raises(ValueError, match=r"quantile must be in \(0, 1\), but is 80"):
        search.ConditioningSearch(quantile=80)
    with pytest.raises(ValueError, match="noise must be positive"):
        search.ConditioningSearch(noise=0.0)
    with pytest.raises(ValueError, match="heat must be positive, but is -1"):
        search.InverseSearch(heat=-1.0)
    with pytest.raises(ValueError, match="draws must be at least 8, but are 4"):
        _found(search.InverseSearch(draws=4))
    with pytest.raises(ValueError, match="batch must be at least 1, but is 0"):
        search.ExpectedImprovementSearch(batch=0)


@pytest.mark.slow
def test_expected_improvement_finds_better_designs_and_the_key_decides():
    pytest.importorskip("botorch")
    finder = search.ExpectedImprovementSearch(rounds=2, batch=3, samples=32, restarts=2, most=40)
    found = finder(PROCESS, STARTS[:4], SEEN, KEY)
    assert found.x.shape == (4, 3)
    assert float(found.x.min()) >= 0.0
    assert float(found.x.max()) <= 1.0
    assert TASK.true_score(np.asarray(found.x)).max() > KNOWN.score.max()
    again = finder(PROCESS, STARTS[:4], SEEN, KEY)
    np.testing.assert_array_equal(again.x, found.x)


def test_without_botorch_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    finder = search.ExpectedImprovementSearch(rounds=1)
    with pytest.raises(ImportError, match=r"the extra `bo` must be installed"):
        finder(PROCESS, STARTS, SEEN, KEY)


def test_inverse_networks_learn_most_from_the_best(monkeypatch):
    """Rows are drawn with probability exp(y/heat), up to a constant."""
    drawn, categorical = [], jax.random.categorical

    def spy(key, logits, **settings):
        drawn.append(logits)
        return categorical(key, logits, **settings)

    with jax.disable_jit(), monkeypatch.context() as patched:
        patched.setattr(jax.random, "categorical", spy)
        x, y = jnp.asarray([[0.1], [0.9]]), jnp.asarray([-1.0, 2.0])
        finder = search.InverseSearch(heat=0.25, steps=1, width=2, batch=2, parts=1)
        finder._learn(x, y, jax.random.key(0))
    np.testing.assert_allclose(drawn[0], [-4.0, 8.0])
