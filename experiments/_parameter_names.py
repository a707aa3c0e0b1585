"""Names and units of everything in a configured cell that may be fitted.

The names are those of the cell's lenses; a test builds cells and compares.
"""

from typing import TYPE_CHECKING

from ._cell_config import DOMAINS, SHAPES

if TYPE_CHECKING:
    from ._cell_recovery import AbstractCellRecovery

_CIRCUIT = {
    "resistance": "ohm",
    "capacitance": "F/m^2",
    "capacitance_slope": "1/V",
    "capacitance_curvature": "1/V^2",
    "reference_shift": "V",
}


def parameter_units(config: "AbstractCellRecovery") -> dict[str, str]:
    """Unit by name."""
    units: dict[str, str] = {}
    for is_electrode in (True, False):
        steps = [step for step in config.reactions if step.is_electrode == is_electrode]
        for i, step in enumerate(steps):
            suffix = f"[{i + 1}]" if len(steps) > 1 else ""
            units |= {f"{name}{suffix}": unit for name, unit in step.units().items()}
    units["diffusivity"] = "m^2/s"
    for species in config.species:
        units[f"diffusivity[{species}]"] = "m^2/s"
        units[f"concentration[{species}]"] = "mol/m^3"
    units |= SHAPES[config.electrode.shape][1] | DOMAINS[config.domain.kind][1] | _CIRCUIT
    layer = getattr(config, "adsorption", None)
    if layer is not None:
        units |= layer.units()
    migration = getattr(config, "migration", None)
    if migration is not None:
        units = migration.units(units)
    return units | {"baseline_offset": "A", "baseline_slope": "A/V", "temperature": "K"}
