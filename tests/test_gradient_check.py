"""The check of derivatives is itself checked: right ones pass, wrong ones are found."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import Linear, Problem
from diffsim.problems import (
    Formula,
    branin,
    exponential_decay,
    formula_problem,
    half_failing,
    hartmann6,
    levy,
    straight_line,
)

NAMES = ("gain", "rate", "offset")
BOX = {name: Linear(0.0, 2.0) for name in NAMES}


@pytest.mark.parametrize(
    "build", [exponential_decay, straight_line, branin, hartmann6, lambda: levy(11)]
)
def test_right_derivatives_pass(build):
    problem = build()
    x = np.random.default_rng(0).uniform(0.2, 0.8, problem.space.size)
    check = ds.check_gradients(problem, x)
    assert check.passed()
    assert check.names == problem.space.names
    gradient = ds.evaluate(problem, jnp.asarray(x), "gradient").gradient
    for route, tolerance in (("forward", 1e-12), ("reverse", 1e-12), ("finite_differences", 1e-7)):
        error = np.max(np.abs(getattr(check, route) - gradient))
        assert error <= tolerance * np.max(np.abs(gradient))


def test_the_start_is_the_default_and_kept_clear_of_the_bounds():
    scales = {"a": Linear(0.0, 1.0), "b": Linear(0.0, 1.0)}
    square = lambda x, _: jnp.sum(x**2)
    check = ds.check_gradients(formula_problem(square, scales, start=(0.0, 0.4), name="square"))
    assert np.allclose(check.forward, [0.04, 0.8], rtol=1e-12)


# One product, whose derivative may be wrong by a factor in one argument.
@jax.custom_jvp
def _product(gain, rate, factors):
    return gain**2 * rate**3


@_product.defjvp
def _product_jvp(primals, tangents):
    gain, rate, factors = primals
    in_gain, in_rate, _ = tangents
    tangent = (
        factors[0] * 2 * gain * rate**3 * in_gain + factors[1] * 3 * gain**2 * rate**2 * in_rate
    )
    return _product(gain, rate, factors), tangent


def _model(x, factors):
    return _product(x[0], x[1], factors) + x[2]


def product_problem(*factors):
    return formula_problem(
        _model, BOX, start=(1.1, 0.9, 0.5), inputs=jnp.asarray(factors), name="product"
    )


def wrong_ones(check, tolerance=1e-6):
    """The names whose derivative is not the finite difference."""
    error = np.abs(check.forward - check.finite_differences)
    return [n for n, e in zip(check.names, error, strict=True) if e > tolerance * check.scale]


@pytest.mark.parametrize(
    ("factors", "wrong"),
    [
        ((1.0, 1.0), []),
        ((1.001, 1.0), ["gain"]),
        ((1.0, -1.0), ["rate"]),
        ((0.0, 0.5), ["gain", "rate"]),
    ],
)
def test_a_wrong_rule_is_found_and_its_parameter_named(factors, wrong):
    check = ds.check_gradients(product_problem(*factors))
    assert check.passed() == (not wrong)
    assert wrong_ones(check) == wrong
    # Both modes follow the same wrong rule: they agree, and only differences tell.
    assert check.mode_disagreement < 1e-12


def test_the_table_has_a_line_for_each_variable_and_the_verdict():
    check = ds.check_gradients(product_problem(1.0, -1.0))
    *lines, verdict = check.table().splitlines()
    rows = {line.split()[0]: [float(v) for v in line.split()[1:]] for line in lines[1:]}
    assert tuple(rows) == NAMES
    forward, reverse, differences = rows["rate"]
    assert forward == reverse == pytest.approx(-differences, rel=1e-8)
    assert f"{check.finite_difference_disagreement:.1e}" in verdict
    assert f"{check.mode_disagreement:.1e}" in verdict


@jax.custom_vjp
def _cube(x):
    return x**3


_cube.defvjp(lambda x: (x**3, x), lambda x, ct: (2.9 * x**2 * ct,))


class _Reverse(Formula):
    adjoints: ClassVar = ("checkpointed",)


class _Forward(Formula):
    adjoints: ClassVar = ("forward",)


def one_mode(kind, function):
    simulator = kind(jnp.full(3, 1.5), function, NAMES)
    objective = ds.Minimise(lambda o: o.values["y"])
    return Problem(simulator, None, ds.DesignSpace(BOX), objective)


@pytest.mark.parametrize(("kind", "missing"), [(_Reverse, "forward"), (_Forward, "reverse")])
def test_a_mode_that_the_simulator_has_not_is_left_out(kind, missing):
    check = ds.check_gradients(one_mode(kind, lambda x, _: jnp.sum(x**3)))
    assert getattr(check, missing) is None
    assert np.isnan(check.mode_disagreement)
    assert check.passed()
    assert " - " in check.table().splitlines()[1] + " "


def test_a_wrong_reverse_rule_is_found_without_forward_mode():
    check = ds.check_gradients(one_mode(_Reverse, lambda x, _: _cube(x[0]) + x[1]))
    assert not check.passed()
    assert check.finite_difference_disagreement == pytest.approx(0.1 / 3, rel=1e-4)


def _reverse_trap(x, _):
    # The branch not taken has an infinite slope, which reverse mode multiplies by zero.
    return jnp.where(x[0] > 2.5, jnp.sqrt(jnp.maximum(x[0] - 2.5, 0.0)), x[0]) + x[1] + x[2]


def test_nan_in_reverse_mode_does_not_pass():
    check = ds.check_gradients(one_mode(Formula, _reverse_trap))
    assert np.isnan(check.reverse[0])
    assert np.allclose(check.forward, check.finite_differences)
    assert not check.passed()


def test_a_noisy_value_is_not_trusted_more_than_it_deserves():
    # A ripple too fine for its slope to matter, and too coarse for differences at 1e-6.
    def rippled(x, _):
        return jnp.sum(x**2) + jax.lax.stop_gradient(1e-8 * jnp.sum(jnp.sin(1e7 * x)))

    check = ds.check_gradients(formula_problem(rippled, BOX, start=(1.1, 0.9, 0.5), name="noisy"))
    assert check.finite_difference_disagreement > 1e-6
    assert check.passed()
    assert not check.passed(modes=-1.0)


def test_what_is_not_finite_cannot_be_checked():
    with pytest.raises(ValueError, match=r"must be finite .* at x=\[0\.95 0\.9 ?\]"):
        ds.check_gradients(half_failing(), np.array([0.95, 0.9]))
