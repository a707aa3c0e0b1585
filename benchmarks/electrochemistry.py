"""The wider electrochemistry: rotating discs, adsorption, migration; accuracy, robustness, cost.

Run `python -m benchmarks.electrochemistry --json`.
"""

import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import _draws, _memory, _memory_adsorption, _memory_migration
from benchmarks._families import FAMILIES, Family, Numerics
from benchmarks._shared import (
    Figures,
    attempt,
    command_line,
    compiled,
    cpu_seconds,
    log,
    machine,
    no_compilation_cache,
    print_json,
)
from diffsim import electrochem as ec
from diffsim._simulator import AdjointName
from diffsim.electrochem import analytic, waveforms

DRAWS, REFINED, GRADIENTS = 1000, 50, 50
PARTS = ["levich", "published", "cost", "growth", "draws", "gradients"]


def levich() -> Mapping:
    """The largest relative error of Levich's limit over rates and ratios of diffusivities."""
    worst = 0.0
    for rate in (50.0, 200.0, 1000.0):
        for ratio in (0.1, 1.0, 10.0):
            cell = ec.Voltammetry(
                ec.Mechanism("O + e- <=> P", kinetics=ec.Nernst(), formal_potential=0.0),
                {"O": ec.Species(1e-9, 1.0), "P": ec.Species(ratio * 1e-9)},
                ec.Planar(1e-5),
                domain=ec.Levich(rate),
            )
            step = waveforms.PotentialStep(-0.5, 20.0, samples=2)
            current = -float(_last(cell, step))
            exact = analytic.levich_current(
                area=1e-5, diffusivity=1e-9, concentration=1.0, rotation_rate=rate,
                kinematic_viscosity=1e-6,
            )  # fmt: skip
            worst = max(worst, abs(current / float(exact) - 1.0))
    return {"levich_error": worst}


def _last(cell, waveform):
    return eqx.filter_jit(lambda c, w: c(w).checked().values["current"][-1])(cell, waveform)


def memory(name: str, module: ModuleType) -> Mapping:
    """Peak resident sets of a process that makes one voltammogram, and of one that makes it and its
    gradient.

    Compilation included; "private": without the pages of libraries.
    """

    def peaks(adjoint: AdjointName) -> list[float]:
        command = [sys.executable, "-m", module.__name__, adjoint]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=True)
        return [float(part) / 1024 for part in done.stdout.split()[-3:]]

    imports, both, libraries = peaks("checkpointed")
    return {
        f"{name}_gradient_gb": both,
        f"{name}_gradient_private_gb": both - libraries,
        f"{name}_forward_gb": peaks("forward")[1],
        f"{name}_imports_gb": imports,
    }


def cost(name: str, bench: Any, repeats: int) -> Mapping:
    """CPU seconds, warm: one voltammogram, its reverse gradient, and their ratio."""
    forward, compile_s = compiled(_memory.value, *bench.problem("forward"))
    reverse, compile_gradient = compiled(_memory.gradient, *bench.problem())
    one, both = (cpu_seconds(call, repeats=repeats) for call in (forward, reverse))
    return {
        f"{name}_forward_cpu_s": one,
        f"{name}_gradient_cpu_s": both,
        f"{name}_gradient_over_forward": both / one,
        f"{name}_compile_cpu_s": compile_s,
        f"{name}_compile_gradient_cpu_s": compile_gradient,
    }


def derivative_cost(name: str, family: Family, repeats: int) -> Mapping:
    """A reverse gradient and a forward-mode Jacobian by all p ranges, in forward runs.

    In the middle of the ranges; the Jacobian is divided by 1 + p.
    """
    vector = _draws.physical(family, np.full(len(family.ranges), 0.5))

    def values(vector, adjoint: AdjointName = "forward"):
        return _draws.simulate(family, Numerics(adjoint=adjoint), vector)[0]

    def gradient(vector):
        return jax.grad(lambda v: jnp.sum(values(v, "checkpointed")))(vector)

    calls = [compiled(f, vector)[0] for f in (values, gradient, jax.jacfwd(values))]
    one, reverse, jacobian = (cpu_seconds(call, repeats=repeats) for call in calls)
    return {
        f"{name}_reverse_over_forward": reverse / one,
        f"{name}_jacobian_over_1_plus_p": jacobian / one / (1 + vector.size),
        f"{name}_run_cpu_s": one,
    }


