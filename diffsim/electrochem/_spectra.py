"""Impedance spectra of one cell at several biases, simulated together."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .._objective import LeastSquares
from .._observables import Observables
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from .._space import DesignSpace
from .._status import worst
from ._impedance import Impedance, _frequencies


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """A measured spectrum: bias in V, frequencies (f,) in Hz and impedance (f,) in ohm.

    **Raises:** `ValueError` for columns of different length, or values that are not finite.
    """

    potential: float
    frequencies: np.ndarray
    impedance: np.ndarray

    def __post_init__(self):
        f, z = np.asarray(self.frequencies, float), np.asarray(self.impedance, complex)
        object.__setattr__(self, "frequencies", f)
        object.__setattr__(self, "impedance", z)
        if f.ndim != 1 or f.shape != z.shape:
            raise ValueError(
                "frequencies and impedance of a Spectrum must be columns of one length, but have "
                f"the shapes {f.shape} and {z.shape}."
            )
        if not np.all(np.isfinite(z)) or not np.all(np.abs(z) > 0):
            raise ValueError("impedance of a Spectrum must be finite and not zero, but is.")


class Spectra(AbstractSimulator):
    """An `Impedance` at several biases, each with frequencies of its own.

    **Call:** `spectra(None)` returns "impedance" (p, 2) in ohm, spectra end to end, "frequency"
    (p,) in Hz and "current" (b,) of the biases in A.

    **Raises:** `ValueError` for no spectrum at all, or frequencies that `Impedance` refuses.
    """

    impedance: Impedance
    potentials: Float[Array, " b"]
    frequencies: Float[Array, "b f"]
    lengths: tuple[int, ...] = eqx.field(static=True)

    adjoints: ClassVar[tuple[AdjointName, ...]] = Impedance.adjoints

    def __init__(self, impedance: Impedance, spectra: Sequence[Spectrum]):
        if not spectra:
            raise ValueError("Spectra must have at least one spectrum, but have none.")
        columns = [np.asarray(_frequencies(s.frequencies, impedance.hold)) for s in spectra]
        self.lengths = tuple(c.size for c in columns)
        # Shorter columns are padded by their own last frequency; the padding is cut off again.
        padded = [np.pad(c, (0, max(self.lengths) - c.size), mode="edge") for c in columns]
        self.impedance = impedance
        self.potentials = jnp.asarray([float(s.potential) for s in spectra])
        self.frequencies = jnp.asarray(np.stack(padded))

    def with_adjoint(self, adjoint: AdjointName) -> "Spectra":
        return eqx.tree_at(lambda s: s.impedance, self, self.impedance.with_adjoint(adjoint))

    def lenses(self) -> Mapping[str, AbstractLens]:
        """Those of the cell; the biases are as measured."""
        return {
            name: Leaf(*(f"impedance.{path}" for path in lens.paths), index=lens.index)
            for name, lens in self.impedance.lenses().items()
            if isinstance(lens, Leaf) and name != "potential"
        }

    def __call__(self, inputs: None = None) -> Observables:
        def at(condition):
            potential, frequencies = condition
            return eqx.tree_at(lambda z: z.potential, self.impedance, potential)(frequencies)

        # One after the other: reverse mode of JAX's linear solves does not take two nested `vmap`.
        found = jax.lax.map(at, (self.potentials, self.frequencies))
        values = {
            name: jnp.concatenate([found.values[name][i, :n] for i, n in enumerate(self.lengths)])
            for name in ("impedance", "frequency")
        }
        codes = [
            jax.tree.map(lambda leaf, i=i: leaf[i], found.result) for i in range(len(self.lengths))
        ]
        stats = {name: jnp.sum(value) for name, value in found.stats.items()}
        return Observables(values | {"current": found.values["current"]}, worst(*codes), stats)


def SpectraFit(
    impedance: Impedance,
    spectra: Sequence[Spectrum],
    space: DesignSpace,
    *,
    scales: Sequence[float | Float[np.ndarray, " f"]] | None = None,
    name: str = "spectra",
) -> Problem:
    """Complex nonlinear least squares over spectra at several biases at once.

    **Arguments:** `scales`: for each spectrum the standard deviation of both parts; by default |Z|,
    so that every frequency counts by its relative error.

    **Raises:** `ValueError` for names that the cell does not have, or what `Spectra` refuses.
    """
    measured: Complex[np.ndarray, " p"] = np.concatenate([s.impedance for s in spectra])
    widths = [np.abs(s.impedance) for s in spectra]
    if scales is not None:
        widths = [
            np.broadcast_to(np.asarray(own, float), width.shape)
            for own, width in zip(scales, widths, strict=True)
        ]
    parts = np.stack([np.real(measured), np.imag(measured)], axis=-1)
    objective = LeastSquares(parts, np.concatenate(widths)[:, None], observable="impedance")
    return Problem(Spectra(impedance, spectra), None, space, objective, name=name)
