"""The interface of every simulator, and the lenses that reach its parameters."""

import abc
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ._observables import Observables

AdjointName = Literal["checkpointed", "forward", "implicit"]


class AbstractSimulator(eqx.Module):
    """A map from physical parameters (the array leaves of `self`) to observables.

    A simulator simulates one sample: batches are made at the call site.
    Subclasses are final. A new simulator needs no other file to change.

    **Class attributes:**

    - `adjoints`: the names of the ways in which it can be differentiated. "checkpointed"
      serves reverse mode, "forward" serves forward mode, "implicit" serves both.
    - `batches`: how `diffsim` goes through a batch: "together" (`jax.vmap`, where loops run as
      long as the longest and all branches are computed) or "in turn" (`jax.lax.map`).
    """

    adjoints: ClassVar[tuple[AdjointName, ...]] = ("implicit",)
    batches: ClassVar[Literal["together", "in turn"]] = "together"

    @abc.abstractmethod
    def __call__(self, inputs: PyTree) -> Observables:
        """Simulate the response to `inputs` (a waveform, an actuation, or None)."""

    def with_adjoint(self, adjoint: AdjointName) -> "AbstractSimulator":
        """The same simulator prepared for the given way of differentiation."""
        return self

    def lenses(self) -> Mapping[str, "AbstractLens"]:
        """Parameters that can be named in a `DesignSpace` without writing a lens."""
        return {}


class AbstractLens(eqx.Module):
    """A place in a simulator that a design variable replaces."""

    @abc.abstractmethod
    def get(self, system: PyTree) -> Array:
        """The value that stands there now."""

    @abc.abstractmethod
    def set(self, system: PyTree, value: Array) -> PyTree:
        """The system with `value` put there; the rest unchanged."""


class At(AbstractLens):
    """The leaf that `where` selects (or the leaves, which are then tied together).

    The value is broadcast to the shape of each leaf; with `index` only that entry of the
    leading axis is set, which is how per-file parameters of a campaign are named.
    """

    where: Callable[[Any], PyTree] = eqx.field(static=True)
    index: int | None = eqx.field(static=True, default=None)

    def get(self, system: PyTree) -> Array:
        return _get(self.where, self.index, system)

    def set(self, system: PyTree, value: Array) -> PyTree:
        return _set(self.where, self.index, system, value)


class Leaf(AbstractLens):
    """`At` by path: `Leaf("electrode.radius")`, `Leaf("species.Fe3+.diffusivity")`.

    Each part is an attribute, a key of a dictionary or an index of a sequence. Paths compare
    by text, so that problems built anew share their compilation. Several paths are tied.
    """

    paths: tuple[str, ...] = eqx.field(static=True)
    index: int | None = eqx.field(static=True)

    def __init__(self, *paths: str, index: int | None = None):
        self.paths = paths
        self.index = index

    def _where(self, system: PyTree) -> tuple:
        return tuple(_follow(system, path) for path in self.paths)

    def get(self, system: PyTree) -> Array:
        return _get(self._where, self.index, system)

    def set(self, system: PyTree, value: Array) -> PyTree:
        return _set(self._where, self.index, system, value)


def _follow(system: PyTree, path: str):
    for part in path.split("."):
        if isinstance(system, Mapping):
            system = system[part]
        elif part.isdigit():
            system = system[int(part)]
        else:
            system = getattr(system, part)
    return system


def _get(where: Callable, index: int | None, system: PyTree) -> Array:
    leaf = jnp.asarray(_leaves(where(system))[0], float)
    return leaf[index] if index is not None else jnp.ravel(leaf)[0]


def _set(where: Callable, index: int | None, system: PyTree, value: Array) -> PyTree:
    def replace(leaf):
        leaf = jnp.asarray(leaf, float)
        if index is not None:
            return leaf.at[index].set(value)
        return jnp.broadcast_to(value, leaf.shape)

    return eqx.tree_at(where, system, replace_fn=replace)


def _leaves(selected: PyTree) -> list:
    return list(selected) if isinstance(selected, tuple | list) else [selected]
