"""Losses and regularisers written out by hand, on models simple enough for it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import diffsim  # noqa: F401  (double precision)
from surrogates import models, training
from surrogates.training import Trainer
from tests.surrogates._examples import data, model

KEY = jax.random.key(3)


class Cubic(models.AbstractSurrogate):
    """g = w·x³: not linear, so that a rule of integration shows."""

    w: jax.Array
    normalisation: models.Normalisation
    size: int = eqx.field(static=True, default=2)
    outputs: int = eqx.field(static=True, default=1)
    smoothness: models.Smoothness = eqx.field(static=True, default="smooth")

    def standardised(self, x):
        return (self.w @ x**3)[None]


W = np.asarray([1.0, -2.0])
SCALES = models.Normalisation(jnp.zeros(2), jnp.asarray([0.5, 2.0]), jnp.zeros(1), jnp.ones(1))
CUBIC = Cubic(jnp.asarray(W), SCALES)
X = np.random.default_rng(0).uniform(0.2, 0.6, size=(6, 2))
BATCH = training.training_data(X, X @ [3.0, 1.0])


def _slope(x):
    return 3 * W * x**2


def _gradient(function, weights):
    return np.asarray(ravel_pytree(jax.grad(function)(weights))[0])


def test_line_integrals_by_the_trapezoidal_rule():
    """With three nodes, which for a cubic is not the integral itself."""
    other = np.asarray(jax.random.permutation(KEY, 6))
    ends, y = X[other], np.asarray(BATCH.y)[:, 0]
    apart = ends - X
    nodes = [np.sum(_slope(X + t * apart) * apart, axis=1) for t in (0.0, 0.5, 1.0)]
    integral = np.trapezoid(nodes, dx=0.5, axis=0)
    error = np.mean((X**3 @ W - y) ** 2)
    expected = error + 0.7 * np.mean((integral - (y[other] - y)) ** 2)
    found = training.MatchOpt(0.7, points=3)(CUBIC, BATCH, (), KEY)[0]
    assert float(found) == pytest.approx(expected, rel=1e-12)
    fine = training.MatchOpt(0.7, points=400)(CUBIC, BATCH, (), KEY)[0]
    exact = error + 0.7 * np.mean(((ends**3 - X**3) @ W - (y[other] - y)) ** 2)
    assert float(fine) == pytest.approx(exact, rel=1e-4)


def test_a_raw_climb_steps_on_the_z_scored_scale():
    climb = training.RawClimb(rate=0.1, steps=2)
    x = X[0]
    for _ in range(2):
        z, scale = x / [0.5, 2.0], np.asarray([0.5, 2.0])
        z = z + 0.1 * 2**0.5 * _slope(x) * scale  # dg/dz = dg/dx·scale
        x = np.clip(z * scale, 0.0, 1.0)
    found = training.climbed(CUBIC, jnp.asarray(X[0]), climb)
    np.testing.assert_allclose(found, x, rtol=1e-12)


def test_a_conservative_loss_by_hand():
    climb = training.NormalisedClimb(length=0.02, steps=3)
    loss = training.Conservative(limit=0.5, rate=0.25, initial=0.8, climb=climb)
    ends = np.asarray(jax.vmap(lambda x: training.climbed(CUBIC, x, climb))(jnp.asarray(X)))
    gap = np.mean(ends**3 @ W) - np.mean(X**3 @ W)
    assert gap > 0  # a climb climbs
    found, (_, multiplier) = loss(CUBIC, BATCH, loss.init(), KEY)
    squared = np.mean((X**3 @ W - np.asarray(BATCH.y)[:, 0]) ** 2)
    assert float(found) == pytest.approx(squared + 0.8 * gap, rel=1e-12)
    assert float(multiplier) == pytest.approx(0.8 + 0.25 * (gap - 0.5), rel=1e-12)

    def value(w):
        return loss(Cubic(w, SCALES), BATCH, loss.init(), KEY)[0]

    # The ends are where they are: only what is predicted there has a gradient.
    residual = X**3 @ W - np.asarray(BATCH.y)[:, 0]
    expected = np.mean(2 * residual[:, None] * X**3, axis=0)
    expected = expected + 0.8 * (np.mean(ends**3, axis=0) - np.mean(X**3, axis=0))
    np.testing.assert_allclose(jax.grad(value)(jnp.asarray(W)), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "make",
    [
        lambda s: training.SharpnessPenalty(s, 0.3),
        lambda s: training.SharpnessPenalty(s, 0.3, training.FiniteStep(0.2)),
        lambda s: training.SharpnessConstraint(bound=9.0, radius=0.3, initial=s),
        lambda s: training.InputSmoothness(s),
        lambda s: training.RandomPerturbation(s, 0.1),
    ],
    ids=["exact", "finite", "constraint", "smoothness", "perturbation"],
)
def test_regularisers_are_proportional_to_their_strength(make):
    known = data(6)
    network = model(known, width=4)

    def gradient(strength):
        regulariser = make(strength)
        found, _, log = regulariser(network, known, regulariser.init(), KEY)
        assert log  # what it was is recorded
        return np.asarray(ravel_pytree(found)[0])

    once = gradient(0.5)
    assert np.linalg.norm(once) > 1e-6
    np.testing.assert_allclose(gradient(1.5), 3.0 * once, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(gradient(0.0), 0.0 * once)


def test_a_placebo_and_no_regulariser_add_nothing():
    known = data(6)
    network = model(known, width=4)
    inner = training.SharpnessConstraint(bound=0.06, initial=0.5, rate=1.0)
    for regulariser in (training.Unregularised(), training.Placebo(inner)):
        found, *_ = regulariser(network, known, regulariser.init(), KEY)
        assert not np.any(ravel_pytree(found)[0])
    _, state, log = training.Placebo(inner)(network, known, inner.init(), KEY)
    assert float(state.multiplier) > 0.5  # it is computed all the same
    assert float(log["sharpness"]) > 0.05


def test_one_step_with_a_regulariser_by_hand():
    """Adam's first step is the rate times the sign of the summed gradient."""
    known = data(16)
    network = model(known, width=4)
    weights, rest = models.split_weights(network)

    def whole(weights):
        whole = eqx.combine(weights, rest)
        loss = training.MSE()(whole, known, (), KEY)[0]
        return loss + 5.0 * training.sharpness(whole, known.x, 0.3)

    trainer = Trainer(regulariser=training.SharpnessPenalty(5.0, 0.3), epochs=1, batch=16)
    trained = training.fit(network, known, trainer, key=KEY)
    flat = np.asarray(ravel_pytree(weights)[0])
    moved = np.asarray(ravel_pytree(models.split_weights(trained.model)[0])[0]) - flat
    both = _gradient(whole, weights)
    np.testing.assert_allclose(moved, -1e-3 * np.sign(both), rtol=1e-3)
    alone = _gradient(lambda w: training.MSE()(eqx.combine(w, rest), known, (), KEY)[0], weights)
    assert np.any(np.sign(alone) != np.sign(both))
    loss = float(training.MSE()(network, known, (), KEY)[0])
    assert float(trained.log["loss"][0]) == pytest.approx(loss)  # the loss alone is recorded


