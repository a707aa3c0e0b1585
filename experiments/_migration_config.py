"""Ions that migrate, in a configuration."""

from typing import Literal

from pydantic import Field, model_validator

from ._cell_config import Species
from ._schema import FaradPerSquareMetre, PureNumber, Strict, Volt

_OF_POISSON = ("permittivity", "interface")
_OF_STERN = ("capacitance", "zero_charge_potential")
# What the double layer of a supported cell has, and a resolved one has not.
_LAYER = ("capacitance", "capacitance_slope", "capacitance_curvature")


class Migration(Strict):
    """The block `migration`: the supporting ions and the equation of the field."""

    supporting: dict[str, Species] = Field(default_factory=dict)
    field: Literal["electroneutral", "poisson"] = "electroneutral"
    counter: str | None = None
    permittivity: PureNumber | None = None
    interface: Literal["zero_field", "stern"] | None = None
    capacitance: FaradPerSquareMetre | None = None
    zero_charge_potential: Volt | None = None

    @model_validator(mode="after")
    def _check(self):
        self._refuse(_OF_POISSON, self.field == "poisson", "field: poisson")
        self._refuse(_OF_STERN, self.interface == "stern", "interface: stern")
        if self.interface == "stern" and self.capacitance is None:
            raise ValueError("capacitance must be given with interface: stern, but is missing")
        for name in ("permittivity", "capacitance"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, but is {value:g}")
        return self

    def _refuse(self, names: tuple[str, ...], allowed: bool, where: str) -> None:
        given = [name for name in names if getattr(self, name) is not None]
        if given and not allowed:
            raise ValueError(f"{', '.join(given)} must be given with {where} only")

    def interface_arguments(self) -> tuple[str, dict[str, float]]:
        """Class and arguments of the interface."""
        if self.interface != "stern":
            return "ZeroField", {}
        return "Stern", {n: getattr(self, n) for n in _OF_STERN if getattr(self, n) is not None}

    def units(self, of_cell: dict[str, str]) -> dict[str, str]:
        """Units of what may be fitted, given those of the cell without migration."""
        units = dict(of_cell)
        for name in self.supporting:
            units |= {f"diffusivity[{name}]": "m^2/s", f"concentration[{name}]": "mol/m^3"}
        units.pop(f"concentration[{self.counter}]", None)
        if self.field == "poisson":
            units = {name: unit for name, unit in units.items() if name not in _LAYER}
            units["permittivity"] = ""
        if self.interface == "stern":
            units |= {"capacitance": "F/m^2", "zero_charge_potential": "V"}
        return units
