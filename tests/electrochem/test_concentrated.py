"""Concentrated electrolytes: conservation, limits, an independent scheme, gradients, bad input."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import problems
from diffsim.constants import faraday
from diffsim.electrochem import concentrated as co
from diffsim.solvers import AlgebraicMatrix, BlockMatrix, Bordered, linear_solver
from experiments._explicit_electrolyte import explicit_euler

RELATION = np.stack([np.linspace(500.0, 3500.0, 31), np.full(31, 1.4e-11)], axis=1)


def electrolyte(transference=None, **limits):
    law = transference or co.Polynomial([0.1, -0.3], 1870.0, **limits)
    return problems.peo_litfsi(RELATION, transference=law, extended=False)


def cell(law=None, *, cells=16, tolerance=1e-5, **stepping):
    return co.PolarisationCell(
        electrolyte(law), 3e-3, 1870.0, cells=cells, stepping=co.Stepping(tolerance, **stepping)
    )


@eqx.filter_jit
def simulate(cell, programme):
    return cell(programme)


HOURS = 3600.0 * np.array([1.0, 5.0, 12.0])
CORNERS = np.array([0.0, 3600.0, 7200.0, 4e4])


def programme(densities, observed=HOURS):
    """Four rows and three observations throughout: one program serves most tests."""
    return co.CurrentProgramme(CORNERS, np.asarray(densities), observed, resolution=1e-12)


# Steeper at first, so that the steps have corners to land on.
VARYING = programme([5.0, 3.0, 2.5, 1.0])
STEADY = programme([2.0, 2.0001, 2.0, 2.0001])


def test_salt_is_kept_to_round_off():
    values = simulate(cell(), VARYING).checked().values
    mean = np.mean(np.asarray(values["concentration"]), axis=1)
    np.testing.assert_allclose(mean, 1870.0, rtol=2e-14)
    assert np.ptp(np.asarray(values["concentration"][-1])) > 300.0


def test_the_steady_profile_is_that_of_the_formula():
    """With constant D χ/(1 − t) and v = 0 in the end, ∂c/∂x = −i/(F g): the slope knows no t₊⁰."""
    late = programme([0.4, 0.5, 0.3, 0.4], [1e4, 3e7, 4e7])
    values = simulate(cell(), late).checked().values
    slope = np.diff(np.asarray(values["concentration"][-1])) / (3e-3 / 16)
    np.testing.assert_allclose(slope, -0.4 / (faraday * 1.4e-11), rtol=1e-5)
    assert np.max(np.abs(values["velocity"][-1])) < 1e-14


def test_at_rest_and_dilute_it_is_the_diffusion_equation():
    """Constant D, t₊⁰, a salt without volume: the series for a constant flux (Carslaw, Jaeger)."""
    constant = lambda value: co.Polynomial([value], 1000.0)
    salt = 1e-4
    # A density of ρ₀ + M c makes the solvent's concentration constant and V̄ zero.
    dilute = co.BinaryElectrolyte(
        constant(0.3),
        co.Diffusivity(constant(1e-11)),
        co.Polynomial([1000.0 + salt * 1000.0, salt * 1000.0], 1000.0),
        salt,
        0.044,
    )
    length, density, time = 1e-3, 1.0, 2e4
    simulator = co.PolarisationCell(dilute, length, 1000.0, cells=100, stepping=co.Stepping(1e-6))
    values = simulate(simulator, co.CurrentProgramme.constant(density, [time])).checked().values
    x = np.asarray(values["position"])
    k = np.arange(1, 200, 2)[:, None]
    modes = np.cos(k * np.pi * x / length) / k**2
    decay = np.exp(-((k * np.pi / length) ** 2) * 1e-11 * time)
    shape = 0.5 - x / length - 4 / np.pi**2 * np.sum(modes * decay, axis=0)
    exact = 1000.0 + density * 0.7 / faraday * length / 1e-11 * shape
    np.testing.assert_allclose(values["concentration"][0], exact, atol=1e-4 * np.ptp(exact))
    assert np.max(np.abs(values["velocity"])) < 1e-20


@pytest.fixture(scope="module")
def record():
    return problems.synthetic_polarisation()


@pytest.mark.slow
def test_an_independent_explicit_scheme_agrees(record):
    """The same finite volumes, marched explicitly: the difference is its first-order error."""
    problem = problems.polarisation(record, start=(-0.05, -0.45), tolerance=1e-6)
    ours = simulate(problem.simulator, problem.inputs).checked().values["concentration"]
    minutes = tuple(round(time / 60) for time in sorted(record.profiles))
    errors = [
        np.max(np.abs(explicit_euler(record, minutes, step)(-0.05, -0.45) - ours)) / 1870.0
        for step in (30.0, 3.0)
    ]
    assert errors[1] < 1e-4
    assert errors[0] / errors[1] == pytest.approx(10.0, rel=0.1)


def test_velocity_is_the_derivative_of_what_the_solvent_does():
    """∂c₀/∂t + ∂(c₀ v)/∂x = 0: solvent left of a face changes by what crosses it."""
    late = programme([2.0, 2.0001, 2.0, 2.0001], [30000.0, 30300.0, 30600.0])
    simulator = cell()
    values = simulate(simulator, late).checked().values
    solvent = simulator.electrolyte.solvent_concentration(values["concentration"])
    left = np.cumsum(np.asarray(solvent), axis=1) * 3e-3 / 16
    lost = -(left[2] - left[0]) / 600.0
    face = 0.5 * (values["velocity"][1, 7] + values["velocity"][1, 8])
    concentration = 0.5 * (solvent[1, 7] + solvent[1, 8])
    assert face > 1e-10
    np.testing.assert_allclose(lost[7], face * concentration, rtol=0.03)


def test_refinement_in_space_is_of_second_order():
    """Observed at the middle of coarse cells, which finer grids share in the mean."""
    profiles = []
    for cells in (8, 16, 32):
        c = simulate(cell(cells=cells), STEADY).checked().values["concentration"]
        profiles.append(np.asarray(c[-1]).reshape(8, -1).mean(axis=1))
    ratio = np.max(np.abs(profiles[0] - profiles[1])) / np.max(np.abs(profiles[1] - profiles[2]))
    assert 3.0 < ratio < 5.5


@pytest.mark.slow
def test_a_network_is_a_law_like_the_others():
    """One that returns what the polynomial does gives the same profiles."""
    law = co.Network.untrained(jax.random.key(0), width=4, depth=1, reference=1870.0, offset=0.1)
    assert law.adjustable().size == 13
    flat = eqx.tree_at(lambda law: law.scale, law, jnp.asarray(0.0))
    ours = simulate(cell(flat), STEADY).checked().values["concentration"]
    polynomial = simulate(cell(co.Polynomial([0.1, 0.0], 1870.0)), STEADY).checked().values
    np.testing.assert_allclose(ours, polynomial["concentration"], rtol=1e-12)
    c = jnp.asarray([900.0, 2000.0])
    bent = law.offset + jax.vmap(law.network)((c - 1870.0) / 1870.0)
    np.testing.assert_allclose(law(c), bent)


def test_the_spline_is_scipys_natural_one():
    from scipy.interpolate import CubicSpline

    knots, values = np.array([500.0, 900.0, 1800.0, 3000.0]), np.array([0.3, -0.1, 0.4, 0.2])
    c = np.linspace(500.0, 3000.0, 57)
    expected = CubicSpline(knots, values, bc_type="natural")(c)
    np.testing.assert_allclose(co.Spline(knots, values)(jnp.asarray(c)), expected, rtol=1e-12)


def test_volumes_fill_space():
    c = jnp.linspace(600.0, 2900.0, 7)
    electro = electrolyte()
    filled = c * electro.salt_volume(c)
    filled += electro.solvent_concentration(c) * electro.solvent_volume(c)
    np.testing.assert_allclose(filled, 1.0, rtol=1e-13)


FIELDS = {"concentration": 1870.0, "velocity": 1e-7}


def _misfit(simulator, ridge=0.01):
    """Made-up measurements, five places at each of three times, of both fields."""
    places = np.tile(np.linspace(0.4e-3, 2.6e-3, 5), 3)
    columns = {
        "concentration": 1870.0 + 3e5 * (1.5e-3 - places),
        "velocity": 2e-9 + 1e-6 * places,
    }
    samples = [
        co.Samples(
            name,
            HOURS,
            simulator.positions,
            times=np.repeat(HOURS, 5),
            places=places,
            values=columns[name],
            scale=scale,
        )
        for name, scale in FIELDS.items()
    ]
    return co.RidgedError(samples, ridge)


def test_gradients_of_everything_in_both_modes():
    """A spline of t₊⁰, initial concentration, length; through profiles and velocities at once."""
    law = co.Spline([700.0, 1870.0, 3300.0], [0.3, 0.15, -0.1])
    simulator = cell(law, cells=8, tolerance=1e-6)
    space = ds.DesignSpace(
        {
            "transference[0]": ds.Linear(-1.0, 0.8),
            "transference[1]": ds.Linear(-1.0, 0.8),
            "concentration": ds.Linear(1700.0, 2000.0),
            "length": ds.Linear(2e-3, 4e-3),
        }
    )
    problem = ds.Problem(simulator, VARYING, space, _misfit(simulator), name="recovery")
    check = ds.check_gradients(problem)
    # Steps are rounded (`RoundedSteps`), so that they stand still while a difference is taken.
    assert check.passed(modes=1e-9, finite_differences=1e-5), check.table()


def test_the_objective_is_the_published_one():
    simulator = cell()
    objective = _misfit(simulator)
    random = np.random.default_rng(0)
    fields = {name: scale * random.normal(size=(3, 16)) for name, scale in FIELDS.items()}
    values = {name: jnp.asarray(v) for name, v in fields.items()}
    values["adjustable"] = jnp.asarray([0.2, -0.1])
    observables = ds.observe(values, ds.RESULTS.successful, {})
    mean, x = 0.0, np.asarray(simulator.positions)
    for sample in objective.samples:
        rows = [np.interp(np.linspace(0.4e-3, 2.6e-3, 5), x, f) for f in fields[sample.observable]]
        error = np.ravel(rows) - np.asarray(sample.values)
        mean += np.mean(error**2) / FIELDS[sample.observable] ** 2
    expected = np.sqrt(mean) + 0.01 * (0.2**2 + 0.1**2)
    assert float(objective.error(observables)) == pytest.approx(expected, rel=1e-12)
    assert float(objective(observables)) == pytest.approx(0.5 * expected**2, rel=1e-9)


def test_leaving_the_range_is_a_result():
    observables = simulate(cell(), programme([20.0, 21.0, 20.0, 21.0]))
    assert ds.RESULTS.out_of_range == observables.result
    assert np.all(np.isnan(observables.values["concentration"]))
    with pytest.raises(ds.SimulationError, match="out_of_range"):
        observables.checked()


def test_diffusion_uphill_is_a_result():
    observables = simulate(cell(co.Polynomial([1.2, 0.0], 1870.0)), STEADY)
    assert ds.RESULTS.out_of_range == observables.result


@pytest.mark.slow
def test_too_few_steps_are_a_result():
    observables = simulate(cell(tolerance=1e-9, max_steps=16), STEADY)
    assert ds.RESULTS.step_limit == observables.result


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: co.PolarisationCell(electrolyte(), -1e-3, 1870.0), r"length .* positive.*-0.001"),
        (lambda: co.PolarisationCell(electrolyte(), 1e-3, 100.0), "between 500 and 3500.*100"),
        (lambda: co.PolarisationCell(electrolyte(), 1e-3, 1870.0, cells=2), "at least 4"),
        (lambda: co.Stepping(tolerance=1.0), "tolerance"),
        (lambda: co.Tabulated([1.0, 3.0, 2.0], [1.0, 2.0, 3.0]), "must increase.* 3 and 2"),
        (lambda: co.Spline([1.0, 2.0], [1.0, 2.0]), "at least 3 rows"),
        (lambda: co.Tabulated([1.0, 2.0], [1.0, np.nan]), "values of Tabulated must be finite"),
        (lambda: co.Polynomial([1.0], -3.0), "reference .* positive"),
        (lambda: co.Held(co.Polynomial([1.0], 3.0), low=2.0, high=1.0), "high of Held"),
        (lambda: co.CurrentProgramme([0.0, 1.0], [1.0], [2.0]), "one length.* 2 and 1"),
        (lambda: co.CurrentProgramme([5.0, 6.0], [1.0, 1.0], [7.0]), "begin at zero"),
        (lambda: co.CurrentProgramme([0.0], [1.0], [3.0, 2.0]), "increasing"),
        (lambda: co.CurrentProgramme([0.0], [np.inf], [3.0]), "densities .* finite"),
        (lambda: co.RidgedError([], 0.1), "one or more"),
    ],
)  # fmt: skip
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(places=[5e-3]), "lie in the cell"),
        (dict(times=[17.0]), "among those observed"),
        (dict(scale=0.0), "scale"),
        (dict(values=[np.nan]), "finite"),
        (dict(values=[1.0, 2.0]), "one length"),
    ],
)
def test_bad_samples(change, message):
    good = dict(times=[3600.0], places=[1e-3], values=[1.0], scale=1.0)
    positions = np.linspace(1e-4, 2.9e-3, 15)
    with pytest.raises(ValueError, match=message):
        co.Samples("concentration", HOURS, positions, **(good | change))


def test_corners_of_a_record():
    """Straight within the resolution between them; none is needed where it is straight."""
    t = np.linspace(0.0, 10.0, 101)
    bent = np.where(t < 5.0, t, 5.0) + 1.0
    programme = co.CurrentProgramme(t, bent, [11.0], resolution=1e-9)
    np.testing.assert_allclose(programme.corners, [0.0, 5.0, 10.0], atol=1e-12)
    every = co.CurrentProgramme(t, np.cos(t) + 2.0, [11.0], resolution=0.0)
    assert every.corners.size == 101


def test_the_algebraic_matrix_is_the_dense_one():
    """Solve, transpose and derivative of the eliminated system against NumPy."""
    random = np.random.default_rng(0)
    n = 4
    blocks = [random.normal(size=(3, 3, n)) for _ in range(3)]
    blocks[1] += 6.0 * np.eye(3)[..., None]
    whole = BlockMatrix(
        *map(jnp.asarray, blocks), jnp.zeros((3, 0)), jnp.zeros((0, 3)), jnp.zeros((0, 0))
    )
    matrix = AlgebraicMatrix(whole)
    dense = np.zeros((3, n, 3, n))
    for j in range(n):
        for k, block in zip((j - 1, j, j + 1), blocks, strict=True):
            if 0 <= k < n:
                dense[:, j, :, k] = block[:, :, j]
    a, b = dense[:2, :, :2].reshape(2 * n, 2 * n), dense[:2, :, 2].reshape(2 * n, n)
    k, e = dense[2, :, :2].reshape(n, 2 * n), dense[2, :, 2]
    condensed = a - b @ np.linalg.solve(e, k)
    right = jnp.asarray(random.normal(size=(2, n)))

    def solved(scale):
        scaled = AlgebraicMatrix(eqx.tree_at(lambda w: w.upper, whole, scale * whole.upper))
        return linear_solver(scaled)(Bordered(right, jnp.zeros(0))).nodes

    flat = np.ravel(right)
    np.testing.assert_allclose(np.ravel(solved(1.0)), np.linalg.solve(condensed, flat), rtol=1e-10)
    image = matrix.multiply(Bordered(right, jnp.zeros(0))).nodes
    np.testing.assert_allclose(np.ravel(image), condensed @ flat, rtol=1e-10)
    image = matrix.transpose().multiply(Bordered(right, jnp.zeros(0))).nodes
    np.testing.assert_allclose(np.ravel(image), condensed.T @ flat, rtol=1e-10)
    shifted = matrix.shifted(jnp.asarray(0.7), jnp.zeros(0)).multiply(Bordered(right, jnp.zeros(0)))
    np.testing.assert_allclose(np.ravel(shifted.nodes), 0.7 * flat - condensed @ flat, rtol=1e-10)
    forward = jax.jacfwd(lambda s: jnp.sum(solved(s) ** 2))(1.0)
    reverse = jax.grad(lambda s: jnp.sum(solved(s) ** 2))(1.0)
    difference = (np.sum(solved(1.0001) ** 2) - np.sum(solved(0.9999) ** 2)) / 2e-4
    np.testing.assert_allclose(forward, reverse, rtol=1e-9)
    np.testing.assert_allclose(forward, difference, rtol=1e-6)
