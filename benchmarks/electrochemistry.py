"""The wider electrochemistry: rotating discs, adsorption, migration; accuracy, robustness, cost.

Run `python -m benchmarks.electrochemistry --json`.
"""

import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import equinox as eqx

from benchmarks import _draws, _memory, _memory_adsorption, _memory_migration
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
from diffsim.electrochem import analytic, waveforms

DRAWS, REFINED = 1000, 50


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
    """Peak resident set of a process that makes one voltammogram and its gradient."""
    command = [sys.executable, "-m", module.__name__]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=True)
    imports, forward, both = map(float, done.stdout.split()[-3:])
    return {
        f"{name}_gradient_gb": both / 1024,
        f"{name}_forward_gb": forward / 1024,
        f"{name}_imports_gb": imports / 1024,
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


def robustness(count: int, refined: int) -> Mapping:
    """Random draws of every simulator, compared with a refined run."""
    found: Figures = {"draws": count, "draws_refined": refined}
    silent = 0
    for name, family in _draws.FAMILIES.items():
        tally = _draws.tally(family, count, refined=refined)
        log(f"{name}: {tally}")
        silent += tally.silent
        found |= {
            f"draws_{name}_successful": tally.successful,
            f"draws_{name}_silent_failures": tally.silent,
            f"draws_{name}_worst_error": tally.worst,
        }
    return found | {"draws_silent_failures": silent}


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = command_line("electrochemistry", __doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="random cells of each kind")
    parser.add_argument("--refined", type=int, default=REFINED, help="of them, compared")
    parser.add_argument("--repeats", type=int, default=5, help="of each timing")
    options = parser.parse_args(arguments)
    no_compilation_cache()
    figures = machine()
    attempt(figures, ["levich_error"], levich)
    benches = {"weakly_supported": _memory_migration, "adsorption": _memory_adsorption}
    for name, bench in benches.items():
        attempt(figures, [f"{name}_gradient_gb"], lambda n=name, b=bench: memory(n, b))
        attempt(
            figures,
            [f"{name}_gradient_cpu_s"],
            lambda n=name, b=bench: cost(n, b, options.repeats),
        )
    attempt(
        figures,
        ["draws_silent_failures"],
        lambda: robustness(options.draws, options.refined),
    )
    for name, value in figures.items():
        log(f"{name:40s} {value}")
    if options.json:
        print_json(figures)


if __name__ == "__main__":
    main()
