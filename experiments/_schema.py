"""What typed configurations share: strict keys, quantities with units, messages, hashes."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)

from ._light import quantity


class ConfigurationError(ValueError):
    """A configuration that cannot be used; the message names the key, its value and the remedy."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """'; did you mean "k0"?', or nothing if nothing is near."""
    near = difflib.get_close_matches(str(name), [str(a) for a in allowed], n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else ""


class Strict(BaseModel):
    """Base of every configuration: frozen, and a misspelt key is an error naming the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    allowed = ", ".join(cls.model_fields)
                    raise ValueError(
                        f"unknown key {key!r}{nearest(key, cls.model_fields)} (allowed: {allowed})"
                    )
        return data

    def digest(self) -> str:
        """Ten hexadecimal digits that name the configuration."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


def _si(unit: str) -> BeforeValidator:
    """A number in SI, or a text with a unit ("50 mV/s"), to a number in SI."""

    def read(value: Any, info: Any) -> float:
        return quantity(value, unit, field=info.field_name or "the quantity")

    return BeforeValidator(read)


PureNumber = Annotated[float, _si("")]
Volt = Annotated[float, _si("V")]
VoltPerSecond = Annotated[float, _si("V/s")]
PerVolt = Annotated[float, _si("1/V")]
PerVoltSquared = Annotated[float, _si("1/V^2")]
Ampere = Annotated[float, _si("A")]
AmperePerVolt = Annotated[float, _si("A/V")]
Ohm = Annotated[float, _si("ohm")]
FaradPerSquareMetre = Annotated[float, _si("F/m^2")]
RadianPerSecond = Annotated[float, _si("rad/s")]
Metre = Annotated[float, _si("m")]
SquareMetre = Annotated[float, _si("m^2")]
MetrePerSecond = Annotated[float, _si("m/s")]
SquareMetrePerSecond = Annotated[float, _si("m^2/s")]
MolePerCubicMetre = Annotated[float, _si("mol/m^3")]
ElectronVolt = Annotated[float, _si("eV")]
MolePerSquareMetre = Annotated[float, _si("mol/m^2")]
PerSecond = Annotated[float, _si("1/s")]
Kelvin = Annotated[float, _si("K")]
Second = Annotated[float, _si("s")]
Hertz = Annotated[float, _si("Hz")]
AmperePerSquareMetre = Annotated[float, _si("A/m^2")]
KilogramPerMole = Annotated[float, _si("kg/mol")]


class _UniqueKeys(yaml.SafeLoader):
    """YAML whose mappings may not name a key twice (the last one would win in silence)."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark
                )
            if isinstance(key, str):
                seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, nothing in it executed.

    **Raises:** `ConfigurationError` if it is missing, no YAML, or no mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"{path}: the file must be readable, but: {reason}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: the file must be UTF-8 text, but is not.") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigurationError(f"{path}{line}: not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {error}.") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f'{path}: the file must hold "key: value" pairs, but does not.')
    return content


def explain(error: ValidationError, where: str) -> str:
    """A validation error in plain lines: 'fe.yaml: species.Fe3+.diffusivity: must be ...'."""
    lines = []
    entries = error.errors(include_url=False)
    for entry in entries:
        inner = [e["loc"] for e in entries if len(e["loc"]) > len(entry["loc"])]
        if any(loc[: len(entry["loc"])] == entry["loc"] for loc in inner):
            continue  # a list is too short because its entries are wrong: say only these
        place = ".".join(str(part) for part in entry["loc"])
        message = entry["msg"].removeprefix("Value error, ")
        if entry["type"] == "missing":
            message = "this key must be given, but is missing"
        lines.append(f"{where}: {place}: {message}" if place else f"{where}: {message}")
    return "\n".join(lines)


def validated(model: type[BaseModel], content: Mapping[str, Any], where: str, **context) -> Any:
    """`content` as a `model`.

    **Raises:** `ConfigurationError`, all mistakes in it, one line each.
    """
    try:
        return model.model_validate(content, context=context)
    except ValidationError as error:
        raise ConfigurationError(explain(error, where)) from None
