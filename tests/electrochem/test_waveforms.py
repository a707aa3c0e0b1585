"""Waveforms: potentials, corners, sampling times, helpers, and what they refuse."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.electrochem import waveforms as wf

ALL = {
    "linear": wf.LinearSweep(0.3, -0.2, 0.1),
    "cyclic": wf.CyclicSweep(0.3, -0.2, 0.1),
    "vertices": wf.CyclicSweep(0.0, (0.3, -0.2), 0.1, cycles=3, end=0.1),
    "step": wf.PotentialStep(-0.3, 2.0),
    "step from rest": wf.PotentialStep(-0.3, 2.0, rest=0.2, rest_duration=1.0),
    "double": wf.DoubleStep(-0.3, 0.3, 2.0, 1.0),
    "staircase": wf.Staircase(0.2, -0.01, 0.1, 10, cyclic=True, samples_per_step=3),
    "square": wf.SquareWave(0.2, -0.01, 0.025, 25.0, 10),
    "pulse": wf.DifferentialPulse(0.2, -0.01, 0.05, 0.5, 0.05, 10),
    "sine": wf.Sinusoidal(wf.CyclicSweep(0.3, -0.2, 0.1), 0.01, 3.0, phase=0.4),
}


@pytest.mark.parametrize("name", ALL)
def test_every_waveform_is_consistent(name):
    waveform = ALL[name]
    times = np.asarray(waveform.times())
    assert np.all(np.diff(times) > 0)
    assert times[0] >= 0
    assert times[-1] == pytest.approx(float(waveform.duration), rel=1e-12)
    assert waveform.number_of_segments == waveform.segments().duration.size
    potential = np.asarray(waveform.potential(waveform.times()))
    assert potential.shape == times.shape
    assert np.all(np.isfinite(potential))
    # Every number is a leaf that can be differentiated.
    leaves = jax.tree.leaves(eqx.filter(waveform, eqx.is_array))
    assert leaves
    assert all(leaf.dtype == jnp.float64 for leaf in leaves)
    gradient = eqx.filter_grad(lambda w: jnp.sum(w.potential(jnp.linspace(0.01, 0.9, 7))))(waveform)
    assert all(np.all(np.isfinite(g)) for g in jax.tree.leaves(gradient))


def test_corners_of_cyclic_sweeps():
    one = wf.CyclicSweep(0.3, -0.2, 0.1, cycles=2)
    np.testing.assert_allclose(one.segments().start, [0.3, -0.2, 0.3, -0.2])
    np.testing.assert_allclose(one.segments().end, [-0.2, 0.3, -0.2, 0.3])
    np.testing.assert_allclose(one.segments().duration, 5.0)
    several = ALL["vertices"].segments()
    np.testing.assert_allclose(several.end, [0.3, -0.2, 0.3, -0.2, 0.3, -0.2, 0.1])


def test_a_corner_belongs_to_the_segment_that_it_ends():
    step = ALL["step from rest"]
    np.testing.assert_allclose(
        step.potential(jnp.array([0.0, 1.0, 1.0 + 1e-9, 3.0])), [0.2, 0.2, -0.3, -0.3]
    )
    square = ALL["square"]
    levels = np.asarray(square.potential(square.times()))
    np.testing.assert_allclose(levels[::2], 0.2 - 0.01 * np.arange(10) - 0.025)
    np.testing.assert_allclose(levels[1::2], 0.2 - 0.01 * np.arange(10) + 0.025)
    sorted_out = square.currents(jnp.asarray(levels))
    np.testing.assert_allclose(sorted_out.difference, -0.05)
    np.testing.assert_allclose(sorted_out.potential, 0.2 - 0.01 * np.arange(10))
    pulse = ALL["pulse"]
    levels = np.asarray(pulse.potential(pulse.times()))
    np.testing.assert_allclose(pulse.currents(jnp.asarray(levels)).difference, -0.05, atol=1e-15)


def test_units_are_read():
    sweep = wf.CyclicSweep("300 mV", ("-0.2 V", "100 mV"), "50 mV/s")
    assert float(sweep.scan_rate) == pytest.approx(0.05)
    np.testing.assert_allclose(sweep.vertex, [-0.2, 0.1])


class TestMeasured:
    def record(self, noise=0.0, count=2000):
        sweep = wf.CyclicSweep(0.8, 0.1, 0.05)
        times = np.linspace(0, 27.99, count)  # the turn falls between two samples
        potential = np.asarray(sweep.potential(jnp.asarray(times)))
        potential = potential + noise * np.random.default_rng(0).normal(size=count)
        return times, potential

    def test_corners_and_potentials(self):
        times, potential = self.record()
        found = wf.Measured(times, potential)
        assert found.number_of_segments == 2
        assert float(found.corner_times[1]) == pytest.approx(14.0, abs=1e-6)
        assert float(found.corner_potentials[1]) == pytest.approx(0.1, abs=1e-7)
        assert float(found.rms) < 1e-8

    def test_noise_makes_no_corners(self):
        times, potential = self.record(noise=5e-4)
        found = wf.Measured(times, potential)
        assert found.number_of_segments == 2
        assert float(found.rms) == pytest.approx(5e-4, rel=0.1)
        clean = self.record()[1]
        assert np.max(np.abs(found.potential(jnp.asarray(times)) - clean)) < 1e-3

    def test_smooth_between_corners(self):
        times = np.linspace(0, 1, 500)
        found = wf.Measured(times, 0.3 * times + 0.02 * np.sin(6 * times), pieces=16)
        assert found.number_of_segments == 1
        fine = jnp.linspace(1e-3, 0.999, 4001)
        slope = jax.vmap(jax.grad(lambda t: found.potential(t[None])[0]))(fine)
        exact = 0.3 + 0.12 * np.cos(6 * np.asarray(fine))
        assert np.max(np.abs(slope - exact)) < 2e-4
        assert np.max(np.abs(np.diff(slope))) < 2e-3

    def test_given_corners(self):
        times, potential = self.record()
        assert wf.Measured(times, potential, corners=[5.0, 14.0]).number_of_segments == 3

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda t, e: (t[:-1], e), "two arrays of one length"),
            (lambda t, e: (t[:3], e[:3]), "at least 4"),
            (lambda t, e: (t, np.where(t > 3, np.nan, e)), r"potential\[\d+\]=nan"),
            (lambda t, e: (t[::-1], e), r"time\[1\]"),
        ],
    )
    def test_bad_records(self, change, message):
        with pytest.raises(ValueError, match=message):
            wf.Measured(*change(*self.record()))

    def test_bad_corners(self):
        with pytest.raises(ValueError, match="corners"):
            wf.Measured(*self.record(), corners=[14.0, 5.0])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: wf.LinearSweep(0.1, 0.1, 1.0), "end of LinearSweep must be different.*end=0.1"),
        (lambda: wf.LinearSweep(0.1, 0.2, -1.0), "scan_rate.*positive.*=-1"),
        (lambda: wf.CyclicSweep(0.1, 0.1, 1.0), "vertex of CyclicSweep.*=0.1"),
        (lambda: wf.CyclicSweep(0.1, np.nan, 1.0), "vertex"),
        (lambda: wf.CyclicSweep(0.1, 0.2, 1.0, cycles=0), "cycles.*at least 1"),
        (lambda: wf.CyclicSweep(0.1, 0.2, 1.0, samples=1), "samples.*at least 2"),
        (lambda: wf.CyclicSweep(0.1, 0.2, "50 mV"), "scan_rate"),
        (lambda: wf.PotentialStep(0.1, 0.0), "step_duration.*positive"),
        (lambda: wf.PotentialStep(0.1, 1.0, rest=0.3), "given together"),
        (lambda: wf.DoubleStep(0.1, 0.2, 1.0, -1.0), "second_duration"),
        (lambda: wf.Staircase(0.1, 0.1, 0.0, 3), "tread"),
        (lambda: wf.Staircase(0.1, 0.1, 1.0, 0), "steps"),
        (lambda: wf.SquareWave(0.1, 0.0, 0.1, 1.0, 3), "step.*different from zero"),
        (lambda: wf.SquareWave(0.1, 0.1, 0.1, -1.0, 3), "frequency"),
        (lambda: wf.DifferentialPulse(0.1, 0.1, 0.1, 0.1, 0.2, 3), "pulse.*shorter"),
        (lambda: wf.Sinusoidal(wf.LinearSweep(0.1, 0.2, 1.0), -0.1, 1.0), "amplitude"),
    ],
)
def test_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
