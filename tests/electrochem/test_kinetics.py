"""Laws of electron transfer: detailed balance, limits, extremes, derivatives, accuracy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

import diffsim  # noqa: F401  (switches double precision on)
from diffsim.constants import faraday, gas_constant
from diffsim.electrochem.kinetics import (
    AbstractKinetics,
    AsymptoticMarcusHushChidsey,
    ButlerVolmer,
    MarcusHush,
    MarcusHushChidsey,
    Nernst,
)
from diffsim.electrochem.kinetics._gaussian_sech import log_gaussian_sech

BALANCED = {
    "nernst": Nernst(),
    "butler_volmer": ButlerVolmer(1e-5, 0.3),
    "marcus_hush": MarcusHush(1e-5, 0.8),
    "marcus_hush_chidsey": MarcusHushChidsey(1e-5, 0.8),
    "asymptotic": AsymptoticMarcusHushChidsey(1e-5, 0.8),
}
LAWS = {**BALANCED, "butler_volmer_free_beta": ButlerVolmer(2e-4, 0.24, 0.62)}
MARCUS = (MarcusHush, MarcusHushChidsey, AsymptoticMarcusHushChidsey)


@pytest.fixture(params=LAWS, ids=str)
def law(request):
    return LAWS[request.param]


@eqx.filter_jit
def _compiled(law, eta, temperature):
    return law.log_rates(eta, temperature, 1)


def _rates(law, eta, temperature=298.15):
    """(ln k_red, ln k_ox) of a one-electron step, compiled once per law."""
    return _compiled(law, jnp.asarray(eta, float), jnp.asarray(temperature, float))


def _f(temperature):
    return faraday / (gas_constant * temperature)


def _relative(got, wanted):
    return np.max(np.abs(np.asarray(got) - np.asarray(wanted)) / (1.0 + np.abs(wanted)))


# Detailed balance and symmetry


@pytest.mark.parametrize("name", BALANCED)
@given(eta=st.floats(-2, 2), temperature=st.floats(250, 400))
def test_detailed_balance(name, eta, temperature):
    reduction, oxidation = _rates(BALANCED[name], eta, temperature)
    assert reduction - oxidation == pytest.approx(-_f(temperature) * eta, rel=1e-14, abs=1e-13)


@pytest.mark.parametrize("law", [Nernst(), ButlerVolmer(1e-5, 0.3)])
def test_concerted_electrons_multiply_the_drive(law):
    one, three = law.log_rates(0.3, 300.0, 1), law.log_rates(0.1, 300.0, 3)
    np.testing.assert_allclose(one, three, rtol=1e-14)


@pytest.mark.parametrize("law", [law(1e-5, 0.5) for law in MARCUS], ids=lambda x: type(x).__name__)
def test_symmetric_laws_mirror(law):
    eta = jnp.linspace(-1, 1, 21)
    reduction, oxidation = _rates(law, eta)
    np.testing.assert_allclose(reduction, oxidation[::-1], rtol=1e-13)


@pytest.mark.parametrize("name", [name for name in LAWS if name != "nernst"])
def test_both_rates_are_k0_at_the_formal_potential(name):
    law = LAWS[name]
    np.testing.assert_allclose(_rates(law, 0.0, 310.0), np.log(law.k0), rtol=1e-15)


@given(
    energy=st.floats(0.05, 3),
    eta=st.floats(-2, 2),
    step=st.floats(1e-3, 0.5),
    t=st.floats(250, 400),
)
def test_chidsey_rates_are_monotonic(energy, eta, step, t):
    law = MarcusHushChidsey(1.0, energy)
    (red_0, ox_0), (red_1, ox_1) = _rates(law, eta, t), _rates(law, eta + step, t)
    # At the plateau the rates are equal to the last digits of a logarithm of up to 100.
    assert red_1 <= red_0 + 1e-13
    assert ox_1 >= ox_0 - 1e-13


# Special cases and limits


def test_beta_defaults_to_the_rest_of_alpha():
    eta = jnp.linspace(-1, 1, 11)
    np.testing.assert_array_equal(
        ButlerVolmer(1e-3, 0.3).log_rates(eta, 290.0, 1),
        ButlerVolmer(1e-3, 0.3, 1.0 - 0.3).log_rates(eta, 290.0, 1),
    )


@pytest.mark.parametrize(
    ("kind", "energy", "slack"),
    [(MarcusHush, 1e6, 1e-6), (MarcusHushChidsey, 10.0, 0.02)],
)
def test_a_stiff_solvent_gives_butler_volmer(kind, energy, slack):
    eta = jnp.linspace(-0.1, 0.1, 21)
    got = _rates(kind(1e-5, energy), eta)
    wanted = _rates(ButlerVolmer(1e-5, 0.5), eta)
    np.testing.assert_allclose(got, wanted, atol=slack)


def test_chidsey_approaches_marcus_hush_at_small_overpotential():
    # S ∝ exp(−θ²/4Λ)/cos(πθ/2Λ), so that what is left is the cosine.
    eta, energy = jnp.linspace(-0.2, 0.2, 21), 4.0
    chidsey = _rates(MarcusHushChidsey(1.0, energy), eta)[0]
    hush = _rates(MarcusHush(1.0, energy), eta)[0]
    cosine = jnp.log(jnp.cos(jnp.pi * eta / (2 * energy)))
    np.testing.assert_allclose(chidsey, hush - cosine, atol=2e-4)


def test_chidsey_without_reorganisation_is_the_fermi_function():
    eta = jnp.linspace(-0.5, 0.5, 21)
    reduction, _ = _rates(MarcusHushChidsey(1.0, 1e-7), eta)
    wanted = np.log(2.0) - jnp.logaddexp(0.0, _f(298.15) * eta)
    np.testing.assert_allclose(reduction, wanted, atol=1e-5)


def test_chidsey_levels_off_where_marcus_hush_turns_back():
    eta = jnp.array([-1.5, -2.0])
    chidsey = _rates(MarcusHushChidsey(1.0, 0.5), eta)[0]
    hush = _rates(MarcusHush(1.0, 0.5), eta)[0]
    assert abs(chidsey[1] - chidsey[0]) < 1e-8
    assert hush[1] < hush[0] - 10


# Accuracy of the integral


def _witness(mp, theta, energy):
    """ln I, ∂ln I/∂θ, ∂ln I/∂Λ of I = ∫exp(−(Λ + θ − x)²/4Λ)/(1 + eˣ)dx as it is defined.

    The trapezoidal rule leaves exp(−2π²/h) or exp(−4π²Λ/h²), here below 1e-34 (checked against
    mpmath's quadrature); the slopes are those of the integrand.
    """
    theta, energy = mp.mpf(theta), mp.mpf(energy)
    h = min(mp.mpf(1) / 4, mp.sqrt(energy) / 2)
    reach = 2 * mp.sqrt(80 * energy)
    low, high = min(0, energy + theta) - reach, max(0, energy + theta) + reach
    sums = [mp.mpf(0)] * 3
    for k in range(int(low / h), int(high / h) + 1):
        x = k * h
        u = energy + theta - x
        value = mp.exp(-(u**2) / (4 * energy)) / (1 + mp.exp(x))
        sums[0] += value
        sums[1] -= value * u / (2 * energy)
        sums[2] += value * (u**2 / (4 * energy**2) - u / (2 * energy))
    return mp.log(h * sums[0]), sums[1] / sums[0], sums[2] / sums[0]


@pytest.fixture(scope="module")
def mp():
    import mpmath

    with mpmath.workdps(40):
        yield mpmath.mp


def test_the_witness_agrees_with_quadrature(mp):
    theta, energy = mp.mpf(-7), mp.mpf(15)

    def integrand(x):
        return mp.exp(-((energy + theta - x) ** 2) / (4 * energy)) / (1 + mp.exp(x))

    quadrature = mp.log(mp.quad(integrand, [-180, -90, -40, -10, 0, 10, 30, 90]))
    assert abs(_witness(mp, -7, 15)[0] - quadrature) < 1e-33


def _cases():
    """Corners of the range λ 0.05-3 eV, |η| ≤ 2 V, 250-400 K, and random draws inside it."""
    corners = [
        (energy, eta, temperature)
        for energy in (0.05, 0.5, 3.0)
        for eta in (-2.0, -0.5, 0.01, 1.0)
        for temperature in (250.0, 400.0)
    ]
    key = np.random.default_rng(20240229)
    low, high = np.array([0.05, -2, 250]), np.array([3, 2, 400])
    return np.array(corners + [tuple(low + key.random(3) * (high - low)) for _ in range(8)])


def test_chidsey_rates_and_their_slopes_to_many_digits(mp):
    """Required: 1e-8 relative. Reached: 1e-13, in ln k and in its slopes in η, λ and T."""

    def log_k(eta, energy, temperature):
        return MarcusHushChidsey(1.0, energy).log_rates(eta, temperature, 1)[0]

    cases = _cases()
    energy, eta, temperature = cases.T
    got, slopes = jax.jit(jax.vmap(jax.value_and_grad(log_k, argnums=(0, 1, 2))))(
        eta, energy, temperature
    )

    errors = []
    for k, (energy, eta, temperature) in enumerate(cases):
        f = mp.mpf(faraday) / (mp.mpf(gas_constant) * mp.mpf(temperature))
        theta, reduced = f * mp.mpf(eta), f * mp.mpf(energy)
        value, by_theta, by_energy = _witness(mp, theta, reduced)
        zero, _, zero_by_energy = _witness(mp, 0, reduced)
        by_reduced = by_energy - zero_by_energy
        wanted = (
            value - zero,
            f * by_theta,
            f * by_reduced,
            -(by_theta * theta + by_reduced * reduced) / mp.mpf(temperature),
        )
        # ln k is a logarithm: its absolute error is the relative error of k, and that of a slope
        # is measured in the units of η, λ and T that change ln k by one.
        units = (1, f, f, 1 / mp.mpf(temperature))
        found = (got[k], slopes[0][k], slopes[1][k], slopes[2][k])
        errors.append(
            [
                float(abs(mp.mpf(float(a)) - b) / unit)
                for a, b, unit in zip(found, wanted, units, strict=True)
            ]
        )
    worst = np.max(errors, axis=0)
    assert np.all(worst < [1e-12, 1e-13, 1e-13, 1e-11]), worst


def test_integral_beyond_the_usual_range(mp):
    cases = [(0.0, 0.001), (400.0, 0.01), (30.0, 0.07), (-5.0, 300.0), (300.0, 300.0), (0.0, 540.0)]
    function = jax.jit(jax.value_and_grad(log_gaussian_sech))
    for theta, energy in cases:
        value, by_theta, _ = _witness(mp, theta, energy)
        got, slope = function(theta, energy)
        shift = mp.mpf(energy) / 4 + mp.mpf(theta) / 2
        wanted = float(value + shift)
        assert float(got) == pytest.approx(wanted, rel=1e-11, abs=1e-11), (theta, energy)
        assert float(slope) == pytest.approx(float(by_theta + mp.mpf(1) / 2), abs=1e-11)


def test_fifty_hermite_points_would_be_seen():
    """The rule used in published codes is 3 % off at 1 eV: this suite must tell it from ours."""
    theta, energy = 0.0, _f(298.15) * 1.0
    u, w = np.polynomial.hermite.hermgauss(50)

    def hermite(theta):
        return np.sum(w / (1 + np.exp(energy + theta - 2 * np.sqrt(energy) * u)))

    theta = -_f(298.15) * 0.3
    ours = _rates(MarcusHushChidsey(1.0, 1.0), -0.3)[0]
    published = np.log(hermite(theta) / hermite(0.0))
    assert 1e-3 < abs(published - ours) < 0.1


@pytest.mark.parametrize(
    ("energy", "largest"), [(0.05, 0.22), (0.3, 0.04), (0.5, 0.12), (1.0, 0.29), (3.0, 0.54)]
)
def test_deviation_of_the_closed_approximation_is_as_documented(energy, largest):
    eta = jnp.linspace(-2, 2, 401)
    closed = _rates(AsymptoticMarcusHushChidsey(1.0, energy), eta)[0]
    exact = _rates(MarcusHushChidsey(1.0, energy), eta)[0]
    deviation = float(jnp.max(jnp.abs(jnp.expm1(closed - exact))))
    assert 0.8 * largest < deviation < largest


# Derivatives


def _both_logs(inputs):
    law, eta, temperature = inputs
    reduction, oxidation = law.log_rates(eta, temperature, 1)
    return jnp.stack([jnp.asarray(reduction), jnp.asarray(oxidation)])


@pytest.mark.parametrize("eta", [-1.3, -0.2, 0.0, 0.07, 0.8])
def test_derivatives(law, eta):
    """All leaves, η and T: forward against reverse to 1e-9, both against central differences."""
    inputs = (law, jnp.float64(eta), jnp.float64(298.15))
    flat, unravel = jax.flatten_util.ravel_pytree(inputs)
    function = jax.jit(lambda x: _both_logs(unravel(x)))
    forward, reverse = jax.jit(jax.jacfwd(function))(flat), jax.jit(jax.jacrev(function))(flat)
    assert _relative(forward, reverse) < 1e-12

    columns = []
    for k, value in enumerate(flat):
        h = 1e-4 * max(abs(float(value)), 1e-2 if k >= len(flat) - 2 else 0.0)

        def difference(h, k=k):
            return (function(flat.at[k].add(h)) - function(flat.at[k].add(-h))) / (2 * h)

        columns.append((4 * difference(h / 2) - difference(h)) / 3)
    assert _relative(forward, np.stack(columns, axis=-1)) < 1e-8


def test_second_derivatives(law):
    inputs = (law, jnp.float64(-0.31), jnp.float64(298.15))
    flat, unravel = jax.flatten_util.ravel_pytree(inputs)

    gradient = jax.jit(jax.grad(lambda x: _both_logs(unravel(x))[0]))
    hessian = jax.jit(jax.jacfwd(gradient))(flat)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-8, atol=1e-9)
    h = 1e-5
    column = (gradient(flat.at[-2].add(h)) - gradient(flat.at[-2].add(-h))) / (2 * h)
    assert _relative(hessian[:, -2], column) < 1e-6


@pytest.mark.parametrize("k0", [1e-30, 1e-9, 1e9, 1e30])
@pytest.mark.parametrize("temperature", [250.0, 400.0])
def test_extremes_are_finite(law, k0, temperature):
    if not isinstance(law, Nernst):
        law = eqx.tree_at(lambda x: x.k0, law, jnp.float64(k0))
    theta = jnp.array([-80.0, -40.0, -1e-12, 0.0, 1e-12, 40.0, 80.0])
    inputs = (law, theta / _f(temperature), jnp.float64(temperature))
    for transform in (lambda g: g, jax.jacfwd, jax.jacrev):
        function = eqx.filter_jit(transform(_both_logs))
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(function(inputs)))


@pytest.mark.parametrize("kind", MARCUS)
@pytest.mark.parametrize("energy", [0.01, 0.05, 3.0, 10.0])
def test_extremes_of_the_reorganisation_energy(kind, energy):
    theta = jnp.linspace(-80, 80, 161)

    def logs(energy):
        return jnp.stack(kind(1.0, energy).log_rates(theta / _f(250.0), 250.0, 1))

    energy = jnp.float64(energy)
    forward, reverse = jax.jit(jax.jacfwd(logs))(energy), jax.jit(jax.jacrev(logs))(energy)
    assert np.all(np.isfinite(jax.jit(logs)(energy)))
    assert _relative(forward, reverse) < 1e-11


# Use in programs


@pytest.mark.parametrize("name", [name for name in LAWS if name != "nernst"])
def test_jit_and_vmap_over_laws(name):
    law = LAWS[name]
    factors = jnp.array([1.0, 2.0, 5.0])
    laws = jax.vmap(lambda s: eqx.tree_at(lambda x: x.k0, law, s * law.k0))(factors)
    got = jax.jit(jax.vmap(lambda one: one.log_rates(0.1, 298.15, 1)[0]))(laws)
    wanted = law.log_rates(0.1, 298.15, 1)[0] + jnp.log(factors)
    np.testing.assert_allclose(got, wanted, rtol=1e-14)


def test_a_law_is_built_inside_a_transformation():
    def rate(k0):
        return _rates(ButlerVolmer(k0), 0.1)[0]

    assert jax.jit(jax.grad(rate))(2.0) == pytest.approx(0.5)
    # Out of range, but not known when it is traced: a number comes out, no exception.
    assert np.isnan(jax.jit(rate)(-1.0))


def test_parameters_are_double_precision_leaves_and_read_units():
    law = ButlerVolmer("1e-3 cm/s", 0.3, 1)
    assert [leaf.dtype for leaf in jax.tree.leaves(law)] == [jnp.float64] * 3
    assert float(law.k0) == 1e-5
    assert len(jax.tree.leaves(ButlerVolmer(1))) == 2
    assert float(MarcusHush(1, "850 meV").reorganisation_energy) == 0.85


def test_capabilities_are_declared():
    assert Nernst.reversible
    assert not any(kind.reversible for kind in (ButlerVolmer, *MARCUS))
    assert all(kind.single_electron for kind in MARCUS)
    assert not any(kind.single_electron for kind in (Nernst, ButlerVolmer))
    with pytest.raises(TypeError):
        AbstractKinetics()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ButlerVolmer(-1e-5), ("k0", "ButlerVolmer", "positive", "m/s", "-1e-05")),
        (lambda: ButlerVolmer(0.0), ("k0", "positive", "k0=0")),
        (lambda: ButlerVolmer(float("inf")), ("k0", "finite", "inf")),
        (lambda: ButlerVolmer([1e-5, -2.0]), ("k0", "-2")),
        (lambda: ButlerVolmer(1e-5, 4.5), ("alpha", "between 0 and 4", "4.5")),
        (lambda: ButlerVolmer(1e-5, 0.5, -0.1), ("beta", "between 0 and 4", "-0.1")),
        (lambda: ButlerVolmer("1e-5 m"), ("k0", "m/s")),
        (lambda: MarcusHush(1e-5, 0.0), ("reorganisation_energy", "MarcusHush", "eV")),
        (lambda: MarcusHushChidsey(1e-5, float("nan")), ("reorganisation_energy", "nan")),
        (lambda: AsymptoticMarcusHushChidsey(-1, 0.5), ("k0", "AsymptoticMarcusHushChidsey")),
    ],
)
def test_values_out_of_range_are_named(build, words):
    with pytest.raises(ValueError) as error:
        build()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_what_is_no_number_is_named():
    with pytest.raises(TypeError, match="k0 must be a real number"):
        ButlerVolmer(None)


@pytest.mark.parametrize("kind", MARCUS)
def test_marcus_laws_refuse_concerted_electrons(kind):
    with pytest.raises(ValueError, match=r"electrons must be 1 .* but electrons=2.*one-electron"):
        kind(1e-5, 0.5).log_rates(0.1, 298.15, 2)
