"""Barycentres and counterfactuals of digits: the questions are what they say they are."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
import surrogates as su
from surrogates import tasks

if importlib.util.find_spec("sklearn") is None:
    pytest.skip("the extra `digits` is not installed", allow_module_level=True)


def start_of(problem):
    return jnp.asarray(problem.space.initial(problem.simulator))


def value(problem, x):
    return float(ds.evaluate(problem, jnp.asarray(x), "value").value)


def test_the_classifier_knows_the_digits():
    assert tasks.classifier_accuracy() > 0.99


def test_a_barycentre_is_the_squared_distance_of_the_probabilities():
    problem = tasks.barycentre(1, images=12)
    network = problem.simulator.network
    assert np.allclose(start_of(problem), 0.5)  # x = 0: equal weights
    mean = network.probabilities(network.images.mean(axis=0))
    alone = network.probabilities(network.images[0])
    assert value(problem, start_of(problem)) == pytest.approx(float(jnp.sum((mean - alone) ** 2)))
    # All the weight that softmax can give to the first image: the optimum but for e^-20.
    best = np.zeros(12)
    best[0] = 1.0
    assert 0.0 <= value(problem, best) < 1e-12
    assert jnp.sum(alone) == pytest.approx(1.0)


def test_seeds_share_a_program_and_differ():
    one, other = tasks.barycentre(1, images=12), tasks.barycentre(2, images=12)
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert not np.array_equal(one.simulator.network.images, other.simulator.network.images)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_counterfactual_starts_as_the_other_digit(seed):
    problem = tasks.counterfactual(seed)
    answer = ds.evaluate(problem, start_of(problem), "value")
    assert np.all(np.asarray(answer.constraints) <= 0)
    assert float(answer.value) > 1.0
    # The digit itself is at distance 0, within the shell, and not taken for the other one.
    origin = problem.objective.function.function.origin
    there = ds.evaluate(problem, problem.space.unit_cube(dict(_named(origin))), "value")
    assert float(there.value) == pytest.approx(0.0, abs=1e-20)
    assert float(there.constraints[0]) > 0
    assert np.all(np.asarray(there.constraints[1:]) <= 0)


def _named(z):
    return [(f"x{i}", v) for i, v in enumerate(z)]


def test_the_decoder_gives_back_images_and_latents_have_unit_variance():
    mean, components, latents = tasks._digits._decoder(64)
    pixels, _ = tasks._digits._digits()
    np.testing.assert_allclose(mean + latents @ components, pixels, atol=1e-9)
    varied = np.std(latents[:, :40], axis=0)
    np.testing.assert_allclose(varied, 1.0, rtol=1e-9)


def test_the_hybrid_finds_a_nearer_counterfactual_than_direct_search():
    problem = tasks.counterfactual(0)
    budget = ds.Budget(evaluations=60)
    hybrid, direct = (
        ds.solve(problem, method, budget=budget, progress=False)
        for method in (su.HybridSearch(problem), ds.DirectSearch())
    )
    assert hybrid.best_violation == direct.best_violation == 0.0
    assert hybrid.best_value < 0.7 * direct.best_value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.barycentre(0, images=1), "images must be between 2 and 1797"),
        (lambda: tasks.counterfactual(0, size=65), "size must be between 2 and 64"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
