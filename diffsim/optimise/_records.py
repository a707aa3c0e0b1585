"""The append-only log of a run: every answer of the simulator, bit for bit.

File layout: `MAGIC`, then records. A record is the length of its body (8 bytes, little
endian), the CRC-32 of its body (4 bytes), and the body: the length of a JSON header (4 bytes),
the header, and one `.npy` block for each array named in the header. A record that was cut
short by a kill is recognised and cut off. Nothing in the file is ever executed.
"""

import io
import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

MAGIC = b"diffsim evaluations 1\n"
_FRAME = struct.Struct("<QI")
_LENGTH = struct.Struct("<I")


class Record(NamedTuple):
    """One answered request: `header` of plain values, `arrays` by name."""

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def pack(record: Record) -> bytes:
    """The bytes of a record, frame included."""
    header = json.dumps(record.header | {"arrays": list(record.arrays)}).encode()
    body = io.BytesIO()
    body.write(_LENGTH.pack(len(header)) + header)
    for array in record.arrays.values():
        np.save(body, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
    content = body.getvalue()
    return _FRAME.pack(len(content), zlib.crc32(content)) + content


def unpack(body: bytes) -> Record:
    """Inverse of `pack`, without the frame."""
    stream = io.BytesIO(body)
    (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
    header = json.loads(stream.read(length))
    names = header.pop("arrays")
    return Record(header, {name: np.load(stream, allow_pickle=False) for name in names})


def read_records(stream: BinaryIO, path: Path) -> Iterator[tuple[Record, int]]:
    """Records in order, each with the offset of its end; stops before a torn one.

    **Raises:** `ValueError` if the file is no log, or if a record with others behind it is
    damaged (which no kill can do).
    """
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        raise ValueError(f"{path} must be a log of evaluations, but does not begin as one.")
    size = os.fstat(stream.fileno()).st_size
    while True:
        frame = stream.read(_FRAME.size)
        if len(frame) < _FRAME.size:
            return
        length, checksum = _FRAME.unpack(frame)
        if stream.tell() + length > size:
            return
        body = stream.read(length)
        if zlib.crc32(body) != checksum:
            if stream.tell() == size:
                return
            raise ValueError(
                f"{path} must be intact up to its end, but the record that ends at byte "
                f"{stream.tell()} has a wrong checksum."
            )
        yield unpack(body), stream.tell()


class EvaluationLog:
    """The log opened for appending; what it held before is in `records`.

    A torn last record is cut off. A record handed to `append` has left this process when
    the call returns, so that a kill loses at most the evaluation that was under way. (It is
    not forced to the disc: after a power cut the last records may be missing, and are
    repeated.)

    **Raises:** `ValueError` if another process has the log open, or if it is damaged.
    """

    def __init__(self, path: Path):
        self.path = path
        self.records: list[Record] = []
        exists = path.exists() and path.stat().st_size >= len(MAGIC)
        self._stream: BinaryIO = open(path, "r+b" if exists else "ab")  # noqa: SIM115
        _lock(self._stream, path)
        if not exists:
            self._stream.truncate(0)
            self._stream.write(MAGIC)
            self._stream.flush()
            return
        end = len(MAGIC)
        for record, stop in read_records(self._stream, path):
            self.records.append(record)
            end = stop
        self._stream.truncate(end)
        self._stream.seek(end)

    def append(self, record: Record) -> None:
        """Write one record and hand it to the operating system."""
        self._stream.write(pack(record))
        self._stream.flush()

    def close(self) -> None:
        """Close the file, and with that let go of the lock."""
        self._stream.close()


def _lock(stream: BinaryIO, path: Path) -> None:
    """Keep other processes off, where the system can (not on Windows)."""
    if fcntl is None:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise ValueError(
            f"{path} must be free, but another run has it open. Wait for it to end."
        ) from error
