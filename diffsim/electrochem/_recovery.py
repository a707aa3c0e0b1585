"""Parameters of a cell from measured curves: the problem, and the fit as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Float

from .._objective import LeastSquares
from .._observables import Observables
from .._problem import Problem, evaluate
from .._simulator import AbstractSimulator
from .._space import DesignSpace
from .._xarray import xarray as xr
from ._campaign import Campaign
from ._experiment import Experiment


def ParameterRecovery(
    cell: AbstractSimulator,
    experiments: Sequence[Experiment],
    space: DesignSpace,
    *,
    weighting: Literal["peak", "absolute"] = "peak",
    baseline: Literal["none", "line", "charging"] = "none",
    name: str = "recovery",
) -> Problem:
    """Fit the parameters in `space` to all experiments at once.

    Residuals are (simulated - measured) / scale. Where an experiment has no `scale` of its own,
    weighting "peak" takes its largest absolute current, so that slow and fast scans count
    alike, and "absolute" the largest of the whole campaign.

    `baseline` is fitted out of each experiment by itself, beside the parameters: "line" is
    offset + slope E, "charging" adds the sign of dE/dt, which a double layer draws.

    The names of the space are those of `cell.lenses()`, shared by all experiments, or
    "name@label" for one that belongs to a single experiment.

    **Raises:** `ValueError` for unknown names, repeated labels, or a curve of zeros.
    """
    peaks = [float(np.max(np.abs(e.current))) for e in experiments]
    for experiment, peak in zip(experiments, peaks, strict=True):
        if not peak > 0:
            raise ValueError(
                f"the current of {experiment.label!r} must not vanish, but is zero throughout."
            )
    campaign = Campaign(cell, experiments)
    common = max(peaks)
    scales = []
    for experiment, peak in zip(experiments, peaks, strict=True):
        own = peak if weighting == "peak" else common
        scale = own if experiment.scale is None else experiment.scale
        scales.append(np.full(experiment.current.size, scale))
    data = np.concatenate([e.current for e in experiments])
    objective = LeastSquares(
        data, np.concatenate(scales), nuisance=_nuisance(experiments, baseline)
    )
    return Problem(campaign, None, space, objective, name=name)


def _nuisance(
    experiments: Sequence[Experiment], baseline: Literal["none", "line", "charging"]
) -> Float[np.ndarray, "p q"] | None:
    """Baseline columns, each of one experiment alone."""
    if baseline == "none":
        return None
    blocks = []
    for experiment in experiments:
        potential = np.asarray(experiment.waveform.potential(jnp.asarray(experiment.times)))
        columns = [np.ones_like(potential), potential - potential.mean()]
        if baseline == "charging":
            columns.append(np.sign(np.gradient(potential, experiment.times)))
        blocks.append(np.stack(columns, axis=1))
    return np.asarray(scipy.linalg.block_diag(*blocks))


def restricted(problem: Problem, labels: Sequence[str]) -> Problem:
    """The same recovery from some of its experiments alone; shares the compiled program.

    **Raises:** `ValueError` for a label that is not there, or if none is left.
    """
    campaign, objective = problem.simulator, problem.objective
    assert isinstance(campaign, Campaign)
    assert isinstance(objective, LeastSquares)
    unknown = [label for label in labels if label not in campaign.labels]
    if unknown or not labels:
        raise ValueError(f"labels must be some of {list(campaign.labels)}, but are {list(labels)}.")
    parts = campaign.split(np.ones(objective.data.size))
    mask = np.concatenate([parts[i] * (i in labels) for i in campaign.labels])
    kept = LeastSquares(
        objective.data,
        objective.scale,
        observable=objective.observable,
        mask=mask,
        nuisance=objective.basis * objective.scale[:, None],
    )
    return eqx.tree_at(lambda p: p.objective, problem, kept)


def fit_dataset(
    problem: Problem,
    x: Float[np.ndarray, " d"],
    residuals: Float[np.ndarray, " p"] | None = None,
) -> dict[str, xr.Dataset]:
    """Measured and fitted curves at `x`, by the label of the experiment.

    Each dataset has along "point": time (s), potential (V), measured, fitted, residual (A)
    and scaled_residual. `residuals` at `x` (a run keeps its best) spare the simulation.

    **Raises:** `TypeError` if the problem is no parameter recovery; `SimulationError` if the
    simulation at `x` fails.
    """
    campaign, objective = problem.simulator, problem.objective
    if not (isinstance(campaign, Campaign) and isinstance(objective, LeastSquares)):
        raise TypeError("fit_dataset needs the problem of a ParameterRecovery, but got another.")
    if residuals is None:
        evaluation = evaluate(problem, jnp.asarray(x), "residuals")
        Observables({}, evaluation.result, {}).checked()
        residuals = np.asarray(evaluation.residuals)
    difference = residuals * np.asarray(objective.scale)
    applied = problem.space.apply(campaign, jnp.asarray(x))
    columns = {
        "time": (campaign.split(campaign.times), "s"),
        "potential": (campaign.split(applied.potential), "V"),
        "measured": (campaign.split(objective.data), "A"),
        "fitted": (campaign.split(objective.data + difference), "A"),
        "residual": (campaign.split(difference), "A"),
        "scaled_residual": (campaign.split(residuals), "1"),
    }
    return {
        label: xr.Dataset(
            {
                name: ("point", parts[label], {"units": unit})
                for name, (parts, unit) in columns.items()
            },
            attrs={"label": label},
        )
        for label in campaign.labels
    }
