"""Analytic companions: against published constants, each other, and independent quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import integrate, optimize, special

import diffsim  # noqa: F401  (switches double precision on)
from diffsim.constants import faraday, gas_constant
from diffsim.electrochem import analytic
from diffsim.electrochem.analytic import Ramp, integral_equation
from diffsim.electrochem.kinetics import ButlerVolmer, MarcusHushChidsey, Nernst

UNIT = dict(diffusivity=1.0, concentration=1.0 / faraday)
RTF = gas_constant * 298.15 / faraday


# Steps


def test_cottrell():
    """1 cm², 1 mM, 1e-5 cm²/s, 1 s: 172.1 µA (0.5642 · 96485 · 1e-6 · 3.162e-3 A)."""
    current = analytic.cottrell(1.0, area=1e-4, diffusivity=1e-9, concentration=1.0)
    assert float(current) == pytest.approx(172.14e-6, rel=1e-4)


def test_sphere_is_planar_at_first_and_steady_at_last():
    case = dict(radius=2e-6, diffusivity=1e-9, concentration=3.0)
    early = analytic.sphere_step(1e-12, **case)
    planar = analytic.cottrell(1e-12, area=4 * np.pi * 4e-12, diffusivity=1e-9, concentration=3.0)
    assert float(early / planar - 1) == pytest.approx(np.sqrt(np.pi * 1e-21) / 2e-6, rel=1e-6)
    late = analytic.sphere_step(1e12, **case)
    steady = analytic.sphere_limiting_current(**case)
    assert float(late / steady - 1) == pytest.approx(2e-6 / np.sqrt(np.pi * 1e3), rel=1e-6)
    assert float(analytic.hemisphere_step(1.0, **case) / analytic.sphere_step(1.0, **case)) == 0.5


def test_exact_disc_has_the_known_ends():
    """Cottrell with the edge's first correction, and 4nFDca (1 + (4/π^{3/2}) a/√(4Dt)·…)."""
    tau = np.array([1e-6, 1e-5, 1e6, 1e8])
    current = analytic.disc_step_exact(tau, radius=1.0, **UNIT) / np.pi
    early = 1 / np.sqrt(np.pi * tau[:2]) + 1 + np.sqrt(tau[:2] / (4 * np.pi))
    np.testing.assert_allclose(current[:2], early, rtol=1e-7)
    late = 4 / np.pi + 8 / np.sqrt(np.pi**5 * tau[2:])
    np.testing.assert_allclose(current[2:], late, rtol=1e-9)


@pytest.mark.parametrize(
    ("formula", "bound", "at"),
    [(analytic.disc_step, 3e-4, 1.0), (analytic.disc_step_shoup_szabo, 6.6e-3, 0.5)],
)
def test_disc_formulas_are_as_good_as_documented(formula, bound, at):
    tau = np.array([1e-3, 1e-2, 0.1, 0.3, 0.5, 1.0, 1.281, 1.2811, 3.0, 30.0, 1e3])
    exact = analytic.disc_step_exact(tau, radius=1.0, **UNIT)
    error = np.abs(np.asarray(formula(tau, radius=1.0, **UNIT)) / exact - 1)
    assert error.max() < bound
    assert error[tau == at][0] > 0.9 * bound


@pytest.mark.parametrize("tau", [1e-6, 1e-2, 1.0, 1e4])
def test_exact_cylinder_against_inversion_of_the_laplace_transform(tau):
    """K₁(√s)/(√s K₀(√s)), inverted on Talbot's contour."""
    points = 24
    angle = np.arange(1, points) * np.pi / points
    rate = 0.4 * points / tau
    s = rate * angle * (1 / np.tan(angle) + 1j)
    weight = 1 + 1j * (angle + (angle / np.tan(angle) - 1) / np.tan(angle))

    def flux(s):
        return special.kve(1, np.sqrt(s)) / (np.sqrt(s) * special.kve(0, np.sqrt(s)))

    inverse = 0.5 * np.exp(rate * tau) * flux(rate) + np.sum(
        (np.exp(tau * s) * flux(s) * weight).real
    )
    got = analytic.cylinder_step_exact(tau, radius=1.0, length=1 / (2 * np.pi), **UNIT)
    assert got == pytest.approx(inverse * rate / points, rel=1e-8)


