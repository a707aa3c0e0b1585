"""Lenses, observables, result codes, precision, and the flag of XLA."""

import os
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from diffsim import RESULTS, At, Leaf, Observables, SimulationError, observe
from diffsim._precision import enable_x64, require_x64
from diffsim._status import code, from_code, is_successful, name_of, remedy_of, worst
from diffsim._xla import _FLAGS, tune_for_small_programs

NAMES = list(RESULTS._name_to_item)
FAILURES = [name for name in NAMES if name != "successful"]


def result(name):
    return RESULTS._name_to_item[name]


class _Electrode(eqx.Module):
    radius: Float[Array, ""]
    area: float
    files: Float[Array, " e"]


class _System(eqx.Module):
    electrode: _Electrode
    species: dict[str, Float[Array, " 2"]]
    layers: list[Float[Array, ""]]


def system():
    electrode = _Electrode(jnp.asarray(1.0), 2.0, jnp.asarray([3.0, 4.0, 5.0]))
    species = {"Fe3+": jnp.asarray([6.0, 7.0]), "0": jnp.asarray([8.0, 9.0])}
    return _System(electrode, species, [jnp.asarray(10.0), jnp.asarray(11.0)])


def leaves(tree):
    return [np.asarray(leaf).tolist() for leaf in jax.tree.leaves(tree)]


# The leaves of `system()` in JAX's order, the first of "species" being "0".
LEAVES = [1.0, 2.0, [3.0, 4.0, 5.0], [8.0, 9.0], [6.0, 7.0], 10.0, 11.0]
LENSES = [
    (Leaf("electrode.radius"), 1.0, {0: -1.0}),
    (Leaf("electrode.area"), 2.0, {1: -1.0}),
    (Leaf("electrode.files"), 3.0, {2: [-1.0, -1.0, -1.0]}),
    (Leaf("electrode.files", index=1), 4.0, {2: [3.0, -1.0, 5.0]}),
    (Leaf("electrode.files", index=-1), 5.0, {2: [3.0, 4.0, -1.0]}),
    (Leaf("species.Fe3+"), 6.0, {4: [-1.0, -1.0]}),
    (Leaf("species.0", index=1), 9.0, {3: [8.0, -1.0]}),
    (Leaf("layers.1"), 11.0, {6: -1.0}),
    (Leaf("layers.1", "electrode.radius"), 11.0, {0: -1.0, 6: -1.0}),
    (Leaf("species.Fe3+", "electrode.files", index=1), 7.0, {2: [3.0, -1.0, 5.0], 4: [6.0, -1.0]}),
    (At(lambda s: s.electrode.radius), 1.0, {0: -1.0}),
    (At(lambda s: s.electrode.files, index=2), 5.0, {2: [3.0, 4.0, -1.0]}),
    (At(lambda s: (s.layers[0], s.species["0"])), 10.0, {3: [-1.0, -1.0], 5: -1.0}),
    (At(lambda s: [s.species["0"], s.layers[0]]), 8.0, {3: [-1.0, -1.0], 5: -1.0}),
]


class TestLenses:
    @pytest.mark.parametrize(("lens", "value", "changed"), LENSES)
    def test_get_and_set_touch_their_leaves_only(self, lens, value, changed):
        before = system()
        assert float(lens.get(before)) == value
        after = lens.set(before, jnp.asarray(-1.0))
        assert leaves(after) == [changed.get(i, leaf) for i, leaf in enumerate(LEAVES)]
        assert float(lens.get(after)) == -1.0
        assert leaves(before) == LEAVES

    def test_tied_leaves_share_one_derivative(self):
        lens = Leaf("electrode.files", "layers.0")
        total = lambda v: sum(jnp.sum(leaf) for leaf in jax.tree.leaves(lens.set(system(), v)))
        assert float(jax.grad(total)(jnp.asarray(0.5))) == 4.0

    def test_paths_compare_by_text(self):
        assert Leaf("a.b", index=1) == Leaf("a.b", index=1)
        assert hash(Leaf("a.b")) == hash(Leaf("a.b"))
        assert Leaf("a.b", index=1) != Leaf("a.b")
        assert Leaf("a.b", "c") != Leaf("a.b")

    @pytest.mark.parametrize(
        ("path", "error"),
        [
            ("electrode.radios", AttributeError),
            ("species.Fe2+", KeyError),
            ("layers.7", IndexError),
        ],
    )
    def test_a_path_to_nowhere_names_the_part(self, path, error):
        with pytest.raises(error) as refusal:
            Leaf(path).get(system())
        assert error is IndexError or path.split(".")[-1] in str(refusal.value)


