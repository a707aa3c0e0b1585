"""What `diffsim recover` reads for concentration profiles of a concentrated electrolyte."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ._asked_config import AbstractRecovery
from ._schema import (
    KilogramPerMole,
    Metre,
    MetrePerSecond,
    MolePerCubicMetre,
    PureNumber,
    Second,
    Strict,
)
from ._table_config import TableFile


class ProfileFile(TableFile):
    """Columns position and concentration at one time."""

    time: Second


class VelocityFile(TableFile):
    """Columns time and velocity (of the solvent) at one place."""

    position: Metre


class Transference(Strict):
    """t₊⁰(c): a polynomial in (c − reference)/reference, or a natural cubic spline."""

    kind: Literal["polynomial", "spline"] = "polynomial"
    reference: MolePerCubicMetre | None = None
    coefficients: tuple[PureNumber, ...] | None = Field(default=None, min_length=1)
    knots: tuple[MolePerCubicMetre, ...] | None = Field(default=None, min_length=3)
    values: tuple[PureNumber, ...] | None = Field(default=None, min_length=3)

    @model_validator(mode="after")
    def _check(self):
        own = {"polynomial": ("reference", "coefficients"), "spline": ("knots", "values")}
        for kind, names in own.items():
            for name in names:
                if (getattr(self, name) is not None) != (kind == self.kind):
                    verb = "must be" if kind == self.kind else "must not be"
                    raise ValueError(f"{name} {verb} given for a transference of kind {self.kind}")
        knots, values = self.knots or (), self.values or ()
        if len(knots) != len(values):
            raise ValueError(
                f"knots and values must be as many, but are {len(knots)} and {len(values)}"
            )
        return self

    @property
    def size(self) -> int:
        """How many numbers may be fitted."""
        return len(self.coefficients or self.values or ())


class ElectrolyteRecovery(AbstractRecovery):
    """Profiles, and velocities where there are any, of a cell of two metal electrodes."""

    system: Literal["concentrated_electrolyte"]
    current: TableFile
    profiles: tuple[ProfileFile, ...] = Field(min_length=1)
    velocities: tuple[VelocityFile, ...] = ()
    velocity_scale: MetrePerSecond | None = None
    length: Metre
    concentration: MolePerCubicMetre
    cells: int = Field(default=50, ge=4)
    salt_molar_mass: KilogramPerMole
    solvent_molar_mass: KilogramPerMole
    density: tuple[float, ...] = Field(min_length=1)
    transference: Transference
    relation: TableFile | None = None
    diffusivity: TableFile | None = None
    extended: bool = True
    window: tuple[Metre, Metre] | None = None
    ridge: PureNumber = 0.0
    tolerance: float = Field(default=1e-4, ge=1e-10, le=1e-2)

    @model_validator(mode="after")
    def _consistent(self):
        if (self.relation is None) == (self.diffusivity is None):
            raise ValueError("exactly one of relation and diffusivity must be given")
        if bool(self.velocities) != (self.velocity_scale is not None):
            raise ValueError("velocities and velocity_scale must be given both or neither")
        for name in ("length", "concentration", "salt_molar_mass", "solvent_molar_mass"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, but is {getattr(self, name):g}")
        if self.window is not None and not self.window[0] < self.window[1]:
            raise ValueError(f"window must be [low, high] with low < high, but is {self.window}")
        if not self.ridge >= 0:
            raise ValueError(f"ridge must not be negative, but is {self.ridge:g}")
        times = [profile.time for profile in self.profiles]
        for time in times:
            if not time > 0 or times.count(time) > 1:
                raise ValueError(f"times of profiles must be positive and differ, but {time:g} s")
        self.check_parameters()
        return self

    def units(self) -> dict[str, str]:
        numbers = {f"transference[{k}]": "" for k in range(self.transference.size)}
        return numbers | {
            "length": "m",
            "concentration": "mol/m^3",
            "salt_molar_mass": "kg/mol",
            "solvent_molar_mass": "kg/mol",
        }

    @property
    def measured(self) -> list[Path]:
        optional = [table for table in (self.relation, self.diffusivity) if table is not None]
        tables = [self.current, *self.profiles, *self.velocities, *optional]
        return [table.found for table in tables]
