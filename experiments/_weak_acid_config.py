"""What `diffsim recover` reads for steady currents of a weak acid at a microelectrode."""

import math
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from ._asked_config import AbstractRecovery
from ._schema import (
    Ampere,
    Metre,
    MetrePerSecond,
    MolePerCubicMetre,
    PerSecond,
    Second,
    SquareMetrePerSecond,
    Strict,
    Volt,
)
from ._table_config import TableFile

_UNITS = {
    "dissociation_constant": "mol/m^3",
    "forward": "1/s",
    "diffusivity_acid": "m^2/s",
    "diffusivity_proton": "m^2/s",
    "diffusivity_anion": "m^2/s",
    "radius": "m",
    "k0": "m/s",
    "duration": "s",
    "potential": "V",
}


class Acid(Strict):
    """The acid and its electrode, as of `diffsim.electrochem.WeakAcidReduction`."""

    dissociation_constant: MolePerCubicMetre
    forward: PerSecond
    diffusivity_acid: SquareMetrePerSecond | None = None
    diffusivity_proton: SquareMetrePerSecond | None = None
    diffusivity_anion: SquareMetrePerSecond | None = None
    radius: Metre | None = None
    disc_radius: Metre | None = None
    k0: MetrePerSecond | None = None
    duration: Second | None = None
    potential: Volt | None = None

    @model_validator(mode="after")
    def _check(self):
        if (self.radius is None) == (self.disc_radius is None):
            raise ValueError(
                "exactly one of radius (of a hemisphere) and disc_radius must be given"
            )
        for name, value in self.model_dump(exclude_none=True).items():
            if name != "potential" and not value > 0:
                raise ValueError(f"{name} must be positive, but is {value:g}")
        return self

    def arguments(self) -> dict[str, float]:
        """Arguments of the simulator; a disc counts as the hemisphere of 2/π of its radius."""
        given = self.model_dump(exclude_none=True)
        disc = given.pop("disc_radius", None)
        return given if disc is None else given | {"radius": 2.0 * disc / math.pi}


class WeakAcidRecovery(AbstractRecovery):
    """Columns concentration (total) and current (reduction negative) of one file."""

    system: Literal["weak_acid"]
    file: TableFile
    acid: Acid
    noise: Ampere = 1e-9

    @model_validator(mode="after")
    def _consistent(self):
        if not self.noise > 0:
            raise ValueError(f"noise must be positive, but is {self.noise:g} A")
        self.check_parameters()
        return self

    def units(self) -> dict[str, str]:
        return _UNITS

    @property
    def measured(self) -> list[Path]:
        return [self.file.found]
