"""What a configuration becomes: a problem, a method, a budget, and how the fit is shown."""

import dataclasses
import inspect
from typing import Any

import numpy as np
import xarray as xr

import diffsim as ds
from diffsim import optimise

from ._asked_config import METHODS, AbstractRecovery, Scale
from ._schema import ConfigurationError, nearest

_SCALES = {"log": ds.Log, "linear": ds.Linear, "logit": ds.Logit}


@dataclasses.dataclass(frozen=True)
class Panel:
    """One curve of a fit that is no voltammogram: measured values against something.

    - `abscissa`: name, unit and values (t,) of what is drawn to the right.
    - `quantity`, `unit`: of the measured values (t,).
    - `scale` (t,): by which residuals were divided; `places` (t,): of these in the residuals.
    """

    label: str
    abscissa: tuple[str, str, np.ndarray]
    quantity: str
    unit: str
    measured: np.ndarray
    scale: np.ndarray
    places: np.ndarray
    logarithmic: bool = False

    def dataset(self, residuals: np.ndarray) -> xr.Dataset:
        """Measured and fitted, as `electrochem.fit_dataset` has it for voltammograms."""
        name, unit, values = self.abscissa
        scaled = residuals[self.places]
        difference = scaled * self.scale
        columns = {
            name: (values, unit),
            "measured": (self.measured, self.unit),
            "fitted": (self.measured + difference, self.unit),
            "residual": (difference, self.unit),
            "scaled_residual": (scaled, "1"),
        }
        shown = {"abscissa": name, "quantity": self.quantity}
        axis = "log" if self.logarithmic else "linear"
        return xr.Dataset(
            {name: ("point", value, {"units": unit}) for name, (value, unit) in columns.items()},
            attrs={"label": self.label, "axis": axis} | shown,
        )


@dataclasses.dataclass(frozen=True)
class Task:
    """All that `ds.solve` and the diagnosis need, and where the data came from.

    `panels` show the fit of what is no voltammogram; `group` is the curve of each residual.
    """

    problem: ds.Problem
    optimiser: ds.AbstractOptimiser
    budget: ds.Budget
    group: np.ndarray
    provenance: list[dict[str, Any]]
    panels: tuple[Panel, ...] | None = None


def task_of(
    config: AbstractRecovery,
    problem: ds.Problem,
    group: np.ndarray,
    provenance: list[dict[str, Any]],
    panels: tuple[Panel, ...] | None = None,
) -> Task:
    """A task with the method and the budget that the configuration asks for."""
    budget = ds.Budget(evaluations=config.optimiser.limit, seconds=config.optimiser.seconds)
    return Task(problem, optimiser(config), budget, group, provenance, panels)


def space(scales: dict[str, Scale], labels: list[str]) -> ds.DesignSpace:
    """The design space; a parameter per file becomes one for each label."""
    variables = {}
    for name, scale in scales.items():
        made = _SCALES[scale.scale](scale.low, scale.high, unit=scale.unit, initial=scale.initial)
        own = [f"{name}@{label}" for label in labels]
        variables |= dict.fromkeys(own if scale.per == "file" else [name], made)
    return ds.DesignSpace(variables)


def optimiser(config: AbstractRecovery) -> ds.AbstractOptimiser:
    """The method with its options, from as many starts as asked for."""
    kind = getattr(optimise, METHODS[config.optimiser.method][0])
    known = inspect.signature(kind).parameters
    allowed = [name for name in known if name != "self"]
    for option in config.optimiser.options:
        if option not in allowed:
            raise ConfigurationError(
                f"optimiser.options: {config.optimiser.method} has no option {option!r}"
                f"{nearest(option, allowed)} (it has {', '.join(allowed)})"
            )
    needed = [name for name in allowed if known[name].default is inspect.Parameter.empty]
    missing = [name for name in needed if name not in config.optimiser.options]
    if missing:
        raise ConfigurationError(
            f"optimiser.options must give {', '.join(missing)} for {config.optimiser.method}, but "
            "does not"
        )
    method = kind(**config.optimiser.options)
    if config.optimiser.starts == 1:
        return method
    return ds.Multistart(method, config.optimiser.starts)
