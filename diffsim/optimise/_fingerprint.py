"""What identifies a run: the method, the problem's numbers, the space, the versions."""

import dataclasses
import functools
import hashlib
import importlib.metadata
import platform
import re
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree

from .._problem import Problem
from .._space import DesignSpace

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_LONGEST_LISTED = 64


def describe(value: Any) -> Any:
    """A method, budget or other configuration as JSON-ready plain data.

    Long arrays become a checksum; functions their qualified name.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, jax.Array) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        array = np.asarray(value)
        if array.size <= _LONGEST_LISTED:
            return array.tolist()
        return f"{array.dtype}{list(array.shape)} sha256:{_digest(array)}"
    if isinstance(value, Mapping):
        return {str(key): describe(entry) for key, entry in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": type(value).__qualname__} | fields
    if isinstance(value, tuple | list):
        return [describe(entry) for entry in value]
    return _ADDRESS.sub("", getattr(value, "__qualname__", None) or repr(value))


def describe_space(space: DesignSpace) -> dict[str, dict[str, Any]]:
    """Scale, bounds and unit of each design variable."""
    return {
        name: {
            "scale": type(scale).__name__,
            "low": float(scale.low),
            "high": float(scale.high),
            "unit": scale.unit,
        }
        for name, scale in ((name, space.scales[name]) for name in space.names)
    }


def problem_hash(problem: Problem) -> str:
    """SHA-256 over every number of the problem (simulator, inputs, data) and its structure."""
    dynamic, static = eqx.partition(problem, eqx.is_array_like)
    digest = hashlib.sha256(_structure(static).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(dynamic):
        array = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)}{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@functools.cache
def versions() -> dict[str, str]:
    """Versions of what decides the bits of a run."""
    names = ("diffsim", "jax", "jaxlib", "equinox", "optimistix", "lineax", "optax", "diffrax")
    found = {"python": platform.python_version()}
    for name in (*names, "scipy", "numpy", "cma"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """Where two plain-data trees differ, one line each."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in dict.fromkeys((*expected, *found)):
            place = f"{where}.{key}" if where else str(key)
            lines += differences(expected.get(key), found.get(key), place)
        return lines
    return [] if expected == found else [f"{where} is {found!r}, was {expected!r}"]


def _structure(tree: PyTree) -> str:
    leaves, treedef = jax.tree.flatten(tree)
    return _ADDRESS.sub("", f"{treedef}{leaves}")


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
