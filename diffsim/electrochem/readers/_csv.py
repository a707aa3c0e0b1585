"""Plain CSV: one line of column names, then numbers; what is missing stands in a side file.

The unit of a column is read from its name (`potential_V`, `potential/V`, `I (mA)`, `E [mV]`,
`current_density_mA_per_cm2`) or from the side file. Lines that begin with "#" are comments; one
like "# scan_rate: 50 mV/s" counts as a line of the side file. The separator may be a comma, a
semicolon, a tab or blanks; with any but the first, numbers may have a decimal comma.
"""

import re
from typing import ClassVar

from ..._units import UnitError, unit_factor
from ._base import Curve, ReadOptions
from ._side_file import ColumnNote, SideFile, load_side_file, merge_comments
from ._text import AbstractTextReader, Table, TextFile, number, read_table

_TARGETS = {"time": "s", "potential": "V", "current": "A"}
_WORDS = {
    "time": {"t", "time", "elapsed"},
    "potential": {"e", "u", "v", "ewe", "vf", "potential", "voltage", "bias"},
    "current": {"i", "im", "j", "current"},
}
_BRACKETS = re.compile(r"(.+?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*")
_SLASH = re.compile(r"([^/]+?)\s*/\s*(.+)")
_SCORE = re.compile(r"([A-Za-z]+(?:_[a-z]+)*)_([A-Za-zµμ%][\w^*/.µμ²-]*)")
_REFERENCE = re.compile(r"[\s_](vs|versus)[\s_.].*", re.IGNORECASE)


class CsvReader(AbstractTextReader):
    """Any table of numbers with a line of column names; tried after all other formats."""

    name: ClassVar[str] = "csv"

    def recognises(self, head: str) -> bool:
        return True

    def parse(self, file: TextFile, options: ReadOptions) -> list[Curve]:
        side = merge_comments(load_side_file(file.path, options.side_file), file)
        names_at = _find_names(file)
        separator = _separator(file.lines[names_at])
        names = [name.strip().strip('"') for name in _split(file.lines[names_at], separator)]
        columns = _roles(file, names_at, names, side)
        table = Table(
            names_at + 1,
            len(file.lines),
            [(role, position) for role, (position, _) in columns.items()],
            lambda line: _split(line, separator),
            decimal_comma=separator != "," and _commas(file, names_at + 1),
        )
        values, lines = read_table(file, table)
        for role, (position, unit) in columns.items():
            factor = _factor(file, names_at, names[position], role, unit, side, options)
            values[role] = values[role] * factor
        metadata = {"header": {"columns": ", ".join(names), **side.free}, **side.known}
        return [Curve(values, lines, metadata)]


def _find_names(file: TextFile) -> int:
    for index, line in enumerate(file.lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = _split(line, _separator(line))
        if all(number(cell, decimal_comma=True) is not None for cell in cells):
            raise file.error(
                index,
                'a line of column names such as "potential_V,current_A" must come before numbers',
                f"the first line is {line.strip()[:60]!r}",
            )
        return index
    raise file.error_at_end("the file must have a line of column names", "it has none")


def _separator(line: str) -> str:
    return next((mark for mark in ("\t", ";", ",") if mark in line), " ")


def _split(line: str, separator: str) -> list[str]:
    return line.split() if separator == " " else line.rstrip("\t ").split(separator)


def _commas(file: TextFile, start: int) -> bool:
    rows = "".join(file.lines[start : start + 5])
    return "," in rows and "." not in rows


def split_unit(text: str) -> tuple[str, str]:
    """Part a column's name from its unit: "I (mA)" -> ("I", "mA"); the unit may be empty.

    A reference electrode ("potential_V_vs_RHE", "E (V vs. Ag/AgCl)") is left off.
    """
    if match := _BRACKETS.fullmatch(text.strip()):
        return match[1], _REFERENCE.sub("", match[2])
    text = _REFERENCE.sub("", text.strip())
    for pattern in (_SLASH, _SCORE):
        if match := pattern.fullmatch(text):
            return match[1], match[2].replace("_per_", "/")
    return text, ""


def _role(name: str) -> str | None:
    """The role of a column, from the first word of its name that tells one."""
    for word in re.findall(r"[a-z]+", name.lower()):
        for role, words in _WORDS.items():
            if word in words:
                return role
    return None


def _roles(
    file: TextFile, index: int, names: list[str], side: SideFile
) -> dict[str, tuple[int, str]]:
    """Role -> position and unit of its column; the side file goes before the names."""
    found: dict[str, tuple[int, str]] = {}
    for role, note in side.columns.items():
        found[role] = _noted(file, index, names, role, note)
    for position, text in enumerate(names):
        name, unit = split_unit(text)
        role = _role(name)
        if role is not None and role not in found:
            found[role] = (position, unit)
    for role in ("potential", "current"):
        if role not in found and not (role == "potential" and "time" in found):
            raise file.error(
                index,
                f"one column must be the {role} (named like {role}_{_TARGETS[role]}, "
                f"or under columns: {role}: in a side file)",
                f"the columns are {', '.join(names)}",
            )
    return found


def _noted(
    file: TextFile, index: int, names: list[str], role: str, note: ColumnNote
) -> tuple[int, str]:
    if note.name is None:
        matches = [k for k, text in enumerate(names) if _role(split_unit(text)[0]) == role]
    else:
        matches = [k for k, text in enumerate(names) if note.name in (text, split_unit(text)[0])]
    if not matches:
        raise file.error(
            index,
            f"the {role} must be one of the columns {', '.join(names)}",
            f"the side file says {note.name or role!r}",
        )
    position = matches[0]
    return position, note.unit or split_unit(names[position])[1]


def _factor(
    file: TextFile,
    index: int,
    name: str,
    role: str,
    unit: str,
    side: SideFile,
    options: ReadOptions,
) -> float:
    """What takes the numbers of a column to SI, current densities by way of the area."""
    if not unit:
        raise file.error(
            index,
            f"the {role} must have a unit ({role}_{_TARGETS[role]}, {role} [{_TARGETS[role]}], "
            "or in a side file)",
            f"its column is named {name!r}",
        )
    try:
        density = unit_factor(unit, "A/m^2") if role == "current" else None
    except UnitError:
        density = None
    if density is None:
        return file.factor(index, unit, _TARGETS[role], role)
    area = options.electrode_area or side.known.get("electrode_area")
    if area is None:
        raise file.error(
            index,
            "electrode_area must be given where the file holds a current density",
            f"it is not, and the unit of {name!r} is {unit}",
        )
    return density * area
