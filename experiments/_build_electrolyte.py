"""The task of concentration profiles of a concentrated electrolyte."""

import numpy as np

import diffsim as ds
from diffsim.electrochem import concentrated as co
from diffsim.electrochem.readers import read_columns

from ._electrolyte_config import ElectrolyteRecovery
from ._origin import file_origin
from ._table_config import TableFile
from ._task import Panel, Task, space, task_of

# A law that is believed everywhere: fits pass through states that do not exist.
_ANYWHERE = dict(low=-1e6, high=1e6)


def electrolyte_task(config: ElectrolyteRecovery) -> Task:
    """The misfit of `concentrated.RidgedError` over profiles and, where given, velocities.

    Profiles are brought onto the centres of the cells by straight lines, velocities fitted point
    by point.
    """
    profiles = [
        _read(f, {"position": "m", "concentration": "mol/m^3"}) for f in config.profiles
    ]
    velocities = [_read(f, {"time": "s", "velocity": "m/s"}) for f in config.velocities]
    times = [np.array([f.time for f in config.profiles])]
    observed = np.unique(np.concatenate([*times, *(v["time"] for v in velocities)]))
    current = _read(config.current, {"time": "s", "current_density": "A/m^2"})
    programme = co.CurrentProgramme(current["time"], current["current_density"], observed)
    cell = co.PolarisationCell(
        _electrolyte(config),
        config.length,
        config.concentration,
        cells=config.cells,
        stepping=co.Stepping(tolerance=config.tolerance),
    )
    samples, panels = [], []
    centres = np.asarray(cell.positions)
    low, high = config.window or (0.0, config.length)
    inside = centres[(centres >= low) & (centres <= high)]
    values = [np.interp(inside, p["position"], p["concentration"]) for p in profiles]
    samples.append(
        co.Samples(
            "concentration",
            observed,
            centres,
            times=np.repeat(times[0], inside.size),
            places=np.tile(inside, len(profiles)),
            values=np.concatenate(values),
            scale=config.concentration,
        )
    )
    total = inside.size * len(profiles)
    spread, begin = config.concentration * np.sqrt(total), 0
    for file, row in zip(config.profiles, values, strict=True):
        axis = ("position", "m", inside)
        panels.append(_panel(f"{file.time / 60:g} min", axis, "Concentration", "mol/m^3", row,
                             spread, begin))  # fmt: skip
        begin += row.size
    if velocities:
        assert config.velocity_scale is not None
        samples.append(_velocities(config, observed, centres, velocities))
        count = sum(v["time"].size for v in velocities)
        spread = config.velocity_scale * np.sqrt(count)
        for file, rows in zip(config.velocities, velocities, strict=True):
            axis = ("time", "s", rows["time"])
            panels.append(_panel(f"{1e3 * file.position:g} mm", axis, "Velocity", "m/s",
                                 rows["velocity"], spread, begin))  # fmt: skip
            begin += rows["time"].size
    objective = co.RidgedError(samples, config.ridge)
    problem = ds.Problem(cell, programme, space(config.scales(), []), objective, name=config.name)
    numbers = config.transference.size + 1  # those that the ridge adds
    sizes = [panel.measured.size for panel in panels]
    group = np.repeat(np.arange(len(sizes) + 1), [*sizes, numbers])
    files = (*config.profiles, *config.velocities)
    provenance = [
        file_origin(file.found, panel.label, panel.measured.size)
        for file, panel in zip(files, panels, strict=True)
    ]
    return task_of(config, problem, group, provenance, tuple(panels))


def _electrolyte(config: ElectrolyteRecovery) -> co.BinaryElectrolyte:
    limits = _ANYWHERE if config.extended else {}
    own = config.transference
    if own.kind == "polynomial":
        assert own.coefficients is not None
        assert own.reference is not None
        law = co.Polynomial(np.array(own.coefficients), own.reference, **limits)
    else:
        assert own.knots is not None
        assert own.values is not None
        law = co.Spline(np.array(own.knots), np.array(own.values))
        law = co.Held(law, **limits) if config.extended else law
    # From powers of c to powers of (c - c̄)/c̄.
    shifted = np.polynomial.Polynomial(config.density)(
        np.polynomial.Polynomial([config.concentration, config.concentration])
    )
    coefficients = np.atleast_1d(getattr(shifted, "coef", shifted))
    return co.BinaryElectrolyte(
        law,
        _diffusion(config),
        co.Polynomial(coefficients, config.concentration, **limits),
        config.salt_molar_mass,
        config.solvent_molar_mass,
    )


def _diffusion(config: ElectrolyteRecovery) -> co.AbstractSaltDiffusion:
    """D itself, or tied to t₊⁰ by D χ/(1 − t₊⁰)."""
    tied = config.relation is not None
    table = config.relation if tied else config.diffusivity
    assert table is not None
    rows = _read(table, {"concentration": "mol/m^3", "diffusivity": "m^2/s"})
    law = co.Tabulated(rows["concentration"], rows["diffusivity"])
    law = co.Held(law, **_ANYWHERE) if config.extended else law
    return co.TiedDiffusivity(law) if tied else co.Diffusivity(law)


def _velocities(config: ElectrolyteRecovery, observed, centres, tables) -> co.Samples:
    counts = [rows["time"].size for rows in tables]
    assert config.velocity_scale is not None
    return co.Samples(
        "velocity",
        observed,
        centres,
        times=np.concatenate([rows["time"] for rows in tables]),
        places=np.repeat([file.position for file in config.velocities], counts),
        values=np.concatenate([rows["velocity"] for rows in tables]),
        scale=config.velocity_scale,
    )


def _panel(label, axis, quantity, unit, measured, spread, begin) -> Panel:
    places = begin + np.arange(measured.size)
    return Panel(label, axis, quantity, unit, measured, np.full(measured.size, spread), places)


def _read(table: TableFile, wanted: dict[str, str]) -> dict[str, np.ndarray]:
    return read_columns(table.found, wanted, units=table.units)
