"""Polarisation of a polymer electrolyte: profiles, measured or simulated, and what made them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .._problem import Problem
from .._simulator import Leaf
from .._space import DesignSpace, Linear
from ..electrochem.concentrated import (
    AbstractConcentrationLaw,
    BinaryElectrolyte,
    CurrentProgramme,
    Held,
    PolarisationCell,
    Polynomial,
    RidgedError,
    Samples,
    Stepping,
    Tabulated,
    TiedDiffusivity,
)

LENGTH = 3e-3  # m
AVERAGE = 1870.0  # mol/m³
CELLS = 50
# Where profiles were compared in the published fit, m.
WINDOW = (0.6e-3, 2.4e-3)
RIDGE = 0.005
# A published fit passes through states that do not exist; whoever repeats it lets it.
_ANYWHERE = dict(low=-1e6, high=1e6)

Table = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True)
class PolarisationRecord:
    """What was recorded of a polarisation experiment, in SI units.

    - `current`: time (s) and current density (A/m²).
    - `relation`: concentration (mol/m³) and D χ/(1 − t₊⁰) (m²/s).
    - `profiles`: by time in s, position (m) and concentration (mol/m³).
    - `velocities`: by position in m, time (s) and velocity of the solvent (m/s).
    """

    current: Table
    relation: Table
    profiles: dict[float, Table]
    velocities: dict[float, Table]

    @property
    def observed(self) -> Float[np.ndarray, " t"]:
        """Every time at which something was measured, s."""
        times = [np.array(list(self.profiles), float)]
        times += [record[:, 0] for record in self.velocities.values()]
        return np.unique(np.concatenate(times))


def peo_litfsi(
    relation: Table,
    *,
    transference: tuple[float, float] | AbstractConcentrationLaw = (0.0, 0.0),
    extended: bool = True,
) -> BinaryElectrolyte:
    """LiTFSI in poly(ethylene oxide): t₊⁰ = p₀ + p₁ (c − c̄)/c̄, D from `relation`.

    **Arguments:**

    - `transference`: p₀, p₁, or a law of the concentration.
    - `extended`: hold the table beyond its ends and believe the polynomials everywhere, as
      the published fit does; otherwise a simulation that leaves the table is `out_of_range`.

    Density: 1.123276 + 0.106822 c + 0.007606 c² g/cm³ with c in mol/L (H.-G. Steinrück et al.,
    Energy Environ. Sci. 13 (2020) 4312; as used in arXiv 2511.11631).
    """
    limits = _ANYWHERE if extended else {}
    table = Tabulated(relation[:, 0], relation[:, 1])
    c = AVERAGE
    density = [1123.276 + 0.106822 * c + 7.606e-6 * c**2, 0.106822 * c + 2 * 7.606e-6 * c**2]
    law = transference
    if not isinstance(law, AbstractConcentrationLaw):
        law = Polynomial(np.asarray(law, float), AVERAGE, **limits)
    return BinaryElectrolyte(
        transference=law,
        diffusion=TiedDiffusivity(Held(table, **limits) if extended else table),
        density=Polynomial([*density, 7.606e-6 * c**2], AVERAGE, **limits),
        salt_molar_mass=0.28709,
        solvent_molar_mass=0.04405,
    )


def polarisation(
    record: PolarisationRecord,
    *,
    ridge: float = RIDGE,
    velocity_scale: float | None = None,
    start: tuple[float, float] = (-3.0, -3.0),
    electrolyte: BinaryElectrolyte | None = None,
    space: DesignSpace | None = None,
    tolerance: float = 1e-4,
) -> Problem:
    """Transference number of a polymer electrolyte from profiles of the concentration.

    Minimises the published objective: root mean square error over the profiles, brought onto the
    centres of 50 cells by straight lines and divided by the mean concentration, plus
    λ (p₀² + p₁²). `RidgedError.error` is that number; the value of the problem is half its square.

    **Arguments:**

    - `velocity_scale`: m/s; if given, the records of the velocity are fitted, too, their root mean
      square error divided by this.
    - `start`: p₀, p₁. They are searched in [−4, 4].
    - `electrolyte`, `space`: another law and what is searched of it.
    - `tolerance`: of the steps. 1e-4 leaves 1.5e-5 in the profiles (relative to the mean) and
      less than 1e-8 in the objective.
    """
    times = np.array(sorted(record.profiles))
    observed = times if velocity_scale is None else record.observed
    programme = CurrentProgramme(record.current[:, 0], record.current[:, 1], observed)
    electrolyte = electrolyte or peo_litfsi(record.relation, transference=start)
    stepping = Stepping(tolerance=tolerance)
    cell = PolarisationCell(electrolyte, LENGTH, AVERAGE, cells=CELLS, stepping=stepping)
    samples = [profile_samples(record, cell, observed)]
    if velocity_scale is not None:
        samples.append(velocity_samples(record, cell, observed, velocity_scale))
    space = space or DesignSpace(
        {f"p{k}": Linear(-4.0, 4.0, where=_coefficient(k)) for k in range(2)}
    )
    return Problem(cell, programme, space, RidgedError(samples, ridge), name="polarisation")


def _coefficient(k: int) -> Leaf:
    return Leaf("electrolyte.transference.coefficients", index=k)


def profile_samples(record: PolarisationRecord, cell: PolarisationCell, observed) -> Samples:
    """The profiles at the centres of the cells in the window of the published fit."""
    centres = np.asarray(cell.positions)
    inside = centres[(centres >= WINDOW[0]) & (centres <= WINDOW[1])]
    times = sorted(record.profiles)
    values = [np.interp(inside, *record.profiles[time].T) for time in times]
    return Samples(
        "concentration",
        observed,
        centres,
        times=np.repeat(times, inside.size),
        places=np.tile(inside, len(times)),
        values=np.concatenate(values),
        scale=AVERAGE,
    )


def velocity_samples(
    record: PolarisationRecord, cell: PolarisationCell, observed, scale: float
) -> Samples:
    """The records of the solvent's velocity, point by point."""
    tables = record.velocities
    return Samples(
        "velocity",
        observed,
        np.asarray(cell.positions),
        times=np.concatenate([table[:, 0] for table in tables.values()]),
        places=np.repeat(list(tables), [len(table) for table in tables.values()]),
        values=np.concatenate([table[:, 1] for table in tables.values()]),
        scale=scale,
    )


