"""Objectives and constraints, against numpy by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares

from diffsim import RESULTS, Constraint, LeastSquares, Maximise, Minimise, Observables

POINTS = 25
TIME = np.linspace(0, 2, POINTS)
COLUMNS = np.stack([np.ones(POINTS), TIME], axis=1)
RANDOM = np.random.default_rng(0)
SCALE = RANDOM.uniform(0.05, 0.2, POINTS)
MASK = RANDOM.uniform(size=POINTS) > 0.2
# A decay, a baseline and noise.
DATA = 2 * np.exp(-1.5 * TIME) + COLUMNS @ [0.7, -0.4] + SCALE * RANDOM.standard_normal(POINTS)


def observed(**values):
    arrays = {name: jnp.asarray(value, float) for name, value in values.items()}
    return Observables(arrays, RESULTS.successful, {})


def model(parameters):
    return parameters[0] * jnp.exp(-parameters[1] * TIME)


def residuals_of(objective):
    return lambda parameters: objective.residuals(observed(current=model(parameters)))


class TestLeastSquares:
    def test_equals_numpy(self):
        value = np.cos(TIME)
        objective = LeastSquares(DATA, SCALE, mask=MASK, observable="charge")
        answer = observed(charge=value, current=np.zeros(3))
        expected = np.where(MASK, (value - DATA) / SCALE, 0.0)
        assert np.allclose(objective.residuals(answer), expected, rtol=1e-14)
        assert float(objective(answer)) == pytest.approx(0.5 * np.sum(expected**2), rel=1e-14)

    def test_scales_broadcast_and_planes_are_laid_out_in_rows(self):
        data = np.arange(6.0).reshape(2, 3)
        objective = LeastSquares(data, np.array([1.0, 2.0, 4.0]))
        residuals = objective.residuals(observed(current=np.ones((2, 3))))
        assert np.allclose(residuals, [1.0, 0.0, -0.25, -2.0, -1.5, -1.0])

    def test_what_is_masked_may_be_anything(self):
        spoiled = np.where(MASK, DATA, np.nan)
        spoiled[np.flatnonzero(~MASK)[0]] = np.inf
        answer = observed(current=np.sin(TIME))
        expected = LeastSquares(DATA, SCALE, mask=MASK, nuisance=COLUMNS).residuals(answer)
        objective = LeastSquares(spoiled, SCALE, mask=MASK, nuisance=COLUMNS)
        assert np.array_equal(objective.residuals(answer), expected)
        assert np.all(np.asarray(expected)[~MASK] == 0.0)

    @pytest.mark.parametrize(
        ("data", "changes", "words"),
        [
            ([1.0, np.nan, np.inf], {}, ["data", "finite", "2 of 3"]),
            ([1.0, np.nan, 2.0], {"mask": [1, 1, 0]}, ["data", "1 of 2"]),
            ([1.0, 2.0, 3.0], {"scale": 0.0}, ["scale", "positive", "0.0"]),
            ([1.0, 2.0, 3.0], {"scale": np.array([1.0, -2.0, 1.0])}, ["scale", "-2.0"]),
            ([1.0, 2.0, 3.0], {"scale": np.nan}, ["scale", "nan"]),
            ([1.0, 2.0, 3.0], {"scale": np.inf}, ["scale", "inf"]),
            ([1.0, 2.0, 3.0], {"nuisance": np.ones((2, 1))}, ["nuisance", "3 rows", "(2, 1)"]),
            ([1.0, 2.0, 3.0], {"nuisance": [[1.0], [np.nan], [1.0]]}, ["nuisance", "finite"]),
        ],
    )
    def test_what_it_refuses(self, data, changes, words):
        with pytest.raises(ValueError) as error:
            LeastSquares(np.asarray(data), **changes)
        for word in words:
            assert word in str(error.value)


class TestNuisance:
    """Variable projection against the explicit fit of the same columns."""

    def projected(self, columns=COLUMNS, scale=SCALE, mask=MASK):
        return LeastSquares(DATA, scale, mask=mask, nuisance=columns)

    def by_lstsq(self, value, columns=COLUMNS, scale=SCALE, mask=MASK):
        """What the best combination of the columns leaves of the weighted misfit."""
        weights = mask / scale
        design, misfit = columns * weights[:, None], (value - DATA) * weights
        return misfit - design @ np.linalg.lstsq(design, misfit, rcond=None)[0]

    def test_residuals_are_what_the_columns_cannot_explain(self):
        value = np.sin(3 * TIME)
        residuals = self.projected().residuals(observed(current=value))
        assert np.allclose(residuals, self.by_lstsq(value), atol=1e-12)

    def test_any_combination_of_the_columns_changes_nothing(self):
        objective, value = self.projected(), np.sin(3 * TIME)
        shifted = value + COLUMNS @ [30.0, -50.0]
        before, after = (objective.residuals(observed(current=v)) for v in (value, shifted))
        assert np.allclose(before, after, atol=1e-10)

    def test_the_minimum_is_that_of_the_explicit_fit(self):
        residuals = jax.jit(residuals_of(self.projected()))
        jacobian = jax.jit(jax.jacfwd(residuals))
        tight = dict(xtol=1e-14, ftol=1e-14, gtol=1e-12)
        inner = least_squares(residuals, [1.0, 1.0], jacobian, **tight)

        def explicit(parameters):
            value = parameters[0] * np.exp(-parameters[1] * TIME) + COLUMNS @ parameters[2:]
            return np.where(MASK, (value - DATA) / SCALE, 0.0)

        outer = least_squares(explicit, [1.0, 1.0, 0.0, 0.0], "3-point", **tight)
        assert inner.cost == pytest.approx(outer.cost, rel=1e-10)
        assert np.allclose(inner.x, outer.x[:2], rtol=1e-6)
        # The baseline is not nothing: without it the answer is another one.
        plain = jax.jit(residuals_of(LeastSquares(DATA, SCALE, mask=MASK)))
        bare = least_squares(plain, [1.0, 1.0])
        assert bare.cost > 1.1 * inner.cost
        assert not np.allclose(bare.x, inner.x, rtol=0.1)

    @pytest.mark.parametrize(
        "extra",
        [
            COLUMNS[:, :1],
            3 * COLUMNS[:, 1:],
            COLUMNS @ [[1.0], [-2.0]],
            ~MASK[:, None] * np.exp(TIME)[:, None],
            np.zeros((POINTS, 2)),
        ],
        ids=["the same", "a multiple", "a combination", "masked out", "zeros"],
    )
    def test_columns_that_span_nothing_new_do_no_harm(self, extra):
        value = np.sin(3 * TIME)
        objective = self.projected(np.concatenate([COLUMNS, extra], axis=1))
        residuals = objective.residuals(observed(current=value))
        assert np.allclose(residuals, self.by_lstsq(value), atol=1e-10)

    @pytest.mark.parametrize(
        "idle",
        [COLUMNS[:, :1], ~MASK[:, None] * np.exp(TIME)[:, None], np.zeros((POINTS, 1))],
        ids=["the same", "masked out", "zeros"],
    )
    def test_nor_where_they_stand_before_others(self, idle):
        value = np.sin(3 * TIME)
        columns = np.concatenate([COLUMNS[:, :1], idle, COLUMNS[:, 1:]], axis=1)
        residuals = self.projected(columns).residuals(observed(current=value))
        assert np.allclose(residuals, self.by_lstsq(value), atol=1e-10)

    @pytest.mark.parametrize(
        ("unit", "columns"),
        [
            (1e-7, COLUMNS),
            (1e7, COLUMNS),
            (1e-7, COLUMNS[:, [0, 1, 1]]),
            (1e12, COLUMNS),
        ],
    )
    def test_the_unit_of_the_data_does_not_matter(self, unit, columns):
        objective = LeastSquares(DATA * unit, SCALE * unit, mask=MASK, nuisance=columns)
        value = np.sin(3 * TIME)
        residuals = objective.residuals(observed(current=value * unit))
        assert np.allclose(residuals, self.by_lstsq(value), atol=1e-10)

    def test_a_column_without_its_axis_is_that_column_or_refused(self):
        value, column = np.sin(3 * TIME), TIME**2
        try:
            objective = self.projected(column)
        except ValueError as error:
            assert "nuisance" in str(error)
        else:
            residuals = objective.residuals(observed(current=value))
            assert np.allclose(residuals, self.by_lstsq(value, column[:, None]), atol=1e-10)

    def test_more_columns_than_points_leave_nothing(self):
        columns = np.stack([np.ones(3), np.arange(3.0), np.arange(3.0) ** 2, np.cos(range(3))], 1)
        objective = LeastSquares(np.arange(3.0), nuisance=columns)
        assert np.allclose(objective.residuals(observed(current=[5.0, -1.0, 2.0])), 0, atol=1e-12)

    def test_derivatives_of_what_is_left(self):
        objective = self.projected()
        residuals, x, step = residuals_of(objective), jnp.asarray([1.7, 1.2]), 1e-5
        value = lambda x: objective(observed(current=model(x)))
        jacobian = jax.jacfwd(residuals)(x)
        for i, e in enumerate(step * jnp.eye(2)):
            central = (residuals(x + e) - residuals(x - e)) / (2 * step)
            assert np.allclose(jacobian[:, i], central, atol=1e-8)
            slope = (value(x + e) - value(x - e)) / (2 * step)
            assert float(jax.grad(value)(x)[i]) == pytest.approx(float(slope), rel=1e-7)
        assert np.allclose(jax.grad(value)(x), residuals(x) @ jacobian, rtol=1e-12)
        assert np.allclose(jax.jacrev(residuals)(x), jacobian, rtol=1e-12, atol=1e-12)


def peak(observables):
    return jnp.max(observables.values["current"])


def test_minimise_and_maximise_are_opposite():
    answer = observed(current=[1.0, 4.0, -7.0])
    assert float(Minimise(peak)(answer)) == 4.0
    assert float(Maximise(peak)(answer)) == -4.0


@pytest.mark.parametrize("scale", [1.0, 0.5, 1e3])
def test_slacks_are_scaled_rows(scale):
    answer = observed(current=[1.0, 4.0, -7.0])
    one = Constraint(lambda o: peak(o) - 6.0, "peak", scale=scale)
    many = Constraint(lambda o: o.values["current"], "all", scale=scale)
    assert np.allclose(one.slacks(answer), [-2.0 / scale])
    assert np.allclose(many.slacks(answer), np.array([1.0, 4.0, -7.0]) / scale)
    assert (one.name, Constraint(peak, "bare").scale) == ("peak", 1.0)
