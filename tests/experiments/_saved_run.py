"""A run as it is saved, small and quick, with everything that figures and reports can show."""

import dataclasses
import functools
import json

import numpy as np
import xarray as xr

from diffsim import optimise, problems, results
from diffsim.identifiability import diagnose

LABELS = ("25 mV/s", "1 <b>V/s</b>")


def _curve(label: str, data: np.ndarray, residuals: np.ndarray) -> xr.Dataset:
    sweep = np.concatenate(
        [np.linspace(0, 0.6, data.size // 2), np.linspace(0.6, 0, data.size // 2)]
    )
    columns = {
        "time": (np.arange(data.size) * 0.1, "s"),
        "potential": (sweep, "V"),
        "measured": (1e-6 * data, "A"),
        "fitted": (1e-6 * (data + residuals), "A"),
        "residual": (1e-6 * residuals, "A"),
        "scaled_residual": (residuals, "1"),
    }
    return xr.Dataset(
        {name: ("point", values, {"units": unit}) for name, (values, unit) in columns.items()},
        attrs={"label": label},
    )


@functools.cache
def saved_run() -> xr.DataTree:
    """Only a product of three parameters is identified; four starts; two curves."""
    problem = problems.unidentifiable_product()
    method = optimise.Multistart(optimise.LevenbergMarquardt(), 4)
    run = optimise.solve(problem, method, budget=optimise.Budget(evaluations=120), progress=False)
    group = np.repeat([0, 1], 15)
    diagnosis = diagnose(problem, run, profiles=["slope", "A"], group=group)
    residuals = run.best_arrays["residuals"]
    smooth = 0.05 * np.sin(np.arange(14))
    fit = {
        f"{results.FIT}/0": _curve(LABELS[0], np.cos(np.arange(14) / 5), residuals[:14]),
        f"{results.FIT}/1": _curve(LABELS[1], np.sin(np.arange(14) / 5), smooth),
    }
    run = dataclasses.replace(run, extra=diagnosis.to_datasets() | fit)
    tree = run.to_dataset()
    files = [{"label": label, "file": "cv.txt", "sha256": "ab" * 32} for label in LABELS]
    tree.attrs["provenance"] = json.dumps(files)
    tree.attrs["task"] = json.dumps({"name": "a job"})
    return tree
