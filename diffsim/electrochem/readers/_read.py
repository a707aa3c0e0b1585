"""The public door: `read` and `read_all`."""

from pathlib import Path
from typing import Any

from ..._units import quantity
from ._assemble import finish, join
from ._base import Convention, ReadOptions, reader_error
from ._measurement import Measurement
from ._registry import find_reader


def read(
    path: str | Path,
    *,
    format: str | None = None,
    curve: int | None = None,
    convention: Convention | None = None,
    scan_rate: str | float | None = None,
    potential: str | float | None = None,
    electrode_area: str | float | None = None,
    side_file: str | Path | None = None,
    partial: bool = False,
) -> Measurement:
    """Read a measurement from a file of any known format.

    !!! example

        ```python
        data = read("cv_100mVs.txt")                          # CHI: all is in the file
        data = read("pstrace.csv", scan_rate="100 mV/s")      # PSTrace does not say it
        wave = data.select(potential=(0.2, 0.8), segments=(1, 2)).downsample(400)
        ```

    **Arguments:**

    - `path`: the file.
    - `format`: "chi", "biologic", "gamry", "palmsens", "csv", or the name of a plug-in; by default
        the content decides.
    - `curve`: which curve, from 0, of a file that holds several. By default curves that follow one
        another (the cycles of one voltammogram) are joined.
    - `convention`: the sign of the current *in the file*: "iupac" (oxidation positive) or "us"
        (reduction positive). The result is always IUPAC. By default what the file says, and "iupac"
        where it says nothing.
    - `scan_rate`: where the file has neither times nor a scan rate, or a wrong one; "50 mV/s".
    - `potential`: the constant potential of a file that holds current against time alone.
    - `electrode_area`: for plain CSV files of current densities; "0.0707 cm2".
    - `side_file`: the YAML file of a plain CSV file, if it is not beside it under the same name.
    - `partial`: read a file that stops before the end its header announces.

    **Returns:**

    A `Measurement`, SI units, oxidation positive.

    **Raises:**

    - `ReaderError` (a `ValueError`) naming the file, the line or field, what was found and what is
        allowed; `UnitError` (a `ValueError`) for an option of the wrong dimension.
    """
    path = Path(path)
    options = _options(convention, scan_rate, potential, electrode_area, side_file, partial)
    curves = find_reader(path, format).curves(path, options)
    if curve is not None:
        if not 0 <= curve < len(curves):
            raise reader_error(
                path.name, "curve", f"it must be from 0 to {len(curves) - 1}", f"it is {curve}"
            )
        return finish(curves[curve], path, options)
    return finish(join(curves, path), path, options)


def read_all(
    path: str | Path,
    *,
    format: str | None = None,
    convention: Convention | None = None,
    scan_rate: str | float | None = None,
    potential: str | float | None = None,
    electrode_area: str | float | None = None,
    side_file: str | Path | None = None,
    partial: bool = False,
) -> list[Measurement]:
    """Read every curve of a file as a measurement of its own; arguments and errors as in `read`."""
    path = Path(path)
    options = _options(convention, scan_rate, potential, electrode_area, side_file, partial)
    curves = find_reader(path, format).curves(path, options)
    return [finish(curve, path, options) for curve in curves]


def _options(
    convention: Convention | None,
    scan_rate: str | float | None,
    potential: str | float | None,
    electrode_area: str | float | None,
    side_file: str | Path | None,
    partial: bool,
) -> ReadOptions:
    if convention not in (None, "iupac", "us"):
        raise ValueError(f'convention must be "iupac" or "us", but it is {convention!r}.')
    values: dict[str, Any] = {}
    for name, value, unit in (
        ("scan_rate", scan_rate, "V/s"),
        ("potential", potential, "V"),
        ("electrode_area", electrode_area, "m^2"),
    ):
        values[name] = None if value is None else quantity(value, unit, field=name)
        if value is not None and name != "potential" and values[name] <= 0:
            raise ValueError(f"{name} must be positive, but it is {value!r}.")
    side = None if side_file is None else Path(side_file)
    return ReadOptions(convention=convention, side_file=side, partial=partial, **values)
