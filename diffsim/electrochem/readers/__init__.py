"""Readers for the files that instruments write.

`read` finds the format from the content of a file and gives a `Measurement` in SI units with
oxidation positive, whatever the file had. Text exports of CHI, BioLogic, Gamry and PalmSens
instruments and plain CSV are built in; other formats, binary ones among them, join through the
entry-point group `diffsim.readers` (see `AbstractReader`).
"""

from ._base import (
    AbstractReader as AbstractReader,
    Curve as Curve,
    ReaderError as ReaderError,
    ReaderWarning as ReaderWarning,
    ReadOptions as ReadOptions,
    reader_error as reader_error,
)
from ._columns import read_columns as read_columns
from ._measurement import Measurement as Measurement
from ._read import read as read, read_all as read_all
from ._registry import formats as formats
from ._sweep import time_from_sweep as time_from_sweep, turning_points as turning_points
from ._write import write_csv as write_csv
