"""Gamry Framework, text (".DTA").

Tab-separated: "TAG, KIND, VALUE, LABEL" lines, and tables, which are a line "CURVE1, TABLE[, rows]"
followed by indented lines: column names, units, rows. A cyclic voltammogram has one table for each
cycle, on one clock.
"""

import re
from typing import Any, ClassVar

from ._base import Curve, ReadOptions
from ._text import AbstractTextReader, Table, TextFile, number, read_table

_TABLE = re.compile(r"(CURVE\d*)\tTABLE(?:\t\s*(\d{0,9}))?.*")
_ROLES = {"time": ("T", "s"), "potential": ("Vf", "V"), "current": ("Im", "A")}


class GamryReader(AbstractTextReader):
    """Gamry files with tables of T, Vf and Im: voltammetry and amperometry."""

    name: ClassVar[str] = "gamry"

    def recognises(self, head: str) -> bool:
        return head.lstrip().startswith("EXPLAIN")

    def parse(self, file: TextFile, options: ReadOptions) -> list[Curve]:
        metadata = _metadata(file)
        starts = [k for k, line in enumerate(file.lines) if _TABLE.fullmatch(line)]
        if not starts:
            raise file.error_at_end(
                'a Gamry file must have a table of measured values ("CURVE1", "TABLE")',
                "there is none (only voltammetry and amperometry can be read)",
            )
        return [_curve(file, start, metadata, options) for start in starts]


def _curve(file: TextFile, start: int, metadata: dict[str, Any], options: ReadOptions) -> Curve:
    match = _TABLE.fullmatch(file.lines[start])
    assert match is not None
    stop = start + 1
    while stop < len(file.lines) and file.lines[stop].startswith("\t"):
        stop += 1
    if stop < start + 4:
        raise file.error(
            start, f"the table {match[1]} must have rows of numbers", "it ends before them"
        )
    names = file.lines[start + 1].split("\t")
    units = file.lines[start + 2].split("\t")
    table = Table(
        start + 3, stop, _columns(file, start + 1, names), _split, _comma(file, start + 3)
    )
    values, lines = read_table(file, table)
    for role, position in table.columns:
        unit = units[position].split(" vs")[0] if position < len(units) else ""
        values[role] = values[role] * file.factor(start + 2, unit, _ROLES[role][1], role)
    announced = int(match[2] or 0)
    if len(lines) < announced and not options.partial:
        raise file.error(
            stop - 1,
            f"the table {match[1]} must have {announced} rows as it says",
            f"it has {len(lines)} (is the file cut off? else pass partial=True)",
        )
    return Curve(values, lines, metadata, match[1])


def _split(line: str) -> list[str]:
    return line.split("\t")


def _comma(file: TextFile, start: int) -> bool:
    # Only the first cells: the last column, of overload flags, is full of dots.
    cells = file.lines[start].split("\t")[1:5]
    return any("," in cell for cell in cells) and not any("." in cell for cell in cells)


def _columns(file: TextFile, index: int, names: list[str]) -> list[tuple[str, int]]:
    stripped = [name.strip() for name in names]
    missing = [name for name, _ in _ROLES.values() if name not in stripped]
    if missing:
        raise file.error(
            index,
            "a table must have the columns T, Vf and Im",
            f"{', '.join(missing)} missing among {', '.join(filter(None, stripped))}",
        )
    return [(role, stripped.index(name)) for role, (name, _) in _ROLES.items()]


def _metadata(file: TextFile) -> dict[str, Any]:
    header: dict[str, str] = {}
    metadata: dict[str, Any] = {"header": header}
    for index, line in enumerate(file.lines):
        cells = line.split("\t")
        if line.startswith("\t") or len(cells) < 2 or cells[1] == "TABLE":
            continue
        header[cells[0]] = cells[2] if len(cells) > 2 else cells[1]
        if cells[0] == "SCANRATE" and len(cells) > 3:
            metadata["scan_rate"] = _scan_rate(file, index, cells)
    metadata["technique"] = header.get("TAG")
    metadata["instrument"] = header.get("PSTAT")
    return metadata


def _scan_rate(file: TextFile, index: int, cells: list[str]) -> float:
    """The value of a SCANRATE line in V/s; the unit stands in its label: "&Scan Rate (mV/s)"."""
    value = number(cells[2], decimal_comma="," in cells[2])
    unit = re.search(r"\(([^()]*)\)", cells[3])
    if value is None or unit is None:
        raise file.error(index, "SCANRATE must be a number with a unit", f"it is {cells[2:4]}")
    return abs(value) * file.factor(index, unit[1], "V/s", "SCANRATE")
