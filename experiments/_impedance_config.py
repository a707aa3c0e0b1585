"""What `diffsim recover` reads for impedance spectra (complex nonlinear least squares)."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ._cell_recovery import AbstractCellRecovery
from ._parameter_names import parameter_units
from ._schema import Second, Volt
from ._table_config import TableFile


class SpectrumFile(TableFile):
    """A spectrum: columns frequency, real, imaginary; `negated` if the third is −Im Z."""

    potential: Volt
    label: str | None = None
    negated: bool = False

    @property
    def title(self) -> str:
        """The label, by default the bias."""
        return self.label or f"{1e3 * self.potential:g} mV"


class ImpedanceRecovery(AbstractCellRecovery):
    """Spectra of one cell at any number of biases, fitted at once."""

    system: Literal["impedance"]
    files: tuple[SpectrumFile, ...] = Field(min_length=1)
    hold: Second
    weighting: Literal["modulus", "absolute"] = "modulus"

    @model_validator(mode="after")
    def _consistent(self):
        self.check_cell()
        if not self.hold > 0:
            raise ValueError(f"hold must be positive, but is {self.hold:g} s")
        titles = [file.title for file in self.files]
        for title in titles:
            if titles.count(title) > 1:
                raise ValueError(f"label must be unique, but {title!r} stands twice")
        self.check_parameters()
        return self

    def units(self) -> dict[str, str]:
        units = parameter_units(self)
        return {name: unit for name, unit in units.items() if not name.startswith("baseline_")}

    @property
    def measured(self) -> list[Path]:
        return [file.found for file in self.files]
