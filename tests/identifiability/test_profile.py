"""Profiles: the parabola where the problem is linear, one-sided where the physics is."""

import numpy as np
import pytest

from diffsim.identifiability import profile_likelihood
from diffsim.identifiability._covariance import covariance_of
from diffsim.identifiability._fit import fit_of
from diffsim.optimise import LevenbergMarquardt, Multistart, solve
from diffsim.problems import exponential_decay, steady_state_voltammogram, straight_line


def fitted(problem, starts=6):
    method = Multistart(LevenbergMarquardt(), starts)
    return solve(problem, method, budget=5000, key=2, progress=False)


def test_of_a_linear_problem_it_is_the_parabola():
    problem = straight_line()
    run = fitted(problem, 1)
    fit = fit_of(problem, run)
    covariance = covariance_of(fit)
    profiles = profile_likelihood(problem, run)
    half = covariance.corrected_half_width
    low, high = fit.physical(fit.x - half), fit.physical(fit.x + half)
    unit = covariance.noise.scale**2 * covariance.noise.time
    variances = np.diag(covariance.covariance) / covariance.noise.scale**2
    for i, name in enumerate(problem.space.names):
        profile = profiles[name]
        assert profile.low == pytest.approx(low[i], abs=1e-4 * (high[i] - low[i]))
        assert profile.high == pytest.approx(high[i], abs=1e-4 * (high[i] - low[i]))
        assert profile.low_end == profile.high_end == "threshold"
        parabola = (profile.position - fit.x[i]) ** 2 / variances[i] / unit
        assert np.allclose(profile.delta, parabola, rtol=1e-4, atol=1e-6)
        assert profile.counts.evaluations == profile.counts.jacobians > 0


def test_crossings_are_where_the_misfit_says():
    """Direct check on the curved problem: re-optimise at the crossing from elsewhere."""
    import jax.numpy as jnp

    problem = exponential_decay()
    run = fitted(problem)
    covariance = covariance_of(fit_of(problem, run))
    profile = profile_likelihood(problem, run, ["rate"])["rate"]
    scale = problem.space.scales["rate"]
    unit = covariance.noise.scale**2 * covariance.noise.time
    for end in (profile.low, profile.high):
        position = float(scale.unit_interval(jnp.asarray(end)))
        low, high = np.zeros(3), np.ones(3)
        low[1] = high[1] = position
        held = LevenbergMarquardt(low=jnp.asarray(low), high=jnp.asarray(high))
        again = solve(problem, held, budget=500, x0=[0.3, position, 0.3], progress=False)
        delta = 2 * (again.best_value - run.best_value) / unit
        assert np.sqrt(delta) == pytest.approx(np.sqrt(profile.threshold), rel=0.02)


def test_a_reversible_rate_constant_is_bounded_from_below_only():
    problem = steady_state_voltammogram(3e-2)
    run = fitted(problem)
    profile = profile_likelihood(problem, run, ["k0"])["k0"]
    assert (profile.low_end, profile.high_end) == ("threshold", "bound")
    assert 5e-4 < profile.low < 3e-2
    assert profile.high == np.inf
    assert np.all(np.diff(profile.position) > 0)


def test_unknown_names():
    problem = straight_line()
    with pytest.raises(KeyError, match="must be one of"):
        profile_likelihood(problem, fitted(problem, 1), ["nothing"])
