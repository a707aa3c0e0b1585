"""Offline sets: failures are dropped and counted, the best is hidden, content decides the name."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import diffsim as ds
from diffsim import problems
from surrogates import offline


@pytest.fixture(scope="module")
def pool():
    return offline.sobol_pool(problems.half_failing(), 128, seed=0, gradients=True)


@pytest.fixture(scope="module")
def kept(pool):
    return offline.keep_bottom(pool, 50, name="half_failing", best=0.0)


def test_failed_simulations_are_dropped_and_counted(pool):
    assert pool.failed == {"nonfinite": 128 - len(pool.x)}
    assert 15 < len(pool.x) < 40  # the disc is a fifth of the box
    physical = 4.0 * pool.x - 2.0
    assert np.all(np.sum(physical**2, axis=1) < 1.0)


def test_scores_and_gradients_are_the_problem_s(pool):
    problem, h = problems.half_failing(), 1e-6
    for x, score, gradient in zip(pool.x[:4], pool.score, pool.gradients, strict=False):
        assert score == pytest.approx(-float(problem.evaluate(jnp.asarray(x)).value))
        for i in range(2):
            step = np.eye(2)[i] * h
            values = [-float(problem.evaluate(jnp.asarray(x + s)).value) for s in (step, -step)]
            assert gradient[i] == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-5)


def test_the_slope_of_the_logarithm():
    score, value, h = offline.NegativeLog(0.1), np.asarray([0.3, 20.0]), 1e-6
    numeric = (score(value + h) - score(value - h)) / (2 * h)
    np.testing.assert_allclose(score.slope(value), numeric, rtol=1e-7)
    np.testing.assert_allclose(score(value), -np.log10(value + 0.1))


def test_the_best_half_is_hidden(pool, kept):
    assert len(kept.x) == len(pool.x) // 2
    assert kept.score.max() <= kept.hidden_score.min()
    assert kept.normalised(np.asarray([kept.lowest, 0.0])).tolist() == [0.0, 1.0]
    whole = np.concatenate([kept.score, kept.hidden_score])
    np.testing.assert_array_equal(np.sort(whole), np.sort(pool.score))
    best = kept.top(2)
    assert np.array_equal(best[0], kept.x[np.argmax(kept.score)])


def test_the_same_seed_the_same_hash(pool, kept):
    again = offline.sobol_pool(problems.half_failing(), 128, seed=0, gradients=True)
    same = offline.keep_bottom(again, 50, name="half_failing", best=0.0)
    assert same.digest == kept.digest
    moved = dataclasses.replace(kept, score=kept.score + 1e-12)
    assert moved.digest != kept.digest


def test_files(kept, tmp_path):
    path = offline.freeze(kept, tmp_path / "set.nc")
    again = offline.thaw(path)
    assert again.digest == kept.digest
    np.testing.assert_array_equal(again.gradients, kept.gradients)
    with xr.open_dataset(path) as file:
        file = file.load()
    file["score"] = file["score"] + 1e-9
    file.to_netcdf(path)
    with pytest.raises(ValueError, match="another hash"):
        offline.thaw(path)
    file.attrs.pop("format")
    file.to_netcdf(path)
    with pytest.raises(ValueError, match="must be an offline set"):
        offline.thaw(path)


def test_a_biased_pool_is_where_the_method_went():
    problem = problems.branin()
    method = ds.Adam(0.01, steps=8)
    found = offline.trajectory_pool(problem, method, budget=100, starts=2, seed=3)
    assert 10 <= len(found.x) <= 16
    # Two short walks: each design is near to another one.
    distance = np.linalg.norm(found.x[:, None] - found.x[None], axis=2)
    assert np.sort(distance, axis=1)[:, 1].max() < 0.03


def test_the_best_score_is_the_optimum():
    found = offline.best_score(problems.branin(), starts=4)
    assert found == pytest.approx(-0.39788735772973816, rel=1e-6)


def test_bad_input(pool, kept):
    with pytest.raises(ValueError, match="at least 8 designs must be kept"):
        offline.keep_bottom(pool, 5, name="few", best=0.0)
    with pytest.raises(ValueError, match=r"percent must be in"):
        offline.keep_bottom(pool, 0, name="none", best=0.0)
    for change, message in (
        (dict(x=kept.x[:0], score=kept.score[:0]), "must not be empty"),
        (dict(score=np.full_like(kept.score, 3.0)), "scores of half_failing must differ"),
        (dict(score=np.where(kept.score < 0, np.nan, kept.score)), "must be finite"),
        (dict(x=kept.x + 0.9), "must lie in the unit cube"),
        (dict(best=kept.lowest), "best must be above"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(kept, gradients=None, **change)
    with pytest.raises(ValueError, match="must have no constraints, but disc has"):
        offline.sobol_pool(problems.disc(), 4, seed=0)
    with pytest.raises(ValueError, match="count must be at least 1"):
        offline.sobol_pool(problems.branin(), 0, seed=0)
    with pytest.raises(ValueError, match="count must be 1 to"):
        kept.top(1000)
    with pytest.raises(ValueError, match="floor must be positive"):
        offline.NegativeLog(0.0)


def test_a_pool_in_which_all_fails():
    nowhere = np.full((3, 2), 0.01)  # a corner far outside of the disc
    problem = problems.half_failing()
    scores, _, codes = offline.simulate(problem, nowhere, offline.Negative(), gradients=False)
    assert np.all(np.isnan(scores))
    assert np.all(codes != 0)


def test_the_digest_knows_gradients_and_half_a_design_is_not_kept(pool, kept):
    bare = dataclasses.replace(kept, gradients=None)
    other = dataclasses.replace(kept, gradients=2.0 * kept.gradients)
    assert len({kept.digest, bare.digest, other.digest}) == 3
    odd = offline.Pool(pool.x[:17], pool.score[:17], {})
    assert len(offline.keep_bottom(odd, 50, name="odd", best=0.0).x) == 8
