"""The YAML file beside a CSV file, which says what the CSV file does not.

# cv.yaml, for cv.csv
columns:
  potential: {name: E, unit: mV}   # or only the unit: "potential: mV"
  current: {name: I, unit: uA}
scan_rate: 50 mV/s
convention: us                     # reduction positive in the file
electrode_area: 0.0707 cm2
metadata: {electrolyte: 1 M H2SO4} # anything
"""

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..._units import UnitError, quantity
from ._base import ReaderError, reader_error
from ._text import TextFile

_QUANTITIES = {
    "scan_rate": "V/s",
    "potential": "V",
    "compensated_resistance": "ohm",
    "sensitivity": "A/V",
    "sample_interval": "V",
    "quiet_time": "s",
    "electrode_area": "m^2",
    "temperature": "K",
}
_TEXTS = ("technique", "instrument", "convention")
_ROLES = ("time", "potential", "current")
_KEYS = (*_QUANTITIES, *_TEXTS, "columns", "metadata")


@dataclasses.dataclass(frozen=True)
class ColumnNote:
    """What a side file says of a column: its name and its unit, None where it is silent."""

    name: str | None
    unit: str | None


@dataclasses.dataclass(frozen=True)
class SideFile:
    """`columns` by role; `known`: standard metadata in SI; `free`: the user's own."""

    columns: Mapping[str, ColumnNote]
    known: Mapping[str, Any]
    free: Mapping[str, Any]


def load_side_file(path: Path, given: Path | None) -> SideFile:
    """Read the side file of a measurement file: the one given, or `cv.yaml` / `cv.yml` of `cv.csv`.

    **Raises:** `ReaderError` naming the key, its value and what is allowed.
    """
    candidates = [given] if given else [path.with_suffix(".yaml"), path.with_suffix(".yml")]
    for candidate in candidates:
        if given or candidate.is_file():
            return _parse(candidate)
    return SideFile({}, {}, {})


def merge_comments(side: SideFile, file: TextFile) -> SideFile:
    """Add what "# key: value" lines of the file say; the side file goes before them."""
    known: dict[str, Any] = {}
    free: dict[str, Any] = {}
    for index, line in enumerate(file.lines):
        key, colon, value = line.lstrip().removeprefix("#").partition(":")
        if not line.lstrip().startswith("#") or not colon:
            continue
        key, value = key.strip(), value.strip()
        if key in _QUANTITIES or key in _TEXTS:
            known[key] = _known(f"{file.path.name}, line {index + 1}", key, value)
        else:
            free[key] = value
    return SideFile(side.columns, known | dict(side.known), free | dict(side.free))


def _parse(path: Path) -> SideFile:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise reader_error(str(path), "", "the side file must be readable", str(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = " ".join(str(error).split())
        raise reader_error(path.name, "", "a side file must be YAML", found) from None
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise reader_error(path.name, "", 'it must hold "key: value" pairs', f"it is {content!r}")
    for key in content:
        if key not in _KEYS:
            raise _unknown(path.name, "the keys", key, _KEYS)
    columns = _mapping(path.name, "columns", content.get("columns"))
    free = _mapping(path.name, "metadata", content.get("metadata"))
    known = {
        key: _known(path.name, key, value)
        for key, value in content.items()
        if key not in ("columns", "metadata")
    }
    notes = {role: _note(path.name, role, value) for role, value in columns.items()}
    return SideFile(notes, known, free)


def _unknown(file: str, what: str, key: Any, allowed: tuple[str, ...]) -> ReaderError:
    near = difflib.get_close_matches(str(key), allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return reader_error(
        file, "", f"{what} must be among {', '.join(allowed)}", f"{key!r}{hint} is not"
    )


def _mapping(file: str, key: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise reader_error(file, key, 'it must hold "key: value" pairs', f"it is {value!r}")
    return {str(k): v for k, v in value.items()}


def _note(file: str, role: str, value: Any) -> ColumnNote:
    if role not in _ROLES:
        raise _unknown(file, "columns", role, _ROLES)
    if isinstance(value, str):
        return ColumnNote(None, value)
    if not isinstance(value, dict) or not set(value) <= {"name", "unit"}:
        raise reader_error(
            file, f"columns, {role}", "it must be a unit, or name and unit", f"it is {value!r}"
        )
    texts = {k: None if v is None else str(v) for k, v in value.items()}
    return ColumnNote(texts.get("name"), texts.get("unit"))


def _known(file: str, key: str, value: Any) -> Any:
    if key == "convention" and value not in ("iupac", "us"):
        raise reader_error(file, key, 'it must be "iupac" or "us"', f"it is {value!r}")
    if key in _TEXTS:
        return str(value)
    try:
        return quantity(value, _QUANTITIES[key], field=key)
    except UnitError as error:
        raise ReaderError(f"{file}: {error}") from None