class TestObserve:
    def test_a_success_goes_through(self):
        counts = {"num_steps": jnp.asarray(7)}
        answer = observe({"y": jnp.arange(3.0)}, RESULTS.successful, counts)
        assert answer.values["y"].tolist() == [0.0, 1.0, 2.0]
        assert bool(is_successful(answer.result))
        assert int(answer.stats["num_steps"]) == 7
        assert answer.checked() is answer

    @pytest.mark.parametrize("name", FAILURES)
    def test_no_number_of_a_failure_gets_out(self, name):
        values = {"y": jnp.arange(3.0), "z": jnp.asarray(1.0)}
        answer = observe(values, result(name), {"num_steps": jnp.asarray(7)})
        assert all(np.all(np.isnan(value)) for value in answer.values.values())
        assert name_of(int(code(answer.result))) == name
        assert int(answer.stats["num_steps"]) == 7

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_one_bad_number_fails_the_simulation(self, bad):
        values = {"y": jnp.asarray([1.0, bad]), "z": jnp.asarray(1.0)}
        answer = observe(values, RESULTS.successful, {})
        assert all(np.all(np.isnan(value)) for value in answer.values.values())
        assert name_of(int(code(answer.result))) == "nonfinite"
        # What failed first is told, not what followed from it.
        assert name_of(int(code(observe(values, RESULTS.diverged, {}).result))) == "diverged"


def simulate(x):
    return observe({"y": jnp.log(x)}, RESULTS.successful, {})


class TestChecked:
    @pytest.mark.parametrize("name", FAILURES)
    def test_raises_with_the_remedy(self, name):
        with pytest.raises(SimulationError) as error:
            Observables({}, result(name), {}).checked()
        assert str(error.value) == f"{name}: {remedy_of(NAMES.index(name))}"
        assert len(remedy_of(NAMES.index(name))) > 20

    def test_a_batch_names_its_first_failure_and_counts_the_rest(self):
        batch = jax.vmap(simulate)(jnp.asarray([1.0, 2.0, -1.0, 3.0, -2.0, -3.0]))
        assert np.isnan(batch.values["y"]).tolist() == [False, False, True, False, True, True]
        with pytest.raises(SimulationError, match=r"nonfinite \(sample 2 and 2 more\): .*narrow"):
            batch.checked()
        good = jax.vmap(simulate)(jnp.asarray([1.0, 2.0]))
        assert good.checked() is good

    def test_does_nothing_on_traced_values(self):
        value = jax.jit(lambda x: simulate(x).checked().values["y"])(jnp.asarray(-1.0))
        assert np.isnan(value)


class TestCodes:
    @pytest.mark.parametrize("name", NAMES)
    def test_go_to_integers_and_back(self, name):
        number = int(code(result(name)))
        assert (name_of(number), number) == (name, NAMES.index(name))
        assert bool(from_code(number) == result(name))
        assert bool(is_successful(from_code(number))) == (name == "successful")

    def test_the_order_is_that_of_the_files(self):
        # Datasets and the compiled programs hold the integers; new codes go to the end.
        first = ["successful", "step_limit", "step_underflow", "nonfinite", "diverged"]
        assert NAMES[:5] == first

    def test_the_worst_is_the_first_failure_of_each(self):
        one = from_code(jnp.asarray([0, 0, 1, 1]))
        two = from_code(jnp.asarray([0, 3, 0, 3]))
        three = from_code(jnp.asarray([4, 4, 4, 0]))
        assert code(worst(one, two, three)).tolist() == [4, 3, 1, 1]
        assert code(worst(one, two)).tolist() == [0, 3, 1, 1]
        assert code(worst(two)).tolist() == [0, 3, 0, 3]
        assert is_successful(worst(one, two)).tolist() == [True, False, False, False]


def test_single_precision_is_refused():
    require_x64()
    try:
        jax.config.update("jax_enable_x64", False)
        with pytest.raises(RuntimeError, match="jax_enable_x64 must be True, but it is False"):
            require_x64()
        enable_x64()
        require_x64()
    finally:
        jax.config.update("jax_enable_x64", True)


class TestFlagsOfXLA:
    ours: ClassVar = [f"--{name}={value}" for name, value in _FLAGS.items()]

    @pytest.mark.parametrize(
        ("before", "added"),
        [
            (None, ours),
            ("", ours),
            ("--xla_dump_to=here", ours),
            ("--xla_cpu_enable_concurrency_optimized_scheduler=true", ours[1:]),
            ("--xla_dump_to=here --xla_cpu_use_fusion_emitters=true", [*ours[:2], *ours[3:]]),
            (" ".join(ours), []),
        ],
    )
    def test_are_set_unless_the_user_has_spoken(self, monkeypatch, before, added):
        # Set first in any case, that monkeypatch puts back what stood there.
        monkeypatch.setenv("XLA_FLAGS", before or "")
        if before is None:
            monkeypatch.delenv("XLA_FLAGS")
        monkeypatch.setattr(jax, "__version__", "0.10.2")
        for _ in range(2):  # twice is once
            tune_for_small_programs()
            assert os.environ["XLA_FLAGS"].split() == [*(before or "").split(), *added]

    @pytest.mark.parametrize("version", ["0.9.1", "0.11.0", "0.100.0", "1.0.10.0"])
    def test_are_not_given_to_an_xla_that_may_not_know_them(self, monkeypatch, version):
        monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
        monkeypatch.setattr(jax, "__version__", version)
        tune_for_small_programs()
        assert os.environ["XLA_FLAGS"] == "--xla_dump_to=here"
