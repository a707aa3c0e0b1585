"""A diagnosis as datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import results as names
from .._xarray import xarray as xr
from ._verdict import VERDICTS

if TYPE_CHECKING:
    from ._diagnose import Diagnosis

# Dimensions and variables of the two nodes, beside those of `diffsim.results`.
DIRECTION, OTHER, EXPERIMENT, POINT = "direction", "other", "experiment", "point"


def identifiability_node(diagnosis: "Diagnosis") -> xr.Dataset:
    """Verdicts, intervals, singular values and residual tests."""
    fit, cov = diagnosis.fit, diagnosis.covariance
    units = {name: fit.space.scales[name].unit for name in fit.names}
    node = xr.Dataset(
        _parameters(diagnosis) | _directions(diagnosis) | _experiments(diagnosis),
        coords=names.variable_coordinates(fit.names, units)
        | {OTHER: xr.Variable(OTHER, np.asarray(fit.names, object))},
    )
    node.attrs = {
        "confidence": cov.confidence,
        "noise_scale": cov.noise.scale,
        "autocorrelation_time": cov.noise.time,
        "degrees_of_freedom": cov.noise.freedom,
        "effective_degrees_of_freedom": cov.noise.effective_freedom,
        "combinations": [c.text for c in diagnosis.combinations] or "",
        "combination_values": [c.value for c in diagnosis.combinations],
        "combination_lows": [c.low for c in diagnosis.combinations],
        "combination_highs": [c.high for c in diagnosis.combinations],
        "better_value": np.nan if diagnosis.better_value is None else diagnosis.better_value,
        "summary": diagnosis.summary(),
        "profile_evaluations": diagnosis.counts.evaluations,
    }
    return node


def _parameters(diagnosis: "Diagnosis") -> dict[str, xr.Variable]:
    fit, cov, axis = diagnosis.fit, diagnosis.covariance, names.VARIABLE
    verdicts = [diagnosis.verdicts[name] for name in fit.names]
    kinds = [VERDICTS.index(verdict.kind) for verdict in verdicts]
    white = cov.half_width
    both = (axis, OTHER)
    return {
        "value": names.variable(axis, [v.value for v in verdicts], "best value", "see unit"),
        "low": names.variable(axis, [v.low for v in verdicts], "end of the interval", "see unit"),
        "high": names.variable(axis, [v.high for v in verdicts], "end of the interval", "see unit"),
        "white_low": names.variable(
            axis, fit.physical(fit.x - white), "end of the interval for white noise", "see unit"
        ),
        "white_high": names.variable(
            axis, fit.physical(fit.x + white), "end of the interval for white noise", "see unit"
        ),
        "verdict": names.flags(axis, kinds, VERDICTS, "verdict"),
        "verdict_text": xr.Variable(axis, np.asarray([v.text for v in verdicts], object)),
        "covariance": names.variable(both, cov.covariance, "covariance in the unit cube"),
        "correlation": names.variable(both, cov.correlation, "correlation"),
    }


def _directions(diagnosis: "Diagnosis") -> dict[str, xr.Variable]:
    cov = diagnosis.covariance
    return {
        "singular_value": names.variable(
            DIRECTION, cov.singular_values, "singular value of the Jacobian in the unit cube"
        ),
        "direction_vector": names.variable(
            (names.VARIABLE, DIRECTION), cov.directions, "right singular vector"
        ),
        "null": names.variable(DIRECTION, cov.null.astype(np.int8), "not identified"),
    }


def _experiments(diagnosis: "Diagnosis") -> dict[str, xr.Variable]:
    tests = diagnosis.residual_tests

    def column(field: str, long_name: str) -> xr.Variable:
        values = np.asarray([getattr(test, field) for test in tests], float)
        return names.variable(EXPERIMENT, values, long_name)

    return {
        "runs": column("runs", "runs of equal sign of the residuals"),
        "expected_runs": column("expected_runs", "runs expected of noise"),
        "runs_p_value": column("runs_p_value", "p-value of so few runs"),
        "durbin_watson": column("durbin_watson", "Durbin-Watson statistic"),
        "durbin_watson_p_value": column("durbin_watson_p_value", "its p-value"),
        "root_mean_square": column("root_mean_square", "root mean square of the residuals"),
        "structured": column("structured", "1 where the misfit has a shape"),
    }


def profiles_node(diagnosis: "Diagnosis") -> xr.Dataset:
    """Profiles, padded with NaN to one length."""
    profiles = list(diagnosis.profiles.values())
    length = max(profile.delta.size for profile in profiles)

    def padded(field: str) -> np.ndarray:
        rows = np.full((len(profiles), length), np.nan)
        for row, profile in zip(rows, profiles, strict=True):
            values = getattr(profile, field)
            row[: values.size] = values
        return rows

    axes, axis = ("profiled", POINT), "profiled"
    return xr.Dataset(
        {
            "physical": names.variable(axes, padded("physical"), "parameter held", "see unit"),
            "position": names.variable(axes, padded("position"), "parameter in the unit cube"),
            "delta": names.variable(axes, padded("delta"), "2 (value - lowest) / noise scale^2"),
            "threshold": names.variable(axis, [p.threshold for p in profiles], "threshold"),
            "low": names.variable(axis, [p.low for p in profiles], "lower crossing", "see unit"),
            "high": names.variable(axis, [p.high for p in profiles], "upper crossing", "see unit"),
            "low_end": xr.Variable(axis, np.asarray([p.low_end for p in profiles], object)),
            "high_end": xr.Variable(axis, np.asarray([p.high_end for p in profiles], object)),
        },
        coords={axis: xr.Variable(axis, np.asarray([p.name for p in profiles], object))},
    )
