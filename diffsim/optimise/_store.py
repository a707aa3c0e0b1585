"""The directory of a run: its configuration and its log."""

import json
import os
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from ._fingerprint import differences
from ._records import EvaluationLog, Record

_CONFIGURATION, _LOG = "run.json", "evaluations.log"


class Store(AbstractContextManager):
    """Records of a run, replayed first and appended to then; in memory without a directory.

    **Raises:** `ValueError` saying what differs if the directory holds another run.
    """

    def __init__(self, directory: str | Path | None, configuration: dict[str, Any]):
        self._log: EvaluationLog | None = None
        self._next = 0
        if directory is None:
            return
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        _claim(directory, configuration)
        self._log = EvaluationLog(directory / _LOG)

    @staticmethod
    def configuration(directory: str | Path) -> dict[str, Any]:
        """What `run.json` says. Raises `FileNotFoundError` if there is no run."""
        return json.loads((Path(directory) / _CONFIGURATION).read_text())

    def next(self, points: np.ndarray, order: str) -> Record | None:
        """The logged answer to the next request; None once the log is used up.

        **Raises:** `ValueError` if the log was made by other questions than these.
        """
        if self._log is None or self._next >= len(self._log.records):
            return None
        record = self._log.records[self._next]
        same = record.header["order"] == order and np.array_equal(record.arrays["x"], points)
        if not same:
            raise ValueError(
                f"{self._log.path} must answer the questions that the method asks, but its "
                f"request {self._next} is another one. Was it written with other versions?"
            )
        self._next += 1
        return record

    def append(self, record: Record) -> None:
        """Keep an answer."""
        if self._log is not None:
            self._log.append(record)

    def __exit__(self, *exception) -> None:
        if self._log is not None:
            self._log.close()


def _claim(directory: Path, configuration: dict[str, Any]) -> None:
    """Write `run.json`, or check that the one there is of the same run."""
    path = directory / _CONFIGURATION
    configuration = json.loads(json.dumps(configuration))
    if not path.exists():
        beside = directory / f".{_CONFIGURATION}.partial"
        beside.write_text(json.dumps(configuration, indent=1))
        os.replace(beside, path)
        return
    stored = json.loads(path.read_text())
    changed = differences(stored.pop("versions", {}), configuration.pop("versions", {}))
    if changed:
        warnings.warn(
            f"{directory} was begun with other versions ({'; '.join(changed)}): the bits of its "
            "continuation may differ.",
            stacklevel=2,
        )
    lines = differences(stored, configuration)
    if lines:
        raise ValueError(
            f"{directory} must hold the same run, but holds another one: {'; '.join(lines)}."
        )
