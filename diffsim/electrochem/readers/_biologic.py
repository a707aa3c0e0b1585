"""BioLogic EC-Lab and BT-Lab, text export (".mpt").

"Nb header lines : N" counts all lines up to and with the column names; columns are separated by
tabs; numbers have the decimal sign of the computer's language; the encoding is Latin-1.
"""

import re
from typing import Any, ClassVar

from ._base import Curve, ReadOptions
from ._text import AbstractTextReader, Table, TextFile, number, read_table

_COUNT = re.compile(r"Nb header lines\s*:\s*(\d{1,9})\s*")

# Role -> names in the order of preference. Ewe is measured, "control" is what was asked for.
_ROLES = {
    "time": ("time/s",),
    "potential": ("Ewe/V", "<Ewe>/V", "Ewe/mV", "<Ewe>/mV", "control/V"),
    "current": ("<I>/mA", "I/mA", "<I>/A", "I/A", "<I>/µA", "I/µA"),
}
_TARGETS = {"time": "s", "potential": "V", "current": "A"}


class BiologicReader(AbstractTextReader):
    """EC-Lab text exports of any technique with a time, a potential and a current."""

    name: ClassVar[str] = "biologic"

    def recognises(self, head: str) -> bool:
        return head.lstrip().startswith(("EC-Lab ASCII FILE", "BT-Lab ASCII FILE"))

    def parse(self, file: TextFile, options: ReadOptions) -> list[Curve]:
        columns_at = _header_length(file) - 1
        names = [name.strip() for name in file.lines[columns_at].split("\t")]
        found = _columns(file, columns_at, names)
        columns = [(role, names.index(name)) for role, name in found.items()]
        table = Table(
            columns_at + 1,
            len(file.lines),
            columns,
            lambda line: line.rstrip("\t ").split("\t"),
            decimal_comma=_has_decimal_comma(file, columns_at + 1),
        )
        values, lines = read_table(file, table)
        for role, target in _TARGETS.items():
            unit = found[role].split("/")[-1]
            values[role] = values[role] * file.factor(columns_at, unit, target, role)
        return [Curve(values, lines, _metadata(file, columns_at))]


def _header_length(file: TextFile) -> int:
    for index, line in enumerate(file.lines[:20]):
        if match := _COUNT.fullmatch(line):
            count = int(match[1])
            if not index + 2 <= count <= len(file.lines):
                raise file.error(
                    index,
                    f"the number of header lines must be from {index + 2} to the number of lines "
                    f"in the file, {len(file.lines)}",
                    f"it is {count} (is the file cut off?)",
                )
            return count
    raise file.error(0, 'an EC-Lab file must say "Nb header lines : N" near its top', "it does not")


def _columns(file: TextFile, index: int, names: list[str]) -> dict[str, str]:
    """The column of each role, and of the cycle number if there is one."""
    found: dict[str, str] = {}
    for role, candidates in _ROLES.items():
        present = [name for name in candidates if name in names]
        if not present:
            raise file.error(
                index,
                f"one of the columns must be the {role} ({', '.join(candidates)})",
                f"the columns are {', '.join(filter(None, names))}",
            )
        found[role] = present[0]
    return found | ({"cycle number": "cycle number"} if "cycle number" in names else {})


def _has_decimal_comma(file: TextFile, start: int) -> bool:
    rows = "".join(file.lines[start : start + 5])
    return "," in rows and "." not in rows


def _metadata(file: TextFile, stop: int) -> dict[str, Any]:
    header = _header(file.lines[2:stop])
    technique = next((line.strip() for line in file.lines[2:stop] if line.strip()), "")
    return {
        "header": header,
        "technique": header.get("Technique", technique),
        "instrument": header.get("Device"),
        "scan_rate": _scan_rate(file, header),
    }


def _header(lines: tuple[str, ...]) -> dict[str, str]:
    """Lines of "key : value" and "key      value"; a key that comes again gets a number."""
    header: dict[str, str] = {}
    for line in lines:
        parts = re.split(r" : |\s{2,}", line.strip(), maxsplit=1)
        if len(parts) < 2:
            continue
        key, count = parts[0].strip(), 2
        while key in header:
            key, count = f"{parts[0].strip()} ({count})", count + 1
        header[key] = parts[1].strip()
    return header


def _scan_rate(file: TextFile, header: dict[str, str]) -> float | None:
    """dE/dt in V/s, if the header gives one and the same for all its sequences."""
    texts = set(header.get("dE/dt", "").split())
    units = set(re.findall(r"\S+/\S+", header.get("dE/dt unit", "")))
    if len(texts) != 1 or len(units) != 1:
        return None
    value = number(texts.pop().replace(",", "."))
    line = next(k for k, text in enumerate(file.lines) if text.startswith("dE/dt unit"))
    return abs(value) * file.factor(line, units.pop(), "V/s", "dE/dt") if value else None