@pytest.mark.parametrize("activation", ["silu", "leaky_relu"])
def test_strength_zero_at_the_size_of_the_studies_is_the_plain_run_bit_for_bit(activation):
    """The size and kind that studies train. Written when a step that went back once for loss and
    sharpness together passed every other test: with silu an eighth of its weights differed."""
    known = data(64)
    scales = models.Normalisation.of(known.x, known.y)
    network = models.GaussianMLP(
        scales, width=64, activation=activation, dtype=jnp.float32, key=jax.random.key(0)
    )

    def trained(regulariser):
        trainer = Trainer(training.GaussianNLL(), regulariser, epochs=4, batch=16)
        found = training.fit(network, known, trainer, key=KEY).model
        return np.asarray(ravel_pytree(models.split_weights(found)[0])[0])

    plain = trained(training.Unregularised())
    np.testing.assert_array_equal(trained(training.SharpnessPenalty(0.0)), plain)
    assert np.any(trained(training.SharpnessPenalty(0.1)) != plain)


def test_a_loss_that_is_not_finite_is_seen_in_the_weights():
    known = data(16)
    network = model(known, width=4)
    first = network.network.layers[0].weight
    broken = eqx.tree_at(lambda m: m.network.layers[0].weight, network, first.at[0, 0].set(jnp.nan))
    trained = training.fit(broken, known, Trainer(epochs=1, batch=16), key=KEY)
    assert np.isnan(float(trained.log["loss"][0]))
    assert np.all(np.isnan(np.asarray(trained.model.network.layers[1].weight)))


def test_records_are_means_over_an_epoch():
    known = data(20)
    trainer = Trainer(chain=training.Adam(0.0), epochs=2, batch=5)  # nothing moves
    network = model(known, width=4)
    trained = training.fit(network, known, trainer, key=KEY)
    whole = float(training.MSE()(network, known, (), KEY)[0])
    np.testing.assert_allclose(trained.log["loss"], whole, rtol=1e-9)
    np.testing.assert_array_equal(models.predict(trained.model, known.x),
                                  models.predict(network, known.x))  # fmt: skip


def test_a_batch_may_be_larger_than_the_data():
    known = data(6)
    trained = training.fit(model(known), known, Trainer(epochs=3, batch=100), key=KEY)
    assert trained.log["loss"].shape == (3,)
    assert trained.log["loss"][2] < trained.log["loss"][0]
