"""The design space: scales, units, bounds, names, and the way into a simulator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import DesignSpace, Leaf, Linear, Log, Logit
from diffsim._units import UnitError
from diffsim.problems import Formula

SCALES = [Linear(-3.0, 7.0), Log(1e-8, 1e-1), Logit(0.001, 0.9)]
IDS = [type(scale).__name__ for scale in SCALES]


def saddle(x, _):
    return jnp.sin(x[0]) * x[1] ** 2 + x[2] * x[0]


def simulator(*parameters):
    return Formula(jnp.asarray(parameters, float), saddle, ("a", "b", "c")[: len(parameters)])


def mixed_space(**changes):
    scales = {"a": Linear(-1.0, 1.0), "b": Log(0.1, 10.0), "c": Logit(0.1, 0.9)} | changes
    return DesignSpace(scales)


class TestScales:
    @pytest.mark.parametrize("scale", SCALES, ids=IDS)
    def test_round_trips(self, scale):
        x = jnp.linspace(0, 1, 101)
        value = jax.vmap(scale.physical)(x)
        assert np.all(np.diff(value) > 0)
        assert np.allclose(jax.vmap(scale.unit_interval)(value), x, rtol=0, atol=1e-14)
        inside = jnp.linspace(scale.low, scale.high, 101)
        back = jax.vmap(scale.physical)(jax.vmap(scale.unit_interval)(inside))
        assert np.allclose(back, inside, rtol=1e-13, atol=1e-14)

    @pytest.mark.parametrize("scale", SCALES, ids=IDS)
    def test_the_ends_are_the_bounds(self, scale):
        ends = [float(scale.physical(jnp.asarray(x))) for x in (0.0, 1.0)]
        assert ends == pytest.approx([float(scale.low), float(scale.high)], rel=1e-14)
        assert float(scale.unit_interval(scale.low)) == 0.0
        assert float(scale.unit_interval(scale.high)) == 1.0

    @pytest.mark.parametrize(
        ("scale", "middle"),
        [
            (Linear(-3.0, 7.0), 2.0),
            (Log(1e-8, 1e-2), 1e-5),
            # The odds are 1/9 and 4, their geometric mean 2/3.
            (Logit(0.1, 0.8), 0.4),
        ],
    )
    def test_the_middle_is_the_middle_of_the_coordinate(self, scale, middle):
        assert float(scale.physical(jnp.asarray(0.5))) == pytest.approx(middle, rel=1e-14)

    def test_texts_are_read_in_the_unit(self):
        scale = Log("1e-6 cm/s", "10 cm/s", unit="m/s", initial="1e-3 cm/s")
        assert (float(scale.low), float(scale.high), float(scale.initial)) == (1e-8, 0.1, 1e-5)
        assert float(Linear("-50 mV", 0.2, unit="V").low) == -0.05

    @pytest.mark.parametrize("field", ["low", "high", "initial"])
    @pytest.mark.parametrize("value", ["3 V", "three", float("nan"), float("inf"), [1.0]])
    def test_what_is_no_such_quantity_is_refused_by_name(self, field, value):
        arguments = dict(low=1.0, high=5.0, initial=2.0) | {field: value}
        with pytest.raises(UnitError) as error:
            Log(**arguments, unit="m/s")
        assert str(error.value).startswith(f"{field} must be ")
        assert repr(value) in str(error.value)

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: Linear(2.0, 1.0), ["low=2", "high=1", "less than"]),
            (lambda: Linear(3.0, 3.0), ["low=3", "high=3", "less than"]),
            (lambda: Linear("2 mm", "1 mm", unit="m"), ["low=0.002", "high=0.001"]),
            (lambda: Log(0.0, 1.0), ["Log", "low=0", "(0, inf)"]),
            (lambda: Log(-2.0, 1.0), ["Log", "low=-2", "(0, inf)"]),
            (lambda: Logit(0.0, 0.5), ["Logit", "low=0", "(0, 1)"]),
            (lambda: Logit(0.5, 1.0), ["Logit", "high=1", "(0, 1)"]),
            (lambda: Linear(0.0, 1.0, initial=1.5), ["initial", "[0, 1]", "1.5"]),
            (lambda: Log(1.0, 2.0, initial=0.5), ["initial", "[1, 2]", "0.5"]),
        ],
    )
    def test_bad_bounds_and_starts_name_field_and_value(self, make, words):
        with pytest.raises(ValueError) as error:
            make()
        for word in words:
            assert word in str(error.value)

    def test_a_start_on_a_bound_is_inside(self):
        assert float(Linear(0.0, 1.0, initial=1.0).initial) == 1.0
        assert float(Linear(0.0, 1.0, initial=0.0).initial) == 0.0


class TestNames:
    def test_order_units_and_size(self):
        space = DesignSpace(
            {"D[Fe3+]": Log(1e-12, 1e-8, unit="m^2/s")}, b=Linear(0, 1), a=SCALES[0]
        )
        assert space.names == ("D[Fe3+]", "b", "a")
        assert space.units == {"D[Fe3+]": "m^2/s", "b": "", "a": ""}
        assert space.size == 3

    def test_the_order_is_kept_where_jax_sorts_the_keys(self):
        space = DesignSpace(b=Linear(0.0, 1.0), a=Linear(10.0, 20.0))
        rebuilt = jax.tree.map(lambda leaf: leaf, space)
        values = rebuilt.physical(jnp.asarray([0.0, 1.0]))
        assert rebuilt.names == ("b", "a")
        assert {name: float(value) for name, value in values.items()} == {"b": 0.0, "a": 20.0}

    def test_physical_and_unit_cube_are_inverse(self):
        space, x = mixed_space(), jnp.asarray([0.2, 0.7, 0.4])
        values = space.physical(x)
        assert tuple(values) == space.names
        assert np.allclose(space.unit_cube(values), x, rtol=0, atol=1e-14)
        with pytest.raises(KeyError, match="c"):
            space.unit_cube({"a": 0.0, "b": 1.0})

    def test_empty_spaces_and_bare_bounds_are_refused(self):
        with pytest.raises(ValueError, match="at least one variable"):
            DesignSpace()
        with pytest.raises(TypeError, match=r"k0 must be a scale .* \(0, 1\)"):
            DesignSpace(k0=(0, 1))


class TestBind:
    def test_takes_the_lens_of_that_name_and_leaves_a_given_one(self):
        own = Leaf("parameters", index=2)
        space = DesignSpace(b=Linear(0, 1), other=Linear(0, 1, where=own)).bind(simulator(1, 2, 3))
        assert space.scales["b"].where == Leaf("parameters", index=1)
        assert space.scales["other"].where == own
        assert space.names == ("b", "other")

    def test_an_unknown_name_gives_the_nearest(self):
        rates = Formula(jnp.zeros(2), saddle, ("rate", "offset"))
        with pytest.raises(ValueError, match=r"'rat'.*\['offset', 'rate'\].*mean 'rate'"):
            DesignSpace(rat=Linear(0, 1)).bind(rates)

    def test_unbound_variables_have_no_place(self):
        space, point = mixed_space(), jnp.zeros(3)
        with pytest.raises(ValueError, match="'a' has no lens"):
            space.apply(simulator(1, 2, 3), point)
        with pytest.raises(ValueError, match="'a' has no lens"):
            space.initial(simulator(1, 2, 3))


class TestApply:
    def test_puts_values_in_their_places_and_leaves_the_rest(self):
        before = simulator(5.0, 6.0, 7.0)
        space = DesignSpace(c=Linear(0.0, 10.0), a=Log(1.0, 100.0)).bind(before)
        after = space.apply(before, jnp.asarray([0.25, 0.5]))
        assert np.allclose(after.parameters, [10.0, 6.0, 2.5], rtol=1e-14)
        assert np.array_equal(before.parameters, [5.0, 6.0, 7.0])

    def test_is_differentiable(self):
        base = simulator(0.0, 0.0, 0.0)
        space = mixed_space().bind(base)

        def value(x):
            return space.apply(base, x)(None).values["y"]

        x, step = jnp.asarray([0.3, 0.6, 0.8]), 1e-5
        central = [(value(x + step * e) - value(x - step * e)) / (2 * step) for e in jnp.eye(3)]
        assert np.allclose(jax.grad(value)(x), central, rtol=1e-7)
        assert np.allclose(jax.jacfwd(value)(x), jax.grad(value)(x), rtol=1e-12)

    def test_other_numbers_are_no_other_program(self):
        traces = []

        @jax.jit
        def value(space, x):
            traces.append(x)
            return space.apply(simulator(0.0, 0.0, 0.0), x).parameters

        x = jnp.asarray([0.0, 1.0, 0.5])
        first = value(mixed_space().bind(simulator(0, 0, 0)), x)
        # Bounds of text too, and lenses and spaces built anew.
        other = mixed_space(a=Linear("5", 6), b=Log("20 %", 2)).bind(simulator(0, 0, 0))
        assert np.allclose(first, [-1.0, 10.0, 0.5], rtol=1e-14)
        assert np.allclose(value(other, x), [5.0, 2.0, 0.5], rtol=1e-14)
        assert len(traces) == 1


class TestInitial:
    def test_what_stands_there_is_moved_inside(self):
        base = simulator(0.5, 1e3, 0.01)
        assert np.allclose(mixed_space().bind(base).initial(base), [0.75, 1.0, 0.0], atol=1e-14)

    def test_a_given_start_comes_first(self):
        base = simulator(0.5, 0.2, 0.5)
        space = mixed_space(b=Log(0.1, 10.0, initial="100 %")).bind(base)
        start = space.initial(base)
        assert np.allclose(start, [0.75, 0.5, 0.5], atol=1e-14)
        assert start.dtype == np.float64
