"""Migration: limiting currents without support, junctions, full support, the published file."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import electrochem as ec
from diffsim._status import code, name_of
from diffsim.constants import faraday, gas_constant, vacuum_permittivity
from diffsim.electrochem import analytic
from diffsim.electrochem.migration._ions import bernoulli, growth
from diffsim.solvers import Bordered
from experiments._backward_euler_migration import Medium, grid, voltammogram

TEMPERATURE = 298.15
THERMAL = gas_constant * TEMPERATURE / faraday
# The published problem in SI: D = 1, r = 1, c* = 1.
DIFFUSIVITY, RADIUS, AREA = 1e-9, 1e-5, 1e-4
SPEED, CLOCK = DIFFUSIVITY / RADIUS, RADIUS**2 / DIFFUSIVITY
UNIT = faraday * AREA * SPEED
# The relative permittivity of a Debye-type length of r/10⁴.
PERMITTIVITY = faraday**2 * RADIUS**2 / (gas_constant * TEMPERATURE) / 1e8 / vacuum_permittivity
SWEEP = ec.CyclicSweep(10 * THERMAL, -10 * THERMAL, 10 * THERMAL / CLOCK)
TIMES = np.linspace(0.01, 1.0, 100) * float(SWEEP.duration)


def couple(*, cells=24, tolerance=1e-4, domain=None):
    return ec.Voltammetry(
        ec.Mechanism(
            "A + e- <=> B-",
            kinetics=ec.ButlerVolmer(10**0.5 * SPEED, 0.45, 0.5),
            formal_potential=0.0,
        ),
        {"A": ec.Species(DIFFUSIVITY, 1.0), "B-": ec.Species(DIFFUSIVITY)},
        ec.Planar(AREA),
        domain=domain or ec.SemiInfinite(),
        temperature=TEMPERATURE,
        grid=ec.Grid(cells=cells),
        integrator=ec.Integrator(tolerance),
    )


def supported(ratio, field, cell=None):
    ions = {"M+": ec.Species(DIFFUSIVITY, ratio), "N-": ec.Species(DIFFUSIVITY)}
    return ec.MigrationVoltammetry(cell or couple(), ions, field, counter="N-")


@eqx.filter_jit
def simulate(cell, inputs):
    return cell(inputs)


def flux(cell, times=TIMES):
    return np.asarray(simulate(cell, (SWEEP, times)).checked().values["current"]) / UNIT


def test_weights_are_smooth_through_zero():
    x = jnp.array([-30.0, -1e-2, -1e-9, 0.0, 3e-3, 0.00999999, 0.01000001, 5.0])
    exact = np.where(np.asarray(x) == 0, 1.0, np.expm1(x) / np.where(x == 0, 1.0, x))
    np.testing.assert_allclose(growth(x), exact, rtol=1e-14)
    slope = jax.vmap(jax.grad(bernoulli))(jnp.array([-1e-8, 0.0, 1e-8]))
    np.testing.assert_allclose(slope, -0.5, atol=1e-8)
    assert np.all(np.isfinite(jax.vmap(jax.grad(bernoulli))(jnp.array([-700.0, 700.0]))))


@pytest.mark.parametrize(
    ("charges", "factor"), [((1, 0, -1), 2.0), ((2, 1, -1), 1.27391), ((-1, -2, 1), 0.84927)]
)
def test_published_factors(charges, factor):
    assert analytic.unsupported_limiting_factor(*charges) == pytest.approx(factor, abs=1e-5)


def test_factors_of_no_solution():
    for charges, message in (
        ((1, 0, 2), "opposite"),
        ((1, 1, -1), "differ"),
        ((1, -1, -2), "sign"),
    ):
        with pytest.raises(ValueError, match=message):
            analytic.unsupported_limiting_factor(*charges)


@pytest.mark.slow
@pytest.mark.parametrize(("reactant", "product"), [("A-", "B2-"), ("A+", "B")])
def test_limiting_current_without_support(reactant, product):
    """At a hemisphere; the second of these leaves no ion at the electrode."""
    electrode, depth = ec.hemisphere(1e-6), 2e-5
    cell = ec.Voltammetry(
        ec.Mechanism(f"{reactant} + e- <=> {product}", kinetics=ec.Nernst(), formal_potential=0.0),
        {reactant: ec.Species(1e-9, 1.0), product: ec.Species(1e-9)},
        electrode,
        domain=ec.DiffusionLayer(depth),
        grid=ec.Grid(cells=16),
    )
    counter, charges = ("X+", (-1, -2, 1)) if reactant == "A-" else ("X-", (1, 0, -1))
    made = ec.MigrationVoltammetry(cell, {counter: ec.Species(1e-9)}, counter=counter)
    sweep = ec.LinearSweep(0.3, -1.0, 0.13)
    current = simulate(made, (sweep, sweep.duration[None])).checked().values["current"][-1]
    alone = -faraday * 1e-9 * electrode.area / electrode.resistance(depth)
    factor = analytic.unsupported_limiting_factor(*charges)
    assert float(current / alone) == pytest.approx(factor, rel=1e-3)


def test_a_linear_junction_is_henderson_s():
    """The potential without current of a given profile: HCl against KCl."""
    names = {"H+": 9.311e-9, "K+": 1.957e-9, "Cl-": 2.032e-9}
    ions = {name: ec.Species(d, 0.0 if name == "Cl-" else 10.0) for name, d in names.items()}
    cell = ec.MigrationVoltammetry(couple(cells=100), ions, counter="Cl-")
    system, _ = cell._system(SWEEP)
    left, right = np.array([0, 0, 100.0, 0, 100.0]), np.array([0, 0, 0, 30.0, 30.0])
    # Mixed linearly over uniform cells.
    share = (np.arange(100) + 0.5) / 100
    ions = eqx.tree_at(
        lambda i: (i.bulk, i.conductances),
        system.ions,
        (jnp.asarray(right), jnp.full(101, 1.0).at[-1].set(2.0)),
    )
    system = eqx.tree_at(lambda s: s.ions, system, ions)
    c = left[:, None] * (1 - share) + right[:, None] * share
    potential = system.potential(jnp.asarray(c), jnp.asarray(0.0))[0] * THERMAL
    here, charges = c[:, 0], np.array(cell.charges, float)
    exact = analytic.henderson_potential(
        *map(jnp.asarray, (charges[2:], list(names.values()), here[2:], right[2:]))
    )
    assert float(potential) == pytest.approx(float(exact), rel=1e-3)
    assert abs(float(exact)) > 0.02


@eqx.filter_jit
def _integrated(cell, system, state, share):
    """Potential of the electrode (V, against the bulk) at parts of the sweep."""
    solution = cell.cell._integrate(system, state)
    return jax.vmap(lambda t: solution.evaluate(t).border[-2])(share) * THERMAL


def _relaxing(cell, sweep, before, share):
    """The same after a junction in the middle began to diffuse; `before` (m,) in mol/m³ on the
    electrode's side, in the order of `cell.names` outside of jit, where dictionaries are sorted."""
    system, state = cell._system(sweep)
    scaled = before / system.cell.scales.concentration
    inside = jnp.cumsum(system.ions.volumes) < 0.5 * jnp.sum(system.ions.volumes)
    nodes = jnp.where(inside, scaled[:, None], system.ions.bulk[:, None])
    return _integrated(cell, system, Bordered(nodes, state.border), share)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("left", "right", "apart"),
    [
        # One salt, two concentrations: exact for whatever profile diffusion makes.
        ({"H+": 0.0, "K+": 100.0}, {"H+": 0.0, "K+": 10.0}, 5e-3),
        ({"H+": 100.0, "K+": 0.0}, {"H+": 10.0, "K+": 0.0}, 5e-3),
        # Two salts: Henderson's linear profiles are not those of free diffusion.
        ({"H+": 20.0, "K+": 0.0}, {"H+": 0.0, "K+": 20.0}, 0.02),
    ],
)
def test_a_junction_that_diffuses(left, right, apart):
    diffusivity = {"H+": 9.311e-9, "K+": 1.957e-9, "Cl-": 2.032e-9}
    ions = {name: ec.Species(d, right.get(name, 0.0)) for name, d in diffusivity.items()}
    blocked = ec.Voltammetry(
        ec.Mechanism("A + e- <=> B-", kinetics=ec.Inert(), formal_potential=0.0),
        # As much as of the salts: it sets the unit of concentration, in which tolerances are.
        {"A": ec.Species(1e-9, 20.0), "B-": ec.Species(1e-9)},
        ec.Planar(AREA),
        domain=ec.DiffusionLayer(1e-4),
        grid=ec.Grid(cells=200),
    )
    cell = ec.MigrationVoltammetry(blocked, ions, counter="Cl-")
    salt = {name: jnp.array([side["H+"], side["K+"], sum(side.values())])
            for name, side in (("left", left), ("right", right))}  # fmt: skip
    before = jnp.concatenate([jnp.array([20.0, 0.0]), salt["left"]])
    sweep = ec.LinearSweep(0.0, -0.01, 0.5)
    found = _relaxing(cell, sweep, before, jnp.array([0.6, 1.0]))
    spread = jnp.array(list(diffusivity.values()))
    exact = analytic.henderson_potential(
        jnp.array([1.0, 1.0, -1.0]), spread, salt["left"], salt["right"]
    )
    if apart < 0.01:
        positive = spread[0] if left["H+"] else spread[1]
        share = (positive - spread[2]) / (positive + spread[2])
        exact = -share * THERMAL * jnp.log(10.0)
    np.testing.assert_allclose(found, exact, rtol=apart, atol=2e-6)
    # It stands still while it widens.
    assert np.ptp(np.asarray(found)) < 0.02 * abs(float(exact)) + 1e-6


