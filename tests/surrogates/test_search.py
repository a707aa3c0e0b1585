"""Searches: diffsim's methods on a surrogate, inside the box, and faithful to what they promise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from surrogates import models, search, training
from tests.surrogates._examples import data, model, stacked

KEY = jax.random.key(0)
KNOWN = data(64)


class Bowl(models.AbstractSurrogate):
    """g = -‖x - centre‖²: a model whose best design is known."""

    centre: jax.Array
    normalisation: models.Normalisation
    size: int = eqx.field(static=True, default=3)
    outputs: int = eqx.field(static=True, default=1)
    smoothness: models.Smoothness = eqx.field(static=True, default="smooth")

    def standardised(self, x):
        return -jnp.sum((x - self.centre) ** 2)[None]


CENTRE = jnp.asarray([0.3, 0.8, 0.5])
BOWL = Bowl(CENTRE, models.Normalisation.identity(3))
STARTS = KNOWN.x[:6]


def test_the_calibrated_prediction_has_unit_spread_and_knows_no_scale():
    calibration = search.Calibration.of(BOWL, KNOWN.x)
    found = np.asarray([calibration(BOWL, x) for x in KNOWN.x])
    assert (found.mean(), found.std()) == (pytest.approx(0.0, abs=1e-12), pytest.approx(1.0))


def test_a_calibrated_model_ranks_as_before_on_the_scale_of_its_data():
    network = model(KNOWN)  # untrained: its level and spread are not those of the data
    found = search.calibrated(network, KNOWN.x)
    before, after = (np.asarray(models.predict(m, KNOWN.x))[:, 0] for m in (network, found))
    scores = np.asarray(KNOWN.y)[:, 0]
    assert (after.mean(), after.std()) == pytest.approx((scores.mean(), scores.std()))
    np.testing.assert_array_equal(np.argsort(after), np.argsort(before))


def test_ascent_by_hand_and_through_the_driver():
    """The program of `Ascent`, a plain loop, and diffsim's own driver make the same steps."""
    method = search.GradientAscent(0.004, steps=12)
    found = search.propose(search.Ascent(method), BOWL, STARTS, KNOWN.x, key=KEY)
    scale = float(search.Calibration.of(BOWL, KNOWN.x).scale)
    x = np.asarray(STARTS[0])
    for _ in range(12):
        x = np.clip(x + 0.004 * 3**0.5 * -2 * (x - CENTRE) / scale, 0, 1)
    np.testing.assert_allclose(found.x[0], x, rtol=1e-9)
    np.testing.assert_allclose(found.predicted, models.predict(BOWL, found.x)[:, 0])
    problem = search.score_problem(BOWL, KNOWN.x)
    run = ds.solve(problem, method, budget=1000, x0=np.asarray(STARTS[0]), progress=False)
    assert run.counts.evaluations == 12
    trace = run.history.x
    step = trace[-1] + 0.004 * 3**0.5 * -2 * (trace[-1] - np.asarray(CENTRE)) / scale
    np.testing.assert_allclose(found.x[0], step, rtol=1e-9)


def test_normalised_steps_have_one_length():
    method = search.NormalisedAscent(0.01, steps=5)
    found = search.propose(search.Ascent(method), BOWL, STARTS, KNOWN.x, key=KEY)
    moved = np.linalg.norm(found.x - STARTS, axis=1)
    np.testing.assert_allclose(moved, 0.05, rtol=1e-6)  # straight to the centre of a bowl


@pytest.mark.parametrize("centre", [(0.3, 0.8, 0.5), (1.4, 0.5, -0.3)])
def test_sampling_finds_the_best_of_the_box(centre):
    bowl = Bowl(jnp.asarray(centre), models.Normalisation.identity(3))
    method = search.Reinforce(learning_rate=0.01, members=64, steps=150)
    found = search.propose(search.Sampling(method), bowl, STARTS, KNOWN.x, key=KEY)
    assert float(found.x.min()) >= 0.0
    assert float(found.x.max()) <= 1.0
    assert np.abs(np.mean(found.x, axis=0) - np.clip(centre, 0, 1)).max() < 0.1


def test_evolution_finds_the_best_and_returns_as_many_as_asked():
    finder = search.EvolutionSearch(runs=2, generations=30)
    found = finder(BOWL, STARTS, KNOWN.x, KEY)
    assert found.x.shape == STARTS.shape
    assert np.abs(found.x - CENTRE).max() < 0.02


class Valley(models.AbstractSurrogate):
    """Lengths that differ 300-fold, along axes that are not those of the cube."""

    normalisation: models.Normalisation
    size: int = eqx.field(static=True, default=5)
    outputs: int = eqx.field(static=True, default=1)
    smoothness: models.Smoothness = eqx.field(static=True, default="smooth")

    def standardised(self, x):
        turned, _ = jnp.linalg.qr(jax.random.normal(jax.random.key(3), (5, 5)))
        return -jnp.sum(jnp.logspace(0, 5, 5) * (turned @ (x - 0.4)) ** 2)[None]


