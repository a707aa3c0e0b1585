"""Simulators with the ranges that their pages document, drawn from by `_draws`."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffsim import electrochem as ec
from diffsim._observables import Observables
from diffsim._simulator import AdjointName
from diffsim.constants import faraday, gas_constant
from diffsim.electrochem import concentrated

TEMPERATURE = 298.15
THERMAL = gas_constant * TEMPERATURE / faraday
POINTS = 150
# In parts of the largest one.
_OVERPOTENTIALS = jnp.linspace(-0.5, 0.5, 41)
# mol/m3 of the concentrated electrolyte, LiTFSI in PEO.
_AVERAGE = 1870.0

Numbers = dict[str, Array]


class Numerics(NamedTuple):
    """How finely a draw is simulated; `cells` None is the simulator's own choice."""

    tolerance: float = 1e-4
    cells: int | None = None
    max_steps: int | None = None
    adjoint: AdjointName = "forward"

    @property
    def integrator(self) -> ec.Integrator:
        """Of the cells that have one."""
        return ec.Integrator(self.tolerance, max_steps=self.max_steps)


class Family(NamedTuple):
    """A simulator with its ranges: (low, high) by name, logarithmic where `low` is positive.

    **Fields:** `run` gives a column of numbers and how the simulation ended; `cells`: of the
    refined run, None where there is no grid to refine; `reference`: the same column by other
    means, where there is nothing to refine at all; `fine`: the tolerance at which derivatives are
    checked, the least one at which round-off does not yet decide the steps.
    """

    ranges: dict[str, tuple[float, float]]
    run: Callable[[Numbers, Numerics], tuple[Float[Array, " t"], Observables]]
    cells: int | None = 144
    reference: Callable[[dict[str, float]], np.ndarray] | None = None
    fine: float = 1e-8


def _couple(p: Numbers, kinetics, how: Numerics, names=("O", "P"), domain=None) -> ec.Voltammetry:
    oxidised, reduced = names
    return ec.Voltammetry(
        ec.Mechanism(
            f"{oxidised} + e- <=> {reduced}", kinetics=kinetics, formal_potential=0.0
        ),
        {oxidised: ec.Species(p["diffusivity_ox"], p["concentration"]),
         reduced: ec.Species(p["diffusivity_red"])},
        ec.Planar(1e-5),
        domain=ec.SemiInfinite() if domain is None else domain,
        temperature=TEMPERATURE,
        integrator=how.integrator,
        grid=ec.Grid(cells=how.cells),
    )  # fmt: skip


def _swept(simulator, p: Numbers, how: Numerics):
    sweep = ec.CyclicSweep(12 * THERMAL, -14 * THERMAL, p["scan_rate"])
    times = sweep.duration * jnp.linspace(0.02, 1.0, POINTS)
    observed = simulator.with_adjoint(how.adjoint)((sweep, times))
    return observed.values["current"], observed


def _rotating(p, how):
    law = ec.ButlerVolmer(p["k0"], p["alpha"])
    return _swept(_couple(p, law, how, domain=ec.Levich(p["rotation_rate"])), p, how)


def _adsorbing(p, how):
    cell = _couple(p, ec.ButlerVolmer(p["k0"], p["alpha"]), how)
    layer = ec.AdsorbedLayer(
        p["saturation"],
        {
            "O": ec.Adsorbate(p["adsorption_ox"], p["desorption_ox"]),
            "P": ec.Adsorbate(p["adsorption_red"], p["desorption_red"]),
        },
        ec.Frumkin(p["interaction"]),
        kinetics=ec.ButlerVolmer(p["adsorbed_k0"], p["alpha"]),
    )
    return _swept(ec.AdsorptiveVoltammetry(cell, layer), p, how)


def _migrating(field: ec.AbstractField):
    def run(p, how):
        law = ec.ButlerVolmer(p["k0"], p["alpha"])
        cell = _couple(p, law, how, names=("A", "B-"))
        ions = {
            "M+": ec.Species(p["diffusivity_cation"], p["support"] * p["concentration"]),
            "N-": ec.Species(p["diffusivity_anion"]),
        }
        return _swept(ec.MigrationVoltammetry(cell, ions, field, counter="N-"), p, how)

    return run


def _weak_acid(p, how):
    names = ("dissociation_constant", "forward", "diffusivity_acid", "radius")
    simulator = ec.WeakAcidReduction(
        **{name: p[name] for name in names},
        integrator=how.integrator,
        grid=ec.Grid(cells=how.cells),
        adjoint=how.adjoint,
    )
    observed = simulator(p["total"][None])
    return observed.values["current"], observed


