"""From a measured file to an experiment: windows, corners, times, and what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import electrochem as ec
from diffsim.electrochem.data import ferrocene

SWEEP = ec.CyclicSweep(0.2, -0.2, 0.1)


@pytest.fixture(scope="module")
def measured():
    return ec.read(ferrocene()[0.1])


@pytest.mark.parametrize(
    ("times", "current", "match"),
    [
        ([0.0, 1.0, 2.0], [1.0, 2.0], "one length"),
        ([0.0], [1.0], "at least 2"),
        ([0.0, 1.0], [1.0, np.nan], "finite"),
        ([0.0, np.inf], [1.0, 1.0], "finite"),
        ([1.0, 0.0], [1.0, 1.0], "increase"),
        ([0.0, 0.0], [1.0, 1.0], "increase"),
        ([-1.0, 0.0], [1.0, 1.0], r"lie in \[0, 8\] s"),
        ([0.0, 8.1], [1.0, 1.0], r"lie in \[0, 8\] s"),
    ],
)
def test_refused(times, current, match):
    with pytest.raises(ValueError, match=match):
        ec.Experiment(SWEEP, np.array(times), np.array(current), label="mine")


def test_a_scale_must_be_positive():
    with pytest.raises(ValueError, match=r"scale of 'mine' must be positive, but is -1"):
        ec.Experiment(SWEEP, np.array([0.0, 1.0]), np.ones(2), "mine", scale=-1.0)


def test_the_waveform_passes_through_the_measured_potentials(measured):
    window = (0.2, 0.8)
    experiment = ec.Experiment.from_measurement(
        measured, segments=[1, 2], potential=window, points=None
    )
    kept = measured.select(potential=window, segments=[1, 2])
    # All but the first, at which the simulation begins.
    np.testing.assert_array_equal(experiment.current, kept.current[1:])
    # To the step of the instrument's own staircase.
    simulated = np.asarray(experiment.waveform.potential(jnp.asarray(experiment.times)))
    np.testing.assert_allclose(simulated, kept.potential[1:], atol=2e-3)
    # The window is left at 0.8 V and entered again: what lies between is simulated, not fitted.
    assert experiment.waveform.number_of_segments == 2
    assert np.max(np.diff(experiment.times)) > 3.0
    assert experiment.label == "100 mV/s"
    assert experiment.metadata["scan_rate"] == 0.1


def test_points_thin_out_evenly(measured):
    experiment = ec.Experiment.from_measurement(measured, points=150)
    assert 120 <= experiment.times.size <= 150
    steps = np.diff(experiment.times)
    assert steps.max() < 1.5 * steps.min()


def test_an_empty_window(measured):
    with pytest.raises(ValueError, match=r"at least 2 points, but potential=\(3.0, 4.0\)"):
        ec.Experiment.from_measurement(measured, potential=(3.0, 4.0))


def test_ohmic_drop_follows_the_measured_current(measured):
    options = dict(segments=[1, 2], potential=(0.2, 0.8), points=None)
    plain = ec.Experiment.from_measurement(measured, **options)
    dropped = ec.Experiment.from_measurement(measured, ohmic_drop=True, **options)
    times = jnp.asarray(plain.times)
    np.testing.assert_allclose(
        dropped.waveform.potential(times), plain.waveform.potential(times), rtol=1e-12
    )
    lowered = ec.OhmicDrop(dropped.waveform.waveform, dropped.waveform.current, resistance=1e3)
    drop = np.asarray(plain.waveform.potential(times) - lowered.potential(times))
    # Cubic pieces through the record: a per cent of the peak is what they may miss.
    np.testing.assert_allclose(drop, 1e3 * plain.current, atol=10 * np.max(np.abs(plain.current)))
