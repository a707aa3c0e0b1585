"""Evaluations of every order, against each other and against central differences."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

import diffsim as ds
from diffsim import RESULTS, DesignSpace, LeastSquares, Linear, Log, Minimise, Problem
from diffsim._observables import observe
from diffsim._problem import FORWARD_MODE_LIMIT
from diffsim._status import code, from_code
from diffsim.optimise import Request
from diffsim.optimise._answering import Simulation
from diffsim.problems import (
    Formula,
    branin,
    disc,
    exponential_decay,
    formula_problem,
    half_failing,
    hartmann6,
    levy,
    rosenbrock,
    steady_state_voltammogram,
    straight_line,
)

# Above the limit of forward mode the gradient goes in reverse.
MANY = FORWARD_MODE_LIMIT + 3
CURVES = [exponential_decay, straight_line, steady_state_voltammogram, rosenbrock]
SCALARS = [branin, hartmann6, disc, lambda: levy(MANY)]
ORDERS = ["value", "gradient", "residuals", "jacobian"]


def point(problem, seed=0):
    return jnp.asarray(np.random.default_rng(seed).uniform(0.2, 0.8, problem.space.size))


def central(function, x, step=1e-5):
    """Derivatives (..., d) of a function of x (d,)."""
    columns = [(function(x + e) - function(x - e)) / (2 * step) for e in step * jnp.eye(x.size)]
    return np.stack(columns, axis=-1)


def close(one, other, tolerance):
    """Agreement relative to the largest entry."""
    scale = np.max(np.abs(other))
    return np.shape(one) == np.shape(other) and np.allclose(one, other, 0, tolerance * scale)


@pytest.mark.parametrize("build", CURVES)
def test_orders_of_a_curve_fit_agree(build):
    problem = build()
    x = point(problem)
    value, gradient, residuals, jacobian = (ds.evaluate(problem, x, order) for order in ORDERS)
    for other in (gradient, residuals, jacobian):
        assert float(other.value) == pytest.approx(float(value.value), rel=1e-12)
        assert bool(other.result == RESULTS.successful)
    assert close(jacobian.residuals, residuals.residuals, 1e-12)
    assert float(value.value) == pytest.approx(float(np.sum(residuals.residuals**2) / 2), rel=1e-12)
    # The gradient along one route is J^T r along the other.
    assert close(jacobian.gradient, jacobian.jacobian.T @ jacobian.residuals, 1e-12)
    assert close(gradient.gradient, jacobian.gradient, 1e-10)


@pytest.mark.parametrize("build", CURVES)
def test_the_jacobian_is_that_of_the_residuals(build):
    problem = build()
    x = point(problem)
    differences = central(lambda x: ds.evaluate(problem, x, "residuals").residuals, x)
    assert close(ds.evaluate(problem, x, "jacobian").jacobian, differences, 1e-6)


@pytest.mark.parametrize("build", CURVES + SCALARS)
def test_the_gradient_is_that_of_the_value(build):
    problem = build()
    x = point(problem)
    gradient = ds.evaluate(problem, x, "gradient").gradient
    assert close(gradient, central(lambda x: ds.evaluate(problem, x, "value").value, x), 1e-6)


@pytest.mark.parametrize("build", CURVES + SCALARS)
def test_forward_and_reverse_agree(build):
    problem = build()
    x = point(problem)
    value = lambda x, adjoint: problem.objective(problem.observe(x, adjoint))
    forward = jax.jit(jax.jacfwd(lambda x: value(x, "forward")))(x)
    reverse = jax.jit(jax.grad(lambda x: value(x, "checkpointed")))(x)
    assert close(forward, reverse, 1e-9)
    assert close(ds.evaluate(problem, x, "gradient").gradient, reverse, 1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_what_was_not_asked_for_is_none(order):
    problem = exponential_decay()
    answer = problem.evaluate(point(problem), order)
    given = {f for f in ("gradient", "residuals", "jacobian") if getattr(answer, f) is not None}
    expected = {"value": set(), "gradient": {"gradient"}, "residuals": {"residuals"}}
    assert given == expected.get(order, {"gradient", "residuals", "jacobian"})


@pytest.mark.parametrize("order", ["residuals", "jacobian"])
@pytest.mark.parametrize("evaluate", [ds.evaluate, Problem.evaluate])
def test_a_scalar_has_no_residuals(order, evaluate):
    problem = branin()
    assert not problem.has_residuals
    with pytest.raises(TypeError, match=f"order must be .* '{order}' was asked of Minimise"):
        evaluate(problem, jnp.full(2, 0.5), order)


class _Routes(ds.AbstractSimulator):
    """Tells by its value for which way of differentiation it was prepared."""

    adjoints: ClassVar = ("forward", "checkpointed")
    parameters: Float[Array, " d"]
    route: str = eqx.field(static=True, default="none")

    def __call__(self, inputs):
        offset = {"none": 0.0, "forward": 1.0, "checkpointed": 2.0}[self.route]
        return ds.observe({"y": jnp.sum(self.parameters**2) + offset}, RESULTS.successful, {})

    def with_adjoint(self, adjoint):
        return _Routes(self.parameters, adjoint)

    def lenses(self):
        return {f"x{i}": ds.Leaf("parameters", index=i) for i in range(self.parameters.size)}


class _ForwardOnly(_Routes):
    adjoints: ClassVar = ("forward",)


class _ReverseOnly(_Routes):
    adjoints: ClassVar = ("checkpointed",)


@pytest.mark.parametrize(
    ("kind", "d", "route"),
    [
        (_Routes, FORWARD_MODE_LIMIT, 1.0),
        (_Routes, FORWARD_MODE_LIMIT + 1, 2.0),
        (_ForwardOnly, FORWARD_MODE_LIMIT + 1, 1.0),
        (_ReverseOnly, 1, 2.0),
    ],
)
def test_the_gradient_goes_the_way_the_simulator_can_and_few_variables_want(kind, d, route):
    space = DesignSpace({f"x{i}": Linear(0.0, 1.0) for i in range(d)})
    objective = Minimise(lambda o: o.values["y"])
    problem = Problem(kind(jnp.zeros(d)), None, space, objective)
    assert problem.forward_mode == (route == 1.0)
    x = jnp.zeros(d)
    assert float(problem.evaluate(x, "gradient").value) == route
    assert float(problem.evaluate(x, "value").value) == 0.0


@pytest.mark.parametrize("order", ORDERS)
def test_a_failed_simulation_gives_its_code_and_no_number(order):
    problem = half_failing()
    answer = ds.evaluate(problem, jnp.asarray([0.95, 0.9]), order)
    assert int(code(answer.result)) == int(code(RESULTS.nonfinite))
    for number in (answer.value, answer.gradient, answer.residuals):
        assert number is None or np.all(np.isnan(number))


@pytest.mark.parametrize("order", ["gradient", "jacobian"])
def test_a_failed_simulation_has_no_derivative(order):
    x = jnp.asarray([0.95, 0.9])
    if order == "gradient":
        scales = {"a": Linear(-2.0, 2.0), "b": Linear(-2.0, 2.0)}
        root = lambda x, _: jnp.sqrt(1 - jnp.sum(x**2))
        problem = formula_problem(root, scales, start=(0.0, 0.0), name="root")
        assert np.all(np.isnan(problem.evaluate(x, order).gradient))
    else:
        assert np.all(np.isnan(half_failing().evaluate(x, order).jacobian))


def test_a_failure_of_the_simulators_own_keeps_its_code():
    class Limited(_Routes):
        def __call__(self, inputs):
            late = self.parameters[0] > 0.5
            limit = jnp.where(late, code(RESULTS.step_limit), code(RESULTS.successful))
            return ds.observe({"y": self.parameters}, from_code(limit), {})

        def with_adjoint(self, adjoint):
            return self

    objective = LeastSquares(np.zeros(1), observable="y")
    space = DesignSpace(x0=Linear(0.0, 1.0))
    problem = Problem(Limited(jnp.zeros(1)), None, space, objective)
    answer = ds.evaluate_batch(problem, jnp.asarray([[0.4], [0.6]]), "gradient")
    assert code(answer.result).tolist() == [0, int(code(RESULTS.step_limit))]
    assert np.isnan(answer.value).tolist() == [False, True]


def test_constraints_stand_in_every_evaluation():
    def outside(observables):
        return observables.values["radius"] - 1.0

    def box(observables):
        return jnp.stack([observables.values["y"], -observables.values["y"]]) - 3.0

    base = disc()
    rows = (ds.Constraint(outside, "disc"), ds.Constraint(box, "box", scale=2.0))
    problem = Problem(base.simulator, None, base.space, base.objective, rows)
    x = jnp.asarray([0.75, 1.0])  # (1, 2) in [-2, 2]²
    for order in ("value", "gradient"):
        slacks = ds.evaluate(problem, x, order).constraints
        assert np.allclose(slacks, [5.0 - 1.0, (3.0 - 3.0) / 2, (-3.0 - 3.0) / 2], atol=1e-12)
    assert branin().evaluate(jnp.full(2, 0.5)).constraints.shape == (0,)


@pytest.mark.parametrize(
    ("build", "order"),
    [(half_failing, o) for o in ORDERS] + [(disc, "value"), (disc, "gradient")],
)
def test_a_batch_is_its_points(build, order):
    problem = build()
    points = jnp.asarray(np.random.default_rng(0).uniform(size=(6, problem.space.size)))
    batch = ds.evaluate_batch(problem, points, order)
    for i, x in enumerate(points):
        single = ds.evaluate(problem, x, order)
        row = jax.tree.map(lambda leaf, i=i: leaf[i], batch)
        for one, other in zip(jax.tree.leaves(row), jax.tree.leaves(single), strict=True):
            assert np.allclose(one, other, rtol=1e-12, atol=1e-14, equal_nan=True)


TRACES = []


def _counted(x, t):
    TRACES.append(x)
    return x[0] * jnp.exp(-x[1] * t)


def counted_problem(k, points=12, d=2):
    """Every number of the problem depends on `k`, and nothing else does."""
    t = jnp.linspace(0.0, 1.0 + k, points)
    scales = [Log(f"{1 + k} mV", 10.0 + k, unit="V"), Linear(-k, 5.0)]
    space = DesignSpace(dict(zip("ab"[:d], scales, strict=False)))
    columns = np.stack([np.ones(points), np.asarray(t)], axis=1)
    mask = np.arange(points) > k
    objective = LeastSquares(np.cos(k * t), 0.1 + k, observable="y", mask=mask, nuisance=columns)
    return Problem(Formula(jnp.asarray([1.0 + k, k]), _counted, ("a", "b")), t, space, objective)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("evaluate", [ds.evaluate, ds.evaluate_batch])
def test_problems_that_differ_in_numbers_share_a_compilation(order, evaluate):
    def run(problem):
        x = jnp.full(problem.space.size, 0.4)
        evaluate(problem, x if evaluate is ds.evaluate else jnp.stack([x, x]), order)
        return len(TRACES)

    before = run(counted_problem(0.5))
    assert run(counted_problem(1.5)) == before
    assert run(counted_problem(2.5)) == before
    # The count can rise: another shape is another program.
    assert run(counted_problem(0.5, points=13)) > before


def test_the_lens_must_be_known_when_the_problem_is_made():
    base = exponential_decay()
    with pytest.raises(ValueError, match="did you mean 'rate'"):
        Problem(base.simulator, None, DesignSpace(rat=Linear(0, 1)), base.objective)


class Branching(ds.AbstractSimulator):
    """Dear where x > ½, as a callback counts."""

    x: Float[Array, ""]
    calls: list = eqx.field(static=True)
    batches: ClassVar = "in turn"

    def lenses(self):
        return {"x": ds.Leaf("x")}

    def __call__(self, inputs):
        def dear(x):
            count = lambda x: (self.calls.append(1), x)[1]
            return jax.pure_callback(count, jax.ShapeDtypeStruct((), x.dtype), x) ** 2

        values = {"y": jax.lax.cond(self.x > 0.5, dear, lambda x: x, self.x)}
        return observe(values, RESULTS.successful, {})


def test_a_batch_in_turn_computes_only_the_branch_it_takes():
    x = jnp.array([[0.2], [0.7], [0.3], [0.9]])
    space = DesignSpace({"x": Linear(0.0, 1.0)})
    calls: list[int] = []
    alone = Branching(jnp.asarray(0.1), calls)
    minimise = Minimise(lambda observables: observables.values["y"])
    found = ds.evaluate_batch(Problem(alone, None, space, minimise), x, "value").value
    np.testing.assert_allclose(found, [0.2, 0.49, 0.3, 0.81])
    assert len(calls) == 2
    answered = Simulation(Problem(alone, None, space, minimise))
    values = answered(Request.at(np.asarray(x), "value")).value.value
    np.testing.assert_allclose(values, found)
    assert len(calls) == 4