def growth(name: str, family: Family, repeats: int) -> Mapping:
    """The exponent of the number of cells in the CPU time of one step, from 32 to 512 cells."""
    vector = _draws.physical(family, np.full(len(family.ranges), 0.5))
    cells, seconds = 2 ** np.arange(5, 10), []
    for n in cells:
        how = Numerics(cells=int(n))

        def steps(vector, how=how):
            p = {key: vector[i] for i, key in enumerate(family.ranges)}
            values, observed = family.run(p, how)
            return values, sum(observed.stats.values())

        call, _ = compiled(steps, vector)
        number = int(call()[1])
        seconds.append(cpu_seconds(call, repeats=repeats) / number)
    slope = np.polyfit(np.log(cells), np.log(seconds), 1)[0]
    return {f"{name}_cost_exponent": float(slope)}


def robustness(name: str, family: Family, count: int, refined: int) -> Mapping:
    """Random draws of a simulator, compared with a refined run."""
    found = _draws.tally(family, count, refined=refined)
    log(f"{name}: {found}")
    return {
        f"draws_{name}_successful": found.successful,
        f"draws_{name}_silent_failures": found.silent,
        f"draws_{name}_worst_error": found.worst,
    }


def gradients(name: str, family: Family, count: int) -> Mapping:
    """Derivatives at random draws: reverse against forward mode, and central differences."""
    found = _draws.derivatives(family, count)
    log(f"{name}: {found}")
    return {
        f"draws_{name}_gradients": found.checked,
        f"draws_{name}_gradient_modes": found.modes,
        f"draws_{name}_gradient_differences": found.differences,
        f"draws_{name}_gradient_median": found.median,
    }


def _totals(figures: Figures, names: list[str]) -> Mapping:
    """Over all simulators; None where one of them failed."""

    def over(combine, kind):
        values = [figures.get(f"draws_{name}_{kind}") for name in names]
        numbers = [value for value in values if isinstance(value, int | float)]
        return combine(numbers) if len(numbers) == len(values) else None

    return {
        "draws_silent_failures": over(sum, "silent_failures"),
        "draws_worst_error": over(max, "worst_error"),
        "draws_gradient_worst": over(max, "gradient_modes"),
        "draws_gradient_differences": over(max, "gradient_differences"),
    }


def _one(figures: Figures, name: str, options) -> None:
    """What is asked for about one simulator."""
    family, repeats = FAMILIES[name], options.repeats
    parts = {
        "cost": (f"{name}_reverse_over_forward", lambda: derivative_cost(name, family, repeats)),
        "growth": (f"{name}_cost_exponent", lambda: growth(name, family, repeats)),
        "draws": (
            f"draws_{name}_silent_failures",
            lambda: robustness(name, family, options.draws, options.refined),
        ),
        "gradients": (
            f"draws_{name}_gradient_modes",
            lambda: gradients(name, family, options.gradients),
        ),
    }
    for part, (figure, measure) in parts.items():
        # No grid, no growth.
        if part in options.only and not (part == "growth" and family.cells is None):
            attempt(figures, [figure], measure)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = command_line("electrochemistry", __doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="random cells of each kind")
    parser.add_argument("--refined", type=int, default=REFINED, help="of them, compared")
    parser.add_argument("--gradients", type=int, default=GRADIENTS, help="of each kind, checked")
    parser.add_argument("--repeats", type=int, default=5, help="of each timing")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--kinds", nargs="*", choices=list(FAMILIES), default=list(FAMILIES))
    options = parser.parse_args(arguments)
    no_compilation_cache()
    figures = machine()
    if "levich" in options.only:
        attempt(figures, ["levich_error"], levich)
    benches = {"weakly_supported": _memory_migration, "adsorption": _memory_adsorption}
    for name, bench in benches.items() if "published" in options.only else ():
        attempt(figures, [f"{name}_gradient_gb"], lambda n=name, b=bench: memory(n, b))
        attempt(
            figures,
            [f"{name}_gradient_cpu_s"],
            lambda n=name, b=bench: cost(n, b, options.repeats),
        )
    for name in options.kinds:
        _one(figures, name, options)
    if {"draws", "gradients"} & set(options.only):
        figures |= {"draws": options.draws, "draws_refined": options.refined}
        figures |= _totals(figures, options.kinds)
    for name, value in figures.items():
        log(f"{name:40s} {value}")
    if options.json:
        print_json(figures)


if __name__ == "__main__":
    main()
