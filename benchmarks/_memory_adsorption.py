"""Run as a process of its own: a full adsorption voltammogram and its gradient; peaks in MB."""

from benchmarks._memory import print_peaks
from diffsim import electrochem as ec

DIFFUSIVITY, LENGTH = 1e-9, 1e-5
SPEED, CLOCK = DIFFUSIVITY / LENGTH, LENGTH**2 / DIFFUSIVITY
THERMAL = 0.025692579


def problem(adjoint="checkpointed"):
    """The published problem at sigma = 40: cell and cycle."""
    cell = ec.Voltammetry(
        ec.Mechanism(
            "A + e- <=> B", kinetics=ec.ButlerVolmer(1e-3 * SPEED, 0.4, 0.6), formal_potential=0.0
        ),
        {"A": ec.Species(DIFFUSIVITY, 1.0), "B": ec.Species(DIFFUSIVITY)},
        ec.Planar(1e-4),
    )
    layer = ec.AdsorbedLayer(
        LENGTH,
        {"A": ec.Adsorbate(4.5 * SPEED, 1 / CLOCK), "B": ec.Adsorbate(SPEED, 1 / CLOCK)},
        kinetics=ec.ButlerVolmer(0.5 / CLOCK, 0.45, 0.55),
    )
    sweep = ec.CyclicSweep(25 * THERMAL, -25 * THERMAL, 40 * THERMAL / CLOCK)
    return ec.AdsorptiveVoltammetry(cell, layer).with_adjoint(adjoint), sweep


if __name__ == "__main__":
    print_peaks(problem)
