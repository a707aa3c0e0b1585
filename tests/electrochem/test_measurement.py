"""The record of a measurement, and the geometry of sweeps."""

import itertools
import pickle

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st

from diffsim.electrochem.readers import Measurement, time_from_sweep, turning_points
from diffsim.electrochem.readers._sweep import loop_sense


def _triangle(vertices, points=50):
    parts = [np.linspace(a, b, points)[1:] for a, b in itertools.pairwise(vertices)]
    return np.concatenate([[vertices[0]], *parts])


def _measurement(vertices=(0.0, -1.0, 0.5, 0.0), metadata=None, **extra):
    potential = _triangle(vertices)
    current = np.arange(len(potential)) * 1e-6
    return Measurement(time_from_sweep(potential, 0.1), potential, current, metadata or {}, extra)


# Vertices at least 0.1 apart within 1 V or so of range: far more than the 1 % of a reversal.
_zigzags = st.lists(st.floats(0.1, 1.0), min_size=1, max_size=7).map(
    lambda lengths: list(np.cumsum([0.0] + [x * (-1) ** k for k, x in enumerate(lengths)]))
)


@given(_zigzags, st.integers(0, 2**32 - 1))
def test_turning_points_are_found_through_noise(vertices, seed):
    potential = _triangle(vertices)
    noise = 0.002 * np.ptp(potential) * np.random.default_rng(seed).uniform(-1, 1, len(potential))
    turns = turning_points(potential + noise)
    assert len(turns) == len(vertices) - 2
    np.testing.assert_allclose(potential[turns], vertices[1:-1], atol=0.005 * np.ptp(potential))
    assert list(turning_points(potential)) == [49 * k for k in range(1, len(vertices) - 1)]


def test_a_double_step_is_parted_where_it_steps():
    potential = np.repeat([0.5, 0.0], 10)
    assert list(turning_points(np.repeat([0.0, 0.5, 0.0], 10))) == [19]
    assert list(turning_points(np.repeat([0.5, 0.0, 0.5], 10))) == [19]
    assert list(turning_points(potential)) == []
    assert list(turning_points(np.full(10, 0.3))) == []


@given(_zigzags, st.floats(1e-3, 1e3))
def test_time_is_the_path_over_the_scan_rate(vertices, rate):
    potential = _triangle(vertices)
    time = time_from_sweep(potential, rate)
    path = np.sum(np.abs(np.diff(vertices)))
    assert time[0] == 0
    np.testing.assert_allclose(time[-1], path / rate, rtol=1e-12)
    np.testing.assert_allclose(np.abs(np.diff(potential)) / np.diff(time), rate, rtol=1e-9)


def test_noise_does_not_lengthen_the_time():
    clean = _triangle((0.0, 1.0, 0.0), points=1001)
    noisy = clean + 0.003 * np.random.default_rng(0).uniform(-1, 1, len(clean))
    assert np.abs(np.diff(noisy)).sum() > 2 * np.abs(np.diff(clean)).sum()
    np.testing.assert_allclose(
        time_from_sweep(noisy, 0.1), time_from_sweep(clean, 0.1), atol=0.02 / 0.1
    )
    steps = np.diff(time_from_sweep(noisy, 0.1))
    turn = int(turning_points(noisy)[0])
    assert np.ptp(steps[:turn]) < 1e-12
    assert np.ptp(steps[turn:]) < 1e-12


def test_the_sense_of_a_loop_is_that_of_charging():
    potential = _triangle((0.0, 1.0, 0.0))
    charging = np.sign(np.gradient(potential))
    assert loop_sense(potential, charging) == pytest.approx(1, abs=0.05)
    assert loop_sense(potential, -charging) == pytest.approx(-1, abs=0.05)
    assert loop_sense(potential, potential) == pytest.approx(0, abs=1e-12)  # a resistor
    assert loop_sense(potential[:50], charging[:50]) == 0  # no loop
    assert loop_sense(potential[:75], charging[:75]) == 0  # turned, but not closed


def test_segments_part_the_whole():
    whole = _measurement(cycle=np.arange(148.0))
    assert len(whole.segments) == 3
    for name in ("time", "potential", "current"):
        joined = np.concatenate([getattr(part, name) for part in whole.segments])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    assert whole.segment(0).potential[-1] == -1.0  # the turning point ends its segment
    assert whole.segment(1).potential[-1] == 0.5
    assert whole.segment(1).extra["cycle"][0] == 50
    with pytest.raises(ValueError, match="segment must be from 0 to 2, but it is 3"):
        whole.segment(3)


