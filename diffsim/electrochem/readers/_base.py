"""What a reader of a file format is, and what it hands over."""

import abc
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from jaxtyping import Float64, Int

Convention: TypeAlias = Literal["iupac", "us"]


class ReaderError(ValueError):
    """A measurement file that cannot be read as it stands.

    The message names the file, the line or field, what was found there and what is allowed.
    """


class ReaderWarning(UserWarning):
    """Something in a measurement file that a person should look at; the file was read."""


def reader_error(file: str, where: str, must: str, found: str) -> ReaderError:
    """Make the error: "cv.txt, line 14: the current must be a number, but it is 'abc'."."""
    place = f"{file}, {where}" if where else file
    return ReaderError(f"{place}: {must}, but {found}.")


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """What the caller knows and the file may not say. All in SI units.

    - `convention`: the sign of the current *in the file*: "iupac" has oxidation positive, "us" has
        reduction positive. None leaves it to the file, and to "iupac" where the file is silent.
    - `scan_rate` (V/s): takes the place of the file's.
    - `potential` (V): for files that hold current against time at a constant potential.
    - `electrode_area` (m²): for files that hold current densities.
    - `side_file`: the YAML file that describes a plain CSV file.
    - `partial`: whether a file that stops before the end its header announces may be read.
    """

    convention: Convention | None = None
    scan_rate: float | None = None
    potential: float | None = None
    electrode_area: float | None = None
    side_file: Path | None = None
    partial: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """One curve as it stands in a file, in SI units, with the file's own sign of the current.

    - `columns`: values by name, each of shape `(rows,)`. "time" (s), "potential" (V) and "current"
        (A) have their meaning; others are kept as they are, under the file's name for them.
    - `lines`: the line of the file that each row stands in (rows of binary files: their number).
    - `metadata`: the header under "header", and any of the standard keys of `Measurement`.
        "row_interval" (s) gives the time from row to row where that is all that is known.
    - `name`: the file's name for the curve, if it has several.
    """

    columns: Mapping[str, Float64[np.ndarray, " rows"]]
    lines: Int[np.ndarray, " rows"]
    metadata: Mapping[str, Any]
    name: str = ""

    def __post_init__(self):
        for name, values in self.columns.items():
            if values.shape != self.lines.shape:
                raise ValueError(
                    f"column {name!r} must have the shape {self.lines.shape} of `lines`, "
                    f"but it has {values.shape}."
                )


class AbstractReader(abc.ABC):
    """A file format. A subclass is final and holds no state.

    Formats from other packages (binary ones, say) join through the entry-point group
    `diffsim.readers`: the entry point names such a class.

        [project.entry-points."diffsim.readers"]
        mpr = "my_package:MprReader"
    """

    name: ClassVar[str]
    """What `read(..., format=...)` calls the format."""

    @abc.abstractmethod
    def matches(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (up to 64 KiB) is of this format."""

    @abc.abstractmethod
    def curves(self, path: Path, options: ReadOptions) -> list[Curve]:
        """Read all curves of a file, without executing anything that stands in it.

        **Raises:** `ReaderError`, made by `reader_error`.
        """
