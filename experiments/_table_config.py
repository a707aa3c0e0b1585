"""A table of measurements in a configuration: a file, and the units its header does not tell."""

from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, model_validator

from ._schema import Strict


class TableFile(Strict):
    """A CSV file: its path, or a mapping with `units` of its columns in their order."""

    path: str
    units: tuple[str, ...] | None = None
    _found: Path = PrivateAttr(default=Path())

    @model_validator(mode="before")
    @classmethod
    def _only_a_path(cls, data: Any) -> Any:
        return {"path": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _find(self, info: Any):
        base = Path((info.context or {}).get("base", "."))
        self._found = base / Path(self.path).expanduser()
        if not self._found.is_file():
            raise ValueError(f"no file matches {self.path!r} (looked for {self._found})")
        return self

    @property
    def found(self) -> Path:
        """Where the file is."""
        return self._found
