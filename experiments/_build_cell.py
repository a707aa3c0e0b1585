"""The voltammetric cell of a configuration."""

from typing import Any

from diffsim import electrochem as ec

from ._cell_recovery import AbstractCellRecovery


def bare_cell(config: AbstractCellRecovery) -> ec.Voltammetry:
    """The cell without what adsorbs."""
    numerics = config.numerics
    integrator = {"tolerance": numerics.tolerance, "max_steps": numerics.max_steps}
    grid = {"cells": numerics.cells}
    return ec.Voltammetry(
        mechanism=ec.Mechanism(*(_step(reaction) for reaction in config.reactions)),
        species={
            name: ec.Species(s.diffusivity, s.concentration, s.charge)
            for name, s in config.species.items()
        },
        electrode=named(*config.electrode.arguments()),
        domain=named(*config.domain.arguments()),
        temperature=config.temperature,
        circuit=ec.Circuit(**config.circuit.model_dump()),
        baseline=ec.Baseline(**config.baseline.model_dump()),
        grid=ec.Grid(**given(grid)),
        integrator=ec.Integrator(**given(integrator)),
    )


def _step(reaction) -> ec.ElectrodeReaction | ec.ChemicalReaction:
    if reaction.is_electrode:
        kinetics = named(*reaction.kinetics())
        return ec.ElectrodeReaction(reaction.reaction, kinetics, reaction.formal_potential)
    return ec.ChemicalReaction(reaction.reaction, **reaction.rates())


def named(kind: str, arguments: dict[str, Any]) -> Any:
    """The class of that name in `diffsim.electrochem`, made."""
    return getattr(ec, kind)(**arguments)


def given(options: dict[str, Any]) -> dict[str, Any]:
    """What is not None."""
    return {name: value for name, value in options.items() if value is not None}