def test_cylinder_formula_is_as_good_as_documented():
    tau = 10.0 ** np.arange(-6, 13)
    case = dict(radius=1.0, length=1.0, **UNIT)
    error = np.asarray(analytic.cylinder_step(tau, **case)) / analytic.cylinder_step_exact(
        tau, **case
    )
    assert 0.01 < np.max(np.abs(error - 1)) < 0.012


# Steady states


def test_microelectrodes():
    """A 5 µm disc, 1 mM, 1e-9 m²/s carries 1.93 nA; a hemisphere of 2a/π as much."""
    case = dict(diffusivity=1e-9, concentration=1.0)
    disc = analytic.microdisc_limiting_current(radius=5e-6, **case)
    assert float(disc) == pytest.approx(1.9297e-9, rel=1e-4)
    hemisphere = analytic.hemisphere_limiting_current(radius=2 * 5e-6 / np.pi, **case)
    assert float(hemisphere) == pytest.approx(float(disc), rel=1e-14)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 10.0])
def test_half_wave_shifts_with_the_diffusivities(ratio):
    case = dict(formal_potential=0.2, diffusivity_ox=ratio, diffusivity_red=1.0)
    steady = analytic.steady_state_half_wave_potential(**case)
    assert float(analytic.steady_state_wave(steady, limiting_current=1.0, **case)) == pytest.approx(
        0.5
    )
    assert float(steady) == pytest.approx(0.2 - RTF * np.log(ratio))
    planar = analytic.planar_half_wave_potential(**case)
    assert float(planar - 0.2) == pytest.approx(0.5 * float(steady - 0.2))


def test_slow_steady_state_wave_satisfies_its_surface_balance():
    m_over_k, d_ox, d_red, alpha, theta = 7.0, 1.0, 0.6, 0.3, -1.1
    x = float(
        analytic.steady_state_wave(
            theta * RTF,
            limiting_current=1.0,
            formal_potential=0.0,
            diffusivity_ox=d_ox,
            diffusivity_red=d_red,
            mass_transfer_over_rate=m_over_k,
            alpha=alpha,
        )
    )
    reduction, oxidation = np.exp(-alpha * theta), np.exp((1 - alpha) * theta)
    assert m_over_k * x == pytest.approx(reduction * (1 - x) - oxidation * d_ox / d_red * x)


def test_catalytic_wave_reaches_its_plateau():
    plateau = analytic.catalytic_plateau_current(
        area=1e-4,
        diffusivity=1e-9,
        concentration=1.0,
        rate_constant=10.0,
        substrate_concentration=100.0,
    )
    assert float(plateau) == pytest.approx(faraday * 1e-4 * 1e-3)
    wave = analytic.catalytic_wave(
        jnp.array([-1.0, 0.1]), plateau_current=plateau, formal_potential=0.1
    )
    np.testing.assert_allclose(wave, [plateau, plateau / 2], rtol=1e-12)


# Sweeps


@pytest.mark.parametrize(
    ("computed", "published", "rounding"),
    [
        (analytic.REVERSIBLE_PEAK, 0.446295, 5e-7),
        (analytic.REVERSIBLE_PEAK_THETA, -1.1090, 1e-4),
        (analytic.REVERSIBLE_HALF_PEAK_THETA - analytic.REVERSIBLE_PEAK_THETA, 2.20, 5e-3),
        (analytic.IRREVERSIBLE_PEAK, 0.4958, 5e-5),
        (analytic.IRREVERSIBLE_PEAK_SHIFT, 0.780, 5e-4),
        (analytic.IRREVERSIBLE_PEAK_WIDTH, 1.857, 5e-4),
    ],
)
def test_constants_are_the_published_ones(computed, published, rounding):
    assert computed == pytest.approx(published, abs=rounding)


def test_reversible_constants_are_the_maximum_of_the_function():
    peak = analytic.REVERSIBLE_PEAK_THETA
    assert float(analytic.reversible_current(peak)) == pytest.approx(
        analytic.REVERSIBLE_PEAK, abs=1e-15
    )
    assert abs(float(jax.grad(analytic.reversible_current)(peak))) < 1e-15
    half = analytic.reversible_current(analytic.REVERSIBLE_HALF_PEAK_THETA)
    assert float(half) == pytest.approx(0.5 * analytic.REVERSIBLE_PEAK, abs=1e-15)


