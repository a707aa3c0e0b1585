"""The formats that can be read, and how the format of a file is found: by what it holds."""

import importlib.metadata
import warnings
from pathlib import Path

from ._base import AbstractReader, ReaderWarning, reader_error
from ._biologic import BiologicReader
from ._chi import ChiReader
from ._csv import CsvReader
from ._gamry import GamryReader
from ._palmsens import PalmsensReader

# In the order in which they are asked; CSV takes any text.
_BUILT_IN: tuple[AbstractReader, ...] = (
    BiologicReader(),
    GamryReader(),
    ChiReader(),
    PalmsensReader(),
    CsvReader(),
)
_GROUP = "diffsim.readers"
_HEAD = 65536


def plug_ins() -> tuple[AbstractReader, ...]:
    """Readers of installed packages that announce themselves in the group `diffsim.readers`.

    They are imported here and only here, when a file fits no built-in format or a format is asked
    for by a name that is not built in. One that cannot be imported gives a warning.
    """
    readers = []
    for entry in importlib.metadata.entry_points(group=_GROUP):
        try:
            reader = entry.load()()
        except Exception as error:  # whatever a foreign package raises must not stop the others
            warnings.warn(
                f"the reader {entry.name!r} ({entry.value}) could not be loaded: {error!r}",
                ReaderWarning,
                stacklevel=2,
            )
            continue
        if isinstance(reader, AbstractReader):
            readers.append(reader)
        else:
            warnings.warn(
                f"the reader {entry.name!r} must be an AbstractReader, but it is {reader!r}",
                ReaderWarning,
                stacklevel=2,
            )
    return tuple(readers)


def formats() -> tuple[str, ...]:
    """The names of all formats that can be read here, plug-ins included."""
    return tuple(reader.name for reader in (*_BUILT_IN, *plug_ins()))


def find_reader(path: Path, format: str | None) -> AbstractReader:
    """The reader for a file: of the format named, or the first that recognises its content.

    **Raises:** `ReaderError` if the file is empty or missing, the format unknown, or nothing
    recognises it.
    """
    head = _read_head(path)
    if format is not None:
        return _by_name(format, path)
    for reader in _BUILT_IN:
        if reader.matches(head):
            return reader
    for reader in plug_ins():
        if reader.matches(head):
            return reader
    raise reader_error(
        path.name,
        "",
        f"the file must be a text export ({', '.join(r.name for r in _BUILT_IN)})",
        "it is binary, and no plug-in that is installed reads it (export it as text, or install a "
        f"package that announces a reader in the entry-point group {_GROUP!r})",
    )


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise reader_error(str(path), "", "the file must be readable", str(error)) from None
    if not head.strip():
        raise reader_error(path.name, "", "the file must hold a measurement", "it is empty")
    return head


def _by_name(format: str, path: Path) -> AbstractReader:
    for readers in (lambda: _BUILT_IN, plug_ins):
        for reader in readers():
            if reader.name == format:
                return reader
    raise reader_error(
        path.name, "format", f"it must be one of {', '.join(formats())}", f"it is {format!r}"
    )
