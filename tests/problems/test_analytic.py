"""The table of analytic problems is itself tested: optima, bounds, tags."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim.problems import (
    CASES,
    exponential_decay,
    steady_state_voltammogram,
    straight_line,
    unidentifiable_product,
)

RANDOM_POINTS = 512


def unit_points(problem, physical):
    names = problem.space.names
    return jnp.stack(
        [problem.space.unit_cube(dict(zip(names, row, strict=True))) for row in physical]
    )


@pytest.mark.parametrize("name", CASES)
class TestCase:
    """One mixin for every case."""

    def test_optima_lie_in_the_box_and_have_the_value(self, name):
        case = CASES[name]
        problem = case.build()
        points = unit_points(problem, case.optima)
        assert np.all((points >= 0) & (points <= 1))
        values = ds.evaluate_batch(problem, points, "value").value
        assert np.allclose(values, case.value, rtol=1e-6, atol=1e-8)

    def test_nothing_feasible_is_lower(self, name):
        case = CASES[name]
        problem = case.build()
        points = np.random.default_rng(0).uniform(size=(RANDOM_POINTS, problem.space.size))
        answers = ds.evaluate_batch(problem, jnp.asarray(points), "value")
        feasible = np.all(np.asarray(answers.constraints) <= 0, axis=1)
        values = np.asarray(answers.value)[feasible]
        assert np.nanmin(values) >= case.value - 1e-9

    def test_optimum_is_stationary_inside_or_held_by_a_bound(self, name):
        case = CASES[name]
        if name == "ackley" or "constrained" in case.tags:
            pytest.skip("the optimum is no stationary point of the objective")
        problem = case.build()
        points = unit_points(problem, case.optima)
        gradients = np.asarray(ds.evaluate_batch(problem, points, "gradient").gradient)
        outward = ((points <= 0) & (gradients > 0)) | ((points >= 1) & (gradients < 0))
        assert np.all(outward | (np.abs(gradients) < 1e-3))
        assert np.any(outward) == ("bound" in case.tags)

    def test_tags_are_true(self, name):
        case = CASES[name]
        problem = case.build()
        assert problem.has_residuals == ("residuals" in case.tags)
        assert bool(problem.constraints) == ("constrained" in case.tags)
        points = np.random.default_rng(1).uniform(size=(RANDOM_POINTS, problem.space.size))
        values = ds.evaluate_batch(problem, jnp.asarray(points), "value").value
        assert bool(np.any(np.isnan(values))) == ("failing" in case.tags)


@pytest.mark.parametrize(
    "build",
    [exponential_decay, unidentifiable_product, straight_line, steady_state_voltammogram],
)
def test_curves_are_seeded(build):
    one, same, other = build(seed=3), build(seed=3), build(seed=4)
    assert np.array_equal(one.objective.data, same.objective.data)
    assert not np.array_equal(one.objective.data, other.objective.data)


def test_curves_of_other_seeds_share_their_structure():
    one, other = exponential_decay(seed=3), exponential_decay(seed=4)
    assert jax.tree.structure(one) == jax.tree.structure(other)
