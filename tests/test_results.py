"""Files: what is written is read, whole or not at all."""

import numpy as np
import pytest
import xarray as xr

import diffsim.optimise as opt
from diffsim import results
from diffsim.optimise import LevenbergMarquardt, Multistart, solve
from diffsim.problems import exponential_decay, half_failing


@pytest.fixture(scope="module")
def run():
    return solve(exponential_decay(), Multistart(LevenbergMarquardt(), 3), budget=500,
                 progress=False)  # fmt: skip


def test_a_run_is_read_as_it_was_written(run, tmp_path):
    tree = results.read(run.save(tmp_path / "run.nc"))
    assert isinstance(tree, xr.DataTree)
    xr.testing.assert_identical(tree, run.to_dataset())
    history = tree[results.HISTORY]
    assert np.array_equal(history[results.X], run.history.x)
    assert np.array_equal(history[results.PHYSICAL], run.physical_history)
    assert results.decode(history[results.ORDER]) == list(run.history.order)
    assert list(history[results.VARIABLE].values) == list(run.names)
    best = tree[results.BEST]
    assert float(best[results.VALUE]) == run.best_value
    assert np.array_equal(best[results.JACOBIAN], run.best_arrays["jacobian"])


def test_everything_has_a_name_and_units(run):
    for node in run.to_dataset().subtree:
        for variable in node.data_vars.values():
            assert "long_name" in variable.attrs
            assert "units" in variable.attrs or "flag_meanings" in variable.attrs


def test_configuration_counts_and_status_travel_with_the_data(run, tmp_path):
    attributes = results.attributes(results.read(run.save(tmp_path / "run.nc")))
    assert attributes["format"] == results.FORMAT
    assert attributes["status"] == "decrease"
    assert attributes["counts"] == run.counts.as_dict()
    configuration = attributes["configuration"]
    assert configuration == run.configuration
    assert configuration["optimiser"]["optimiser"]["class"] == "LevenbergMarquardt"
    assert configuration["space"]["rate"] == {
        "scale": "Log", "low": 0.01, "high": 100.0, "unit": "",
    }  # fmt: skip
    assert {"jax", "numpy", "python"} <= set(configuration["versions"])


def test_result_codes_are_flags():
    run = solve(half_failing(), opt.SobolSearch(points=20), budget=50, progress=False)
    column = run.to_dataset()[results.HISTORY][results.RESULT]
    names = results.decode(column)
    assert names.count("nonfinite") == run.counts.failed > 0
    assert set(names) == {"successful", "nonfinite"}


def test_a_failed_write_leaves_the_old_file(run, tmp_path, monkeypatch):
    path = run.save(tmp_path / "run.nc")
    before = path.read_bytes()

    def broken(self, target, **kwargs):
        target.write_bytes(b"half a file")
        raise OSError("disc full")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", broken)
    with pytest.raises(OSError, match="disc full"):
        run.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_foreign_file_is_refused(tmp_path):
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(ValueError, match="must be written by diffsim"):
        results.read(tmp_path / "other.nc")


def test_more_nodes_can_be_added(run):
    tree = results.with_nodes(
        run.to_dataset(), {results.FIT: xr.Dataset({"current": ("t", [1.0])})}
    )
    assert results.FIT in tree.children
    assert results.FIT not in run.to_dataset().children
