"""What `diffsim recover` reads for the kinetics of a metal electrode."""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from ._asked_config import AbstractRecovery
from ._schema import AmperePerSquareMetre, ElectronVolt, Kelvin, PureNumber, nearest
from ._table_config import TableFile

# Law -> (class in `diffsim.electrochem`, its numbers beside j0, those that must be given).
METAL_LAWS = {
    "butler_volmer": ("ButlerVolmer", {"alpha": "", "beta": ""}, ("alpha",)),
    "marcus_hush": ("MarcusHush", {"reorganisation_energy": "eV"}, ("reorganisation_energy",)),
    "marcus_hush_chidsey": (
        "MarcusHushChidsey",
        {"reorganisation_energy": "eV"},
        ("reorganisation_energy",),
    ),
    "asymptotic_marcus_hush_chidsey": (
        "AsymptoticMarcusHushChidsey",
        {"reorganisation_energy": "eV"},
        ("reorganisation_energy",),
    ),
}


class MetalRecovery(AbstractRecovery):
    """Columns overpotential and current_density (of either sign: its magnitude is fitted)."""

    system: Literal["metal_kinetics"]
    file: TableFile
    law: str
    exchange_current_density: AmperePerSquareMetre
    alpha: PureNumber | None = None
    beta: PureNumber | None = None
    reorganisation_energy: ElectronVolt | None = None
    temperature: Kelvin = 298.15
    residual: Literal["linear", "logarithmic"] = "linear"

    @model_validator(mode="after")
    def _consistent(self):
        if self.law not in METAL_LAWS:
            raise ValueError(
                f"law must be one of {', '.join(METAL_LAWS)}, but is {self.law!r}"
                f"{nearest(self.law, METAL_LAWS)}"
            )
        _, fields, required = METAL_LAWS[self.law]
        given = set(self._numbers())
        if extra := sorted(given - set(fields)):
            raise ValueError(f"{', '.join(extra)} must not be given with law {self.law}")
        if missing := [name for name in required if name not in given]:
            raise ValueError(f"{', '.join(missing)} must be given with law {self.law}")
        for name, value in {
            "exchange_current_density": self.exchange_current_density,
            **self._numbers(),
        }.items():
            if not value > 0:
                raise ValueError(f"{name} must be positive, but is {value:g}")
        self.check_parameters()
        return self

    def _numbers(self) -> dict[str, float]:
        values = {k: getattr(self, k) for k in ("alpha", "beta", "reorganisation_energy")}
        return {name: value for name, value in values.items() if value is not None}

    def kinetics(self) -> tuple[str, dict[str, float]]:
        """Class and arguments of the law; k0 drops out of it."""
        return METAL_LAWS[self.law][0], {"k0": 1.0} | self._numbers()

    def units(self) -> dict[str, str]:
        _, fields, _ = METAL_LAWS[self.law]
        kept = {name: unit for name, unit in fields.items() if name in self._numbers()}
        return {"exchange_current_density": "A/m^2", "temperature": "K"} | kept

    @property
    def measured(self) -> list[Path]:
        return [self.file.found]
