"""Designs whose optimum is known, derivatives, what is singular, and promises that are kept."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

import diffsim as ds
from diffsim import design, problems

BFGS = ds.ScipyMinimise("L-BFGS-B")


class Curve(ds.AbstractSimulator):
    """y(t) = offset + slope t + amplitude exp(-rate t), at times that are to be chosen."""

    offset: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.0)
    slope: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.0)
    amplitude: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=1.0)
    rate: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.5)

    adjoints: ClassVar = ("implicit",)

    def lenses(self):
        return {name: ds.Leaf(name) for name in ("offset", "slope", "amplitude", "rate")}

    def __call__(self, inputs):
        decay = self.amplitude * jnp.exp(-self.rate * inputs)
        values = {"y": self.offset + self.slope * inputs + decay}
        return ds.observe(values, ds.RESULTS.successful, {"calls": jnp.asarray(1)})


RANGES = {
    "offset": ds.Linear(-1.0, 1.0),
    "slope": ds.Linear(-2.0, 2.0),
    "amplitude": ds.Linear(0.0, 5.0),
    "rate": ds.Log(0.01, 10.0),
}


def times_design(count, low=0.0, high=10.0):
    return ds.DesignSpace(
        {f"t{i}": ds.Linear(low, high, where=ds.Leaf("inputs", index=i)) for i in range(count)}
    )


def planned(parameters, times, criterion=None, noise=0.1, **kwargs):
    times = jnp.asarray(times, float)
    return design.ExperimentDesign(
        Curve(),
        times,
        parameters=ds.DesignSpace({name: RANGES[name] for name in parameters}),
        design=kwargs.pop("space", None) or times_design(times.size),
        noise=design.ConstantNoise(noise),
        criterion=criterion or design.DOptimal(),
        observable="y",
        **kwargs,
    )


def best_times(problem, x0=None):
    run = ds.solve(problem, BFGS, budget=200, x0=x0, progress=False)
    return np.sort(10.0 * run.best_x), run


class TestKnownOptima:
    def test_a_line_is_measured_at_both_ends(self):
        times, _ = best_times(planned(("offset", "slope"), [3.0, 4.0, 6.0, 7.0]))
        np.testing.assert_allclose(times, [0.0, 0.0, 10.0, 10.0], atol=1e-6)

    def test_a_rate_of_decay_is_measured_after_its_lifetime(self):
        """S = t exp(-kt) is largest at t = 1/k, whatever the other design points do."""
        times, run = best_times(planned(("rate",), [1.0, 5.0]))
        np.testing.assert_allclose(times, [2.0, 2.0], rtol=1e-4)
        span = np.log(10.0 / 0.01)
        exact = 0.1 / (np.sqrt(2.0) * 0.5 * 2.0 * np.exp(-1.0) * span)
        assert run.best_value == pytest.approx(2.0 * np.log(exact), rel=1e-8)

    def test_amplitude_and_rate_need_the_start_and_one_lifetime(self):
        """D-optimal: t = 0 and 1/k (G. E. P. Box, H. L. Lucas, Biometrika 46 (1959) 77)."""
        times, _ = best_times(planned(("amplitude", "rate"), [0.5, 3.0]))
        np.testing.assert_allclose(times, [0.0, 2.0], atol=1e-3)

    def test_what_is_known_already_moves_the_optimum(self):
        """One more point for an amplitude and a rate, t = 0 having been measured: at 1/k."""
        past = ds.Problem(
            Curve(),
            jnp.zeros(1),
            ds.DesignSpace({name: RANGES[name] for name in ("amplitude", "rate")}),
            ds.LeastSquares(np.ones(1), 0.1, observable="y"),
        )
        x = past.space.initial(past.simulator)
        gathered = design.gathered_information(past, x)
        problem = planned(("amplitude", "rate"), [5.0], gathered=gathered)
        times, _ = best_times(problem)
        np.testing.assert_allclose(times, [2.0], atol=1e-3)

    def test_a_nuisance_is_marginalised(self):
        """The slope with an unknown offset: variance σ²/Σ(t - mean t)², whatever the criterion."""
        t = np.array([1.0, 2.0, 7.0])
        expected = np.log(0.1**2 / np.sum((t - t.mean()) ** 2) / 4.0**2)
        x = jnp.asarray(t / 10.0)
        for criterion in (design.DOptimal(), design.AOptimal(), design.EOptimal()):
            problem = planned(("offset", "slope"), t, criterion, of_interest=["slope"])
            assert float(problem.evaluate(x).value) == pytest.approx(expected, rel=1e-9)
        combined = planned(("offset", "slope"), t, design.COptimal(jnp.array([0.0, 1.0])))
        assert float(combined.evaluate(x).value) == pytest.approx(expected, rel=1e-9)


def test_criteria_are_those_of_the_inverse_matrix():
    random = np.random.default_rng(0)
    rows = jnp.asarray(random.normal(size=(9, 4)))
    rows = rows * jnp.array([1e-3, 1.0, 1e4, 10.0])
    covariance = np.linalg.inv(np.asarray(rows.T @ rows))
    root, share = design.marginal_root(rows, (3, 0, 2))
    kept = covariance[np.ix_([3, 0, 2], [3, 0, 2])]
    np.testing.assert_allclose(np.linalg.inv(root.T @ root), kept, rtol=1e-9)
    assert 0.01 < float(share) < 1.0
    c, w = np.array([1.0, -2.0, 3e3]), np.array([1.0, 0.0, 2.0])
    for criterion, value in (
        (design.DOptimal(), np.log(np.linalg.det(kept)) / 3),
        (design.AOptimal(), np.log(np.trace(kept))),
        (design.AOptimal(w), np.log(w @ np.diag(kept))),
        (design.COptimal(c), np.log(c @ kept @ c)),
        (design.EOptimal(), np.log(np.linalg.eigvalsh(kept)[-1])),
    ):
        assert float(criterion.log_variance(root)) == pytest.approx(value, rel=1e-9)
    assert design.efficiency(-1.0, -3.0) == pytest.approx(np.exp(-2.0))


class TestAssumed:
    def test_a_sample_of_the_prior_is_averaged(self):
        sample = [{"rate": 0.2}, {"rate": 1.0}, {"rate": 3.0}]
        x = jnp.array([0.1, 0.3])
        one_by_one = [planned(("rate",), [1.0, 3.0], assumed=point) for point in sample]
        mean = np.mean([float(p.evaluate(x).value) for p in one_by_one])
        both = planned(("rate",), [1.0, 3.0], assumed=sample)
        assert float(both.evaluate(x).value) == pytest.approx(mean, rel=1e-12)

    def test_it_spreads_the_points(self):
        sample = [{"rate": rate} for rate in (0.15, 0.5, 1.5, 5.0)]
        times, _ = best_times(planned(("rate",), [0.5, 4.0], assumed=sample))
        assert times[1] > 4.0 * times[0]


class TestSingular:
    def test_it_is_a_result_and_not_a_number(self):
        """Two unknowns, one time: whatever is measured there, their sum is all that is known."""
        problem = planned(("offset", "slope"), [4.0, 4.0])
        evaluation = problem.evaluate(jnp.array([0.4, 0.4]), "gradient")
        assert np.isnan(float(evaluation.value))
        assert evaluation.result == ds.RESULTS.uninformative
        with pytest.raises(ds.SimulationError, match="wholly undetermined"):
            design.predict(problem, jnp.array([0.4, 0.4]))

    def test_prior_knowledge_mends_it(self):
        problem = planned(("offset", "slope"), [4.0, 4.0], gathered=12.0 * np.eye(2))
        evaluation = problem.evaluate(jnp.array([0.4, 0.4]), "gradient")
        assert evaluation.result == ds.RESULTS.successful
        assert np.all(np.isfinite(np.asarray(evaluation.gradient)))

    def test_a_parameter_without_a_trace_is_singular_too(self):
        problem = planned(("slope",), [0.0, 0.0])
        assert problem.evaluate(jnp.zeros(2)).result == ds.RESULTS.uninformative


class TestNoise:
    def test_relative_to_the_peak_of_each_curve(self):
        response = jnp.array([[1.0, -4.0], [0.5, 0.25]])
        noise = design.PeakNoise(0.1, floor=0.3)
        expected = np.sqrt(np.array([[0.16, 0.16], [0.0025, 0.0025]]) + 0.09)
        np.testing.assert_allclose(noise.deviation(response), expected)

    def test_its_change_with_the_design_is_differentiated(self):
        def value(scale):
            return jnp.sum(design.PeakNoise(0.1).deviation(scale * jnp.array([1.0, -3.0])))

        assert float(jax.grad(value)(2.0)) == pytest.approx(0.6)


def test_the_promise_is_kept():
    problem = planned(("amplitude", "rate"), [0.0, 0.5, 2.0, 3.0], noise=0.02)
    x = jnp.array([0.0, 0.05, 0.2, 0.3])
    rehearsal = design.rehearse(problem, x, draws=150, seed=1)
    assert rehearsal.failed == 0
    assert not np.any(rehearsal.bounded)
    # Known to 1/√300 = 6 %; the sum of both is three standard errors.
    for ratio in (*rehearsal.ratios.values(), rehearsal.volume_ratio):
        assert ratio == pytest.approx(1.0, abs=0.18)
    predicted = rehearsal.predicted
    rows = np.stack([np.exp(-5.0 * x), -5.0 * x * np.exp(-5.0 * x)], axis=1) / 0.02
    exact = np.sqrt(np.diag(np.linalg.inv(rows.T @ rows)))
    found = [predicted.standard_errors[name] for name in ("amplitude", "rate")]
    np.testing.assert_allclose(found, exact, rtol=1e-9)


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"assumed": {"rte": 1.0}}, "assumed must name parameters"),
            ({"assumed": {"rate": 100.0}}, r"assumed rate must lie in \[0.01, 10\], but is 100"),
            ({"assumed": []}, "assumed must have at least one point"),
            ({"of_interest": ["offset"]}, "of_interest must name some of"),
            ({"of_interest": []}, "of_interest must name some of"),
            ({"gathered": -np.eye(2)}, "without negative eigenvalues"),
            ({"gathered": np.eye(3)}, "gathered information must have shape"),
            ({"criterion": design.AOptimal(jnp.ones(3))}, "weights of AOptimal must have shape"),
            ({"criterion": design.COptimal(jnp.ones(3))}, "direction of COptimal must have shape"),
            ({"space": ds.DesignSpace(rate=ds.Log(0.1, 1.0))}, r"\['rate'\] are both"),
        ],
    )
    def test_of_a_design(self, change, message):
        with pytest.raises(ValueError, match=message):
            planned(("amplitude", "rate"), [1.0, 2.0], **change)

    def test_of_noise_and_weights(self):
        with pytest.raises(ValueError, match="level of ConstantNoise must be positive"):
            design.ConstantNoise(0.0)
        with pytest.raises(ValueError, match="fraction of PeakNoise must be positive"):
            design.PeakNoise(-0.1)
        with pytest.raises(ValueError, match="floor of PeakNoise must be not negative"):
            design.PeakNoise(0.1, floor=-1.0)
        with pytest.raises(ValueError, match="weights of AOptimal must be finite"):
            design.AOptimal(jnp.zeros(2))

    def test_of_what_is_asked_of_it(self):
        problem = planned(("rate",), [1.0, 2.0], gathered=np.eye(1))
        with pytest.raises(ValueError, match="gathered must be none"):
            design.rehearse(problem, jnp.array([0.1, 0.2]))
        with pytest.raises(ValueError, match="draws must be at least 2"):
            design.rehearse(problem, jnp.array([0.1, 0.2]), draws=1)
        with pytest.raises(TypeError, match="must be one of ExperimentDesign"):
            design.predict(problems.branin(), np.array([0.1, 0.2]))

    def test_a_wrong_observable(self):
        problem = design.ExperimentDesign(
            Curve(),
            jnp.ones(2),
            parameters=ds.DesignSpace(rate=RANGES["rate"]),
            design=times_design(2),
            noise=design.ConstantNoise(0.1),
            criterion=design.DOptimal(),
        )
        with pytest.raises(ValueError, match=r"observable must be one of \['y'\]"):
            problem.evaluate(jnp.array([0.1, 0.2]))


def test_derivatives_forward_and_in_reverse():
    """Forward over forward, forward over reverse, and finite differences: a closed formula."""
    problem = planned(("offset", "slope", "rate"), [1.0, 3.0, 5.0, 8.0])
    check = ds.check_gradients(problem, np.array([0.1, 0.3, 0.5, 0.8]))
    assert check.mode_disagreement < 1e-10
    assert check.finite_difference_disagreement < 1e-7