def _metal(p, how):
    del how
    law = ec.MarcusHushChidsey(1.0, p["reorganisation_energy"])
    electrode = ec.MetalElectrode(law, p["exchange_current_density"])
    observed = electrode(_OVERPOTENTIALS * p["overpotential"])
    return observed.values["current_density"], observed


def _chidsey(p: dict[str, float]) -> np.ndarray:
    """The same by the trapezoidal rule over the levels of the metal."""
    scale = THERMAL  # eV and V of one RT/F are one number
    energy = p["reorganisation_energy"] / scale
    theta = np.asarray(_OVERPOTENTIALS) * p["overpotential"] / scale
    width = 12 * np.sqrt(2 * energy) + 40
    levels = np.linspace(-width - energy, width + energy, 200_001)
    fermi = 0.5 * (1 - np.tanh(0.5 * levels))

    def integral(drive):
        return np.trapezoid(
            np.exp(-((energy + drive - levels) ** 2) / (4 * energy)) * fermi, levels
        )

    rest = integral(0.0)
    return p["exchange_current_density"] * np.array(
        [(integral(-t) - integral(t)) / rest for t in theta]
    )


def _polarised(p, how):
    """Transference number and current within what the solvent can bear; cells are not refined."""
    c = _AVERAGE
    density = [1123.276 + 0.106822 * c + 7.606e-6 * c**2, 0.106822 * c + 1.5212e-5 * c**2]
    transference = jnp.stack([p["transference"], p["transference_slope"]])
    electrolyte = concentrated.BinaryElectrolyte(
        concentrated.Polynomial(transference, c),
        concentrated.Diffusivity(concentrated.Polynomial(p["diffusivity"][None], c)),
        concentrated.Polynomial([*density, 7.606e-6 * c**2], c),
        0.28709,
        0.04405,
    )
    cell = concentrated.PolarisationCell(
        electrolyte, 3e-3, c, cells=50,
        stepping=concentrated.Stepping(0.1 * how.tolerance), adjoint=how.adjoint,
    )  # fmt: skip
    observed_at = jnp.linspace(0.2, 1.0, 5) * 6e4
    programme = concentrated.CurrentProgramme(
        np.array([0.0]), p["current_density"][None], observed_at
    )
    observed = cell(programme)
    return jnp.ravel(observed.values["concentration"]), observed


_COMMON = {
    "diffusivity_ox": (1e-11, 1e-8),
    "diffusivity_red": (1e-11, 1e-8),
    "concentration": (1e-2, 1e2),
    "scan_rate": (1e-3, 1e2),
    "k0": (1e-9, 1e-1),
    "alpha": (0.2, 0.8),
}
_IONS = {
    "diffusivity_cation": (1e-10, 1e-8),
    "diffusivity_anion": (1e-10, 1e-8),
    "support": (0.5, 1000.0),
}
FAMILIES = {
    "rotating": Family(_COMMON | {"rotation_rate": (1.0, 1000.0)}, _rotating),
    "adsorption": Family(
        _COMMON
        | {
            "saturation": (1e-8, 1e-4),
            "adsorption_ox": (1e-8, 1e-2),
            "adsorption_red": (1e-8, 1e-2),
            "desorption_ox": (1e-4, 1e3),
            "desorption_red": (1e-4, 1e3),
            "adsorbed_k0": (1e-2, 1e5),
            "interaction": (-3.0, 2.0),
        },
        _adsorbing,
    ),
    "migration_neutral": Family(_COMMON | _IONS, _migrating(ec.Electroneutral()), 160),
    "migration_poisson": Family(_COMMON | _IONS, _migrating(ec.Poisson(78.4)), 160, fine=1e-6),
    "weak_acid": Family(
        {
            "dissociation_constant": (1e-4, 1e1),
            "forward": (1e3, 1e8),
            "diffusivity_acid": (1e-10, 1e-8),
            "radius": (1e-6, 1e-4),
            "total": (1e-1, 1e3),
        },
        _weak_acid,
    ),
    "metal_electrode": Family(
        {
            "reorganisation_energy": (0.05, 2.0),
            "exchange_current_density": (1e-2, 1e4),
            "overpotential": (0.01, 2.0),
        },
        _metal,
        None,
        _chidsey,
    ),
    "concentrated": Family(
        {
            "transference": (-0.5, 0.5),
            "transference_slope": (-1.0, 1.0),
            "diffusivity": (3e-13, 3e-11),
            "current_density": (0.02, 2.0),
        },
        _polarised,
        None,
    ),
}