@pytest.mark.slow
def test_marcus_hush_chidsey_sees_the_interface():
    """Frumkin's correction: c exp(−zφ(0)F/RT) and k(E − φ(0)) where nothing is depleted."""
    law = ec.MarcusHushChidsey(1e-7, 0.6)
    cell = ec.Voltammetry(
        ec.Mechanism("A+ + e- <=> B", kinetics=law, formal_potential=0.0),
        {"A+": ec.Species(1e-9, 1.0), "B": ec.Species(1e-9)},
        ec.Planar(AREA),
        domain=ec.DiffusionLayer(1e-6),
        temperature=TEMPERATURE,
        grid=ec.Grid(cells=48),
    )
    salt = {"K+": ec.Species(1e-9, 9.0), "Cl-": ec.Species(1e-9)}
    made = ec.MigrationVoltammetry(cell, salt, ec.Poisson(78.4, ec.Stern(0.2)), counter="Cl-")
    sweep = ec.LinearSweep(0.0, -0.15, 0.001)
    values = simulate(made, (sweep, sweep.duration * jnp.linspace(0.5, 1.0, 4))).checked().values
    surface = values["surface_potential"]
    diffuse = analytic.gouy_chapman_capacitance(surface, concentration=10.0)
    charging = -0.001 * AREA / (1.0 / diffuse + 1.0 / 0.2)
    rate, _ = law.log_rates(values["potential"] - surface, TEMPERATURE, 1)
    expected = -faraday * AREA * jnp.exp(rate - surface / THERMAL)
    np.testing.assert_allclose(values["current"] - charging, expected, rtol=1e-2)
    uncorrected, _ = law.log_rates(values["potential"], TEMPERATURE, 1)
    assert np.all(np.abs(np.expm1(uncorrected - rate)) > 0.3)


