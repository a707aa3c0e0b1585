"""Several experiments on one cell that have not been made yet."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from .._observables import Observables
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from .._status import code, worst, wrapped_code
from ._campaign import _structure
from ._voltammetry import Voltammetry
from .waveforms import AbstractWaveform


class Plan(AbstractSimulator):
    """A cell under several waveforms of one kind, each sampled where the waveform itself says.

    The counterpart of `Campaign`, whose times are those of measured points: here times follow
    the waveform, so that a scan rate can be designed. Every array of the cell and of the waveform
    stands once per experiment (e,).

    **Call:** `plan(None)` returns "current", "potential" and "time", each (e, t).

    **Names in a design space:** those of the cell and the scalars of the waveform, shared by all
    experiments ("k0", "scan_rate"), or of a single one by its label: "scan_rate@1",
    "rotation_rate@2"; labels are 1, 2, ... unless given.

    **Raises:** `ValueError` for no waveform, waveforms of different kinds or numbers of corners, or
    labels that repeat or are not as many.
    """

    cell: AbstractSimulator
    waveform: AbstractWaveform
    labels: tuple[str, ...] = eqx.field(static=True)

    adjoints: ClassVar[tuple[AdjointName, ...]] = Voltammetry.adjoints

    def __init__(
        self,
        cell: AbstractSimulator,
        waveforms: Sequence[AbstractWaveform],
        labels: Sequence[str] | None = None,
    ):
        if not waveforms:
            raise ValueError("a Plan must have at least one waveform, but has none.")
        count = len(waveforms)
        labels = [str(i + 1) for i in range(count)] if labels is None else list(labels)
        if len(labels) != count or len(set(labels)) != count:
            raise ValueError(f"labels must be {count} different names, but are {labels}.")
        kinds = {_structure(waveform) for waveform in waveforms}
        if len(kinds) > 1:
            raise ValueError(
                "the waveforms of a Plan must be of one kind with one number of corners and "
                f"samples, but there are {len(kinds)} kinds. Use a Plan for each."
            )

        def repeat(leaf):
            return jnp.broadcast_to(leaf, (count, *leaf.shape)) if eqx.is_array(leaf) else leaf

        self.cell = jax.tree.map(repeat, cell)
        self.waveform = jax.tree.map(lambda *leaves: jnp.stack(leaves), *waveforms)
        self.labels = tuple(labels)

    def __call__(self, inputs: None = None) -> Observables:
        answers = eqx.filter_vmap(lambda cell, wave: cell(wave))(self.cell, self.waveform)
        codes = code(answers.result)
        result = worst(*(wrapped_code(codes[i]) for i in range(len(self.labels))))
        stats = {name: jnp.sum(count) for name, count in answers.stats.items()}
        names = ("current", "potential", "time")
        return Observables({name: answers.values[name] for name in names}, result, stats)

    def with_adjoint(self, adjoint: AdjointName) -> "Plan":
        return eqx.tree_at(lambda p: p.cell, self, self.cell.with_adjoint(adjoint))

    def lenses(self) -> Mapping[str, AbstractLens]:
        paths: dict[str, list[str]] = {}
        for name, lens in self.cell.lenses().items():
            assert isinstance(lens, Leaf)
            paths[name] = [f"cell.{path}" for path in lens.paths]
        for field in dataclasses.fields(self.waveform):
            value = getattr(self.waveform, field.name)
            if eqx.is_array(value) and value.ndim == 1:
                paths[field.name] = [f"waveform.{field.name}"]
        made: dict[str, AbstractLens] = {}
        for name, places in paths.items():
            made[name] = Leaf(*places)
            for i, label in enumerate(self.labels):
                made[f"{name}@{label}"] = Leaf(*places, index=i)
        return made
