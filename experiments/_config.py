"""What `diffsim recover` reads: measured files, a cell, and what is to be found.

Everything here is checked without JAX and before any compute. All numbers end up in SI units.
"""

import glob
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from ._cell_config import Baseline, Circuit, Domain, Electrode, Numerics, Reaction, Species
from ._layer_config import Layer
from ._light import charge_of, quantity, unit_factor
from ._parameter_names import parameter_units
from ._schema import (
    ConfigurationError,
    Kelvin,
    Second,
    SquareMetre,
    Strict,
    Volt,
    VoltPerSecond,
    nearest,
    read_yaml,
    validated,
)

Bound = float | str


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

    @model_validator(mode="after")
    def _check(self):
        if self.window is not None and not self.window[0] < self.window[1]:
            raise ValueError(f"window must be [low, high] with low < high, but is {self.window}")
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


class Parameter(Strict):
    """A number to be found, its scale and bounds; see `Scale` for it in SI units."""

    scale: Literal["log", "linear", "logit"] = "linear"
    low: Bound
    high: Bound
    initial: Bound | None = None
    unit: str | None = None
    per: Literal["shared", "file"] = "shared"


class Scale(Strict):
    """A parameter in SI units."""

    scale: Literal["log", "linear", "logit"]
    low: float
    high: float
    initial: float | None
    unit: str
    per: Literal["shared", "file"]

    @model_validator(mode="after")
    def _check(self):
        if not self.low < self.high:
            raise ValueError(
                f"low must be less than high, but low={self.low:g}, high={self.high:g}"
            )
        if self.scale == "log" and not self.low > 0:
            raise ValueError(f"low must be positive on a log scale, but is {self.low:g}")
        if self.scale == "logit" and not (self.low > 0 and self.high < 1):
            raise ValueError(
                f"bounds must lie inside (0, 1) on a logit scale, but are {self.low:g} and "
                f"{self.high:g}"
            )
        if self.initial is not None and not self.low <= self.initial <= self.high:
            raise ValueError(
                f"initial must lie in [{self.low:g}, {self.high:g}], but is {self.initial:g}"
            )
        return self


class Optimiser(Strict):
    """Which method, how often started, and what it may spend."""

    method: str = "levenberg_marquardt"
    starts: int = Field(default=1, ge=1)
    seed: int = Field(default=0, ge=0)
    evaluations: int | None = Field(default=None, ge=1)
    seconds: Second | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("method")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in METHODS:
            raise ValueError(
                f"method must be one of {', '.join(METHODS)}, but is {value!r}"
                f"{nearest(value, METHODS)}"
            )
        return value

    @property
    def limit(self) -> int:
        """Evaluations over all starts; by default enough for the kind of method."""
        return self.evaluations or METHODS[self.method][1] * self.starts


# Name -> class in `diffsim.optimise`, evaluations for each start by default.
METHODS = {
    "levenberg_marquardt": ("LevenbergMarquardt", 60),
    "bfgs": ("BFGS", 200),
    "lbfgs": ("LBFGS", 200),
    "adam": ("Adam", 1000),
    "adam_sam": ("AdamSAM", 2000),
    "lion": ("Lion", 1000),
    "sgd": ("SGD", 1000),
    "nelder_mead": ("NelderMead", 1000),
    "cma_es": ("CMAES", 2000),
    "differential_evolution": ("DifferentialEvolution", 5000),
    "particle_swarm": ("ParticleSwarm", 5000),
    "random_search": ("RandomSearch", 1000),
    "sobol_search": ("SobolSearch", 1000),
}


class Diagnosis(Strict):
    """What is asked of the fit: confidence of intervals, and which profiles are walked."""

    confidence: float = Field(default=0.95, gt=0, lt=1)
    profiles: Literal["auto", "all", "none"] | list[str] = "auto"


class Output(Strict):
    """Where results go, and what is made of them."""

    directory: str | None = None
    report: bool = True
    figures: Literal["png", "pdf", "svg", "none"] = "none"


