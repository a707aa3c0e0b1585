"""The integral equation in SI units, for any kinetic law."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ...constants import faraday, gas_constant
from ..kinetics import AbstractKinetics
from . import integral_equation
from ._panels import Ramp
from ._types import Number, RealLike


@dataclass(frozen=True)
class PlanarVoltammogram:
    """A reference voltammogram: call it with times in s for currents in A.

    Reduction currents are negative.
    """

    dimensionless: integral_equation.Voltammogram
    time_unit: float
    current_unit: float
    potential_unit: float
    formal_potential: Number

    def __call__(self, times: RealLike) -> Float[np.ndarray, " t"]:
        return -self.current_unit * self.dimensionless(np.asarray(times) / self.time_unit)

    def peaks(self) -> list[tuple[float, float, float]]:
        """Every stationary point within a ramp, as (time in s, potential in V, current in A)."""
        return [
            (
                s * self.time_unit,
                self.formal_potential + theta * self.potential_unit,
                float(-self.current_unit * current),
            )
            for s, theta, current in self.dimensionless.peaks()
        ]


def planar_voltammogram(
    ramps: Sequence[Ramp],
    kinetics: AbstractKinetics,
    *,
    area: Number,
    diffusivity_ox: Number,
    diffusivity_red: Number,
    concentration_ox: Number = 0.0,
    concentration_red: Number = 0.0,
    formal_potential: Number = 0.0,
    electrons: int = 1,
    temperature: Number = 298.15,
    order: int = 16,
    longest: Number = 2.0,
) -> PlanarVoltammogram:
    """The current of ox + n e⁻ ⇌ red at a planar electrode, semi-infinite diffusion.

    **Arguments** (SI: m², m²/s, mol/m³, V, K):

    - `ramps`: the waveform, as `Ramp(duration in s, start in V, end in V)`, from a uniform
      solution at rest. A jump between ramps is a potential step.
    - `kinetics`: any law of `diffsim.electrochem.kinetics`.
    - `order`, `longest`: see `integral_equation.solve`, which does the work and states the
      accuracy (below 1e-12 of the peak).
    """
    slope = electrons * faraday / (gas_constant * temperature)
    rates = [abs(ramp.end - ramp.start) / ramp.duration * slope for ramp in ramps]
    time_unit = 1.0 / max(rates) if max(rates) > 0 else sum(ramp.duration for ramp in ramps)
    scaled = [
        Ramp(
            ramp.duration / time_unit,
            slope * (ramp.start - formal_potential),
            slope * (ramp.end - formal_potential),
        )
        for ramp in ramps
    ]
    log_length = 0.5 * np.log(time_unit / diffusivity_ox)

    def log_rates(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        reduction, oxidation = kinetics.log_rates(theta / slope, temperature, electrons)
        return np.asarray(reduction) + log_length, np.asarray(oxidation) + log_length

    return PlanarVoltammogram(
        integral_equation.solve(
            scaled,
            None if kinetics.reversible else log_rates,
            diffusivity_ratio=diffusivity_ox / diffusivity_red,
            bulk=(concentration_ox, concentration_red),
            order=order,
            longest=longest,
        ),
        time_unit=time_unit,
        current_unit=electrons * faraday * area * np.sqrt(diffusivity_ox / time_unit),
        potential_unit=1.0 / slope,
        formal_potential=formal_potential,
    )
