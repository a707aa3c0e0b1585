"""CH Instruments, text export (".txt"; "File > Convert to text" or "Export").

A header of "key = value" lines, the instrument's peak table, then "Potential/V, Current/A" and
comma-separated rows. There is no time column, and nothing in the file says which sign the current
has: CHI's software can be set either way.
"""

import itertools
import re
from typing import Any, ClassVar

from ._base import Curve, ReadOptions
from ._text import AbstractTextReader, Table, TextFile, number, read_table

_COLUMNS = re.compile(r"\s*(Potential|Time)\s*/\s*\w+\s*,", re.IGNORECASE)
_COLUMN = re.compile(r"\s*(.*?)/\s*([A-Za-zµμ]+)\)?\s*")
_SETTING = re.compile(r"\s*(.+?)\s*(?:\(([^()]*)\))?\s*=\s*(.*?)\s*")
_PEAK = re.compile(r"\s*(Ep|ip|Ah)\s*=\s*([-+.\deE]+)\s*[VAC]\s*")

# Name in the file -> name in the metadata, with its SI unit.
_SETTINGS = {
    "Scan Rate": ("scan_rate", "V/s"),
    "Comp R": ("compensated_resistance", "ohm"),
    "Sensitivity": ("sensitivity", "A/V"),
    "Quiet Time": ("quiet_time", "s"),
    "Init E": ("initial_potential", "V"),
    "High E": ("high_potential", "V"),
    "Low E": ("low_potential", "V"),
    "Final E": ("final_potential", "V"),
    "UC R": ("uncompensated_resistance", "ohm"),
}


class ChiReader(AbstractTextReader):
    """CHI text exports: cyclic and linear sweep, i-t, square wave, differential pulse."""

    name: ClassVar[str] = "chi"

    def recognises(self, head: str) -> bool:
        start = head[:2000]
        return "Instrument Model:" in start and ("Data Source:" in start or "CHI" in start)

    def parse(self, file: TextFile, options: ReadOptions) -> list[Curve]:
        columns_at = _find_columns(file)
        metadata = _metadata(file, columns_at)
        names = [cell.strip() for cell in file.lines[columns_at].split(",")]
        columns, factors = _columns(file, columns_at, names)
        table = Table(columns_at + 1, len(file.lines), columns, lambda line: line.split(","))
        values, lines = read_table(file, table)
        values = {name: values[name] * factors[name] for name in values}
        if "potential" not in values and metadata["technique"].startswith("i - t"):
            metadata["potential"] = metadata.get("initial_potential")
        if not options.partial and "potential" in values:
            _check_complete(file, values["potential"], metadata)
        return [Curve(values, lines, metadata)]


def _find_columns(file: TextFile) -> int:
    for index, line in enumerate(file.lines):
        if _COLUMNS.match(line):
            return index
    raise file.error_at_end(
        'a CHI file must have a line such as "Potential/V, Current/A" before its numbers',
        f"none of its {len(file.lines)} lines is one (is the file cut off?)",
    )


def _columns(
    file: TextFile, index: int, names: list[str]
) -> tuple[list[tuple[str, int]], dict[str, float]]:
    """Which column is which; the first current is *the* current, the others keep their names."""
    columns: list[tuple[str, int]] = []
    factors: dict[str, float] = {}
    for position, text in enumerate(names):
        match = _COLUMN.fullmatch(text)
        if match is None:
            raise file.error(index, 'a column must be named like "Potential/V"', f"one is {text!r}")
        kind, unit = match[1].lower(), match[2]
        role, target = text, unit
        if kind.startswith("potential") and "potential" not in factors:
            role, target = "potential", "V"
        elif kind.startswith("time") and "time" not in factors:
            role, target = "time", "s"
        elif unit.endswith("A") and "current" not in factors:
            role, target = "current", "A"
        columns.append((role, position))
        factors[role] = file.factor(index, unit, target, role) if role != text else 1.0
    return columns, factors


