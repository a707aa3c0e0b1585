"""The task of steady currents of a weak acid."""

import jax.numpy as jnp
import numpy as np

import diffsim as ds
from diffsim.electrochem.readers import read_columns

from ._build_cell import named
from ._origin import file_origin
from ._task import Panel, Task, space, task_of
from ._weak_acid_config import WeakAcidRecovery


def weak_acid_task(config: WeakAcidRecovery) -> Task:
    """Currents against total concentrations."""
    wanted = {"concentration": "mol/m^3", "current": "A"}
    rows = read_columns(config.file.found, wanted, units=config.file.units)
    concentration, current = rows["concentration"], rows["current"]
    problem = ds.Problem(
        named("WeakAcidReduction", config.acid.arguments()),
        jnp.asarray(concentration),
        space(config.scales(), []),
        ds.LeastSquares(current, config.noise),
        name=config.name,
    )
    size = current.size
    panel = Panel(
        config.file.found.stem,
        ("concentration", "mol/m^3", concentration),
        "Current",
        "A",
        current,
        np.full(size, config.noise),
        np.arange(size),
    )
    origin = file_origin(config.file.found, panel.label, size)
    return task_of(config, problem, np.zeros(size, int), [origin], (panel,))
