"""Tasks out of the box: analytic functions with known optima, recovery, design of an experiment."""

import functools
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import diffsim as ds
from diffsim import electrochem as ec, problems

from ..offline import NegativeLog, trajectory_pool
from ._problem_task import ProblemTask


def analytic_task(name: str, *, pool: int = 1000, percent: float = 50.0, gradients: bool = False):
    """A function of `problems.CASES` with its known optimum, such as "branin" or "hartmann6".

    **Raises:** `ValueError` naming the known ones.
    """
    usable = {n: c for n, c in problems.CASES.items() if not c.tags & {"constrained", "residuals"}}
    if name not in usable:
        raise ValueError(f"name must be one of {sorted(usable)}, but is {name!r}.")
    case = usable[name]
    return ProblemTask(
        case.build(), pool=pool, percent=percent, best=-case.value, gradients=gradients
    )


def wide_analytic_task(name: str, d: int, *, pool: int = 1000, gradients: bool = False):
    """Ackley, Levy or Styblinski-Tang in d variables; the optimum grows with d or stays zero.

    **Raises:** `ValueError` naming the known ones.
    """
    known = {
        "ackley": (problems.ackley, 0.0),
        "levy": (problems.levy, 0.0),
        "styblinski_tang": (problems.styblinski_tang, 39.16616570377142 * d),
    }
    if name not in known:
        raise ValueError(f"name must be one of {sorted(known)}, but is {name!r}.")
    build, best = known[name]
    return ProblemTask(build(d), pool=pool, best=best, gradients=gradients)


