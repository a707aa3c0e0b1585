"""A metal electrode without transport: exact limits, gradients, recovery, bad input."""

import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import electrochem as ec, problems
from diffsim.constants import faraday, gas_constant

ETA = np.linspace(-0.25, 0.25, 21)
THERMAL = gas_constant * 298.15 / faraday


@pytest.mark.parametrize("name", problems.METAL_LAWS)
def test_small_overpotentials_give_the_charge_transfer_resistance(name):
    """dj/dη = j₀ F/RT at rest for every law that obeys detailed balance: one j₀ for all."""
    electrode = ec.MetalElectrode(problems.METAL_LAWS[name], 80.0)
    eta = np.array([-1e-6, 1e-6])
    slope = np.diff(electrode(eta).checked().values["current_density"]) / 2e-6
    np.testing.assert_allclose(slope, 80.0 / THERMAL, rtol=1e-6)


def test_butler_volmer_by_hand():
    electrode = ec.MetalElectrode(ec.ButlerVolmer(17.0, 0.3), 5.0)
    values = electrode(ETA).checked().values
    expected = 5.0 * (np.exp(0.7 * ETA / THERMAL) - np.exp(-0.3 * ETA / THERMAL))
    np.testing.assert_allclose(values["current_density"], expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(values["magnitude"], np.abs(expected), rtol=1e-12, atol=1e-12)
    # At rest nothing flows, and the logarithm is held.
    assert values["log_magnitude"][10] == pytest.approx(np.log(1e-300))


@pytest.mark.parametrize("residual", ["linear", "logarithmic"])
def test_gradients(residual):
    eta, density = problems.synthetic_metal_kinetics()["pc"]
    check = ds.check_gradients(problems.metal_kinetics(eta, density, "mhc", residual))
    assert check.passed(), check.table()


def test_recovery_from_noise_free_currents():
    for name, (density, energy) in {"ecdec": (90.0, 0.22), "pc": (20.0, 0.21)}.items():
        eta, measured = problems.synthetic_metal_kinetics(noise=0.0)[name]
        problem = problems.metal_kinetics(eta, measured, "mhc", "logarithmic")
        run = ds.solve(problem, ds.LevenbergMarquardt(), budget=90, progress=False)
        assert run.best_physical["exchange_current_density"] == pytest.approx(density, rel=1e-6)
        assert run.best_physical["reorganisation_energy"] == pytest.approx(energy, rel=1e-6)
        assert run.counts.evaluations <= 30


def test_k0_has_no_effect_and_no_lens():
    one, other = (ec.MetalElectrode(ec.MarcusHush(k0, 0.3), 7.0) for k0 in (1e-9, 1e3))
    np.testing.assert_allclose(one(ETA).values["magnitude"], other(ETA).values["magnitude"])
    assert set(one.lenses()) == {
        "exchange_current_density",
        "temperature",
        "reorganisation_energy",
    }


def test_what_overflows_is_a_result():
    electrode = ec.MetalElectrode(ec.ButlerVolmer(1.0, 0.5), 1.0)
    assert electrode(jnp.asarray([100.0])).result == ds.RESULTS.nonfinite


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ec.MetalElectrode(ec.MarcusHush(1.0, 0.3), 0.0), "exchange_current_density"),
        (lambda: ec.MetalElectrode(ec.Nernst(), 1.0), "Nernst is always at equilibrium"),
        (lambda: ec.MetalElectrode(ec.MarcusHush(1.0, 0.3), 1.0, 20.0), "150 and 1500.*20"),
        (lambda: ec.MetalElectrode(ec.MarcusHush(1.0, 0.3), 1.0)(np.zeros((2, 2))), "column"),
        (lambda: ec.MetalElectrode(ec.MarcusHush(1.0, 0.3), 1.0)(np.array([np.nan])), "finite"),
        (lambda: problems.metal_kinetics(ETA, np.ones(21), "tafel"), "law must be one of"),
        (lambda: problems.metal_kinetics(ETA, np.ones(21), "mh", "cubic"), "residual"),
        (lambda: problems.metal_kinetics(ETA, -np.ones(21), "mh"), "positive"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(Exception, match=message) as caught:
        make()
    assert isinstance(caught.value, ValueError | TypeError)