class Recovery(Strict):
    """The whole configuration of `diffsim recover`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$")
    files: tuple[File, ...] = Field(min_length=1)
    data: Selection = Selection()
    species: dict[str, Species] = Field(min_length=1)
    reactions: tuple[Reaction, ...] = Field(min_length=1)
    electrode: Electrode
    domain: Domain = Domain()
    adsorption: Layer | None = None
    temperature: Kelvin = 298.15
    circuit: Circuit = Circuit()
    baseline: Baseline = Baseline()
    numerics: Numerics = Numerics()
    parameters: dict[str, Parameter] = Field(min_length=1)
    weighting: Literal["peak", "absolute"] = "peak"
    optimiser: Optimiser = Optimiser()
    identifiability: Diagnosis = Diagnosis()
    output: Output = Output()

    @model_validator(mode="after")
    def _consistent(self):
        self._check_species()
        self._check_data()
        scales = self.scales()
        profiles = self.identifiability.profiles
        if isinstance(profiles, list):
            for name in profiles:
                if name.split("@")[0] not in scales:
                    raise ValueError(
                        f"identifiability.profiles must name parameters, but {name!r} is none"
                        f"{nearest(name, scales)}"
                    )
        return self

    def scales(self) -> dict[str, Scale]:
        """The parameters in SI units, by name.

        **Raises:** `ValueError` for a name that the cell does not have, or bounds that make no
        sense.
        """
        units = parameter_units(self)
        return {name: _in_si(name, p, units) for name, p in self.parameters.items()}

    @property
    def selections(self) -> list[tuple[Path, File, Selection]]:
        """Each file, the entry that names it, and how it is read."""
        common = self.data.model_dump(exclude_none=True)
        return [
            (path, file, Selection(**(common | _own(file))))
            for file in self.files
            for path in file.paths
        ]

    def _check_data(self) -> None:
        if self.temperature < 150 or self.temperature > 1500:
            raise ValueError(
                f"temperature must be between 150 and 1500 K, but is {self.temperature:g} K"
            )
        paths = [path.resolve() for path, file, _ in self.selections if file.curve is None]
        for path in paths:
            if paths.count(path) > 1:
                raise ValueError(f"files must be given once each, but {path.name} is given twice")

    def _check_species(self) -> None:
        named = dict.fromkeys(n for r in self.reactions for n in r.equation.species)
        for name in self.species:
            if name not in named:
                raise ValueError(
                    f"species must stand in a reaction, but {name!r} does not{nearest(name, named)}"
                )
        for name in self.adsorption.adsorbates if self.adsorption else ():
            if name not in self.species:
                raise ValueError(
                    f"adsorbates must be species, but {name!r} is none{nearest(name, self.species)}"
                )
        missing = [name for name in named if name not in self.species]
        if missing:
            raise ValueError(f"species must hold all of the reactions', but {missing} are missing")
        if not any(species.concentration > 0 for species in self.species.values()):
            raise ValueError("the concentration of at least one species must be positive")
        for reaction in self.reactions:
            self._check_charge(reaction)

    def _check_charge(self, reaction: Reaction) -> None:
        given = {name: self.species[name].charge for name in reaction.equation.species}
        charges = {n: charge_of(n) if c is None else c for n, c in given.items()}
        if all(charge is None for charge in charges.values()):
            return
        equation = reaction.equation
        left = sum((charges[n] or 0) * k for n, k in equation.left.items()) - equation.electrons
        right = sum((charges[n] or 0) * k for n, k in equation.right.items())
        if left != right:
            raise ValueError(
                f"charge must be balanced, but {reaction.reaction!r} has {left:+d} on one side and "
                f"{right:+d} on the other (electrons included)"
            )


def load(path: str | Path) -> Recovery:
    """Read and check a configuration file; its paths are relative to it.

    **Raises:** `ConfigurationError`, one line for each mistake.
    """
    path = Path(path)
    return validated(Recovery, read_yaml(path), path.name, base=str(path.parent))


def _own(file: File) -> dict[str, Any]:
    fields = set(Selection.model_fields)
    return {k: v for k, v in file.model_dump(exclude_none=True).items() if k in fields}


_PLAIN = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def _in_si(name: str, parameter: Parameter, units: dict[str, str]) -> Scale:
    """A parameter in SI; plain numbers are in its `unit`, if it has one."""
    if name not in units:
        raise ValueError(
            f"parameters.{name}: the cell has no such parameter{nearest(name, units)} (it has "
            f"{', '.join(units)})"
        )
    unit = units[name]
    if parameter.unit is not None and unit:
        offset_free = not (unit == "K" and "deg" in parameter.unit)
        if offset_free:
            unit_factor(parameter.unit, unit, field=f"parameters.{name}.unit")

    def read(key: str, value: Bound | None) -> float | None:
        if value is None:
            return None
        plain = not isinstance(value, str) or _PLAIN.fullmatch(value) is not None
        text = f"{value} {parameter.unit}" if plain and parameter.unit else value
        return quantity(text, unit, field=f"parameters.{name}.{key}")

    numbers = {key: read(key, getattr(parameter, key)) for key in ("low", "high", "initial")}
    content = numbers | {"scale": parameter.scale, "unit": unit, "per": parameter.per}
    try:
        return validated(Scale, content, f"parameters.{name}")
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
