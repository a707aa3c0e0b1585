"""A table of tagged cells with the truth about each, for the tests of the engine.

Exact truths come from `analytic` (closed forms, or the integral equation, which shares nothing
with the engine). Where there are none the engine itself, refined in time and in space, is the
witness; it shares the equations, so every class of mechanism also has a case with a formula.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from diffsim import electrochem as ec
from diffsim.constants import faraday, gas_constant
from diffsim.electrochem import analytic, waveforms

TEMPERATURE = 298.15
THERMAL = gas_constant * TEMPERATURE / faraday
AREA = 1e-4
DIFFUSIVITY = 1e-9
SCAN_RATE = 0.1
# k0 in m/s of which the dimensionless K0 = k0 √(RT/(F ν D)) is one.
UNIT_K0 = np.sqrt(DIFFUSIVITY * SCAN_RATE / THERMAL)

simulate = eqx.filter_jit(lambda cell, waveform: cell(waveform))


@dataclass(frozen=True)
class Case:
    """A cell, a waveform, and the truth at the waveform's times (None: a refined run).

    **Fields:** `tags` for the choice of sub-tables; the `skip` first outputs are not compared
    (at t = 0 an ideal current may be infinite); `slack` is what the error may be in units of
    the tolerance, 1 unless a `reason` is given.
    """

    name: str
    tags: frozenset[str]
    cell: ec.Voltammetry
    waveform: Any
    truth: Callable[[np.ndarray], np.ndarray] | None = None
    skip: int = 1
    slack: float = 1.0
    reason: str = ""

    def with_tolerance(self, tolerance: float) -> "Case":
        return replace(self, cell=replace(self.cell, integrator=ec.Integrator(tolerance=tolerance)))

    def exact(self) -> np.ndarray:
        if self.truth is not None:
            return self.truth(np.asarray(self.waveform.times()))
        grid = self.cell.decided_grid()
        cells, first = 2 * grid.cells, 0.25 * grid.first
        fine = replace(
            self.cell,
            grid=ec.Grid(cells=cells, first=first),
            integrator=ec.Integrator(tolerance=1e-7, max_steps=16384),
        )
        return np.asarray(simulate(fine, self.waveform).checked().values["current"])

    def error(self) -> float:
        """Largest error relative to the largest current."""
        found = np.asarray(simulate(self.cell, self.waveform).checked().values["current"])
        exact = self.exact()[self.skip :]
        return float(np.max(np.abs(found[self.skip :] - exact)) / np.max(np.abs(exact)))


def couple(
    kinetics=None,
    *,
    text="O + e- <=> P",
    diffusivities=(DIFFUSIVITY, DIFFUSIVITY),
    bulk=(1.0, 0.0),
    electrode=None,
    formal_potential=0.0,
    **options,
) -> ec.Voltammetry:
    step = ec.ElectrodeReaction(text, kinetics or ec.Nernst(), formal_potential)
    return cell([step], dict(O=(diffusivities[0], bulk[0]), P=(diffusivities[1], bulk[1])),
                electrode, **options)  # fmt: skip


def cell(steps, species, electrode=None, **options) -> ec.Voltammetry:
    return ec.Voltammetry(
        mechanism=ec.Mechanism(*steps),
        species={name: ec.Species(*pair) for name, pair in species.items()},
        electrode=electrode or ec.Planar(AREA),
        temperature=TEMPERATURE,
        **options,
    )


def sweep(start=20.0, vertex=-20.0, scan_rate=SCAN_RATE, samples=400) -> ec.CyclicSweep:
    """A cyclic sweep with potentials in RT/F."""
    return ec.CyclicSweep(THERMAL * start, THERMAL * vertex, scan_rate, samples=samples)


def ramps(waveform) -> list[analytic.Ramp]:
    segments = waveform.segments()
    return [analytic.Ramp(*map(float, piece)) for piece in zip(*segments, strict=True)]


def planar_truth(case_cell: ec.Voltammetry, waveform):
    """The integral equation, for a couple at a plane."""
    step = case_cell.mechanism.electrode[0]
    ox, red = (case_cell.species[name] for name in case_cell.mechanism.species)
    reference = analytic.planar_voltammogram(
        ramps(waveform),
        step.kinetics,
        area=float(case_cell.electrode.area),
        diffusivity_ox=float(ox.diffusivity),
        diffusivity_red=float(red.diffusivity),
        concentration_ox=float(ox.concentration),
        concentration_red=float(red.concentration),
        formal_potential=float(step.formal_potential),
        electrons=step.equation.electrons,
        temperature=TEMPERATURE,
    )
    return reference


def planar_case(name, tags, kinetics=None, waveform=None, **options) -> Case:
    waveform = waveform or sweep()
    made = couple(kinetics, **options)
    return Case(
        name,
        frozenset(tags) | {"planar", "couple"},
        made,
        waveform,
        lambda times: planar_truth(made, waveform)(times * (1 - 1e-10)),  # before a corner
        skip=1,
    )


def _couples() -> list[Case]:
    cases = [planar_case("Nernst", {"smooth", "Nernst"})]
    for k0 in (1e9, 1e3, 1.0, 1e-3, 1e-6, 1e-9):
        law = ec.ButlerVolmer(k0 * UNIT_K0, 0.5)
        wide = sweep(10.0, -40.0) if k0 < 1e-4 else sweep()
        cases.append(planar_case(f"Butler-Volmer, K0={k0:g}", {"smooth", "BV"}, law, wide))
    for ratio in (0.1, 0.5, 10.0):
        for law in (ec.Nernst(), ec.ButlerVolmer(UNIT_K0, 0.4, 0.5)):
            tag = type(law).__name__
            both = (DIFFUSIVITY, ratio * DIFFUSIVITY)
            cases.append(
                planar_case(f"{tag}, D ratio {ratio:g}", {"ratio", tag}, law, diffusivities=both)
            )
    for law in (
        ec.MarcusHush(UNIT_K0, 0.8),
        ec.MarcusHushChidsey(UNIT_K0, 0.3),
        ec.MarcusHushChidsey(0.01 * UNIT_K0, 0.8),
        ec.AsymptoticMarcusHushChidsey(UNIT_K0, 0.6),
    ):
        cases.append(
            planar_case(
                f"{type(law).__name__}, lambda={float(law.reorganisation_energy):g}", {"law"}, law
            )
        )
    cases += [
        planar_case(
            "kinetically hindered throughout", {"hindered"}, ec.ButlerVolmer(1e-9 * UNIT_K0)
        ),
        planar_case("both in the bulk", {"bulk"}, ec.ButlerVolmer(UNIT_K0), bulk=(1.0, 0.5)),
        planar_case(
            "oxidation", {"bulk"}, ec.ButlerVolmer(UNIT_K0), sweep(-20.0, 20.0), bulk=(0.0, 2.0)
        ),
        planar_case("two electrons, Nernst", {"electrons"}, text="O + 2 e- <=> P"),
        planar_case(
            "two electrons, Butler-Volmer",
            {"electrons"},
            ec.ButlerVolmer(UNIT_K0, 0.3),
            text="O + 2 e- <=> P",
        ),
        planar_case("slow scan", {"scan"}, ec.ButlerVolmer(1e-5), sweep(scan_rate=1e-4)),
        planar_case("fast scan", {"scan"}, ec.ButlerVolmer(1e-3), sweep(scan_rate=1e3)),
        planar_case(
            "three cycles",
            {"cycles"},
            ec.ButlerVolmer(UNIT_K0),
            ec.CyclicSweep(0.3, (-0.3, 0.2), SCAN_RATE, cycles=3, end=0.1),
        ),
        planar_case(
            "step", {"step"}, None, waveforms.PotentialStep(-20 * THERMAL, 1.0, samples=1000)
        ),
        planar_case(
            "double step",
            {"step"},
            ec.ButlerVolmer(1e-4),
            waveforms.DoubleStep(-0.2, 0.2, 1.0, 0.5, rest=0.5, rest_duration=0.1),
        ),
        planar_case(
            "staircase",
            {"step", "many segments"},
            ec.ButlerVolmer(1e-4),
            waveforms.Staircase(0.2, -0.02, 0.1, 20),
        ),
        planar_case(
            "square wave",
            {"step", "many segments"},
            ec.ButlerVolmer(1e-4),
            waveforms.SquareWave(0.2, -0.02, 0.025, 25.0, 20),
        ),
        planar_case(
            "differential pulse",
            {"step", "many segments"},
            None,
            waveforms.DifferentialPulse(0.2, -0.02, 0.05, 0.2, 0.05, 20),
        ),
    ]
    return cases


LONG_WIRE = dict(
    slack=2.0,
    reason="Dt/r² = 8000: 1.2e-4 with 32 cells, for which the field of a wire is second order",
)


def _geometries() -> list[Case]:
    cases = []
    step = waveforms.PotentialStep(-30 * THERMAL, 1.0, samples=500)
    for sigma in (1e-2, 1.0, 1e2, 1e5):
        # Dt/r² of the whole experiment is 80/σ.
        radius = np.sqrt(sigma * DIFFUSIVITY * THERMAL / SCAN_RATE)
        options = dict(diffusivities=(DIFFUSIVITY, 0.5 * DIFFUSIVITY))
        for name, electrode in (
            ("sphere", ec.Sphere(radius)),
            ("disc", ec.Disc(radius)),
            ("cylinder", ec.Cylinder(radius, 1e-2)),
        ):
            if name != "sphere" and sigma in (1.0, 1e5):
                continue
            law = ec.ButlerVolmer(UNIT_K0) if sigma > 1 else ec.Nernst()
            cases.append(
                Case(
                    f"{name}, sigma={sigma:g}",
                    frozenset({"curved", name}),
                    couple(law, electrode=electrode, **options),
                    sweep(),
                    **(LONG_WIRE if name == "cylinder" and sigma < 1 else {}),
                )
            )
    for tau in (1e-3, 1.0, 1e4):
        radius = np.sqrt(DIFFUSIVITY / tau)
        values = dict(diffusivity=DIFFUSIVITY, concentration=1.0, radius=radius)
        cases.append(
            Case(
                f"step at a hemisphere, Dt/r²={tau:g}",
                frozenset({"curved", "step", "sphere"}),
                couple(electrode=ec.hemisphere(radius)),
                step,
                lambda t, v=values: -np.asarray(analytic.hemisphere_step(t, **v)),
            )
        )
        cases.append(
            Case(
                f"step at a wire, Dt/r²={tau:g}",
                frozenset({"curved", "step", "cylinder"}),
                couple(electrode=ec.Cylinder(radius, 0.01)),
                step,
                lambda t, v=values: -analytic.cylinder_step_exact(t, length=0.01, **v),
            )
        )
    thin = 1e-6
    slow = sweep(10, -10, 1e-5)
    layer = dict(volume=AREA * thin, concentration=1.0, scan_rate=1e-5, formal_potential=0.0)

    def thin_truth(times):
        potential = np.asarray(slow.potential(jnp.asarray(times)))
        current = np.asarray(
            analytic.thin_layer_current(potential, temperature=TEMPERATURE, **layer)
        )
        return np.where(times <= 0.5 * times[-1], -current, current)

    cases += [
        Case(
            "thin layer at equilibrium",
            frozenset({"thin"}),
            couple(domain=ec.ThinLayer(thin)),
            slow,
            thin_truth,
            skip=1,
            slack=2.0,
            reason="the formula is the limit of a thickness² far below D RT/Fν: 4e-4 here",
        ),
        Case(
            "thin layer, thick",
            frozenset({"thin"}),
            couple(ec.ButlerVolmer(UNIT_K0), domain=ec.ThinLayer(2e-5)),
            sweep(),
        ),
        Case(
            "diffusion layer",
            frozenset({"layer"}),
            couple(ec.ButlerVolmer(UNIT_K0), domain=ec.DiffusionLayer(2e-5)),
            sweep(),
        ),
    ]
    return cases


def _circuits() -> list[Case]:
    law = ec.ButlerVolmer(UNIT_K0)
    ohmic = ec.Circuit(resistance=100.0)
    double = ec.Circuit(resistance=50.0, capacitance=0.2, capacitance_slope=0.3)
    return [
        Case("resistance", frozenset({"circuit"}), couple(law, circuit=ohmic), sweep()),
        Case(
            "resistance and double layer",
            frozenset({"circuit"}),
            couple(law, circuit=double),
            sweep(),
        ),
        Case(
            "double layer",
            frozenset({"circuit"}),
            couple(law, circuit=ec.Circuit(capacitance=0.2)),
            sweep(),
            skip=1,
        ),
        Case(
            "step through a resistance",
            frozenset({"circuit", "step"}),
            couple(circuit=ec.Circuit(resistance=200.0)),
            waveforms.PotentialStep(-20 * THERMAL, 1.0, samples=500),
        ),
        Case(
            "alternating current",
            frozenset({"AC"}),
            couple(law, circuit=double),
            waveforms.Sinusoidal(
                ec.LinearSweep(0.2, -0.2, SCAN_RATE), 0.01, 5.0, phase=0.3, samples=1000
            ),
        ),
    ]


STIFF = (
    "pseudo-first-order rates 1e4 times the scan's: the integrator loses order on stiff terms and "
    "its error estimate understates (finer cells change nothing, a tighter tolerance does)"
)


def _mechanisms() -> list[Case]:
    d = DIFFUSIVITY
    law = ec.ButlerVolmer(10 * UNIT_K0)
    reduction = ec.ElectrodeReaction("A + e- <=> B", law, 0.0)
    rate = SCAN_RATE / THERMAL

    def chemical(name, steps, species, waveform=None, extra=(), slack=1.0, **options):
        return Case(
            name,
            frozenset({"chemistry", *extra}),
            cell(steps, species, **options),
            waveform or sweep(15.0, -15.0),
            slack=slack,
            reason="" if slack == 1.0 else STIFF,
        )

    pair = dict(A=(d, 1.0), B=(0.7 * d, 0.0))
    nernst = ec.ElectrodeReaction("A + e- <=> B", ec.Nernst(), 0.0)
    cases = []
    for k in (0.1, 10.0, 1e4):
        step = ec.ChemicalReaction("B -> C", k * rate)
        cases.append(
            chemical(
                f"EC, K={k:g}",
                [reduction, step],
                pair | dict(C=(d, 0.0)),
                extra={"EC"},
                slack=2.0 if k > 1e3 else 1.0,
            )
        )
    preceding = ec.ChemicalReaction("Y <=> A", 5.0 * rate, 50.0 * rate)
    second = ec.ElectrodeReaction("C + e- <=> D", law, 0.2)
    cases += [
        chemical(
            "CE",
            [reduction, preceding],
            dict(A=(d, 1 / 11), B=(d, 0.0), Y=(0.8 * d, 10 / 11)),
            extra={"CE"},
        ),
        chemical(
            "ECE",
            [reduction, second, ec.ChemicalReaction("B -> C", rate)],
            pair | dict(C=(d, 0.0), D=(d, 0.0)),
            extra={"ECE"},
        ),
        chemical(
            "EC2",
            [reduction, ec.ChemicalReaction("2 B -> C", 20.0 * rate)],
            pair | dict(C=(0.5 * d, 0.0)),
            extra={"EC2"},
        ),
        chemical(
            "EC2, fast",
            [reduction, ec.ChemicalReaction("2 B -> C", 1e4 * rate)],
            pair | dict(C=(0.5 * d, 0.0)),
            extra={"EC2"},
        ),
        chemical(
            "EE with comproportionation",
            [
                reduction,
                ec.ElectrodeReaction("B + e- <=> C", law, -0.15),
                ec.ChemicalReaction(
                    "A + C <=> 2 B", 100 * rate, 100 * rate * np.exp(-0.15 / THERMAL)
                ),
            ],
            pair | dict(C=(1.5 * d, 0.0)),
            extra={"EE"},
        ),
        chemical(
            "EE",
            [reduction, ec.ElectrodeReaction("B + e- <=> C", ec.Nernst(), -0.1)],
            pair | dict(C=(1.5 * d, 0.0)),
            extra={"EE"},
        ),
        chemical(
            "EC', depleted",
            [reduction, ec.ChemicalReaction("B + Z -> A + Q", 10.0 * rate)],
            pair | dict(Z=(d, 2.0), Q=(d, 0.0)),
            extra={"EC'"},
        ),
        chemical(
            "EC', large excess",
            [nernst, ec.ChemicalReaction("B + Z -> A + Q", rate)],
            dict(A=(d, 1.0), B=(d, 0.0), Z=(d, 1e4), Q=(d, 0.0)),
            extra={"EC'"},
            slack=6.0,
        ),
        chemical(
            "dissociative CE",
            [
                ec.ElectrodeReaction("2 H+ + 2 e- <=> H2", ec.ButlerVolmer(5e-5, 0.5), 0.0),
                ec.ChemicalReaction("HA <=> H+ + Ac-", 500.0 * rate, 500.0 * rate / 0.02),
            ],
            {
                "H+": (9.3 * d, 0.131774),
                "H2": (5.1 * d, 0.0),
                "HA": (1.29 * d, 0.868226),
                "Ac-": (1.09 * d, 0.131774),
            },
            sweep(15.0, -25.0),
            extra={"CE", "second order"},
        ),
        chemical(
            "EC at a microelectrode",
            [reduction, ec.ChemicalReaction("B -> C", rate)],
            pair | dict(C=(d, 0.0)),
            electrode=ec.hemisphere(2e-5),
            extra={"EC", "curved"},
        ),
        chemical(
            "EC in a thin layer",
            [reduction, ec.ChemicalReaction("B -> C", rate)],
            pair | dict(C=(d, 0.0)),
            domain=ec.ThinLayer(1e-5),
            extra={"EC", "thin"},
        ),
    ]
    return cases


CASES = [*_couples(), *_geometries(), *_circuits(), *_mechanisms()]
