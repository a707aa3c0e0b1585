"""Models in files: a line of JSON that says what it is, then the arrays. Nothing is executed."""

import json
import os
from pathlib import Path

import equinox as eqx

from ._interface import AbstractSurrogate, kind_named

_FORMAT = "diffsim surrogate 1"


def save(model: AbstractSurrogate, path: str | Path) -> Path:
    """Write a model, beside the target and then renamed.

    **Raises:** `TypeError` if the model cannot be written down.
    """
    path = Path(path)
    header = {"format": _FORMAT, "kind": type(model).__name__, "of": model.description()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with beside.open("wb") as file:
            file.write((json.dumps(header) + "\n").encode())
            eqx.tree_serialise_leaves(file, model)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def load(path: str | Path) -> AbstractSurrogate:
    """Read a model. A kind of your own must have been imported.

    **Raises:** `ValueError` if the file is no saved surrogate or is torn.
    """
    with Path(path).open("rb") as file:
        try:
            header = json.loads(file.readline().decode())
            known = header["format"] == _FORMAT
        except (UnicodeDecodeError, ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise ValueError(f"{path} must be a surrogate written by `save`, but is not.")
        skeleton = kind_named(AbstractSurrogate, header["kind"]).skeleton(header["of"])
        try:
            return eqx.tree_deserialise_leaves(file, skeleton)
        except Exception as error:  # whatever a torn file leads to
            raise ValueError(f"{path} is damaged: {error}") from error
