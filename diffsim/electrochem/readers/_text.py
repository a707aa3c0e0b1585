"""Text files: their encoding, their header, their table of numbers."""

import abc
import codecs
import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int

from ..._units import UnitError, unit_factor
from ._base import AbstractReader, Curve, ReaderError, ReadOptions, reader_error

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(raw: bytes) -> str | None:
    """The text of a file, or None if it is no text.

    UTF-8 and UTF-16 with a byte-order mark, UTF-16 without one, UTF-8, and else Latin-1, which
    instruments of the nineties and their successors write.
    """
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return raw.decode(encoding, errors="replace")
    if b"\x00" in raw:
        return _utf16_without_mark(raw)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _utf16_without_mark(raw: bytes) -> str | None:
    even, odd = raw[0::2], raw[1::2]
    if odd.count(0) > 0.9 * len(odd) and 0 not in even:
        return raw.decode("utf-16-le", errors="replace")
    if even.count(0) > 0.9 * len(even) and 0 not in odd:
        return raw.decode("utf-16-be", errors="replace")
    return None


@dataclasses.dataclass(frozen=True)
class TextFile:
    """The lines of a text file, without their ends. Line numbers in messages count from 1."""

    path: Path
    lines: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> "TextFile":
        text = decode(path.read_bytes())
        if text is None:
            raise reader_error(path.name, "", "the file must be a text file", "it is binary")
        # Not str.splitlines: it also splits at characters that may stand inside a line.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return cls(path, tuple(text.rstrip("\n").split("\n")))

    def error(self, index: int, must: str, found: str) -> ReaderError:
        """The error for the line of this index (from 0)."""
        return reader_error(self.path.name, f"line {index + 1}", must, found)

    def error_at_end(self, must: str, found: str) -> ReaderError:
        return reader_error(self.path.name, "end of file", must, found)

    def factor(self, index: int, unit: str, target: str, field: str) -> float:
        """Like `unit_factor`, with the line in the message."""
        try:
            return unit_factor(unit, target, field=field)
        except UnitError as error:
            where = f"{self.path.name}, line {index + 1}"
            raise ReaderError(f"{where}: {error}") from None


class AbstractTextReader(AbstractReader):
    """A text format: it is recognised by, and parsed from, decoded text."""

    @abc.abstractmethod
    def recognises(self, head: str) -> bool:
        """Whether a file that begins with this text is of this format."""

    @abc.abstractmethod
    def parse(self, file: TextFile, options: ReadOptions) -> list[Curve]:
        """Read all curves of a file."""

    def matches(self, head: bytes) -> bool:
        text = decode(head)
        return text is not None and self.recognises(text)

    def curves(self, path: Path, options: ReadOptions) -> list[Curve]:
        return self.parse(TextFile.load(path), options)


def number(cell: str, *, decimal_comma: bool = False) -> float | None:
    """The finite number in a cell, or None. Python's own liberties (1_000, nan, inf) are no
    numbers here."""
    cell = cell.strip()
    if decimal_comma:
        cell = cell.replace(",", ".")
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of numbers inside a file: where it is, how its rows split, what its columns are.

    - `start`, `stop`: indices of the first line and of the line after the last.
    - `columns`: names of the columns to read, with their positions.
    - `split`: from a line to its cells.
    - `decimal_comma`: whether 1,5 means 1.5.
    """

    start: int
    stop: int
    columns: Sequence[tuple[str, int]]
    split: Callable[[str], list[str]]
    decimal_comma: bool = False


def read_table(
    file: TextFile, table: Table
) -> tuple[dict[str, Float64[np.ndarray, " rows"]], Int[np.ndarray, " rows"]]:
    """Read the columns of a table; empty lines are passed over.

    **Returns:** the columns by name, and the line number (from 1) of each row.

    **Raises:** `ReaderError` naming the line if a row has fewer or more cells than the first, or a
    cell is no finite number, and if there is no row at all.
    """
    values: list[list[float]] = []
    lines: list[int] = []
    width = 0
    for index in range(table.start, table.stop):
        if not file.lines[index].strip():
            continue
        cells = table.split(file.lines[index])
        width = width or max(len(cells), 1 + max(position for _, position in table.columns))
        if len(cells) != width:
            raise file.error(
                index,
                f"a row must have {width} values like the first",
                f"it has {len(cells)} ({file.lines[index].strip()[:60]!r}; is the file cut off?)",
            )
        values.append([_cell(file, index, cells, table, column) for column in table.columns])
        lines.append(index + 1)
    if not values:
        raise file.error_at_end("rows of numbers must follow the header", "there are none")
    array = np.array(values, dtype=np.float64)
    columns = {name: array[:, k].copy() for k, (name, _) in enumerate(table.columns)}
    return columns, np.array(lines, dtype=np.int64)


def _cell(
    file: TextFile, index: int, cells: list[str], table: Table, column: tuple[str, int]
) -> float:
    name, position = column
    value = number(cells[position], decimal_comma=table.decimal_comma)
    if value is None:
        raise file.error(
            index, f"the {name} must be a finite number", f"it is {cells[position].strip()!r}"
        )
    return value
