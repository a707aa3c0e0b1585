"""Random cells over the documented ranges: does every one end right, or in a result code?"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import qmc

from diffsim import electrochem as ec
from diffsim._observables import Observables
from diffsim._status import code
from diffsim.constants import faraday, gas_constant

TEMPERATURE = 298.15
THERMAL = gas_constant * TEMPERATURE / faraday
TOLERANCE = 1e-4
# A curve that differs by more than this from a refined one, in parts of its largest current, is
# wrong without saying so: ten times what is promised.
SILENT = 1e-3
POINTS = 150


class Family(NamedTuple):
    """A simulator with its ranges: (low, high) by name, logarithmic where `low` is positive."""

    ranges: dict[str, tuple[float, float]]
    make: Callable[[dict[str, Array], ec.Integrator, ec.Grid], Callable[..., Observables]]


class Tally(NamedTuple):
    """What came of the draws; `worst` is the largest deviation of those that succeeded."""

    draws: int
    successful: int
    silent: int
    worst: float


def _bare(p: dict[str, Array], kinetics, integrator, grid, domain=None) -> ec.Voltammetry:
    return ec.Voltammetry(
        ec.Mechanism("O + e- <=> P", kinetics=kinetics, formal_potential=0.0),
        {"O": ec.Species(p["diffusivity_ox"], p["concentration"]),
         "P": ec.Species(p["diffusivity_red"])},
        ec.Planar(1e-5),
        domain=ec.SemiInfinite() if domain is None else domain,
        temperature=TEMPERATURE,
        integrator=integrator,
        grid=grid,
    )  # fmt: skip


def _rotating(p, integrator, grid):
    law = ec.ButlerVolmer(p["k0"], p["alpha"])
    return _bare(p, law, integrator, grid, ec.Levich(p["rotation_rate"]))


def _adsorbing(p, integrator, grid):
    cell = _bare(p, ec.ButlerVolmer(p["k0"], p["alpha"]), integrator, grid)
    layer = ec.AdsorbedLayer(
        p["saturation"],
        {
            "O": ec.Adsorbate(p["adsorption_ox"], p["desorption_ox"]),
            "P": ec.Adsorbate(p["adsorption_red"], p["desorption_red"]),
        },
        ec.Frumkin(p["interaction"]),
        kinetics=ec.ButlerVolmer(p["adsorbed_k0"], p["alpha"]),
    )
    return ec.AdsorptiveVoltammetry(cell, layer)


_COMMON = {
    "diffusivity_ox": (1e-11, 1e-8),
    "diffusivity_red": (1e-11, 1e-8),
    "concentration": (1e-2, 1e2),
    "scan_rate": (1e-3, 1e2),
    "k0": (1e-9, 1e-1),
    "alpha": (0.2, 0.8),
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
}


def draw(family: Family, count: int, seed: int = 0) -> Float[np.ndarray, "count d"]:
    """A Latin hypercube over the ranges."""
    unit = qmc.LatinHypercube(len(family.ranges), seed=seed).random(count)
    columns = [
        low * (high / low) ** u if low > 0 else low + (high - low) * u
        for (low, high), u in zip(family.ranges.values(), unit.T, strict=True)
    ]
    return np.stack(columns, axis=1)


def program(family: Family, integrator: ec.Integrator, grid: ec.Grid):
    """From a vector of parameters to current (t,) and result code, compiled."""

    def run(vector):
        p = dict(zip(family.ranges, vector, strict=True))
        sweep = ec.CyclicSweep(12 * THERMAL, -14 * THERMAL, p["scan_rate"])
        times = sweep.duration * jnp.linspace(0.02, 1.0, POINTS)
        observed = family.make(p, integrator, grid)((sweep, times))
        return observed.values["current"], code(observed.result)

    return eqx.filter_jit(run)


def tally(family: Family, count: int, *, refined: int, seed: int = 0) -> Tally:
    """Simulate `count` draws, and the first `refined` of those that succeed once more, finer."""
    coarse = program(family, ec.Integrator(TOLERANCE), ec.Grid())
    fine = program(family, ec.Integrator(0.1 * TOLERANCE, max_steps=16384), ec.Grid(cells=144))
    successful = silent = compared = 0
    worst = 0.0
    for vector in draw(family, count, seed):
        current, ended = (np.asarray(a) for a in coarse(jnp.asarray(vector)))
        if ended != 0:
            silent += int(np.any(np.isfinite(current)))
            continue
        successful += 1
        wrong = not np.all(np.isfinite(current))
        if compared < refined:
            exact, also = (np.asarray(a) for a in fine(jnp.asarray(vector)))
            if also == 0:
                compared += 1
                error = np.max(np.abs(current - exact)) / np.max(np.abs(exact))
                worst, wrong = max(worst, float(error)), wrong or error > SILENT
        silent += int(wrong)
    return Tally(count, successful, silent, worst)
