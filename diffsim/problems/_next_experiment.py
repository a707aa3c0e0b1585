"""Which experiment next? Designs for a quasi-reversible couple, with the usual choice as start."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from .._problem import Problem
from .._simulator import Leaf
from .._space import AbstractScale, DesignSpace, Linear, Log
from ..design import AbstractCriterion, DOptimal, ExperimentDesign, PeakNoise
from ..electrochem import (
    ButlerVolmer,
    Circuit,
    CyclicSweep,
    Integrator,
    Levich,
    LinearSweep,
    Mechanism,
    PiecewiseLinear,
    Plan,
    Planar,
    Species,
    Voltammetry,
)

# What is assumed of the couple, SI units. Quasi-reversible at 0.1 V/s: k0 √(RT/(F ν D)) = 0.8.
NEXT_EXPERIMENT_ASSUMED = {
    "formal_potential": 0.0,
    "k0": 4e-5,
    "alpha": 0.45,
    "diffusivity": 6e-10,
}
# In the way of fast scans: 100 Ω and 0.2 F/m², both unknown.
_RESISTANCE, _CAPACITANCE = 100.0, 0.2
SCAN_RATES_ALLOWED, ROTATION_RATES_ALLOWED = (0.01, 10.0), (10.0, 500.0)
_REST, _TURN, _NOISE = 0.35, -0.35, 0.005
Assumed = Mapping[str, float] | Sequence[Mapping[str, float]] | None


def scan_rate_design(
    count: int = 2, criterion: AbstractCriterion | None = None, assumed: Assumed = None
) -> Problem:
    """Scan rates of `count` cyclic voltammograms for E⁰′, k⁰, α and D; D-optimal if not told.

    0.35 V to −0.35 V about E⁰′ and back at a plane of 1 mm² in 5 mol/m³, each curve 100 points with
    noise of 0.5 % of its own peak, scan rates from 10 mV/s to 10 V/s. The resistance of the
    solution and the capacitance of the double layer are unknown, too, but of no interest. The
    start is the usual choice: equal steps of the logarithm from end to end.

    **Raises:** `ValueError` for fewer than two scan rates.
    """
    rates = _usual(count, SCAN_RATES_ALLOWED, np.log, np.exp)
    cell = _cell(circuit=Circuit(_RESISTANCE, _CAPACITANCE))
    nuisance = {
        "resistance": Linear(0.0, 500.0, unit="ohm"),
        "capacitance": Linear(0.0, 1.0, unit="F/m^2"),
    }
    return ExperimentDesign(
        Plan(cell, [CyclicSweep(_REST, _TURN, rate, samples=100) for rate in rates]),
        None,
        parameters=DesignSpace(_parameters() | nuisance),
        of_interest=list(NEXT_EXPERIMENT_ASSUMED),
        design=DesignSpace(
            {f"scan_rate@{i + 1}": Log(*SCAN_RATES_ALLOWED, unit="V/s") for i in range(count)}
        ),
        noise=PeakNoise(_NOISE),
        criterion=DOptimal() if criterion is None else criterion,
        assumed=assumed,
        name="scan_rate_design",
    )


def rotation_rate_design(count: int = 2, criterion: AbstractCriterion | None = None) -> Problem:
    """Rotation rates of `count` slow sweeps at a rotating disc, for the same four parameters.

    0.35 V to −0.35 V at 20 mV/s, k⁰ = 4e-5 m/s, 10 to 500 rad/s (95 to 4800 rpm), noise of 0.5 %
    of each curve's limiting current. The start is equal steps of √ω from end to end, as for the
    plots of Levich and of Koutecký.

    **Raises:** `ValueError` for fewer than two rotation rates.
    """
    rates = _usual(count, ROTATION_RATES_ALLOWED, np.sqrt, np.square)
    plan = Plan(
        _cell(domain=Levich(ROTATION_RATES_ALLOWED[0])),
        [LinearSweep(_REST, _TURN, 0.02, samples=100)] * count,
    )
    initial = {f"rotation_rate@{i + 1}": rate for i, rate in enumerate(rates)}
    return ExperimentDesign(
        plan,
        None,
        parameters=DesignSpace(_parameters()),
        design=DesignSpace(
            {
                name: Log(*ROTATION_RATES_ALLOWED, unit="rad/s", initial=rate)
                for name, rate in initial.items()
            }
        ),
        noise=PeakNoise(_NOISE),
        criterion=DOptimal() if criterion is None else criterion,
        name="rotation_rate_design",
    )


def vertex_design(corners: int = 4, criterion: AbstractCriterion | None = None) -> Problem:
    """Corners and duration of one programme of straight lines, for the same four parameters.

    `corners` of equal time between them, within ±0.35 V; all of it lasts 0.8 to 80 s, one record of
    200 points with noise of 0.5 % of its peak. The start is one triangular sweep in 8 s.

    **Raises:** `ValueError` for fewer than two corners.
    """
    if corners < 2:
        raise ValueError(f"corners must be at least 2, but are {corners}.")
    usual = np.interp(np.linspace(0.0, 1.0, corners + 1), [0.0, 0.5, 1.0], [_REST, _TURN, _REST])
    piece = 8.0 / corners
    waveform = PiecewiseLinear(jnp.full(corners, piece), jnp.asarray(usual), samples=200)
    space: dict[str, AbstractScale] = {
        f"corner{i}": Linear(_TURN, _REST, unit="V", where=Leaf("inputs.corners", index=i))
        for i in range(1, corners + 1)
    }
    space["piece"] = Log(0.1 * piece, 10.0 * piece, unit="s", where=Leaf("inputs.durations"))
    return ExperimentDesign(
        _cell(),
        waveform,
        parameters=DesignSpace(_parameters()),
        design=DesignSpace(space),
        noise=PeakNoise(_NOISE),
        criterion=DOptimal() if criterion is None else criterion,
        name="vertex_design",
    )


def _usual(count: int, allowed: tuple[float, float], warp, unwarp) -> np.ndarray:
    if count < 2:
        raise ValueError(f"count must be at least 2, but is {count}.")
    low, high = allowed
    # Not a hair outside the bounds by rounding.
    return np.clip(unwarp(np.linspace(warp(low), warp(high), count)), low, high)


def _parameters() -> dict[str, AbstractScale]:
    """The unknowns, and the ranges in which they are thought to lie."""
    return {
        "formal_potential": Linear(-0.1, 0.1, unit="V"),
        "k0": Log(1e-6, 1e-3, unit="m/s"),
        "alpha": Linear(0.2, 0.8),
        "diffusivity": Log(1e-10, 5e-9, unit="m^2/s"),
    }


def _cell(**parts) -> Voltammetry:
    assumed = NEXT_EXPERIMENT_ASSUMED
    diffusivity = assumed["diffusivity"]
    return Voltammetry(
        Mechanism(
            "Ox + e- <=> Red",
            kinetics=ButlerVolmer(assumed["k0"], assumed["alpha"]),
            formal_potential=assumed["formal_potential"],
        ),
        species={"Ox": Species(diffusivity, concentration=5.0), "Red": Species(diffusivity)},
        electrode=Planar(1e-6),
        integrator=Integrator(tolerance=1e-5),
        **parts,
    )
