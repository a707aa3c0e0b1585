"""The loop and its losses, each against what it must do where the answer is known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import diffsim  # noqa: F401  (double precision)
from surrogates import models, training
from surrogates.training import Trainer, _trainer
from tests.surrogates._examples import data, model, stacked

KEY = jax.random.key(5)
KNOWN = data(64)


class Line(models.AbstractSurrogate):
    """A model whose line integrals are known: g = slope·x."""

    slope: jax.Array
    normalisation: models.Normalisation
    size: int = eqx.field(static=True, default=3)
    outputs: int = eqx.field(static=True, default=1)
    smoothness: models.Smoothness = eqx.field(static=True, default="smooth")

    def standardised(self, x):
        return (self.slope @ x)[None]


def line():
    return Line(jnp.asarray([1.0, -2.0, 0.5]), models.Normalisation.identity(3))


def _loss(loss, network, batch):
    return float(loss(network, batch, loss.init(), KEY)[0])


def _weights(network):
    return np.asarray(ravel_pytree(models.split_weights(network)[0])[0])


@pytest.fixture(scope="module")
def plain():
    return training.fit(model(KNOWN), KNOWN, Trainer(epochs=60, batch=16), key=KEY)


def test_training_learns_and_the_scales_stay(plain):
    before = model(KNOWN)
    assert plain.log["loss"].shape == (60,)
    assert plain.log["loss"][-1] < 0.4 * plain.log["loss"][0]
    for old, new in zip(
        jax.tree.leaves(before.normalisation),
        jax.tree.leaves(plain.model.normalisation),
        strict=True,
    ):
        np.testing.assert_array_equal(old, new)


def test_many_at_once_are_what_each_alone_is():
    networks, keys = stacked(KNOWN, 3), jax.random.split(KEY, 3)
    trainer = Trainer(epochs=3, batch=16)
    many = training.fit_many(networks, KNOWN, trainer, keys=keys)
    alone = training.fit(models.member_of(networks, 1), KNOWN, trainer, key=keys[1])
    found = models.member_of(many.model, 1)
    np.testing.assert_allclose(_weights(found), _weights(alone.model), rtol=1e-9, atol=1e-12)
    assert many.log["loss"].shape == (3, 3)


def test_stacked_data_go_with_their_models():
    copies = models.stack_members([model(KNOWN)] * 2)
    other = training.TrainingData(KNOWN.x, KNOWN.y.at[:, 0].multiply(-1.0))
    both = jax.tree.map(lambda a, b: jnp.stack([a, b]), KNOWN, other)
    trainer = Trainer(epochs=20, batch=16)
    many = training.fit_many(copies, both, trainer, keys=jnp.stack([KEY, KEY]), data_axis=0)
    up = models.predict(models.member_of(many.model, 0), KNOWN.x)[:, 0]
    down = models.predict(models.member_of(many.model, 1), KNOWN.x)[:, 0]
    assert np.corrcoef(up, KNOWN.y[:, 0])[0, 1] > 0.7
    assert np.corrcoef(down, KNOWN.y[:, 0])[0, 1] < -0.7


def test_mse_and_likelihood_by_hand():
    network = line()
    batch = training.training_data(np.eye(3), np.asarray([1.5, -2.0, 0.5]))
    assert _loss(training.MSE(), network, batch) == pytest.approx(0.25 / 3)
    gaussian = model(KNOWN, kind=models.GaussianMLP)
    mean, deviation = jax.vmap(gaussian.standardised_distribution)(KNOWN.x)
    targets = gaussian.normalisation.standardise(KNOWN.y)
    from scipy.stats import norm

    density = -norm.logpdf(np.asarray(targets), mean, deviation).mean() - 0.5 * np.log(2 * np.pi)
    assert _loss(training.GaussianNLL(), gaussian, KNOWN) == pytest.approx(density, rel=1e-10)


def test_listnet_knows_the_order_only():
    network = line()
    x = np.random.default_rng(1).uniform(size=(8, 3))
    score = x @ np.asarray(network.slope)
    loss = training.ListNet()
    right = _loss(loss, network, training.training_data(x, score))
    shifted = _loss(loss, network, training.training_data(x, score + 3.0))
    assert shifted == pytest.approx(right, rel=1e-12)
    assert _loss(loss, network, training.training_data(x, -score)) > right
    # The entropy of the wanted order is the least value there is.
    wanted = np.exp(score) / np.exp(score).sum()
    assert right == pytest.approx(-np.sum(wanted * np.log(wanted)), rel=1e-10)


def test_sobolev_and_line_integrals_vanish_at_the_truth():
    network = line()
    x = np.random.default_rng(1).uniform(size=(8, 3))
    slopes = np.tile(np.asarray(network.slope), (8, 1, 1))
    true = training.training_data(x, x @ np.asarray(network.slope), slopes)
    assert _loss(training.Sobolev(), network, true) == pytest.approx(0.0, abs=1e-25)
    assert _loss(training.MatchOpt(), network, true) == pytest.approx(0.0, abs=1e-25)
    wrong = training.training_data(x, x @ np.asarray(network.slope), slopes + 0.5)
    assert _loss(training.Sobolev(2.0), network, wrong) == pytest.approx(2.0 * 0.25)
    # Twice the scores: all differences are wrong by themselves.
    twice = training.training_data(x, 2 * x @ np.asarray(network.slope))
    other = np.asarray(jax.random.permutation(KEY, 8))
    error = np.asarray(twice.y[:, 0] / 2)
    by_hand = np.mean(error**2) + 3.0 * np.mean((error[other] - error) ** 2)
    assert _loss(training.MatchOpt(3.0), network, twice) == pytest.approx(by_hand, rel=1e-10)


def test_true_gradients_improve_the_gradient():
    known = data(24, gradients=True)
    trainer = Trainer(training.Sobolev(), chain=training.Adam(0.02), epochs=100, batch=24)
    taught = training.fit(model(known), known, trainer, key=KEY).model
    values = Trainer(chain=training.Adam(0.02), epochs=100, batch=24)
    untaught = training.fit(model(known), known, values, key=KEY).model
    fresh = data(40, seed=9, gradients=True)

    def cosine(network):
        slope = jax.vmap(jax.grad(lambda x: network(x)[0]))(fresh.x)
        truth = fresh.gradients[:, 0]
        lengths = jnp.linalg.norm(slope, axis=1) * jnp.linalg.norm(truth, axis=1)
        return float(jnp.mean(jnp.sum(slope * truth, axis=1) / lengths))

    assert cosine(taught) > cosine(untaught) + 0.02


CLIMBS = (training.RawClimb(rate=0.05, steps=10), training.NormalisedClimb(length=0.05, steps=5))


@pytest.mark.parametrize("climb", CLIMBS, ids=["raw", "normalised"])
def test_conservative_models_predict_less_where_the_search_goes(plain, climb):
    loss = training.Conservative(limit=0.05, rate=0.05, climb=climb)
    trainer = Trainer(loss=loss, epochs=60, batch=16)
    held = training.fit(model(KNOWN), KNOWN, trainer, key=KEY).model

    def gap(network):
        beyond = jax.vmap(lambda x: training.climbed(network, x, climb))(KNOWN.x)
        assert float(beyond.min()) >= 0.0
        assert float(beyond.max()) <= 1.0
        difference = models.predict(network, beyond) - models.predict(network, KNOWN.x)
        found = float(jnp.mean(difference) / network.normalisation.y_scale[0])
        assert found == pytest.approx(float(training.conservative_gap(network, KNOWN.x, climb)))
        return found

    assert gap(held) < 0.8 * gap(plain.model)
    state = (training.MSE().init(), jnp.asarray(1e-3))
    lenient = training.Conservative(limit=50.0, climb=climb)
    _, (_, multiplier) = lenient(plain.model, KNOWN, state, KEY)
    assert float(multiplier) == 0.0


def test_a_climb_of_one_length_goes_as_far_as_the_search():
    """The fault that made COMs plain ascent: inner steps that end near where they began."""
    line = Line(jnp.asarray([1e-3, 0.0, 0.0]), models.Normalisation.identity(3))
    start = jnp.full(3, 0.2)
    far = training.climbed(line, start, training.NormalisedClimb(length=0.1, steps=5))
    np.testing.assert_allclose(far, [0.7, 0.2, 0.2])
    near = training.climbed(line, start, training.RawClimb(rate=0.05, steps=5))
    assert float(near[0]) < 0.201
    still = Line(jnp.zeros(3), models.Normalisation.identity(3))
    np.testing.assert_array_equal(
        training.climbed(still, start, training.NormalisedClimb(length=0.1, steps=5)), start
    )


def test_early_stopping_returns_the_best_on_held_out_data():
    few = data(12)
    selection = training.BestOnHeldOut(data(50, seed=2))
    trainer = Trainer(training.MSE(), selection=selection, epochs=150, batch=4,
                      chain=training.Adam(0.03))  # fmt: skip
    network = model(few, width=32)
    best = training.fit(network, few, trainer, key=KEY).model
    last = training.fit(
        network, few, eqx.tree_at(lambda t: t.selection, trainer, training.LastWeights()), key=KEY
    ).model

    def error(network):
        held = selection.held_out
        return float(jnp.mean((models.predict(network, held.x) - held.y) ** 2))

    assert error(best) < 0.95 * error(last)


def test_update_rules(plain):
    def train(chain):
        return training.fit(model(KNOWN), KNOWN, Trainer(chain=chain, epochs=60, batch=16), key=KEY)

    own = train(training.Chain(optax.adam(1e-3)))
    np.testing.assert_allclose(_weights(own.model), _weights(plain.model), rtol=1e-9, atol=1e-12)
    decayed = train(training.AdamW(1e-3, 1.0))
    assert np.linalg.norm(_weights(decayed.model)) < 0.95 * np.linalg.norm(_weights(plain.model))
    sharp = train(training.SAM(1e-3, 0.1))
    # One step by hand: Adam with the gradient at the worst point nearby.
    one = training.fit(
        model(KNOWN), KNOWN, Trainer(chain=training.SAM(1e-3, 0.1), epochs=1, batch=64), key=KEY
    )
    weights, rest = models.split_weights(model(KNOWN))
    flat, unravel = ravel_pytree(weights)

    def value(flat):
        return training.MSE()(eqx.combine(unravel(flat), rest), KNOWN, (), KEY)[0]

    up = jax.grad(value)(flat)
    worst = jax.grad(value)(flat + 0.1 * up / jnp.linalg.norm(up))
    np.testing.assert_allclose(_weights(one.model) - flat, -1e-3 * np.sign(worst), rtol=1e-3)
    assert np.any(_weights(sharp.model) != _weights(plain.model))


def test_controls_do_what_they_say(plain):
    def train(regulariser):
        trainer = Trainer(regulariser=regulariser, epochs=60, batch=16)
        return training.fit(model(KNOWN), KNOWN, trainer, key=KEY)

    smooth = train(training.InputSmoothness(0.3))
    value = training.InputSmoothness().value
    assert value(smooth.model, KNOWN, KEY) < 0.7 * value(plain.model, KNOWN, KEY)
    steady = train(training.RandomPerturbation(30.0, 0.02))
    shake = training.RandomPerturbation(deviation=0.02).value
    assert shake(steady.model, KNOWN, KEY) < 0.9 * shake(plain.model, KNOWN, KEY)


def test_single_precision_weights_train_and_stay_single():
    network = models.MLP(models.Normalisation.of(KNOWN.x, KNOWN.y), width=8, dtype=jnp.float32,
                         key=jax.random.key(0))  # fmt: skip
    trainer = Trainer(regulariser=training.SharpnessPenalty(0.1), epochs=2, batch=16)
    trained = training.fit(network, KNOWN, trainer, key=KEY)
    assert {leaf.dtype for leaf in jax.tree.leaves(models.split_weights(trained.model)[0])} == {
        jnp.dtype("float32")
    }
    assert trained.model(KNOWN.x[0]).dtype == jnp.dtype("float64")


def test_bad_input():
    x, y = np.full((4, 3), 0.5), np.arange(4.0)
    with pytest.raises(ValueError, match="x must have shape"):
        training.training_data(x[:0], y[:0])
    with pytest.raises(ValueError, match="1 scores are not"):
        training.training_data(x, np.asarray([0.0, np.nan, 1.0, 2.0]))
    outside = x.copy()
    outside[2, 1] = 1.5
    with pytest.raises(ValueError, match=r"1 rows do not: x\[2, 1\] is 1\.5"):
        training.training_data(outside, y)
    with pytest.raises(ValueError, match="gradients must be finite"):
        training.training_data(x, y, np.full((4, 1, 3), np.nan))
    with pytest.raises(ValueError, match="y must have 4 rows"):
        training.training_data(x, y[:3])
    other = models.MLP(models.Normalisation.identity(2), key=KEY)
    with pytest.raises(ValueError, match="must have 3 inputs and 1 outputs"):
        training.fit(other, training.training_data(x, y), key=KEY)
    with pytest.raises(TypeError, match="must be probabilistic"):
        training.fit(model(KNOWN), KNOWN, Trainer(loss=training.GaussianNLL()), key=KEY)
    with pytest.raises(ValueError, match="must hold gradients"):
        training.fit(model(KNOWN), KNOWN, Trainer(loss=training.Sobolev()), key=KEY)
    with pytest.raises(ValueError, match="epochs and batch"):
        Trainer(epochs=0)
    with pytest.raises(ValueError, match="points must be at least 2"):
        training.MatchOpt(points=1)


def test_each_pass_sees_the_rows_in_another_order():
    """Written after a training without any shuffling had passed all tests."""
    passes = [np.asarray(_trainer._batches(jax.random.key(i), 10, 4)) for i in range(8)]
    for batches in passes:
        assert batches.shape == (2, 4)
        assert len(set(batches.ravel().tolist())) == 8
    assert set(np.concatenate(passes).ravel().tolist()) == set(range(10))
    assert len({batches.tobytes() for batches in passes}) == 8


def test_penalties_and_sobolev_s_loss_by_hand():
    known = data(12, gradients=True)
    network = model(known, width=4)
    scales, key = network.normalisation, jax.random.key(2)
    slopes = jax.vmap(jax.jacrev(network.standardised))(known.x)  # (b, 1, d)
    steep = training.InputSmoothness().value(network, known, key)
    expected = np.mean(np.sum((slopes[:, 0] * scales.x_scale) ** 2, axis=1))
    np.testing.assert_allclose(steep, expected, rtol=1e-12)

    wanted = known.gradients / scales.y_scale[:, None]
    values = training.MSE()(network, known, (), key)[0]
    expected = values + 0.5 * np.mean(((slopes - wanted) * scales.x_scale) ** 2)
    found = training.Sobolev(weight=0.5)(network, known, (), key)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)

    # To first order a random change of the weights does deviation² E(∇g·noise)².
    weights, rest = models.split_weights(network)
    flat, unravel = ravel_pytree(weights)
    rows = jax.jacrev(
        lambda flat: jax.vmap(eqx.combine(unravel(flat), rest).standardised)(known.x)[:, 0]
    )(flat)
    penalty = training.RandomPerturbation(deviation=1e-3)
    keys = jax.random.split(key, 400)
    found = jnp.mean(jax.vmap(lambda key: penalty.value(network, known, key))(keys))
    np.testing.assert_allclose(found, 1e-6 * np.mean(np.sum(rows**2, axis=1)), rtol=0.2)


def test_the_temperature_of_listnet_divides_both_sides():
    known = data(8)
    network = model(known, width=4)
    targets = np.asarray(network.normalisation.standardise(known.y))[:, 0] / 0.5
    predicted = np.asarray(jax.vmap(network.standardised)(known.x))[:, 0] / 0.5
    wanted = np.exp(targets) / np.exp(targets).sum()
    expected = -np.sum(wanted * (predicted - np.log(np.exp(predicted).sum())))
    found = training.ListNet(0.5)(network, known, (), jax.random.key(0))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