# n(E − E½) in mV at 25 °C: √π χ, after Nicholson and Shain (1964), table I.
NICHOLSON_SHAIN = {
    120: 0.009, 100: 0.020, 80: 0.042, 60: 0.084, 50: 0.117, 40: 0.160, 30: 0.211, 20: 0.269,
    10: 0.328, 0: 0.380, -10: 0.418, -20: 0.441, -30: 0.446, -40: 0.438, -50: 0.421, -60: 0.399,
    -80: 0.353, -100: 0.312, -120: 0.280, -150: 0.245,
}  # fmt: skip


def test_reversible_current_against_the_printed_table():
    """The table is low by up to 0.0015 on the rise of the wave; see the polylogarithm below."""
    potential = np.array(list(NICHOLSON_SHAIN)) * 1e-3
    printed = np.array(list(NICHOLSON_SHAIN.values()))
    got = analytic.reversible_current(potential / RTF)
    np.testing.assert_allclose(got, printed, atol=1.6e-3)


@pytest.mark.parametrize("theta", [30.0, 3.0, 0.0, -1.109, -20.0, -79.9, -80.1, -300.0])
def test_reversible_current_against_the_polylogarithm(theta):
    import mpmath

    with mpmath.workdps(30):
        if theta > -40:
            wanted = -mpmath.polylog(mpmath.mpf(-0.5), -mpmath.exp(-theta)).real
        else:  # Sommerfeld's series, whose terms fall until the 100th
            wanted = mpmath.mpf(0)
            for k in range(12):
                eta = mpmath.altzeta(2 * k)
                wanted += 2 * eta * (-theta) ** mpmath.mpf(-0.5 - 2 * k) / mpmath.gamma(0.5 - 2 * k)
        assert float(analytic.reversible_current(theta)) == pytest.approx(float(wanted), rel=1e-13)


def test_reversible_current_has_derivatives_everywhere():
    theta = jnp.array([-200.0, -80.0, -10.0, 0.0, 5.0, 200.0, 800.0])
    forward = jax.vmap(jax.jacfwd(analytic.reversible_current))(theta)
    reverse = jax.vmap(jax.grad(analytic.reversible_current))(theta)
    np.testing.assert_allclose(forward, reverse, rtol=1e-12)
    h = 1e-4
    central = (analytic.reversible_current(theta + h) - analytic.reversible_current(theta - h)) / (
        2 * h
    )
    np.testing.assert_allclose(forward, central, rtol=1e-6, atol=1e-11)


def test_randles_sevcik_in_its_usual_units():
    """2.69e5 n^{3/2} A D^{1/2} c ν^{1/2} in A, cm², cm²/s, mol/cm³, V/s at 25 °C."""
    current = analytic.randles_sevcik(
        area=1e-4, diffusivity=1e-9, concentration=1.0, scan_rate=0.1, electrons=2
    )
    assert float(current) == pytest.approx(2.69e5 * 2**1.5 * 1e-5**0.5 * 1e-6 * 0.1**0.5, rel=2e-3)


def test_randles_sevcik_is_the_peak_of_the_sweep():
    case = dict(area=2e-5, diffusivity=7e-10, concentration=4.0, scan_rate=0.3, electrons=2)
    place = analytic.reversible_peak_potential(
        half_wave_potential=0.2, electrons=2, temperature=310.0
    )
    sweep = analytic.reversible_sweep(place, half_wave_potential=0.2, temperature=310.0, **case)
    peak = analytic.randles_sevcik(temperature=310.0, **case)
    assert float(sweep) == pytest.approx(float(peak), rel=1e-13)

    def log_peak(log_d, log_rate):
        inputs = dict(case, diffusivity=jnp.exp(log_d), scan_rate=jnp.exp(log_rate))
        return jnp.log(analytic.randles_sevcik(**inputs))

    np.testing.assert_allclose(jax.grad(log_peak, (0, 1))(-20.0, -1.0), 0.5, rtol=1e-12)


@pytest.mark.parametrize("electrons", [1, 2])
def test_thin_layer_passes_the_charge_of_its_content(electrons):
    case = dict(volume=1e-9, concentration=2.0, scan_rate=1e-3, electrons=electrons)
    potential = jnp.linspace(-1.0, 1.0, 20001)
    current = analytic.thin_layer_current(potential, formal_potential=0.1, **case)
    charge = float(jnp.trapezoid(current, potential)) / 1e-3
    assert charge == pytest.approx(electrons * faraday * 2e-9, rel=1e-9)
    assert float(current.max()) == pytest.approx(float(analytic.thin_layer_peak_current(**case)))


