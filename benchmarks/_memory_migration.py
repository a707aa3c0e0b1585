"""Run as a process of its own: a weakly supported voltammogram and its gradient; peaks in MB."""

from benchmarks._memory import print_peaks
from diffsim import electrochem as ec
from diffsim.constants import faraday, gas_constant, vacuum_permittivity

DIFFUSIVITY, LENGTH, TEMPERATURE = 1e-9, 1e-5, 298.15
SPEED, CLOCK = DIFFUSIVITY / LENGTH, LENGTH**2 / DIFFUSIVITY
THERMAL = gas_constant * TEMPERATURE / faraday
# The relative permittivity of a Debye-type length of a ten thousandth of the radius.
PERMITTIVITY = faraday**2 * LENGTH**2 / (gas_constant * TEMPERATURE) / 1e8 / vacuum_permittivity


def problem(adjoint="checkpointed", support=5.0):
    """The published problem at sigma = 10: cell and cycle."""
    cell = ec.Voltammetry(
        ec.Mechanism(
            "A + e- <=> B-",
            kinetics=ec.ButlerVolmer(10**0.5 * SPEED, 0.45, 0.5),
            formal_potential=0.0,
        ),
        {"A": ec.Species(DIFFUSIVITY, 1.0), "B-": ec.Species(DIFFUSIVITY)},
        ec.Planar(1e-4),
        temperature=TEMPERATURE,
    )
    ions = {"M+": ec.Species(DIFFUSIVITY, support), "N-": ec.Species(DIFFUSIVITY)}
    made = ec.MigrationVoltammetry(cell, ions, ec.Poisson(PERMITTIVITY), counter="N-")
    sweep = ec.CyclicSweep(10 * THERMAL, -10 * THERMAL, 10 * THERMAL / CLOCK, samples=400)
    return made.with_adjoint(adjoint), sweep


if __name__ == "__main__":
    print_peaks(problem)
