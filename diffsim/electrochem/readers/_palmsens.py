"""PalmSens PSTrace, CSV export (UTF-16 or UTF-8).

Curves stand side by side as pairs of columns. Above them: a line of curve titles, a line of dates,
a line of units such as "V,µA,V,µA". Neither the scan rate nor the time of a voltammogram is in the
file, so `scan_rate` must be given.
"""

import re
from typing import Any, ClassVar

import numpy as np

from ._base import Curve, ReadOptions
from ._text import AbstractTextReader, TextFile, number

_UNITS = {"V": "V", "mV": "V", "s": "s"}
_CURRENT = re.compile(r"[pnumµμ]?A")


class PalmsensReader(AbstractTextReader):
    """PSTrace exports of voltammetry (V, A) and of amperometry (s, A), any number of scans."""

    name: ClassVar[str] = "palmsens"

    def recognises(self, head: str) -> bool:
        lines = head.lstrip().split("\n")[:12]
        dated = any(line.startswith("Date and time") for line in lines)
        return dated and any(_is_unit_line(_cells(line)) for line in lines)

    def parse(self, file: TextFile, options: ReadOptions) -> list[Curve]:
        units_at = next((k for k, x in enumerate(file.lines) if _is_unit_line(_cells(x))), None)
        if units_at is None:
            raise file.error_at_end(
                'a PSTrace file must have a line of units such as "V,µA"', "there is none"
            )
        units = _cells(file.lines[units_at])
        titles = _titles(file, units_at, len(units))
        pairs = [k for k in range(0, len(units) - 1, 2) if _CURRENT.fullmatch(units[k + 1])]
        if not pairs:
            raise file.error(
                units_at,
                "a pair of columns must be a current (A) against V or s",
                f"all are {units}",
            )
        if not options.partial:
            _check_rows(file, units_at, len(units))
        header = _header(file, units_at)
        return [_curve(file, units_at, units, k, titles[k], header) for k in pairs]


def _cells(line: str) -> list[str]:
    """The cells of a line; where a semicolon separates, the comma is the decimal sign."""
    cells = line.split(";") if ";" in line else line.split(",")
    return [cell.strip().strip('"') for cell in cells]


def _is_unit_line(cells: list[str]) -> bool:
    known = [cell for cell in cells if cell]
    return (
        len(known) >= 2
        and any(_CURRENT.fullmatch(cell) for cell in known)
        and all(cell in _UNITS or re.fullmatch(r"[A-Za-zµμΩ/°%²]{1,8}", cell) for cell in known)
    )


def _titles(file: TextFile, units_at: int, count: int) -> list[str]:
    """The title over each column: of the lines above the units, the one that is no date."""
    for line in reversed(file.lines[:units_at]):
        cells = _cells(line)
        if any(cells) and not cells[0].startswith(("Date", "Notes")):
            cells += [""] * (count - len(cells))
            return cells
    return [""] * count


def _header(file: TextFile, stop: int) -> dict[str, str]:
    header: dict[str, str] = {}
    for line in file.lines[:stop]:
        key, colon, text = line.partition(":")
        if colon and not line.startswith("Date and time measurement"):
            header.setdefault(key.strip(), text.strip(" ,;"))
    return header


def _check_rows(file: TextFile, units_at: int, count: int) -> None:
    """Every row has a cell for every column, empty or not: else the file ends inside a row."""
    for index in range(units_at + 1, len(file.lines)):
        width = len(_cells(file.lines[index]))
        if file.lines[index].strip() and width < count:
            raise file.error(
                index,
                f"a row must have {count} cells like the line of units",
                f"it has {width} (is the file cut off? else pass partial=True)",
            )


def _curve(
    file: TextFile, units_at: int, units: list[str], k: int, title: str, header: dict[str, str]
) -> Curve:
    """The pair of columns k, k + 1; a shorter curve ends in empty cells."""
    first, second, lines = [], [], []
    for index in range(units_at + 1, len(file.lines)):
        line = file.lines[index]
        cells = _cells(line)[k : k + 2]
        if not any(cells):
            continue
        pair = [number(cell, decimal_comma=";" in line) for cell in cells]
        if len(pair) < 2 or None in pair:
            raise file.error(
                index,
                f"columns {k + 1} and {k + 2} must be two finite numbers",
                f"they are {cells}",
            )
        first.append(pair[0])
        second.append(pair[1])
        lines.append(index + 1)
    if not lines:
        raise file.error_at_end(f"the curve {title!r} must have numbers", "it has none")
    role = "time" if units[k] == "s" else "potential"
    columns = {
        role: np.array(first, dtype=np.float64)
        * file.factor(units_at, units[k], "s" if role == "time" else "V", role),
        "current": np.array(second, dtype=np.float64)
        * file.factor(units_at, units[k + 1], "A", "current"),
    }
    metadata: dict[str, Any] = {
        "header": header,
        "technique": title.split(":")[0].strip() or None,
        "instrument": "PalmSens",
    }
    return Curve(columns, np.array(lines, dtype=np.int64), metadata, title)