@pytest.fixture(scope="module")
def neutral():
    """Voltammograms of the electroneutral cell by the ratio of support to reactant."""
    return {ratio: flux(supported(ratio, ec.Electroneutral())) for ratio in (0.5, 5.0, 1e3, 1e4)}


@pytest.mark.slow
def test_full_support_is_diffusion_alone(neutral):
    """The ohmic drop that is left falls with the support."""
    alone = flux(couple(cells=48))
    off = [np.max(np.abs(neutral[ratio] - alone)) for ratio in (1e3, 1e4)]
    assert off[0] < 3e-3
    assert off[0] / off[1] == pytest.approx(10.0, rel=0.1)
    assert np.max(np.abs(neutral[5.0] - alone)) > 0.05


@pytest.mark.slow
def test_poisson_is_neutral_where_the_debye_length_is_small():
    fields = ec.Electroneutral(), ec.Poisson(PERMITTIVITY)
    for ratio in (0.5, 5.0, 1e3):
        neutral, charged = (flux(supported(ratio, f, couple(cells=None))) for f in fields)
        np.testing.assert_allclose(charged, neutral, atol=1e-3)
        # No spike anywhere: the published files have them at 50 and 100.
        assert np.max(np.abs(np.diff(neutral, 2))) < 0.2


@pytest.mark.slow
def test_the_published_scheme_converges_to_ours():
    """It is off by its steps in time, of first order, and then by its grid."""
    cell = couple(domain=ec.DiffusionLayer(grid(4.0)[-1] * RADIUS))
    steps, off = (0.4, 0.2), []
    times = np.arange(1, 100) * 0.4 / 10 * CLOCK
    ours = flux(supported(5.0, ec.Poisson(PERMITTIVITY), cell), times)
    for step in steps:
        _, theirs = voltammogram(Medium(10**0.5, 0.45, 0.5, 5.0), 10.0, step)
        off.append(np.sqrt(np.mean((theirs[:: round(0.4 / step)][1:] - ours)[3:] ** 2)))
    assert off[0] < 0.02
    assert off[0] / off[1] == pytest.approx(2.0, rel=0.25)


