"""AC voltammetry seen through its harmonics."""

from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from .._observables import Observables
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from ._checks import check_at_least
from ._harmonics import harmonics
from ._voltammetry import Voltammetry
from .waveforms import Sinusoidal


class ACVoltammetry(AbstractSimulator):
    """A cell under a `Sinusoidal` waveform of `periods`, and the envelopes of its harmonics.

    The whole voltammogram is simulated and taken apart by `harmonics`: direct part, then each of
    the first `count` envelopes with its phase. They are thinned to one point for each period,
    `margin` periods at both ends, where envelopes ring, left out.

    **Call:** `ac(waveform)` returns "harmonics" (count + 1, k, 2), real and imaginary parts in A,
    "time" (k,) in s, and "direct_potential" (k,) in V, that of the waveform below.

    **Raises:** `ValueError` for a count below one, a negative margin, fewer than two periods within
    the margins, or a waveform that is not `Sinusoidal` or has another number of periods.

    **Starting values:** 50 to 100 mV, so that harmonics from the second on stand out; 16 samples or
    more for each period and harmonic.
    """

    cell: Voltammetry
    periods: int = eqx.field(static=True)
    count: int = eqx.field(static=True, default=3)
    margin: int = eqx.field(static=True, default=2)

    adjoints: ClassVar[tuple[AdjointName, ...]] = Voltammetry.adjoints

    def __check_init__(self):
        check_at_least(self, "count", 1)
        check_at_least(self, "margin", 0)
        if self.periods - 2 * self.margin < 2:
            raise ValueError(
                f"periods of ACVoltammetry must leave two within the margins of {self.margin}, but "
                f"are {self.periods}."
            )

    def with_adjoint(self, adjoint: AdjointName) -> "ACVoltammetry":
        return eqx.tree_at(lambda s: s.cell, self, self.cell.with_adjoint(adjoint))

    def lenses(self) -> Mapping[str, AbstractLens]:
        """Those of the cell."""
        return {
            name: Leaf(*(f"cell.{path}" for path in lens.paths), index=lens.index)
            for name, lens in self.cell.lenses().items()
            if isinstance(lens, Leaf)
        }

    def __call__(self, inputs) -> Observables:
        places = self._places(inputs)
        found = self.cell(inputs)
        parts = harmonics(found.values["current"], inputs.duration, inputs.frequency, self.count)[
            :, places
        ]
        times: Float[Array, " k"] = inputs.times()[places]
        values = {
            "harmonics": jnp.stack([parts.real, parts.imag], axis=-1),
            "time": times,
            "direct_potential": inputs.base.potential(times),
        }
        return Observables(values, found.result, found.stats)

    def _places(self, inputs) -> np.ndarray:
        """Indices of the samples kept."""
        if not isinstance(inputs, Sinusoidal):
            raise ValueError(
                f"the waveform of ACVoltammetry must be Sinusoidal, but is {type(inputs).__name__}."
            )
        if not isinstance(inputs.frequency, Tracer) and not isinstance(inputs.duration, Tracer):
            found = float(inputs.duration) * float(inputs.frequency)
            if abs(found - self.periods) > 1e-6 * self.periods:
                raise ValueError(
                    f"the waveform must have the {self.periods} periods of ACVoltammetry, but has "
                    f"{found:g}."
                )
        middles = self.margin + 0.5 + np.arange(self.periods - 2 * self.margin)
        return np.round(middles / self.periods * (inputs.samples - 1)).astype(int)