def synthetic_polarisation(
    seed: int = 0, *, truth: tuple[float, float] = (-0.05, -0.45), noise: float = 0.02
) -> PolarisationRecord:
    """A record that is made up: the same times and places as the measured one, known p₀ and p₁.

    **Arguments:** `noise`: standard deviation of the concentration, relative to the mean; that of
    the velocity is ten times as much of its root mean square.
    """
    random = np.random.default_rng(seed)
    hours = np.concatenate([np.linspace(0.0, 4.0, 25), np.linspace(4.5, 19.5, 40)])
    current = np.stack([3600.0 * hours, 0.8 + 5.0 / (1.0 + 4.0 * hours)], axis=1)
    c = np.linspace(600.0, 3000.0, 91)
    relation = np.stack([c, 1.5e-11 - 4e-18 * (c - 1900.0) ** 2], axis=1)
    minutes = np.array([20.0, 151.0, 314.0, 511.0, 609.0, 707.0, 1100.0])
    stations, watched = np.linspace(0.66e-3, 2.44e-3, 23), np.linspace(0.4, 10.2, 18) * 3600.0
    observed = np.unique(np.concatenate([60.0 * minutes, watched]))
    electrolyte = peo_litfsi(relation, transference=truth, extended=False)
    cell = PolarisationCell(
        electrolyte, LENGTH, AVERAGE, cells=3 * CELLS, stepping=Stepping(tolerance=1e-7)
    )
    fields = cell(CurrentProgramme(current[:, 0], current[:, 1], observed)).checked().values
    centres = np.asarray(fields["position"])

    def at(name, time, places):
        return np.interp(places, centres, fields[name][int(np.argmin(np.abs(observed - time)))])

    profiles = {}
    for time in 60.0 * minutes:
        clean = at("concentration", time, stations)
        noisy = clean + noise * AVERAGE * random.standard_normal(clean.size)
        profiles[float(time)] = np.stack([stations, noisy], axis=1)
    velocities = {}
    for place in (0.95e-3, 1.65e-3, 2.35e-3):
        clean = np.array([at("velocity", time, place) for time in watched])
        noisy = clean + 10.0 * noise * np.std(clean) * random.standard_normal(clean.size)
        velocities[place] = np.stack([watched, noisy], axis=1)
    return PolarisationRecord(current, relation, profiles, velocities)