@pytest.mark.slow
def test_a_blocked_electrode_charges_a_double_layer():
    """Stern's capacitance in series with that of Gouy and Chapman."""
    cell = ec.Voltammetry(
        ec.Mechanism("A + e- <=> B-", kinetics=ec.Inert(), formal_potential=0.0),
        {"A": ec.Species(1e-9, 1.0), "B-": ec.Species(1e-9)},
        ec.Planar(AREA),
        domain=ec.DiffusionLayer(1e-6),
        grid=ec.Grid(cells=48),
    )
    salt = {"K+": ec.Species(1e-9, 10.0), "Cl-": ec.Species(1e-9)}
    stern = ec.Poisson(78.4, ec.Stern(0.2))
    made = ec.MigrationVoltammetry(cell, salt, stern, counter="Cl-")
    sweep = ec.LinearSweep(0.0, -0.1, 0.001)
    inputs = (sweep, sweep.duration * jnp.linspace(0.2, 1.0, 5))
    values = simulate(made, inputs).checked().values
    diffuse = analytic.gouy_chapman_capacitance(values["surface_potential"], concentration=10.0)
    series = 1.0 / (1.0 / diffuse + 1.0 / 0.2)
    np.testing.assert_allclose(values["current"], -0.001 * AREA * series, rtol=5e-3)
    assert values["surface_potential"][-1] < -0.04


