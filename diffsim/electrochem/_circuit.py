"""What stands between the potentiostat and the interface, and between it and the file."""

import equinox as eqx
from jaxtyping import Array, Float

from ._checks import check_value
from .kinetics._base import parameter

Number = Float[Array, "..."]


class Circuit(eqx.Module):
    """Uncompensated resistance and double layer of the cell.

        φ = E + shift − R I
        I = I_F + A C(φ) dφ/dt,   C(φ) = C₀ (1 + C₁ φ + C₂ φ²)

    φ is counted from the reference electrode. Limits are exact: R = 0 and C₀ = 0 give
    φ = E, I = I_F without a singular gradient.

    **Arguments:**

    - `resistance`: R in ohm; negative values (over-compensation) are allowed down to where
      the cell becomes unstable, which ends in a result code.
    - `capacitance`: C₀ in F/m² (1 F/m² = 100 µF/cm²; 0.1-0.5 is usual), not negative.
    - `capacitance_slope`, `capacitance_curvature`: C₁ in 1/V, C₂ in 1/V².
    - `reference_shift`: added to the applied potential, in V.
    """

    resistance: Number = eqx.field(converter=parameter("resistance"), default=0.0)
    capacitance: Number = eqx.field(converter=parameter("capacitance"), default=0.0)
    capacitance_slope: Number = eqx.field(converter=parameter("capacitance_slope"), default=0.0)
    capacitance_curvature: Number = eqx.field(
        converter=parameter("capacitance_curvature"), default=0.0
    )
    reference_shift: Number = eqx.field(converter=parameter("reference_shift"), default=0.0)

    def __check_init__(self):
        check_value(
            "Circuit", "capacitance", self.capacitance, "not negative, in F/m2", lambda v: v >= 0
        )
        check_value("Circuit", "resistance", self.resistance, "finite, in ohm", lambda v: v == v)

    def capacitance_ratio(self, potential: Array) -> Array:
        """C(φ)/C₀."""
        return 1.0 + potential * (self.capacitance_slope + potential * self.capacitance_curvature)


class Baseline(eqx.Module):
    """A straight line that the instrument adds: I_b = offset + slope E.

    **Arguments:** `offset` in A, `slope` in A/V.
    """

    offset: Number = eqx.field(converter=parameter("offset"), default=0.0)
    slope: Number = eqx.field(converter=parameter("slope"), default=0.0)

    def __call__(self, potential: Array) -> Array:
        """The added current in A."""
        return self.offset + self.slope * potential
