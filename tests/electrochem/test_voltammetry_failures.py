"""What goes wrong ends in a code with a remedy, never in a hang or a silent number."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import electrochem as ec
from diffsim._status import code, name_of
from diffsim.electrochem import waveforms
from tests.electrochem.voltammetry_cases import THERMAL, UNIT_K0, cell, couple, simulate, sweep

LAW = ec.ButlerVolmer(UNIT_K0)


def outcome(made, waveform=None) -> str:
    observed = simulate(made, waveform or sweep())
    name = name_of(int(code(observed.result)))
    failed = name != "successful"
    assert np.all(np.isnan(observed.values["current"])) == failed
    if failed:
        with pytest.raises(ds.SimulationError, match=name):
            observed.checked()
    return name


def test_step_limit():
    assert outcome(couple(LAW, integrator=ec.Integrator(max_steps=16))) == "step_limit"


def test_a_double_layer_too_fast_for_any_step_is_charged_at_once():
    """R C of a billionth of a billionth of the experiment, at a jump and a tight tolerance."""
    tight = ec.Integrator(tolerance=2e-7, max_steps=16384)
    # B is oxidised from the first instant on, so that the current jumps.
    made = couple(LAW, bulk=(1.0, 0.1), integrator=tight)
    circuit = ec.Circuit(resistance=1e-5, capacitance=1e-5)
    fast = simulate(replace(made, circuit=circuit), sweep(10.0, -10.0))
    none = simulate(replace(made, circuit=ec.Circuit()), sweep(10.0, -10.0))
    current = np.asarray(none.checked().values["current"])
    np.testing.assert_allclose(
        fast.checked().values["current"][1:], current[1:], atol=1e-5 * np.max(np.abs(current[1:]))
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonfinite_parameter(value):
    made = jax.tree.map(lambda x: x, couple(LAW))
    lens = made.lenses()["k0"]
    assert outcome(lens.set(made, jnp.asarray(value))) == "nonfinite"


@pytest.mark.parametrize("resistance", [-3e3, -3e4])
def test_overcompensated_resistance_is_found_out(resistance):
    circuit = ec.Circuit(resistance=resistance, capacitance=0.2)
    failures = {"step_limit", "step_underflow", "diverged", "nonfinite"}
    assert outcome(couple(LAW, circuit=circuit)) in failures


@pytest.mark.parametrize("resistance", [1e1, 1e3, 1e5])
def test_step_through_a_resistance_converges(resistance):
    """Newton's method alone jumps between the plateaus of the wave for ever."""
    made = couple(circuit=ec.Circuit(resistance=resistance))
    step = waveforms.PotentialStep(-20 * THERMAL, 1.0, samples=500)
    observed = simulate(made, step).checked()
    current = np.asarray(observed.values["current"])
    assert np.all(current < 0)
    # Without a product in the bulk the interface rests positive of the wave, not far.
    interface = -20 * THERMAL - resistance * current
    assert np.all((interface > -20 * THERMAL) & (interface < 20 * THERMAL))


def test_the_limits_of_the_circuit_are_exact():
    plain = simulate(couple(LAW), sweep()).values["current"]
    nearly = simulate(couple(LAW, circuit=ec.Circuit(1e-9, 1e-12)), sweep()).values["current"]
    np.testing.assert_allclose(nearly, plain, atol=3e-4 * np.max(np.abs(plain)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: couple(bulk=(0.0, 0.0)), "bulk concentration"),
        (lambda: couple(bulk=(-1.0, 0.0)), "concentration.*=-1"),
        (lambda: couple(diffusivities=(-1e-9, 1e-9)), "diffusivity.*=-1e-09"),
        (lambda: replace(couple(), temperature=10.0), "temperature.*150"),
        (lambda: couple(electrode=ec.Disc(-1.0)), "radius"),
        (lambda: couple(domain=ec.ThinLayer(0.0)), "depth"),
        (lambda: ec.Circuit(capacitance=-1.0), "capacitance"),
        (lambda: ec.Integrator(tolerance=1.0), "tolerance"),
        (lambda: ec.Integrator(max_steps=1), "max_steps"),
        (lambda: ec.Grid(cells=2), "cells"),
        (lambda: ec.Grid(first=0.5), "first"),
        (
            lambda: cell(
                [ec.ElectrodeReaction("O + e- <=> P", ec.Nernst(), 0.0)],
                dict(O=(1e-9, 1.0), Q=(1e-9, 0.0)),
            ),
            "'Q'.*did you mean 'P'",
        ),
    ],
)  # fmt: skip
def test_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_no_dense_matrix_in_the_path():
    cells = 37  # a number that nothing else has
    chemistry = ec.ChemicalReaction("B -> C", 1.0)
    reaction = ec.ElectrodeReaction("A + e- <=> B", LAW, 0.0)
    species = dict(A=(1e-9, 1.0), B=(1e-9, 0.0), C=(1e-9, 0.0))
    large = {cells - 1, cells, cells + 1, 2 * cells, 3 * cells}

    def dense(shapes):
        assert any(cells in shape for shape in shapes)
        return [s for s in shapes if sum(axis in large for axis in s) > 1]

    for steps in ([reaction], [reaction, chemistry]):
        names = {n: species[n] for n in (species if len(steps) > 1 else ("A", "B"))}
        made = cell(steps, names, grid=ec.Grid(cells=cells))
        jaxpr = jax.make_jaxpr(lambda c: c(sweep(samples=10)).values["current"])(made).jaxpr
        # Linear transport is taken apart into its modes once, before the first step.
        loops = [e for e in _equations(jaxpr) if e.primitive.name in ("while", "scan")]
        assert not dense({s for loop in loops for s in _shapes(_inner(loop))})
        once = [e for e in _equations(jaxpr) if e.primitive.name == "eigh"]
        assert len(once) == (len(steps) == 1)
        assert once or not dense(set(_shapes([jaxpr])))


def _inner(equation):
    """The programs within one."""
    values = jax.tree.leaves(
        list(equation.params.values()), is_leaf=lambda v: hasattr(v, "eqns") or hasattr(v, "jaxpr")
    )
    return [inner for v in values if hasattr(inner := getattr(v, "jaxpr", v), "eqns")]


def _equations(jaxpr):
    for equation in jaxpr.eqns:
        yield equation
        for inner in _inner(equation):
            yield from _equations(inner)


def _shapes(programs):
    for program in programs:
        for equation in _equations(program):
            for variable in (*equation.invars, *equation.outvars):
                yield tuple(getattr(variable.aval, "shape", ()))