def test_select_keeps_time_and_includes_its_ends():
    whole = _measurement()
    part = whole.select(potential=(-1.0, -0.5), segments=(1,))
    assert part.potential.min() >= -1.0
    assert part.potential.max() <= -0.5
    rows = np.flatnonzero(np.isin(whole.time, part.time))
    np.testing.assert_array_equal(whole.current[rows], part.current)
    assert set(rows) == {k for k in range(50, 99) if -1.0 <= whole.potential[k] <= -0.5}
    ends = whole.select(time=(float(whole.time[3]), float(whole.time[5])))
    np.testing.assert_array_equal(ends.time, whole.time[3:6])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"potential": (0.5, 0.2)}, "low < high"),
        ({"potential": (2.0, 3.0)}, "at least 2 points"),
        ({"segments": ()}, "at least 2 points"),
        ({"segments": (7,)}, "segment must be from 0 to 2"),
    ],
)
def test_selections_that_select_nothing_are_errors(options, words):
    with pytest.raises(ValueError, match=words):
        _measurement().select(**options)


@given(st.integers(2, 400))
def test_downsample_keeps_ends_and_pairs(points):
    whole = _measurement()
    part = whole.downsample(points)
    assert len(part) == min(points, len(whole))
    assert (part.time[0], part.time[-1]) == (whole.time[0], whole.time[-1])
    rows = np.searchsorted(whole.time, part.time)
    np.testing.assert_array_equal(whole.current[rows], part.current)
    assert np.ptp(np.diff(rows)) <= 1


def test_downsample_to_less_than_two_is_an_error():
    with pytest.raises(ValueError, match="points must be at least 2, but it is 1"):
        _measurement().downsample(1)


@pytest.mark.parametrize(
    ("time", "potential", "words"),
    [
        ([0.0, 1.0, 1.0], [0.0, 1.0, 2.0], r"time must increase, but time\[2\] = 1 s"),
        ([0.0, 1.0, 2.0], [0.0, np.nan, 2.0], r"potential\[1\] is nan"),
        ([0.0], [0.0], "at least 2 points"),
    ],
)
def test_a_measurement_checks_itself(time, potential, words):
    with pytest.raises(ValueError, match=words):
        Measurement(np.array(time), np.array(potential), np.zeros(len(time)))


def test_a_measurement_is_not_writeable():
    data = np.arange(3.0)
    measurement = Measurement(data, data, data)
    data[0] = 7.0
    assert measurement.time[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        measurement.current[0] = 1.0
    with pytest.raises(TypeError):
        measurement.metadata["x"] = 1  # pyright: ignore


def test_a_measurement_survives_pickling_between_processes():
    whole = _measurement(metadata={"scan_rate": 0.1})
    copy = pickle.loads(pickle.dumps(whole))
    np.testing.assert_array_equal(copy.current, whole.current)
    assert copy.metadata == whole.metadata


def test_dataset_goes_through_netcdf(tmp_path):
    metadata = {
        "scan_rate": 0.1,
        "sensitivity": None,
        "vertices": (0.0, -1.0, 0.5),
        "header": {"Scan Rate (V/s)": "0.1"},
        "partial": True,
    }
    whole = _measurement(metadata=metadata, **{"(Q-Qo)/C": np.arange(148.0)})
    whole.to_dataset().to_netcdf(tmp_path / "m.nc")
    with xr.open_dataset(tmp_path / "m.nc") as back:
        np.testing.assert_array_equal(back["current"], whole.current)
        np.testing.assert_array_equal(back["time"], whole.time)
        units = {name: back[name].attrs["units"] for name in ("time", "potential", "current")}
        assert units == {"time": "s", "potential": "V", "current": "A"}
        assert back.attrs["scan_rate"] == 0.1
        assert list(back.attrs["vertices"]) == [0.0, -1.0, 0.5]
        assert back.attrs["header"] == '{"Scan Rate (V/s)": "0.1"}'
        assert "sensitivity" not in back.attrs
        assert back["Q_Qo_C"].attrs["long_name"] == "(Q-Qo)/C"
