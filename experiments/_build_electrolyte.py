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
    velocities = [_read(f, {"time": "s", "velocity": "m/s"}) for f in config.velocities]
    times = [np.array([f.time for f in config.profiles]), *(v["time"] for v in velocities)]
    observed = np.unique(np.concatenate(times))
    current = _read(config.current, {"time": "s", "current_density": "A/m^2"})
    programme = co.CurrentProgramme(current["time"], current["current_density"], observed)
    cell = co.PolarisationCell(
        _electrolyte(config),
        config.length,
        config.concentration,
        cells=config.cells,
        stepping=co.Stepping(tolerance=config.tolerance),
    )
    centres = np.asarray(cell.positions)
    samples, panels = _profiles(config, observed, centres)
    samples = [samples]
    if velocities:
        more, others = _velocities(config, observed, centres, velocities, len(samples[0].values))
        samples.append(more)
        panels += others
    problem = ds.Problem(
        cell,
        programme,
        space(config.scales(), []),
        co.RidgedError(samples, config.ridge),
        name=config.name,
    )
    sizes = [panel.measured.size for panel in panels]
    # The ridge adds a residual for each number of the law, and one.
    group = np.repeat(np.arange(len(sizes) + 1), [*sizes, config.transference.size + 1])
    files = (*config.profiles, *config.velocities)
    provenance = [
        file_origin(file.found, panel.label, panel.measured.size)
        for file, panel in zip(files, panels, strict=True)
    ]
    return task_of(config, problem, group, provenance, tuple(panels))


def _profiles(config: ElectrolyteRecovery, observed, centres) -> tuple[co.Samples, list[Panel]]:
    """The measured concentrations at the centres inside the window."""
    tables = [_read(f, {"position": "m", "concentration": "mol/m^3"}) for f in config.profiles]
    low, high = config.window or (0.0, config.length)
    inside = centres[(centres >= low) & (centres <= high)]
    values = [np.interp(inside, table["position"], table["concentration"]) for table in tables]
    samples = co.Samples(
        "concentration",
        observed,
        centres,
        times=np.repeat([f.time for f in config.profiles], inside.size),
        places=np.tile(inside, len(tables)),
        values=np.concatenate(values),
        scale=config.concentration,
    )
    spread = config.concentration * np.sqrt(inside.size * len(tables))
    panels = [
        Panel(
            f"{file.time / 60:g} min",
            ("position", "m", inside),
            "Concentration",
            "mol/m^3",
            row,
            np.full(row.size, spread),
            k * inside.size + np.arange(inside.size),
        )
        for k, (file, row) in enumerate(zip(config.profiles, values, strict=True))
    ]
    return samples, panels


def _velocities(
    config: ElectrolyteRecovery, observed, centres, tables, begin: int
) -> tuple[co.Samples, list[Panel]]:
    """The measured velocities; their residuals begin at `begin`."""
    assert config.velocity_scale is not None
    counts = [rows["time"].size for rows in tables]
    samples = co.Samples(
        "velocity",
        observed,
        centres,
        times=np.concatenate([rows["time"] for rows in tables]),
        places=np.repeat([file.position for file in config.velocities], counts),
        values=np.concatenate([rows["velocity"] for rows in tables]),
        scale=config.velocity_scale,
    )
    spread = config.velocity_scale * np.sqrt(sum(counts))
    firsts = begin + np.cumsum([0, *counts[:-1]])
    panels = [
        Panel(
            f"{1e3 * file.position:g} mm",
            ("time", "s", rows["time"]),
            "Velocity",
            "m/s",
            rows["velocity"],
            np.full(count, spread),
            first + np.arange(count),
        )
        for file, rows, count, first in zip(config.velocities, tables, counts, firsts, strict=True)
    ]
    return samples, panels


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
    mean = np.polynomial.Polynomial([config.concentration, config.concentration])
    terms = [a * mean**k for k, a in enumerate(config.density)]
    coefficients = np.polynomial.Polynomial([0.0])
    for term in terms:
        coefficients = coefficients + term
    return co.BinaryElectrolyte(
        law,
        _diffusion(config),
        co.Polynomial(coefficients.coef, config.concentration, **limits),
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


def _read(table: TableFile, wanted: dict[str, str]) -> dict[str, np.ndarray]:
    return read_columns(table.found, wanted, units=table.units)
