"""From a checked configuration to a problem, a method and a budget."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import diffsim as ds
from diffsim import electrochem as ec

from ._asked_config import AbstractRecovery
from ._build_cell import bare_cell, given, named
from ._build_electrolyte import electrolyte_task
from ._build_impedance import impedance_task
from ._build_metal import metal_task
from ._build_waveform import waveform_experiment
from ._build_weak_acid import weak_acid_task
from ._config import File, Recovery, Selection
from ._layer_config import ISOTHERMS, Layer
from ._migration_config import Migration
from ._origin import origin
from ._schema import ConfigurationError
from ._task import Task, optimiser as optimiser, space, task_of

_POINTS = 200


def build(config: AbstractRecovery) -> Task:
    """Read the files and put everything together; simulates nothing.

    **Raises:** `ReaderError` for a file, `ConfigurationError` or `ValueError` for the rest.
    """
    return _BUILDERS[config.system](config)  # pyright: ignore


def voltammetry_task(config: Recovery) -> Task:
    """Currents of a cell. Experiments are in the order of their scan rates, where all are known."""
    sources = [_experiment(*selection) for selection in config.selections]
    fixed = [config.fixed(file) for _, file, _ in config.selections]
    whole = [(*source, own) for source, own in zip(sources, fixed, strict=True)]
    if all("scan_rate" in source for _, source, _ in whole):
        whole.sort(key=lambda entry: entry[1]["scan_rate"])
    experiments = _with_unique_labels([experiment for experiment, _, _ in whole])
    labels = [experiment.label for experiment in experiments]
    problem = ec.ParameterRecovery(
        cell(config),
        experiments,
        space(config.scales(), labels),
        weighting=config.weighting,
        name=config.name,
    )
    problem = _with_fixed(
        problem, {label: own for label, (_, _, own) in zip(labels, whole, strict=True)}
    )
    provenance = [
        source | {"label": label} for label, (_, source, _) in zip(labels, whole, strict=True)
    ]
    group = np.repeat(np.arange(len(experiments)), [e.times.size for e in experiments])
    return task_of(config, problem, group, provenance)


def _with_fixed(problem: ds.Problem, fixed: dict[str, dict[str, float]]) -> ds.Problem:
    """The problem with numbers that belong to single experiments put in."""
    campaign = problem.simulator
    lenses = campaign.lenses()
    for label, numbers in fixed.items():
        for name, value in numbers.items():
            campaign = lenses[f"{name}@{label}"].set(campaign, jnp.asarray(value))
    return eqx.tree_at(lambda p: p.simulator, problem, campaign)


_BUILDERS: dict[str, Callable[..., Task]] = {
    "voltammetry": voltammetry_task,
    "impedance": impedance_task,
    "weak_acid": weak_acid_task,
    "metal_kinetics": metal_task,
    "concentrated_electrolyte": electrolyte_task,
}


def cell(
    config: Recovery,
) -> ec.Voltammetry | ec.AdsorptiveVoltammetry | ec.MigrationVoltammetry:
    """The cell with the numbers that stand in the configuration."""
    bare = bare_cell(config)
    if config.migration is not None:
        return _migrating(bare, config.migration)
    if config.adsorption is None:
        return bare
    return ec.AdsorptiveVoltammetry(bare, _layer(config.adsorption))


def _migrating(bare: ec.Voltammetry, migration: Migration) -> ec.MigrationVoltammetry:
    ions = {
        name: ec.Species(ion.diffusivity, ion.concentration, ion.charge)
        for name, ion in migration.supporting.items()
    }
    field = ec.Electroneutral()
    if migration.field == "poisson":
        numbers = given({"permittivity": migration.permittivity})
        field = ec.Poisson(interface=named(*migration.interface_arguments()), **numbers)
    return ec.MigrationVoltammetry(bare, ions, field, counter=migration.counter)


def _layer(layer: Layer) -> ec.AdsorbedLayer:
    kind, field = ISOTHERMS[layer.isotherm]
    law = layer.kinetics()
    return ec.AdsorbedLayer(
        layer.saturation,
        {
            name: ec.Adsorbate(a.adsorption, a.desorption, a.coverage)
            for name, a in layer.adsorbates.items()
        },
        named(kind, {field: getattr(layer, field)} if field else {}),
        kinetics=None if law is None else named(*law),
        formal_potential=layer.formal_potential,
    )


def _experiment(path: Path, file: File, selection: Selection) -> tuple[ec.Experiment, dict]:
    """The curve of a file, and where it came from."""
    if selection.waveform is not None:
        experiment = waveform_experiment(path, file, selection)
        more = {"waveform": selection.waveform.kind}
        return experiment, origin(path, experiment, folder=str(path.resolve().parent), **more)
    side_file = None if file.side_file is None else path.parent / Path(file.side_file).name
    measurement = ec.read(
        path,
        format=selection.format,
        curve=file.curve,
        convention=selection.convention,
        scan_rate=selection.scan_rate,
        electrode_area=selection.electrode_area,
        side_file=side_file,
        partial=bool(selection.partial),
    )
    try:
        experiment = ec.Experiment.from_measurement(
            measurement,
            potential=selection.window,
            segments=selection.segments,
            points=selection.points or _POINTS,
            label=file.label or _label(path, file, measurement),
            ohmic_drop=bool(selection.ohmic_drop),
        )
    except ValueError as error:
        raise ConfigurationError(f"{path.name}: {error}") from None
    known = ("technique", "instrument", "scan_rate", "convention", "time_source")
    source = origin(
        path, experiment, folder=str(path.resolve().parent), points_in_file=len(measurement)
    )
    return experiment, source | given({name: measurement.metadata.get(name) for name in known})


def _label(path: Path, file: File, measurement: ec.Measurement) -> str:
    rate = measurement.metadata.get("scan_rate")
    if file.curve is not None or not rate:
        return path.stem if file.curve is None else f"{path.stem} #{file.curve}"
    return f"{1e3 * rate:g} mV/s"


def _with_unique_labels(experiments: list[ec.Experiment]) -> list[ec.Experiment]:
    """Curves of one scan rate are told apart by a number."""
    labels = [experiment.label for experiment in experiments]
    seen: dict[str, int] = {}
    renamed = []
    for experiment in experiments:
        seen[experiment.label] = seen.get(experiment.label, 0) + 1
        many = labels.count(experiment.label) > 1
        label = f"{experiment.label} #{seen[experiment.label]}" if many else experiment.label
        renamed.append(dataclasses.replace(experiment, label=label))
    return renamed