def steady_state_recovery(*, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """Four parameters of a steady-state voltammogram at a microelectrode (closed formula)."""
    problem = problems.steady_state_voltammogram()
    return ProblemTask(problem, NegativeLog(1.0), pool=pool, gradients=gradients)


def biased_steady_state_recovery(*, starts: int = 30, gradients: bool = False) -> ProblemTask:
    """The same, from the trajectories of short and timid gradient descents."""
    problem, score = problems.steady_state_voltammogram(), NegativeLog(1.0)
    method = ds.Adam(learning_rate=0.01, steps=20)

    def pool(seed: int):
        return trajectory_pool(problem, method, budget=60, starts=starts, seed=seed, score=score)

    return ProblemTask(problem, score, pool=pool, gradients=gradients)


def voltammetric_recovery(*, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """Five parameters of one simulated voltammogram with 1 % noise: k0, α, E0, D and capacitance.

    Fe3+ + e- <=> Fe2+ at a plane, 0.1 V/s. Truth: 4e-5 m/s, 0.45, 0.43 V, 6e-10 m²/s, 0.2 F/m².
    """
    return ProblemTask(_recovery_problem(), NegativeLog(1.0), pool=pool, gradients=gradients)


def resistive_recovery(*, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """k0, E0, D, capacitance and resistance of one simulated voltammogram at 1 V/s, 1 % noise.

    The drop over the resistance and the charging current shift and round the peaks as slow kinetics
    do. Truth: 1e-4 m/s, 0.43 V, 6e-10 m²/s, 0.3 F/m², 400 ohm.
    """
    score = NegativeLog(1.0)
    return ProblemTask(_resistive_problem(), score, pool=pool, gradients=gradients, effort=600)


def sweep_design(*, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """Design of a sweep: scan rate, start and vertex potential, electrode radius, concentration.

    Wanted is the sensitivity of the voltammogram to the rate constant at a fixed noise of 1 nA and
    against the capacitive current:

        score = log10( rms of dI/dln k0 / (1 nA + 0.05 rms of the capacitive current) )

    k0 1e-5 m/s, α 0.5, E0 0.43 V, D 6e-10 m²/s, 0.2 F/m²; the derivative by a difference of 1 %.
    """
    return ProblemTask(_design_problem(), pool=pool, gradients=gradients)


def _cell(k0, alpha, formal, diffusivity, capacitance, area: Any = 1e-6, concentration: Any = 5.0):
    return ec.Voltammetry(
        ec.Mechanism(
            "Fe3+ + e- <=> Fe2+",
            kinetics=ec.ButlerVolmer(k0=k0, alpha=alpha),
            formal_potential=formal,
        ),
        species={"Fe3+": ec.Species(diffusivity, concentration), "Fe2+": ec.Species(diffusivity)},
        electrode=ec.Planar(area),
        circuit=ec.Circuit(capacitance=capacitance),
        temperature=298.15,
    )


def _resistive_cell(k0, formal, diffusivity, capacitance, resistance):
    cell = _cell(k0, 0.5, formal, diffusivity, capacitance)
    circuit = ec.Circuit(capacitance=capacitance, resistance=resistance)
    return eqx.tree_at(lambda c: c.circuit, cell, circuit)


@functools.cache
def _resistive_problem() -> ds.Problem:
    sweep = ec.CyclicSweep(0.8, 0.06, 1.0, samples=120)
    clean = _resistive_cell(1e-4, 0.43, 6e-10, 0.3, 400.0)(sweep).checked().values["current"]
    clean = np.asarray(clean)
    noise = 0.01 * float(np.max(np.abs(clean)))
    noisy = clean + noise * np.random.default_rng(1).standard_normal(clean.size)
    return ds.Problem(
        _resistive_cell(1e-5, 0.4, 1e-9, 0.1, 100.0),
        sweep,
        ds.DesignSpace(
            k0=ds.Log(1e-6, 1e-3, unit="m/s"),
            formal_potential=ds.Linear(0.33, 0.53, unit="V"),
            diffusivity=ds.Log(1e-10, 5e-9, unit="m^2/s"),
            capacitance=ds.Linear(0.0, 1.0, unit="F/m^2"),
            resistance=ds.Linear(0.0, 1000.0, unit="ohm"),
        ),
        ds.LeastSquares(noisy, noise, observable="current"),
        name="resistive_recovery",
    )


@functools.cache
def _recovery_problem() -> ds.Problem:
    sweep = ec.CyclicSweep(0.8, 0.06, 0.1, samples=120)
    clean = _cell(4e-5, 0.45, 0.43, 6e-10, 0.2)(sweep).checked().values["current"]
    clean = np.asarray(clean)
    noise = 0.01 * float(np.max(np.abs(clean)))
    noisy = clean + noise * np.random.default_rng(0).standard_normal(clean.size)
    return ds.Problem(
        _cell(1e-5, 0.5, 0.4, 1e-9, 0.1),
        sweep,
        ds.DesignSpace(
            k0=ds.Log(1e-7, 1e-3, unit="m/s"),
            alpha=ds.Linear(0.2, 0.8),
            formal_potential=ds.Linear(0.33, 0.53, unit="V"),
            diffusivity=ds.Log(1e-10, 5e-9, unit="m^2/s"),
            capacitance=ds.Linear(0.0, 1.0, unit="F/m^2"),
        ),
        ds.LeastSquares(noisy, noise, observable="current"),
        name="voltammetric_recovery",
    )


_CAPACITANCE = 0.2


class _SweepDesign(ds.AbstractSimulator):
    """The figure of merit of a sweep and a cell; all design variables are leaves."""

    scan_rate: jax.Array
    start: jax.Array
    vertex: jax.Array
    radius: jax.Array
    concentration: jax.Array

    # The cell inside is differentiated forwards only: few variables, one program.
    adjoints: ClassVar = ("forward",)

    def lenses(self):
        names = ("scan_rate", "start", "vertex", "radius", "concentration")
        return {name: ds.Leaf(name) for name in names}

    def __call__(self, inputs):
        sweep = ec.CyclicSweep(self.start, self.vertex, self.scan_rate, samples=100)
        area = jnp.pi * self.radius**2

        def simulate(k0):
            return _cell(k0, 0.5, 0.43, 6e-10, _CAPACITANCE, area, self.concentration)(sweep)

        one, other = simulate(1e-5), simulate(1.01e-5)
        difference = other.values["current"] - one.values["current"]
        sensitivity = jnp.sqrt(jnp.mean(difference**2)) / jnp.log(1.01)
        capacitive = _CAPACITANCE * area * self.scan_rate
        merit = jnp.log10(sensitivity / (1e-9 + 0.05 * capacitive))
        return ds.observe({"merit": merit}, one.result, {})


def _merit(observables):
    return observables.values["merit"]


@functools.cache
def _design_problem() -> ds.Problem:
    start = [jnp.asarray(v) for v in (0.1, 0.7, 0.2, 5e-4, 2.0)]
    return ds.Problem(
        _SweepDesign(*start),
        None,
        ds.DesignSpace(
            scan_rate=ds.Log(5e-3, 5.0, unit="V/s"),
            start=ds.Linear(0.5, 0.9, unit="V"),
            vertex=ds.Linear(-0.3, 0.4, unit="V"),
            radius=ds.Log(1e-4, 2e-3, unit="m"),
            concentration=ds.Log(0.5, 10.0, unit="mol/m^3"),
        ),
        ds.Maximise(_merit),
        name="sweep_design",
    )