# The integral equation


def _times(end, count=400):
    return np.linspace(0.0, end, count + 1)[1:]


def test_integral_equation_of_a_slow_step_has_a_closed_solution():
    """ψ = K_red exp(H²s) erfc(H√s), H = K_red + ξK_ox; one law, two potentials, unequal D."""
    for theta in (-3.0, 0.0):
        rates = integral_equation.butler_volmer(0.7, 0.4)
        wave = integral_equation.solve([Ramp(30.0, theta, theta)], rates, diffusivity_ratio=2.0)
        reduction, oxidation = np.exp(rates(np.array(theta)))
        h = reduction + np.sqrt(2.0) * oxidation
        times = _times(30.0)
        wanted = reduction * special.erfcx(h * np.sqrt(times))
        np.testing.assert_allclose(wave(times), wanted, rtol=1e-10)


def test_integral_equation_of_a_reversible_step_is_cottrell():
    wave = integral_equation.solve([Ramp(5.0, -40.0, -40.0)], None)
    inside = wave.times > 1e-9
    wanted = 1 / np.sqrt(np.pi * wave.times[inside])
    np.testing.assert_allclose(wave.current[inside], wanted, rtol=1e-11)


def test_integral_equation_of_a_double_step():
    """Reversible: 1/√(πs) − 1/√(π(s − τ)) after the jump back."""
    wave = integral_equation.solve([Ramp(2.0, -40.0, -40.0), Ramp(3.0, 40.0, 40.0)], None)
    late = wave.times > 2.001
    s = wave.times[late]
    wanted = 1 / np.sqrt(np.pi * s) - 1 / np.sqrt(np.pi * (s - 2.0))
    np.testing.assert_allclose(wave.current[late], wanted, rtol=1e-9, atol=1e-11)


def test_integral_equation_converges_geometrically_in_its_order():
    ramps, rates = integral_equation.cyclic(12.0, -12.0), integral_equation.butler_volmer(1.0, 0.4)
    times = _times(48.0)
    exact = integral_equation.solve(ramps, rates, order=26, longest=1.0)(times)
    errors = [
        np.max(np.abs(integral_equation.solve(ramps, rates, order=order)(times) - exact))
        for order in (4, 8, 12, 16)
    ]
    assert errors[-1] < 1e-12
    ratios = np.array(errors[:-2]) / np.array(errors[1:-1])
    assert np.all(ratios > 50), errors