class TestBadInput:
    def test_a_charged_bulk(self):
        with pytest.raises(ValueError, match=r"neutral, but sum of z c = 3 .*counter"):
            ec.MigrationVoltammetry(couple(), {"K+": ec.Species(1e-9, 3.0)})

    def test_a_counter_ion_of_the_wrong_sign(self):
        ions = {"K+": ec.Species(1e-9, 3.0), "M+": ec.Species(1e-9)}
        with pytest.raises(ValueError, match=r"'M\+' must not be negative, but neutrality asks"):
            ec.MigrationVoltammetry(couple(), ions, counter="M+")

    def test_a_counter_ion_with_a_concentration(self):
        ions = {"K+": ec.Species(1e-9, 3.0), "N-": ec.Species(1e-9, 3.0)}
        with pytest.raises(ValueError, match="must be left out"):
            ec.MigrationVoltammetry(couple(), ions, counter="N-")

    def test_an_unknown_counter_ion(self):
        ions = {"K+": ec.Species(1e-9, 3.0), "Cl-": ec.Species(1e-9, 3.0)}
        with pytest.raises(ValueError, match=r"is 'Cl'; did you mean 'Cl-'"):
            ec.MigrationVoltammetry(couple(), ions, counter="Cl")

    def test_a_supporting_molecule(self):
        with pytest.raises(ValueError, match="must have a charge, but 'urea'"):
            ec.MigrationVoltammetry(couple(), {"urea": ec.Species(1e-9, 3.0)})

    def test_a_supporting_reactant(self):
        with pytest.raises(ValueError, match="must not react, but 'A'"):
            ec.MigrationVoltammetry(couple(), {"A": ec.Species(1e-9, 3.0)})

    def test_no_ions_in_the_bulk(self):
        with pytest.raises(ValueError, match="must conduct"):
            ec.MigrationVoltammetry(couple(), {})

    def test_charges_that_do_not_balance(self):
        cell = ec.Voltammetry(
            ec.Mechanism("A + e- <=> B", kinetics=ec.Nernst(), formal_potential=0.0),
            {"A": ec.Species(1e-9, 1.0), "B": ec.Species(1e-9)},
            ec.Planar(AREA),
        )
        salt = {"K+": ec.Species(1e-9, 3.0), "Cl-": ec.Species(1e-9, 3.0)}
        with pytest.raises(ValueError, match=r"charge must be balanced .*'A \+ e- <=> B'"):
            ec.MigrationVoltammetry(cell, salt)

    def test_a_flow(self):
        with pytest.raises(ValueError, match=r"SemiInfinite or DiffusionLayer .* Levich"):
            supported(5.0, ec.Electroneutral(), couple(domain=ec.Levich(100.0)))

    def test_a_second_double_layer(self):
        cell = eqx.tree_at(lambda c: c.circuit.capacitance, couple(), jnp.asarray(0.2))
        with pytest.raises(ValueError, match=r"capacitance of Circuit .* =0.2|capacitance=0.2"):
            supported(5.0, ec.Electroneutral(), cell)

    def test_a_bulk_that_is_charged_in_a_traced_run(self):
        salt = {"K+": ec.Species(1e-9, 3.0), "Cl-": ec.Species(1e-9, 3.0)}
        made = ec.MigrationVoltammetry(couple(), salt)
        charged = eqx.tree_at(lambda m: m.supporting["K+"].concentration, made, jnp.asarray(4.0))
        assert name_of(int(code(charged._neutrality()))) == "out_of_range"

    def test_permittivity(self):
        with pytest.raises(ValueError, match="permittivity of Poisson must be positive"):
            ec.Poisson(-1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "apart"), [(ec.Electroneutral(), 1e-7), (ec.Poisson(PERMITTIVITY), 1e-5)]
)
def test_derivatives(field, apart):
    """Forward, reverse, and central differences, by kinetics, transport and support.

    A charge is the difference of nearly equal concentrations, so that round-off shows in the
    errors of the steps with Poisson's equation: the two modes need not take the same ones.
    """
    made = supported(2.0, field, couple(cells=8, tolerance=1e-6))
    names = {
        "k0": ds.Log(1e-5, 1e-2),
        "alpha": ds.Linear(0.3, 0.7),
        "diffusivity[M+]": ds.Log(1e-10, 1e-8),
        "concentration[M+]": ds.Log(0.5, 10.0),
        "concentration[A]": ds.Log(0.5, 2.0),
    }
    if isinstance(field, ec.Poisson):
        names["permittivity"] = ds.Log(0.1 * PERMITTIVITY, 10 * PERMITTIVITY)
    sweep = ec.LinearSweep(5 * THERMAL, -10 * THERMAL, 10 * THERMAL / CLOCK)
    times = jnp.linspace(0.1, 1.0, 20) * sweep.duration
    problem = ds.Problem(
        made, (sweep, times), ds.DesignSpace(names), ds.LeastSquares(np.zeros(20), UNIT)
    )
    check = ds.check_gradients(problem, step=1e-3)
    assert check.mode_disagreement < apart, check.table()
    assert check.finite_difference_disagreement < 1e-4, check.table()
