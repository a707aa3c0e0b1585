"""Tables that are no voltammogram: spectra, profiles, polarisation curves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from ..._units import UnitError, unit_factor
from ._base import reader_error
from ._csv import _commas, _find_names, _separator, _split, split_unit
from ._text import Table, TextFile, read_table

# Words for columns that units alone do not tell apart.
_ALIASES = {
    "real": {"real", "re", "zre", "zreal"},
    "imaginary": {"imaginary", "imag", "im", "zim", "zimag"},
    "forward": {"forward", "fwd", "for"},
    "reverse": {"reverse", "rev", "backward"},
}


def read_columns(
    path: str | Path, wanted: Mapping[str, str], *, units: Sequence[str] | None = None
) -> dict[str, Float64[np.ndarray, " rows"]]:
    """Columns of a plain table by name, in the units asked for.

    A column is found by its unit, and by its name ("real_ohm") where several have that dimension.

    **Arguments:**

    - `wanted`: unit by name, {"frequency": "Hz", "real": "ohm", "imaginary": "ohm"}.
    - `units`: of the columns in the order of `wanted`, where the header does not tell; the table
      must then have the columns in that order.

    **Raises:** `ReaderError` naming the file, the line, what was found and what is allowed.
    """
    file = TextFile.load(Path(path))
    at = _find_names(file)
    separator = _separator(file.lines[at])
    names = [name.strip().strip('"') for name in _split(file.lines[at], separator)]
    places = _given(file, at, names, wanted, units) if units else _found(file, at, names, wanted)
    table = Table(
        at + 1,
        len(file.lines),
        [(role, position) for role, (position, _) in places.items()],
        lambda line: _split(line, separator),
        decimal_comma=separator != "," and _commas(file, at + 1),
    )
    values, _ = read_table(file, table)
    return {
        role: values[role] * file.factor(at, unit, wanted[role], role)
        for role, (_, unit) in places.items()
    }


def _given(file, at, names, wanted, units) -> dict[str, tuple[int, str]]:
    if len(units) != len(wanted) or len(names) < len(wanted):
        raise file.error(
            at,
            f"there must be a column and a unit for each of {', '.join(wanted)}",
            f"there are {len(names)} columns and {len(units)} units",
        )
    return {role: (k, unit) for k, (role, unit) in enumerate(zip(wanted, units, strict=True))}


def _found(file, at, names, wanted) -> dict[str, tuple[int, str]]:
    parts = [_parted(name, wanted.values()) for name in names]
    found = {}
    for role, unit in wanted.items():
        fitting = [k for k, (_, own) in enumerate(parts) if own and _compatible(own, unit)]
        named = [k for k in fitting if _words(parts[k][0]) & _ALIASES.get(role, {role})]
        chosen = named if len(fitting) != 1 else fitting
        if len(chosen) != 1:
            raise file.error(
                at,
                f"exactly one column must be the {role} (named like {role}_{unit}, its unit "
                "included)",
                f"the columns are {', '.join(names)}",
            )
        found[role] = (chosen[0], parts[chosen[0]][1])
    if len({place for place, _ in found.values()}) < len(found):
        raise reader_error(
            file.path.name,
            f"line {at + 1}",
            f"{', '.join(wanted)} must be columns of their own",
            f"the columns are {', '.join(names)}",
        )
    return found


def _parted(text: str, units: Iterable[str]) -> tuple[str, str]:
    """Name and unit; in "concentration_mol_per_L" the unit is the first end that is one."""
    marks = [k for k, letter in enumerate(text) if letter == "_"]
    for mark in marks:
        unit = text[mark + 1 :].replace("_per_", "/")
        if any(_compatible(unit, wanted) for wanted in units):
            return text[:mark], unit
    return split_unit(text)


def _compatible(unit: str, wanted: str) -> bool:
    try:
        unit_factor(unit, wanted)
    except UnitError:
        return False
    return True


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower())) | {re.sub(r"[^a-z]+", "_", name.lower())}
