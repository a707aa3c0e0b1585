"""The task of the kinetics of a metal electrode."""

import jax.numpy as jnp
import numpy as np

import diffsim as ds
from diffsim import electrochem as ec
from diffsim.electrochem.readers import read_columns

from ._build_cell import named
from ._metal_config import MetalRecovery
from ._origin import file_origin
from ._schema import ConfigurationError
from ._task import Panel, Task, space, task_of


def metal_task(config: MetalRecovery) -> Task:
    """|j| against the overpotential, by differences or by ratios.

    **Raises:** `ReaderError`, or `ConfigurationError` for a current of zero, or logarithmic
    residuals at an overpotential of zero, where every law has none.
    """
    wanted = {"overpotential": "V", "current_density": "A/m^2"}
    rows = read_columns(config.file.found, wanted, units=config.file.units)
    eta, density = rows["overpotential"], np.abs(rows["current_density"])
    if not np.all(density > 0):
        raise ConfigurationError(
            f"{config.file.path}: current_density must not be zero, but is at "
            f"{eta[density == 0][0]:g} V"
        )
    linear = config.residual == "linear"
    if not linear and np.any(eta == 0):
        raise ConfigurationError(
            f"{config.file.path}: overpotential must not be zero with logarithmic residuals, but "
            f"is in row {int(np.argmin(np.abs(eta))) + 1}"
        )
    scale = float(np.sqrt(np.mean(density**2))) if linear else 1.0
    measured = density if linear else np.log(density)
    objective = ds.LeastSquares(
        measured, scale, observable="magnitude" if linear else "log_magnitude"
    )
    electrode = ec.MetalElectrode(
        named(*config.kinetics()), config.exchange_current_density, config.temperature
    )
    problem = ds.Problem(
        electrode, jnp.asarray(eta), space(config.scales(), []), objective, name=config.name
    )
    size = eta.size
    panel = Panel(
        config.file.found.stem,
        ("overpotential", "V", eta),
        "Current density" if linear else "ln(|j| m²/A)",
        "A/m^2" if linear else "",
        measured,
        np.full(size, scale),
        np.arange(size),
    )
    origin = file_origin(config.file.found, panel.label, size)
    return task_of(config, problem, np.zeros(size, int), [origin], (panel,))
