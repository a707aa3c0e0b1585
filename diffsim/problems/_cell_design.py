"""Design of a voltammetric experiment: a large signal whose shape still says something."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._objective import Constraint, Maximise
from .._observables import Observables, observe
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._space import DesignSpace, Linear, Log
from .._types import Scalar
from ..electrochem import (
    ButlerVolmer,
    Circuit,
    CyclicSweep,
    Disc,
    Grid,
    Integrator,
    Mechanism,
    Species,
    Voltammetry,
)

_FORMAL, _CAPACITANCE, _RESISTANCE = 0.3, 0.2, 150.0


class PeakFeatures(AbstractSimulator):
    """A cyclic voltammogram of Ox + e ⇌ Red at a disc, reduced to what is read off it.

    **Parameters:** `scan_rate` V/s, `concentration` mol/m³, `radius` m, `temperature` K.
    k0 = 1e-4 m/s, α = 0.5, D = 7e-10 m²/s, C = 0.2 F/m², R = 150 Ω.

    **Observables:** `peak_current` A (cathodic, positive), `separation` of the peaks V,
    `capacitive_share`, the charging current over the peak. Peaks are vertices of the parabolas
    through the extreme samples, so that they vary continuously.
    """

    scan_rate: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.1)
    concentration: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=2.0)
    radius: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=1e-3)
    temperature: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=298.15)
    adjoint: str = eqx.field(static=True, default="forward")

    adjoints: ClassVar = ("forward", "checkpointed")

    def with_adjoint(self, adjoint):
        return dataclasses.replace(self, adjoint=adjoint)

    def lenses(self) -> dict[str, AbstractLens]:
        names = ("scan_rate", "concentration", "radius", "temperature")
        return {name: Leaf(name) for name in names}

    def __call__(self, inputs) -> Observables:
        half = 150
        sweep = CyclicSweep(_FORMAL + 0.45, _FORMAL - 0.45, self.scan_rate, samples=2 * half)
        answer = self._cell()(sweep)
        current, potential = answer.values["current"], answer.values["potential"]
        cathodic, at_cathodic = _peak(-current[:half], potential[:half])
        _, at_anodic = _peak(current[half:], potential[half:])
        charging = jnp.pi * self.radius**2 * _CAPACITANCE * self.scan_rate
        values = {
            "peak_current": cathodic,
            "separation": at_anodic - at_cathodic,
            "capacitive_share": charging / cathodic,
        }
        return observe(values, answer.result, answer.stats)

    def _cell(self) -> Voltammetry:
        cell = Voltammetry(
            Mechanism("Ox + e- <=> Red", kinetics=ButlerVolmer(k0=1e-4), formal_potential=_FORMAL),
            species={
                "Ox": Species(7e-10, concentration=self.concentration),
                "Red": Species(7e-10),
            },
            electrode=Disc(self.radius),
            temperature=self.temperature,
            circuit=Circuit(resistance=_RESISTANCE, capacitance=_CAPACITANCE),
            integrator=Integrator(tolerance=1e-4),
            grid=Grid(cells=16),
        )
        return cell.with_adjoint(self.adjoint)  # pyright: ignore


def _peak(y: Float[Array, " t"], x: Float[Array, " t"]) -> tuple[Scalar, Scalar]:
    """The vertex of the parabola through the largest sample and its neighbours."""
    i = jnp.clip(jnp.argmax(y), 1, y.size - 2)
    low, mid, high = (jax.lax.dynamic_index_in_dim(y, i + k, keepdims=False) for k in (-1, 0, 1))
    curvature = jnp.minimum(low - 2 * mid + high, -1e-30)
    shift = jnp.clip(0.5 * (low - high) / curvature, -1.0, 1.0)
    step = x[1] - x[0]
    at = jax.lax.dynamic_index_in_dim(x, i, keepdims=False) + shift * step
    return mid - 0.25 * (low - high) * shift, at


def _signal(observables: Observables) -> Scalar:
    return jnp.log10(jnp.maximum(observables.values["peak_current"], 1e-12)) + 5.0


def _limits(observables: Observables) -> Array:
    values = observables.values
    return jnp.stack([(values["separation"] - 0.1) / 0.1, (values["capacitive_share"] - 0.1) / 0.1])


def cell_design() -> Problem:
    """The largest peak current (its logarithm) with ΔE_p <= 100 mV and at most 10 % charging.

    Scan rate 0.02-5 V/s, concentration 0.5-10 mol/m³, disc radius 0.2-3 mm, 278-338 K. Kinetics and
    ohmic drop push against the separation, the double layer against the charging.
    """
    space = DesignSpace(
        scan_rate=Log(0.02, 5.0, unit="V/s"),
        concentration=Log(0.5, 10.0, unit="mol/m^3"),
        radius=Log(2e-4, 3e-3, unit="m"),
        temperature=Linear(278.0, 338.0, unit="K"),
    )
    start = PeakFeatures(0.03, 1.0, 4e-4, 298.15)
    limits = Constraint(_limits, "separation and charging")
    return Problem(start, None, space, Maximise(_signal), (limits,), name="cell_design")
