"""What every recovery is asked, whatever the system: parameters, method, diagnosis, output."""

import abc
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ._light import quantity, unit_factor
from ._schema import ConfigurationError, Second, Strict, nearest, validated

Bound = float | str


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


class AbstractRecovery(Strict, abc.ABC):
    """What the configurations of all systems share; each adds its data and its model.

    A subclass is final but for the cell's (`AbstractCellRecovery`); its `system` names it.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$")
    parameters: dict[str, Parameter] = Field(min_length=1)
    optimiser: Optimiser = Optimiser()
    identifiability: Diagnosis = Diagnosis()
    output: Output = Output()

    @abc.abstractmethod
    def units(self) -> dict[str, str]:
        """Unit of all that may be fitted, by name."""

    @property
    @abc.abstractmethod
    def measured(self) -> list[Path]:
        """The files that hold the measurements."""

    def scales(self) -> dict[str, Scale]:
        """The parameters in SI units, by name.

        **Raises:** `ValueError` for a name that the model does not have, or bounds that make no
        sense.
        """
        units = self.units()
        return {name: _in_si(name, p, units) for name, p in self.parameters.items()}

    def check_parameters(self, *, files: bool = False) -> None:
        """Whether names and bounds make sense; with `files`, parameters may belong to files.

        **Raises:** `ValueError` naming the parameter.
        """
        scales = self.scales()
        for name, scale in scales.items():
            if scale.per == "file" and not files:
                raise ValueError(
                    f"parameters.{name}.per must be shared with system {self.system}, but is file"  # pyright: ignore
                )
        profiles = self.identifiability.profiles
        for name in profiles if isinstance(profiles, list) else ():
            if name.split("@")[0] not in scales:
                raise ValueError(
                    f"identifiability.profiles must name parameters, but {name!r} is none"
                    f"{nearest(name, scales)}"
                )


_PLAIN = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def _in_si(name: str, parameter: Parameter, units: dict[str, str]) -> Scale:
    """A parameter in SI; plain numbers are in its `unit`, if it has one."""
    if name not in units:
        raise ValueError(
            f"parameters.{name}: the model has no such parameter{nearest(name, units)} (it has "
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
