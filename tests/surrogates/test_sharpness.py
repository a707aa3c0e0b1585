"""Sharpness: exact to finite differences, faithful to its constraint, harmless at strength zero."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import diffsim  # noqa: F401  (double precision)
from surrogates import models, training
from surrogates.training import SharpnessConstraint, SharpnessPenalty, Trainer
from tests.surrogates._examples import data, model, stacked


def _flat(model, x, radius):
    """Sharpness as a function of the flattened weights, by its definition and nothing else."""
    weights, rest = models.split_weights(model)
    flat, unravel = ravel_pytree(weights)

    def mean(flat):
        whole = eqx.combine(unravel(flat), rest)
        return jnp.mean(jnp.stack([whole.standardised(point) for point in x]))

    def value(flat):
        return radius * jnp.sqrt(jnp.sum(jax.grad(mean)(flat) ** 2))

    return flat, mean, value


@pytest.fixture(scope="module")
def example():
    known = data(6)
    return model(known, width=4), known.x


def test_the_gradient_against_finite_differences_and_second_derivatives(example):
    network, x = example
    radius = 0.3
    flat, mean, value = _flat(network, x, radius)
    found, gradient = training.sharpness_and_gradient(network, x, radius)
    gradient = ravel_pytree(gradient)[0]
    np.testing.assert_allclose(found, jax.jit(value)(flat), rtol=1e-12)

    hessian = jax.jit(jax.hessian(mean))(flat)
    q = jax.grad(mean)(flat)
    explicit = radius * hessian @ q / jnp.linalg.norm(q)
    np.testing.assert_allclose(gradient, explicit, rtol=1e-9, atol=1e-12)

    h = 1e-5
    steps = h * jnp.eye(flat.size)
    numeric = jax.jit(jax.vmap(lambda s: (value(flat + s) - value(flat - s)) / (2 * h)))(steps)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


def test_sharpness_is_what_the_worst_small_step_does(example):
    network, x = example
    flat, mean, _ = _flat(network, x, 1.0)
    radius = 1e-4
    q = jax.grad(mean)(flat)
    worst = mean(flat + radius * q / jnp.linalg.norm(q)) - mean(flat)
    np.testing.assert_allclose(training.sharpness(network, x, radius), worst, rtol=1e-3)


def test_the_finite_step_tends_to_the_exact_product(example):
    network, x = example
    exact = ravel_pytree(training.sharpness_and_gradient(network, x, 0.2)[1])[0]
    errors = []
    for step in (1e-1, 1e-2, 1e-3):
        curvature = training.FiniteStep(step)
        found = training.sharpness_and_gradient(network, x, 0.2, curvature)[1]
        errors.append(float(jnp.linalg.norm(ravel_pytree(found)[0] - exact)))
    order = np.log10(errors[0] / errors[1]), np.log10(errors[1] / errors[2])
    np.testing.assert_allclose(order, 1.0, atol=0.15)


def test_kinked_models_take_the_finite_step(example):
    _, x = example
    kinked = model(data(6), width=4, activation="relu")
    assert isinstance(training.curvature_for(kinked, 0.2), training.FiniteStep)
    assert isinstance(training.curvature_for(example[0], 0.2), training.ExactCurvature)
    # The published form, written out: ρ/r·(∇h(w + r q/‖q‖) - q) with r = ρ.
    flat, mean, _ = _flat(kinked, x, 0.2)
    q = jax.grad(mean)(flat)
    published = jax.grad(mean)(flat + 0.2 * q / jnp.linalg.norm(q)) - q
    found = training.sharpness_and_gradient(kinked, x, 0.2)[1]
    np.testing.assert_allclose(ravel_pytree(found)[0], published, rtol=1e-9, atol=1e-12)


def test_a_vanishing_slope_gives_no_nan(example):
    network, x = example
    weights, rest = models.split_weights(network)
    dead = eqx.combine(jax.tree.map(jnp.zeros_like, weights), rest)
    # Without the output bias nothing moves the mean of a network of zeros.
    dead = eqx.tree_at(lambda m: m.network.layers[-1].bias, dead, None)
    value, gradient = training.sharpness_and_gradient(dead, x, 0.1)
    assert float(value) == 0.0
    assert np.all(np.isfinite(ravel_pytree(gradient)[0]))


KNOWN = data(64)
PLAIN = Trainer(epochs=20, batch=16)


def _fit(regulariser=None, **changes):
    trainer = PLAIN if regulariser is None else eqx.tree_at(
        lambda t: t.regulariser, PLAIN, regulariser
    )  # fmt: skip
    return training.fit(changes.pop("network", model(KNOWN)), KNOWN, trainer, key=jax.random.key(5))


def _weights(trained):
    return np.asarray(ravel_pytree(models.split_weights(trained.model)[0])[0])


@pytest.fixture(scope="module")
def plain():
    return _fit()


def test_strength_zero_is_the_plain_run_bit_for_bit(plain):
    np.testing.assert_array_equal(_weights(_fit(SharpnessPenalty(0.0))), _weights(plain))
    assert np.any(_weights(_fit(SharpnessPenalty(0.1))) != _weights(plain))


def test_a_placebo_is_the_plain_run_bit_for_bit(plain):
    placebo = _fit(training.Placebo(SharpnessPenalty(0.5)))
    np.testing.assert_array_equal(_weights(placebo), _weights(plain))
    assert np.all(placebo.log["sharpness"] > 0)


def test_the_multiplier_is_never_negative():
    """A bound far above: the published rule would drive it below zero within an epoch."""
    loose = _fit(SharpnessConstraint(bound=5.0, initial=1e-3, rate=1e-3))
    assert float(loose.log["multiplier"].min()) == 0.0
    unprojected = 1e-3 + 1e-3 * float(np.sum(loose.log["sharpness"] - 5.0)) * 4
    assert unprojected < -0.1


def test_the_constraint_is_reached(plain):
    before = float(training.sharpness(plain.model, KNOWN.x, 0.05))
    bound = 0.05 + 0.5 * (before - 0.05)  # halfway to the floor
    regulariser = SharpnessConstraint(bound=bound, rate=10.0, initial=0.0, memory=0.9)
    trainer = Trainer(regulariser=regulariser, epochs=60, batch=16)
    held = training.fit(model(KNOWN), KNOWN, trainer, key=jax.random.key(5))
    after = float(training.sharpness(held.model, KNOWN.x, 0.05))
    assert after < 1.03 * bound < before
    multiplier = np.asarray(held.log["multiplier"])
    assert multiplier.min() >= 0.0
    # Near its end the ascent has slowed down: no runaway as with a bound that cannot be met.
    assert multiplier[-1] - multiplier[-10] < 0.5 * (multiplier[10] - multiplier[1])


def test_warm_up_holds_the_multiplier_at_zero(plain):
    constraint = SharpnessConstraint(bound=0.06, rate=1.0, warm_up=40)  # 10 epochs of 4 steps
    multiplier = np.asarray(_fit(constraint).log["multiplier"])
    assert np.all(multiplier[:10] == 0.0)
    assert np.all(multiplier[11:] > 0.0)


def test_an_infeasible_bound_is_refused():
    with pytest.raises(ValueError, match=r"bound must be above 0\.05.*output bias"):
        _fit(SharpnessConstraint(bound=1e-3, radius=0.05))  # the default of the published program
    # The floor is real: no weights at all go below it.
    network = model(KNOWN)
    zero = jax.tree.map(lambda leaf: 0.0 * leaf, models.split_weights(network)[0])
    zero = eqx.combine(zero, models.split_weights(network)[1])
    assert float(training.sharpness(zero, KNOWN.x, 0.05)) == pytest.approx(0.05, rel=1e-12)


def test_the_bound_can_be_relative_to_a_plain_model(plain):
    whole = float(training.sharpness(plain.model, KNOWN.x, 0.05))
    bounds = [float(training.relative_bound(plain.model, KNOWN.x, 0.05, f)) for f in (0.0, 0.5, 1)]
    assert bounds == pytest.approx([0.05, 0.5 * (0.05 + whole), whole])


def test_candidates_take_the_place_of_the_batch():
    """Sharpness on designs without scores: at one candidate only, so that all draws agree."""
    candidate = jnp.full((1, 3), 0.9)
    trained = _fit(training.Placebo(SharpnessPenalty(1.0, candidates=candidate)))
    elsewhere = _fit(training.Placebo(SharpnessPenalty(1.0)))
    assert np.all(trained.log["sharpness"] != elsewhere.log["sharpness"])
    last = float(training.sharpness(trained.model, candidate, 0.2))
    assert float(trained.log["sharpness"][-1]) == pytest.approx(last, rel=0.1)


def test_strengths_side_by_side(plain):
    trainer = Trainer(regulariser=SharpnessPenalty(0.0), epochs=20, batch=16)
    trainer, axes = training.varied(trainer, lambda t: t.regulariser.strength, [0.0, 0.3, 3.0])
    copies = models.stack_members([model(KNOWN)] * 3)
    keys = jnp.stack([jax.random.key(5)] * 3)
    many = training.fit_many(copies, KNOWN, trainer, keys=keys, trainer_axes=axes)
    sharp = [float(training.sharpness(models.member_of(many.model, i), KNOWN.x, 0.2))
             for i in range(3)]  # fmt: skip
    assert sharp[0] > sharp[1] > sharp[2]
    first = models.split_weights(models.member_of(many.model, 0))[0]
    np.testing.assert_allclose(ravel_pytree(first)[0], _weights(plain), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bad", [-0.1, float("nan")])
def test_bad_strengths(bad):
    with pytest.raises(ValueError, match="strength must be finite and at least 0"):
        _fit(SharpnessPenalty(bad))


def test_members_have_their_own_multipliers():
    trainer = Trainer(regulariser=SharpnessConstraint(bound=0.06, rate=1.0), epochs=3, batch=16)
    members = stacked(KNOWN, 3)
    many = training.fit_many(members, KNOWN, trainer, keys=jax.random.split(jax.random.key(0), 3))
    multipliers = np.asarray(many.log["multiplier"])[:, -1]
    assert multipliers.shape == (3,)
    assert len(set(multipliers.tolist())) == 3


def test_global_norm_is_over_all_weights(example):
    network, x = example
    flat, mean, _ = _flat(network, x, 1.0)
    whole = optax.tree.norm(jax.grad(mean)(flat))
    np.testing.assert_allclose(training.sharpness(network, x, 1.0), whole, rtol=1e-12)


def test_the_dual_step_follows_the_running_mean(example):
    network, x = example
    known = data(6)
    constraint = SharpnessConstraint(bound=0.06, radius=0.05, rate=2.0, initial=0.5, memory=0.75)
    value = float(training.sharpness(network, x, 0.05))
    _, first, _ = constraint(network, known, constraint.init(), jax.random.key(0))
    assert float(first.average) == pytest.approx(value)
    other = eqx.tree_at(lambda s: s.average, first, jnp.asarray(3.0))
    _, second, _ = constraint(network, known, other, jax.random.key(0))
    average = 0.75 * 3.0 + 0.25 * value
    assert float(second.average) == pytest.approx(average)
    expected = float(first.multiplier) + 2.0 * (average - 0.06)
    assert float(second.multiplier) == pytest.approx(expected)
