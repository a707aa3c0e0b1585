"""From a checked configuration to a problem, a method and a budget."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np

import diffsim as ds
from diffsim import electrochem as ec, optimise

from ._config import METHODS, File, Recovery, Scale, Selection
from ._layer_config import ISOTHERMS, Layer
from ._origin import origin
from ._schema import ConfigurationError, nearest

_SCALES = {"log": ds.Log, "linear": ds.Linear, "logit": ds.Logit}
_POINTS = 200


@dataclasses.dataclass(frozen=True)
class Task:
    """All that `ds.solve` and the diagnosis need, and where the data came from."""

    problem: ds.Problem
    optimiser: ds.AbstractOptimiser
    budget: ds.Budget
    group: np.ndarray
    provenance: list[dict[str, Any]]


def build(config: Recovery) -> Task:
    """Read the files and put everything together; simulates nothing.

    Experiments are in the order of their scan rates, where all are known.

    **Raises:** `ReaderError` for a file, `ConfigurationError` or `ValueError` for the rest.
    """
    sources = [_experiment(*selection) for selection in config.selections]
    if all("scan_rate" in source for _, source in sources):
        sources.sort(key=lambda pair: pair[1]["scan_rate"])
    experiments = _with_unique_labels([experiment for experiment, _ in sources])
    labels = [experiment.label for experiment in experiments]
    problem = ec.ParameterRecovery(
        cell(config),
        experiments,
        space(config.scales(), labels),
        weighting=config.weighting,
        name=config.name,
    )
    provenance = [
        source | {"label": label} for label, (_, source) in zip(labels, sources, strict=True)
    ]
    group = np.repeat(np.arange(len(experiments)), [e.times.size for e in experiments])
    budget = ds.Budget(evaluations=config.optimiser.limit, seconds=config.optimiser.seconds)
    return Task(problem, optimiser(config), budget, group, provenance)


def cell(config: Recovery) -> ec.Voltammetry | ec.AdsorptiveVoltammetry:
    """The cell with the numbers that stand in the configuration."""
    bare = _bare_cell(config)
    if config.adsorption is None:
        return bare
    return ec.AdsorptiveVoltammetry(bare, _layer(config.adsorption))


def _layer(layer: Layer) -> ec.AdsorbedLayer:
    kind, field = ISOTHERMS[layer.isotherm]
    law = layer.kinetics()
    return ec.AdsorbedLayer(
        layer.saturation,
        {
            name: ec.Adsorbate(a.adsorption, a.desorption, a.coverage)
            for name, a in layer.adsorbates.items()
        },
        _named(kind, {field: getattr(layer, field)} if field else {}),
        kinetics=None if law is None else _named(*law),
        formal_potential=layer.formal_potential,
    )


def _bare_cell(config: Recovery) -> ec.Voltammetry:
    numerics = config.numerics
    integrator = {"tolerance": numerics.tolerance, "max_steps": numerics.max_steps}
    grid = {"cells": numerics.cells}
    return ec.Voltammetry(
        mechanism=ec.Mechanism(*(_step(reaction) for reaction in config.reactions)),
        species={
            name: ec.Species(s.diffusivity, s.concentration, s.charge)
            for name, s in config.species.items()
        },
        electrode=_named(*config.electrode.arguments()),
        domain=_named(*config.domain.arguments()),
        temperature=config.temperature,
        circuit=ec.Circuit(**config.circuit.model_dump()),
        baseline=ec.Baseline(**config.baseline.model_dump()),
        grid=ec.Grid(**_given(grid)),
        integrator=ec.Integrator(**_given(integrator)),
    )


def space(scales: dict[str, Scale], labels: list[str]) -> ds.DesignSpace:
    """The design space; a parameter per file becomes one for each label."""
    variables = {}
    for name, scale in scales.items():
        made = _SCALES[scale.scale](scale.low, scale.high, unit=scale.unit, initial=scale.initial)
        own = [f"{name}@{label}" for label in labels]
        variables |= dict.fromkeys(own if scale.per == "file" else [name], made)
    return ds.DesignSpace(variables)


def optimiser(config: Recovery) -> ds.AbstractOptimiser:
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


def _step(reaction) -> ec.ElectrodeReaction | ec.ChemicalReaction:
    if reaction.is_electrode:
        kinetics = _named(*reaction.kinetics())
        return ec.ElectrodeReaction(reaction.reaction, kinetics, reaction.formal_potential)
    return ec.ChemicalReaction(reaction.reaction, **reaction.rates())


def _named(kind: str, arguments: dict[str, float]) -> Any:
    return getattr(ec, kind)(**arguments)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _experiment(path: Path, file: File, selection: Selection) -> tuple[ec.Experiment, dict]:
    """The curve of a file, and where it came from."""
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
        )
    except ValueError as error:
        raise ConfigurationError(f"{path.name}: {error}") from None
    known = ("technique", "instrument", "scan_rate", "convention", "time_source")
    source = origin(
        path, experiment, folder=str(path.resolve().parent), points_in_file=len(measurement)
    )
    return experiment, source | _given({name: measurement.metadata.get(name) for name in known})


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