@pytest.mark.parametrize("rate", [1e-9, 1e-3, 0.1, 1.0, 30.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("alpha", [0.3, 0.5])
def test_integral_equation_keeps_its_accuracy(rate, alpha):
    """The error stated in the docstring, 1e-12 of the peak, from irreversible to reversible."""
    ramps, rates = (
        integral_equation.cyclic(15.0, -20.0),
        integral_equation.butler_volmer(rate, alpha),
    )
    times = np.linspace(0.02, 70.0, 800)
    coarse = integral_equation.solve(ramps, rates, diffusivity_ratio=3.0)(times)
    fine = integral_equation.solve(ramps, rates, diffusivity_ratio=3.0, order=22, longest=1.3)(
        times
    )
    assert np.max(np.abs(coarse - fine)) < 1e-12 * np.max(np.abs(fine)) + 1e-300


def test_fast_couple_tends_to_the_reversible_one():
    """The two branches of the solver share only the quadrature; the difference falls as 1/K."""
    ramps = integral_equation.cyclic(15.0, -10.0)
    times = np.linspace(1.0, 50.0, 300)
    reversible = integral_equation.solve(ramps, None, diffusivity_ratio=0.4)(times)
    gaps = []
    for rate in (1e4, 1e5):
        rates = integral_equation.butler_volmer(rate, 0.5)
        fast = integral_equation.solve(ramps, rates, diffusivity_ratio=0.4)(times)
        gaps.append(np.max(np.abs(fast - reversible)))
    assert gaps[1] < 1e-4
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)


def test_reversible_sweep_is_the_closed_one():
    """Start at 30 RT/F and unequal diffusivities: the whole curve moves by ln(ξ)."""
    theta = np.linspace(15, -25, 200)
    wave = integral_equation.solve([Ramp(60.0, 30.0, -30.0)], None, diffusivity_ratio=4.0)
    wanted = analytic.reversible_current(theta + np.log(2.0))
    np.testing.assert_allclose(wave(30.0 - theta), wanted, atol=1e-12)


@pytest.mark.parametrize("after", [0.01, 0.7, 4.0, 9.0])
def test_reversed_sweep_against_quadrature(after):
    """ψ = (1/√π)∫W′(u)/√(s − u)du by an adaptive rule, for the branch after the vertex."""
    start, vertex = 12.0, -5.0
    turn = start - vertex

    def slope(u):
        theta, sign = (start - u, 1.0) if u < turn else (vertex + (u - turn), -1.0)
        return sign * 0.25 / np.cosh(0.5 * theta) ** 2

    s = turn + after
    pieces = [
        integrate.quad(lambda v: 2 * slope(s - v * v), a, b, epsabs=1e-13, epsrel=1e-13, limit=200)[
            0
        ]
        for a, b in ((0.0, np.sqrt(after)), (np.sqrt(after), np.sqrt(s)))
    ]
    initial = 1 / (1 + np.exp(start)) / np.sqrt(np.pi * s)
    wave = integral_equation.solve(integral_equation.cyclic(start, vertex), None)
    assert wave(s)[0] == pytest.approx(sum(pieces) / np.sqrt(np.pi) + initial, abs=1e-12)


def test_reversible_separation_depends_on_the_vertex():
    """57.0/n mV for a far vertex, as textbooks have it; twice the peak's distance from E½."""
    wave = integral_equation.solve(integral_equation.cyclic(25.0, -400.0, 25.0), None)
    theta = [theta for _, theta, psi in wave.peaks() if abs(psi) > 0.1]
    assert 1e3 * RTF * (theta[1] - theta[0]) == pytest.approx(56.99, abs=0.01)
    assert theta[0] == pytest.approx(analytic.REVERSIBLE_PEAK_THETA, abs=1e-8)


def test_irreversible_peak():
    alpha, rate = 0.4, 1e-5
    wave = integral_equation.solve(
        [Ramp(80, 10, -70)], integral_equation.butler_volmer(rate, alpha)
    )
    _, theta, psi = max(wave.peaks(), key=lambda peak: peak[2])
    assert psi == pytest.approx(analytic.IRREVERSIBLE_PEAK * np.sqrt(alpha), rel=1e-7)
    case = dict(diffusivity=1e-9, scan_rate=0.1, alpha=alpha)
    unit = np.sqrt(1e-9 * 0.1 / RTF)
    place = analytic.irreversible_peak_potential(formal_potential=0.0, k0=rate * unit, **case)
    assert float(place) == pytest.approx(theta * RTF, abs=1e-9)
    current = analytic.irreversible_peak_current(area=1e-4, concentration=1.0, **case)
    assert float(current) == pytest.approx(psi * faraday * 1e-4 * unit, rel=1e-7)
    before = optimize.brentq(lambda x: wave(10 - x)[0] - psi / 2, theta, theta + 20, xtol=1e-12)
    assert alpha * (before - theta) == pytest.approx(analytic.IRREVERSIBLE_PEAK_WIDTH, abs=1e-6)


def test_nicholsons_table_lies_just_above_the_exact_values():
    """His table of 1965, reversed at −141/n mV, is high by 0.4 to 1.6 mV throughout."""
    excess = np.array(
        [
            printed - 1e3 * analytic.peak_separation(psi, vertex=-0.141)
            for psi, printed in analytic.NICHOLSON_TABLE.items()
        ]
    )
    assert excess.min() > 0.35
    assert excess.max() < 1.6


def test_peak_separation_scales_with_electrons():
    one = analytic.peak_separation(0.5, vertex=-0.4)
    assert analytic.peak_separation(0.5, vertex=-0.2, electrons=2) == pytest.approx(
        one / 2, rel=1e-9
    )


def test_peak_separation_needs_a_peak():
    with pytest.raises(ValueError, match="vertex must lie beyond the forward peak"):
        analytic.peak_separation(0.01, vertex=-0.1)


def test_approximate_parameters_are_as_good_as_documented():
    for psi in (7.0, 1.0, 0.5):
        separation = analytic.peak_separation(psi, vertex=-0.141)
        ratio = float(analytic.lavagnini_parameter(separation)) / psi
        assert 1.05 < ratio < 1.12
    for psi in (0.1, 0.03):
        separation = analytic.peak_separation(psi, vertex=-1.0)
        assert 1.0 < float(analytic.klingler_kochi_parameter(separation)) / psi < 1.12


def test_nicholsons_parameter():
    case = dict(k0=1e-5, diffusivity_ox=1e-9, scan_rate=0.1)
    equal = analytic.nicholson_parameter(diffusivity_red=1e-9, **case)
    assert float(equal) == pytest.approx(1e-5 / np.sqrt(np.pi * 1e-9 * 0.1 / RTF))
    unequal = analytic.nicholson_parameter(diffusivity_red=4e-9, alpha=0.3, **case)
    assert float(unequal / equal) == pytest.approx(0.25**0.15)


# In SI units

PLANAR = dict(area=2e-5, diffusivity_ox=8e-10, diffusivity_red=5e-10, formal_potential=0.15)


def test_planar_voltammogram_of_a_reversible_couple():
    wave = analytic.planar_voltammogram(
        [Ramp(12.0, 0.9, -0.3)],
        Nernst(),
        concentration_ox=3.0,
        electrons=2,
        temperature=310.0,
        **PLANAR,
    )
    place = analytic.planar_half_wave_potential(
        formal_potential=0.15,
        diffusivity_ox=8e-10,
        diffusivity_red=5e-10,
        electrons=2,
        temperature=310.0,
    )
    potential = np.linspace(0.4, -0.3, 50)
    wanted = -analytic.reversible_sweep(
        potential,
        half_wave_potential=place,
        area=2e-5,
        diffusivity=8e-10,
        concentration=3.0,
        scan_rate=0.1,
        electrons=2,
        temperature=310.0,
    )
    np.testing.assert_allclose(wave((0.9 - potential) / 0.1), wanted, rtol=1e-9)
    time, where, current = min(wave.peaks(), key=lambda peak: peak[2])
    assert where == pytest.approx(0.9 - 0.1 * time)
    peak = analytic.randles_sevcik(
        area=2e-5,
        diffusivity=8e-10,
        concentration=3.0,
        scan_rate=0.1,
        electrons=2,
        temperature=310.0,
    )
    assert current == pytest.approx(-float(peak), rel=1e-9)


@pytest.mark.parametrize(
    "kinetics", [Nernst(), ButlerVolmer(2e-5, 0.4), MarcusHushChidsey(2e-5, 0.7)]
)
def test_oxidation_mirrors_reduction(kinetics):
    """Swapping the species, α and β, and the sign of the potential turns the current round."""
    mirrored = ButlerVolmer(2e-5, 0.6) if isinstance(kinetics, ButlerVolmer) else kinetics
    up = [Ramp(5.0, -0.3, 0.2), Ramp(5.0, 0.2, -0.3)]
    down = [Ramp(5.0, 0.3, -0.2), Ramp(5.0, -0.2, 0.3)]
    swapped = dict(PLANAR, diffusivity_ox=5e-10, diffusivity_red=8e-10, formal_potential=0.0)
    case = dict(PLANAR, formal_potential=0.0)
    reduction = analytic.planar_voltammogram(
        down, kinetics, concentration_ox=3.0, concentration_red=0.2, **case
    )
    oxidation = analytic.planar_voltammogram(
        up, mirrored, concentration_red=3.0, concentration_ox=0.2, **swapped
    )
    times = np.linspace(0.1, 9.9, 50)
    np.testing.assert_allclose(oxidation(times), -reduction(times), rtol=1e-8, atol=1e-16)
    assert reduction(times).min() < -1e-6


def test_planar_voltammogram_at_a_constant_potential():
    wave = analytic.planar_voltammogram(
        [Ramp(4.0, -1.0, -1.0)], ButlerVolmer(1e-3), concentration_ox=1.0, **PLANAR
    )
    wanted = analytic.cottrell(2.0, area=2e-5, diffusivity=8e-10, concentration=1.0)
    assert wave(2.0)[0] == pytest.approx(-float(wanted), rel=1e-9)


def test_a_ramp_takes_time():
    with pytest.raises(ValueError, match=r"duration must be positive, but duration=0\."):
        Ramp(0.0, 1.0, 0.0)


@given(theta=st.floats(-700, 700))
def test_reversible_current_is_positive_and_bounded(theta):
    assert 0 <= float(analytic.reversible_current(theta)) <= analytic.REVERSIBLE_PEAK + 1e-15
