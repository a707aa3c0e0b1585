"""What `diffsim recover` reads: measured files, a cell, and what is to be found.

Everything here is checked without JAX and before any compute. All numbers end up in SI units.
"""

import glob
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from ._asked_config import METHODS as METHODS, AbstractRecovery, Bound
from ._cell_recovery import AbstractCellRecovery
from ._electrolyte_config import ElectrolyteRecovery
from ._impedance_config import ImpedanceRecovery
from ._layer_config import Layer
from ._light import quantity
from ._metal_config import MetalRecovery
from ._migration_config import Migration
from ._parameter_names import parameter_units
from ._schema import (
    ConfigurationError,
    Second,
    SquareMetre,
    Strict,
    Volt,
    VoltPerSecond,
    nearest,
    read_yaml,
    validated,
)
from ._waveform_config import Waveform
from ._weak_acid_config import WeakAcidRecovery


class Selection(Strict):
    """How files are read and what part of them is fitted; a file may have its own."""

    format: str | None = None
    convention: Literal["iupac", "us"] | None = None
    window: tuple[Volt, Volt] | None = None
    segments: tuple[int, ...] | None = None
    points: int | None = Field(default=None, ge=8)
    electrode_area: SquareMetre | None = None
    scan_rate: VoltPerSecond | None = None
    partial: bool | None = None
    waveform: Waveform | None = None
    times: tuple[Second, Second] | None = None
    ohmic_drop: bool | None = None

    @model_validator(mode="after")
    def _check(self):
        if self.window is not None and not self.window[0] < self.window[1]:
            raise ValueError(f"window must be [low, high] with low < high, but is {self.window}")
        if self.times is not None and not self.times[0] < self.times[1]:
            raise ValueError(f"times must be [first, last] with first < last, but is {self.times}")
        if self.waveform is not None:
            for name in ("window", "segments", "ohmic_drop"):
                if getattr(self, name):
                    raise ValueError(f"{name} must not be given with a waveform")
        elif self.times is not None:
            raise ValueError("times must be given with a waveform only; use window or segments")
        for name in ("electrode_area", "scan_rate"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, but is {value:g}")
        return self


class File(Selection):
    """A file, or several by a pattern ("cv_*.txt"), with what is special about it."""

    path: str
    label: str | None = None
    curve: int | None = Field(default=None, ge=0)
    side_file: str | None = None
    fixed: dict[str, Bound] = Field(default_factory=dict)
    _found: tuple[Path, ...] = PrivateAttr(default=())

    @model_validator(mode="before")
    @classmethod
    def _only_a_path(cls, data: Any) -> Any:
        return {"path": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _find(self, info: Any):
        base = Path((info.context or {}).get("base", "."))
        pattern = str(base / Path(self.path).expanduser())
        found = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
        paths = tuple(Path(p) for p in found if Path(p).is_file())
        if not paths:
            raise ValueError(f"no file matches {self.path!r} (looked for {pattern})")
        if len(paths) > 1 and self.label is not None:
            raise ValueError(
                f"label must belong to one file, but {self.path!r} matches {len(paths)}"
            )
        if self.side_file is not None and not (base / self.side_file).is_file():
            raise ValueError(
                f"side_file {self.side_file!r} does not exist beside the configuration"
            )
        self._found = paths
        return self

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files there are."""
        return self._found


class Recovery(AbstractCellRecovery):
    """The whole configuration of `diffsim recover` for currents of a cell."""

    system: Literal["voltammetry"] = "voltammetry"
    files: tuple[File, ...] = Field(min_length=1)
    data: Selection = Selection()
    adsorption: Layer | None = None
    migration: Migration | None = None
    weighting: Literal["peak", "absolute"] = "peak"

    @model_validator(mode="after")
    def _consistent(self):
        self.check_cell()
        self._check_adsorbates()
        self._check_migration()
        self._check_data()
        self.check_parameters(files=True)
        self._check_fixed()
        return self

    def units(self) -> dict[str, str]:
        units = parameter_units(self)
        dropped = [selection.ohmic_drop for _, _, selection in self.selections]
        return units | ({"ohmic_resistance": "ohm"} if all(dropped) else {})

    @property
    def measured(self) -> list[Path]:
        return [path for path, _, _ in self.selections]

    @property
    def selections(self) -> list[tuple[Path, File, Selection]]:
        """Each file, the entry that names it, and how it is read."""
        common = self.data.model_dump(exclude_none=True)
        return [
            (path, file, Selection(**(common | _own(file))))
            for file in self.files
            for path in file.paths
        ]

    def fixed(self, file: File) -> dict[str, float]:
        """What a file's entry sets for itself alone, in SI units."""
        units = self.units()
        for name in file.fixed:
            if name not in units:
                raise ValueError(
                    f"files.fixed must name numbers of the cell, but {name!r} is none"
                    f"{nearest(name, units)}"
                )
            if name in self.parameters:
                raise ValueError(f"{name} must not be both in parameters and in files.fixed")
        return {
            name: quantity(value, units[name], field=f"files.fixed.{name}")
            for name, value in file.fixed.items()
        }

    def _check_fixed(self) -> None:
        for file in self.files:
            self.fixed(file)

    def _check_data(self) -> None:
        paths = [path.resolve() for path, file, _ in self.selections if file.curve is None]
        for path in paths:
            if paths.count(path) > 1:
                raise ValueError(f"files must be given once each, but {path.name} is given twice")
        if len({bool(selection.ohmic_drop) for _, _, selection in self.selections}) > 1:
            raise ValueError("ohmic_drop must be the same for all files")

    def _check_migration(self) -> None:
        if self.migration is None:
            return
        if self.adsorption is not None:
            raise ValueError("migration must not be given together with adsorption")
        names = [*self.species, *self.migration.supporting]
        counter = self.migration.counter
        if counter is not None and counter not in names:
            raise ValueError(
                f"counter must be one of the ions, but {counter!r} is none{nearest(counter, names)}"
            )

    def _check_adsorbates(self) -> None:
        for name in self.adsorption.adsorbates if self.adsorption else ():
            if name not in self.species:
                raise ValueError(
                    f"adsorbates must be species, but {name!r} is none{nearest(name, self.species)}"
                )


# By what `system` says.
SYSTEMS: dict[str, type[AbstractRecovery]] = {
    "voltammetry": Recovery,
    "impedance": ImpedanceRecovery,
    "weak_acid": WeakAcidRecovery,
    "metal_kinetics": MetalRecovery,
    "concentrated_electrolyte": ElectrolyteRecovery,
}


def load(path: str | Path) -> AbstractRecovery:
    """Read and check a configuration file; its paths are relative to it.

    **Raises:** `ConfigurationError`, one line for each mistake.
    """
    path = Path(path)
    content = read_yaml(path)
    system = content.get("system", "voltammetry")
    if not isinstance(system, str) or system not in SYSTEMS:
        raise ConfigurationError(
            f"{path.name}: system must be one of {', '.join(SYSTEMS)}, but is {system!r}"
            f"{nearest(str(system), SYSTEMS)}"
        )
    return validated(SYSTEMS[system], content, path.name, base=str(path.parent))


def _own(file: File) -> dict[str, Any]:
    fields = set(Selection.model_fields)
    return {k: v for k, v in file.model_dump(exclude_none=True).items() if k in fields}