def test_cma_es_learns_the_shape_of_a_valley():
    """Without learning the covariance no run gets below 1e-2 in as many generations."""
    valley = Valley(models.Normalisation.identity(5))
    designs = jax.random.uniform(KEY, (32, 5))
    finder = search.CovarianceSearch(0.15, generations=220)
    found = search.propose(finder, valley, designs[:3], designs, key=KEY)
    assert np.median(np.abs(found.x - 0.4).max(axis=1)) < 1e-4


def test_each_run_of_cma_es_returns_its_best_inside_the_box():
    far = Bowl(jnp.asarray([1.4, 0.8, -0.2]), models.Normalisation.identity(3))
    finder = search.CovarianceSearch(generations=120)
    found = search.propose(finder, far, STARTS, KNOWN.x, key=KEY)
    assert found.x.shape == STARTS.shape
    np.testing.assert_allclose(found.x, np.tile([1.0, 0.8, 0.0], (6, 1)), atol=5e-3)
    assert np.all(found.predicted >= models.predict(far, STARTS)[:, 0])
    with pytest.raises(ValueError, match="deviation must be positive, but is 0"):
        search.CovarianceSearch(0.0)
    with pytest.raises(ValueError, match="generations must be at least 1"):
        search.CovarianceSearch(generations=0)


def test_multistart_returns_the_best_ends_of_all_offline_designs():
    method = search.NormalisedAscent(0.01, steps=4)
    found = search.propose(search.Multistart(method), BOWL, STARTS, KNOWN.x, key=KEY)
    every = search.propose(search.Ascent(method), BOWL, KNOWN.x, KNOWN.x, key=KEY)
    best = np.sort(every.predicted)[::-1][: len(STARTS)]
    np.testing.assert_allclose(found.predicted, best)
    np.testing.assert_allclose(models.predict(BOWL, found.x)[:, 0], best)


def test_enumeration_finds_what_the_model_likes_best():
    finder = search.Enumeration(KNOWN.x, block=10)  # blocks that do not divide the designs
    found = search.propose(finder, BOWL, STARTS, KNOWN.x, key=KEY)
    every = np.asarray(models.predict(BOWL, KNOWN.x)[:, 0])
    np.testing.assert_array_equal(found.x, KNOWN.x[np.argsort(-every)[:6]])


def test_to_stay_is_to_return_the_starts():
    found = search.propose(search.Stay(), BOWL, STARTS, KNOWN.x, key=KEY)
    np.testing.assert_array_equal(found.x, STARTS)


def test_the_box_is_kept():
    far = Bowl(jnp.asarray([3.0, -2.0, 0.5]), models.Normalisation.identity(3))
    method = search.GradientAscent(0.1, steps=50)
    found = search.propose(search.Ascent(method), far, STARTS, KNOWN.x, key=KEY)
    np.testing.assert_allclose(found.x[:, :2], np.tile([1.0, 0.0], (6, 1)))


def test_the_regulariser_changes_the_designs():
    def designs(regulariser):
        trainer = training.Trainer(regulariser=regulariser, epochs=20, batch=16)
        trained = training.fit(model(KNOWN), KNOWN, trainer, key=KEY).model
        method = search.NormalisedAscent(0.02, steps=20)
        return search.propose(search.Ascent(method), trained, STARTS, KNOWN.x, key=KEY).x

    plain = designs(training.Unregularised())
    assert np.abs(designs(training.SharpnessPenalty(0.5)) - plain).max() > 1e-3
    placebo = designs(training.Placebo(training.SharpnessPenalty(0.5)))
    np.testing.assert_array_equal(placebo, plain)


def test_mean_and_minimum_lead_to_different_designs():
    members = stacked(KNOWN, 4)
    method = search.Ascent(search.NormalisedAscent(0.02, steps=20))
    mean, least = (
        search.propose(method, models.Ensemble(members, how), STARTS, KNOWN.x, key=KEY).x
        for how in (models.MeanOf(), models.MinimumOf())
    )
    assert np.abs(mean - least).max() > 1e-2


def test_projected_models_are_asked_at_valid_designs():
    grid = models.Projected(BOWL, lambda x: jnp.round(4 * x) / 4)
    x = jnp.asarray([0.3, 0.8, 0.55])
    np.testing.assert_allclose(grid(x), BOWL(jnp.asarray([0.25, 0.75, 0.5])))


def test_bad_input():
    with pytest.raises(ValueError, match=r"starts must have shape \(k, 3\)"):
        search.propose(search.Stay(), BOWL, jnp.zeros((4, 2)), KNOWN.x, key=KEY)


def test_a_constant_model_can_be_calibrated():
    network = model(KNOWN)
    nothing = jax.tree.map(jnp.zeros_like, models.split_weights(network)[0])
    flat = eqx.combine(nothing, models.split_weights(network)[1])
    calibration = search.Calibration.of(flat, KNOWN.x)
    assert float(calibration.scale) == 1.0
    assert float(calibration(flat, KNOWN.x[0])) == 0.0
