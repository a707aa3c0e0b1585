"""Several experiments on one cell, simulated together."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._observables import Observables
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from .._status import worst
from ._experiment import Experiment
from ._voltammetry import Voltammetry
from .waveforms import AbstractWaveform, OhmicDrop


class Group(eqx.Module):
    """Experiments whose waveforms have one structure, stacked along a leading axis (e,)."""

    cell: AbstractSimulator
    waveform: AbstractWaveform
    times: Float[Array, "e t"]
    members: tuple[int, ...] = eqx.field(static=True)
    lengths: tuple[int, ...] = eqx.field(static=True)

    def __call__(self) -> Observables:
        """All experiments of the group by one `vmap`; currents (e, t)."""
        return eqx.filter_vmap(lambda cell, wave, t: cell((wave, t)))(
            self.cell, self.waveform, self.times
        )


class Campaign(AbstractSimulator):
    """A cell under several waveforms: the currents of all experiments as one vector (p,).

    Every array leaf of the cell stands once per experiment, so that a parameter may be shared
    ("diffusivity") or an experiment's own ("resistance@50 mV/s"). Experiments of one structure
    run in one `vmap`; the compile time does not grow with their number.

    **Call:** `campaign(None)` returns "current", "potential" and "time", each (p,), experiments in
    the order given; `split` takes such a vector apart.

    **Raises:** `ValueError` for no experiment at all, or labels that are not unique.
    """

    groups: tuple[Group, ...]
    labels: tuple[str, ...] = eqx.field(static=True)

    adjoints: ClassVar[tuple[AdjointName, ...]] = Voltammetry.adjoints

    def __init__(self, cell: AbstractSimulator, experiments: Sequence[Experiment]):
        if not experiments:
            raise ValueError("a Campaign must have at least one experiment, but has none.")
        self.labels = tuple(e.label for e in experiments)
        repeated = {label for label in self.labels if self.labels.count(label) > 1}
        if repeated:
            raise ValueError(f"labels must be unique, but {sorted(repeated)} repeat.")
        kinds: dict[Any, list[int]] = {}
        for i, experiment in enumerate(experiments):
            kinds.setdefault(_structure(experiment.waveform), []).append(i)
        self.groups = tuple(
            _group(cell, [experiments[i] for i in members], members) for members in kinds.values()
        )

    def __call__(self, inputs: None = None) -> Observables:
        answers = [group() for group in self.groups]
        values = {
            name: self._join([answer.values[name] for answer in answers])
            for name in ("current", "potential", "time")
        }
        results = [
            worst(*(jax.tree.map(lambda leaf, i=i: leaf[i], answer.result) for i in range(count)))
            for answer, count in zip(answers, (len(g.members) for g in self.groups), strict=True)
        ]
        stats = {
            name: jnp.sum(jnp.stack([jnp.sum(answer.stats[name]) for answer in answers]))
            for name in answers[0].stats
        }
        return Observables(values, worst(*results), stats)

    def with_adjoint(self, adjoint: AdjointName) -> "Campaign":
        groups = tuple(
            dataclasses.replace(group, cell=group.cell.with_adjoint(adjoint))  # pyright: ignore
            for group in self.groups
        )
        return eqx.tree_at(lambda c: c.groups, self, groups)

    def lenses(self) -> Mapping[str, AbstractLens]:
        # By construction all groups have one cell, hence one set of names.
        names = {name: _paths("cell", lens) for name, lens in self.groups[0].cell.lenses().items()}
        if all(isinstance(group.waveform, OhmicDrop) for group in self.groups):
            names["ohmic_resistance"] = ("waveform.resistance",)
        lenses: dict[str, AbstractLens] = {}
        for name, paths in names.items():
            places = [[f"groups.{g}.{path}" for path in paths] for g in range(len(self.groups))]
            lenses[name] = Leaf(*(path for place in places for path in place))
            for place, group in zip(places, self.groups, strict=True):
                for i, member in enumerate(group.members):
                    lenses[f"{name}@{self.labels[member]}"] = Leaf(*place, index=i)
        return lenses

    @property
    def times(self) -> Float[Array, " p"]:
        """Times of all points, each from the start of its experiment, in s."""
        return self._join([group.times for group in self.groups])

    @property
    def potential(self) -> Float[Array, " p"]:
        """Applied potential at all points in V."""
        return self._join(
            [jax.vmap(lambda w, t: w.potential(t))(g.waveform, g.times) for g in self.groups]
        )

    @property
    def lengths(self) -> tuple[int, ...]:
        """Number of points of each experiment."""
        lengths = [0] * len(self.labels)
        for group in self.groups:
            for member, length in zip(group.members, group.lengths, strict=True):
                lengths[member] = length
        return tuple(lengths)

    @property
    def experiment_of_point(self) -> Int[np.ndarray, " p"]:
        """The number of the experiment that each point of the vector belongs to."""
        return np.repeat(np.arange(len(self.labels)), self.lengths)

    def split(self, vector: Float[Any, " p"]) -> dict[str, Float[np.ndarray, " t"]]:
        """A vector of all experiments, by label."""
        parts = np.split(np.asarray(vector), np.cumsum(self.lengths)[:-1])
        return dict(zip(self.labels, parts, strict=True))

    def _join(self, stacked: list[Array]) -> Float[Array, " p"]:
        """Padding off, experiments in their order, end to end."""
        parts: dict[int, Array] = {}
        for group, values in zip(self.groups, stacked, strict=True):
            for i, (member, length) in enumerate(zip(group.members, group.lengths, strict=True)):
                parts[member] = values[i, :length]
        return jnp.concatenate([parts[i] for i in range(len(self.labels))])


def _paths(part: str, lens: AbstractLens) -> tuple[str, ...]:
    assert isinstance(lens, Leaf)
    return tuple(f"{part}.{path}" for path in lens.paths)


def _structure(waveform: AbstractWaveform) -> Any:
    """What must be equal for waveforms to be stacked."""
    leaves, tree = jax.tree.flatten(waveform)
    return tree, tuple(np.shape(leaf) for leaf in leaves)


def _group(cell: AbstractSimulator, experiments: list[Experiment], members: list[int]) -> Group:
    count = len(experiments)

    def repeat(leaf):
        return jnp.broadcast_to(leaf, (count, *leaf.shape)) if eqx.is_array(leaf) else leaf

    lengths = [e.times.size for e in experiments]
    longest = max(lengths)
    # Shorter curves are padded by their own last time; the padding is cut off again.
    times = [np.pad(e.times, (0, longest - e.times.size), mode="edge") for e in experiments]
    waves = [e.waveform for e in experiments]
    return Group(
        cell=jax.tree.map(repeat, cell),
        waveform=jax.tree.map(lambda *leaves: jnp.stack(leaves), *waves),
        times=jnp.asarray(np.stack(times)),
        members=tuple(members),
        lengths=tuple(lengths),
    )