def _metadata(file: TextFile, stop: int) -> dict[str, Any]:
    header: dict[str, str] = {}
    metadata: dict[str, Any] = {"header": header}
    peaks: list[dict[str, float]] = []
    segment = 0
    for index, line in enumerate(file.lines[:stop]):
        if match := _PEAK.fullmatch(line):
            if match[1] == "Ep":
                peaks.append({"segment": segment})
            value = number(match[2])
            if peaks and value is not None:
                peaks[-1][match[1]] = value
        elif match := re.fullmatch(r"\s*Segment (\d+):\s*", line):
            segment = int(match[1])
        elif match := _SETTING.fullmatch(line):
            header[line.split("=")[0].strip()] = match[3]
            _setting(file, index, match, metadata)
        elif ":" in line and index > 0:
            key, _, text = line.partition(":")
            header[key.strip()] = text.strip()
    header["Date"] = file.lines[0].strip()
    header["Technique"] = file.lines[1].strip() if len(file.lines) > 1 else ""
    metadata |= {"technique": header["Technique"], "peaks": peaks}
    metadata["instrument"] = header.get("Instrument Model")
    metadata["vertices"] = _vertices(metadata, header)
    return metadata


def _setting(file: TextFile, index: int, match: re.Match[str], metadata: dict[str, Any]) -> None:
    """Take one "name (unit) = value" line over into the metadata, in SI."""
    name, unit, text = match[1], match[2], match[3]
    if name in _SETTINGS:
        key, target = _SETTINGS[name]
    elif name == "Segment":
        key, unit, target = "segments", "", ""
    elif name == "Sample Interval":
        key, target = ("sample_interval", "V") if unit == "V" else ("row_interval", "s")
    elif name == "Frequency" or name == "Pulse Period":
        key, target = "row_interval", "1/s" if name == "Frequency" else "s"
    else:
        return
    value = number(text)
    if value is None or (not unit and target):
        raise file.error(index, f"{name} must be a number in {target}", f"it is {text!r}")
    if (key == "row_interval" and value <= 0) or (key == "segments" and not 0 < value < 1e5):
        raise file.error(index, f"{name} must be positive and no absurdity", f"it is {text!r}")
    value *= file.factor(index, unit, target, name) if target else 1.0
    if name == "Frequency":
        value = 1 / value
    metadata[key] = int(value) if key == "segments" else value


def _vertices(metadata: dict[str, Any], header: dict[str, str]) -> tuple[float, ...] | None:
    """The potentials a cyclic sweep visits, from the header: start, turning points, end."""
    keys = ("initial_potential", "high_potential", "low_potential", "segments")
    if any(metadata.get(key) is None for key in keys):
        return None
    start, high, low, segments = (metadata[key] for key in keys)
    upwards = header.get("Init P/N", "N").strip().upper().startswith("P")
    path = [start]
    for k in range(segments):
        path.append(high if upwards == (k % 2 == 0) else low)
    if "final_potential" in metadata:
        path[-1] = metadata["final_potential"]
    return tuple(b for a, b in zip([None, *path], path, strict=False) if a != b)


def _check_complete(file: TextFile, potential: Any, metadata: dict[str, Any]) -> None:
    """A cyclic sweep must be as long as its header says, but for one sample per segment."""
    vertices, step = metadata["vertices"], metadata.get("sample_interval")
    if vertices is None or step is None:
        return
    expected = sum(abs(b - a) for a, b in itertools.pairwise(vertices))
    found = float(abs(potential[1:] - potential[:-1]).sum())
    if found < 0.999 * expected - 3 * step * len(vertices):
        raise file.error_at_end(
            f"the sweep must run through {', '.join(f'{v:g}' for v in vertices)} V as the header "
            f"says ({expected:g} V of path)",
            f"it stops at {potential[-1]:g} V after {found:g} V (is the file cut off? if the run "
            "was stopped, pass partial=True)",
        )
