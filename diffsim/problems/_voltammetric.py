"""Voltammetric problems whose data are simulated, and whose truth is therefore known."""

import functools

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._problem import Problem
from .._space import DesignSpace, Linear, Log
from .._types import Scalar
from ..electrochem import (
    ButlerVolmer,
    CyclicSweep,
    ElectrodeReaction,
    Experiment,
    Grid,
    Integrator,
    Mechanism,
    ParameterRecovery,
    Planar,
    Species,
    Voltammetry,
)

# SI units. K0 = k0 √(RT/(F ν D)) runs from 2.3 to 0.2 over the scan rates: quasi-reversible, so
# that all four parameters show.
FIVE_SCANS_TRUTH = {"k0": 4e-5, "alpha": 0.45, "formal_potential": 0.43, "diffusivity": 6e-10}
SCAN_RATES = (0.02, 0.05, 0.1, 0.5, 2.0)

_POINTS = 200
_AREA, _CONCENTRATION = 1e-6, 5.0
_TIGHT = Integrator(tolerance=1e-7, max_steps=16384)


def five_scan_rates(seed: int = 0, noise: float = 0.005) -> Problem:
    """A couple at a plane, five scan rates from 20 mV/s to 2 V/s, four unknowns.

    Fe3+ + e- <=> Fe2+ from 0.8 to 0.06 V and back, Butler-Volmer with α + β = 1, one
    diffusivity for both species. The data are simulated on a grid twice as fine at a tolerance
    of 1e-7, so that the discretisation of the problem is not that of its data.

    **Arguments:**

    - `seed`: of the noise.
    - `noise`: standard deviation of the current, relative to the peak of each curve; it is
      also the scale of the residuals (1 % of the peak if it is zero).

    Truth: `FIVE_SCANS_TRUTH`. Four decades are searched for k0, 0.2-0.8 for α, ±0.1 V for the
    formal potential, 1.7 decades for D.
    """
    random = np.random.default_rng(seed)
    experiments = []
    for rate, clean in zip(SCAN_RATES, _clean(), strict=True):
        peak = float(np.max(np.abs(clean)))
        waveform = _sweep(rate)
        experiments.append(
            Experiment(
                waveform,
                np.asarray(waveform.times()),
                clean + noise * peak * random.standard_normal(clean.size),
                label=f"{1e3 * rate:g} mV/s",
                scale=(noise or 0.01) * peak,
            )
        )
    space = DesignSpace(
        k0=Log(1e-7, 1e-3, unit="m/s"),
        alpha=Linear(0.2, 0.8),
        formal_potential=Linear(0.33, 0.53, unit="V"),
        diffusivity=Log(1e-10, 5e-9, unit="m^2/s"),
    )
    start = _cell(k0=1e-5, alpha=0.5, formal_potential=0.4, diffusivity=1e-9)
    return ParameterRecovery(start, experiments, space, name="five_scan_rates")


def _sweep(rate: float | Scalar) -> CyclicSweep:
    return CyclicSweep(0.8, 0.06, rate, samples=_POINTS)


def _cell(*, k0, alpha, formal_potential, diffusivity, **numerics) -> Voltammetry:
    step = ElectrodeReaction(
        "Fe3+ + e- <=> Fe2+", ButlerVolmer(k0=k0, alpha=alpha), formal_potential
    )
    return Voltammetry(
        mechanism=Mechanism(step),
        species={
            "Fe3+": Species(diffusivity, _CONCENTRATION),
            "Fe2+": Species(diffusivity, 0.0),
        },
        electrode=Planar(_AREA),
        temperature=298.15,
        **numerics,
    )


@functools.cache
def _clean() -> tuple[np.ndarray, ...]:
    """The currents without noise, one array (t,) for each scan rate."""
    cell = _cell(**FIVE_SCANS_TRUTH, grid=Grid(cells=64), integrator=_TIGHT)

    @eqx.filter_jit
    def simulate(rate):
        return cell(_sweep(rate))

    answers = [simulate(jnp.asarray(rate)).checked() for rate in SCAN_RATES]
    return tuple(np.asarray(answer.values["current"]) for answer in answers)
