"""Write `docs/_generated/validation.md`: the accuracy of the voltammetric engine, as measured.

    python docs/scripts/validation.py [--fresh]

Runs the cases of `tests/electrochem/voltammetry_cases.py` once (about ten CPU minutes, most of it
compilation) and keeps each finished row in `docs/_generated/validation.json`, so that a killed run
goes on where it was. `--fresh` measures all of it again.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(__file__).resolve().parents[1] / "_generated"
sys.path.append(str(ROOT))

import jax  # noqa: E402
import numpy as np  # noqa: E402

from diffsim import electrochem as ec  # noqa: E402
from diffsim.electrochem import analytic  # noqa: E402
from diffsim.solvers import RODAS4P, RODAS5P  # noqa: E402
from tests.electrochem.voltammetry_cases import (  # noqa: E402
    AREA,
    CASES,
    DIFFUSIVITY,
    Case,
    simulate,
)

BY_NAME = {case.name: case for case in CASES}
ORDER_CASES = ("Nernst", "Butler-Volmer, K0=1", "step")
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
CELLS = (8, 12, 16, 20, 24, 32)
FINE = ec.Grid(cells=80)


class Rows:
    """Finished measurements by name, on disk after each."""

    def __init__(self, path: Path, *, fresh: bool):
        self.path = path
        known = path.exists() and not fresh
        self.values = json.loads(path.read_text()) if known else {}

    def get(self, name: str, measure):
        if name not in self.values:
            print(name, file=sys.stderr, flush=True)
            self.values[name] = measure()
            jax.clear_caches()  # dozens of compiled programs exhaust the memory maps of a process
            beside = self.path.with_suffix(".partial")
            beside.write_text(json.dumps(self.values, indent=1) + "\n", encoding="utf-8")
            beside.replace(self.path)
        return self.values[name]


def accuracy(case: Case) -> dict:
    observed = simulate(case.cell, case.waveform).checked()
    found, exact = np.asarray(observed.values["current"]), case.exact()
    kept = slice(case.skip, None)
    error = np.max(np.abs(found[kept] - exact[kept])) / np.max(np.abs(exact[kept]))
    steps = observed.stats["num_steps"] + observed.stats["num_rejected_steps"]
    return {"error": float(error), "steps": int(steps)}


def in_time(case: Case, tableau, tolerance: float) -> dict:
    """On a grid so fine that time is what is seen."""
    integrator = ec.Integrator(tolerance=tolerance, tableau=tableau, max_steps=65536)
    return accuracy(replace(case, cell=replace(case.cell, integrator=integrator, grid=FINE)))


def in_space(case: Case, cells: int) -> dict:
    """At a tolerance so tight that space is what is seen."""
    integrator = ec.Integrator(tolerance=1e-8, max_steps=65536)
    grid = ec.Grid(cells=cells)
    return accuracy(replace(case, cell=replace(case.cell, integrator=integrator, grid=grid)))


def with_first(case: Case, first: float) -> dict:
    """Where neither time nor the number of cells is what limits."""
    integrator = ec.Integrator(tolerance=1e-8, max_steps=65536)
    grid = ec.Grid(cells=FINE.cells, first=first)
    return accuracy(replace(case, cell=replace(case.cell, integrator=integrator, grid=grid)))


def textbook() -> dict:
    """The numbers of the textbooks, as |found / exact - 1| unless a unit is named."""
    from benchmarks.voltammetry import accuracy as reversible

    found = {key: float(value) for key, value in reversible().items()}
    step = BY_NAME["step"]
    times = np.asarray(step.waveform.times())
    current = np.asarray(simulate(step.cell, step.waveform).values["current"])
    exact = analytic.cottrell(times, area=AREA, diffusivity=DIFFUSIVITY, concentration=1.0)
    found["cottrell"] = float(np.max(np.abs(-current / np.asarray(exact) - 1)[9:]))
    for name, key in (("hemisphere", "step at a hemisphere, Dt/r²=10000"),):
        case = BY_NAME[key]
        last = float(simulate(case.cell, case.waveform).values["current"][-1])
        radius = float(case.cell.electrode.radius)
        limit = analytic.hemisphere_limiting_current(
            radius=radius, diffusivity=DIFFUSIVITY, concentration=1.0
        )
        tail = 1 + 1 / np.sqrt(np.pi * 1e4)  # what Dt/r² = 10⁴ is away from the limit
        found[name] = float(abs(-last / float(limit) / tail - 1))
    found["disc_steady"], found["disc_worst"] = _disc()
    return found


def _disc() -> tuple[float, float]:
    """Of a disc after a step: error at Dt/r² = 10⁶, and the worst on the way there."""
    import jax.numpy as jnp

    from diffsim.electrochem import waveforms
    from tests.electrochem.voltammetry_cases import THERMAL, couple

    waveform = waveforms.PotentialStep(-30 * THERMAL, 1.0, samples=500)
    times, worst, last = np.geomspace(1e-3, 1.0, 25), 0.0, 0.0
    for tau in (1.0, 1e3, 1e6):
        radius = np.sqrt(DIFFUSIVITY / tau)
        made = couple(electrode=ec.Disc(radius))
        current = np.asarray(simulate(made, (waveform, jnp.asarray(times))).values["current"])
        exact = analytic.disc_step_exact(
            times, radius=radius, diffusivity=DIFFUSIVITY, concentration=1.0
        )
        errors = np.abs(-current / exact - 1)
        worst, last = max(worst, float(np.max(errors))), float(errors[-1])
    return last, worst


def number(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def order_of(rows: list[dict], axis: list[float]) -> str:
    """Slope of ln error over ln of the axis, over all rows but those at round-off."""
    pairs = [(x, r["error"]) for x, r in zip(axis, rows, strict=True) if r["error"] > 1e-9]
    if len(pairs) < 2:
        return "-"
    logs = np.log(np.array(pairs))
    return f"{-np.polyfit(logs[:, 0], logs[:, 1], 1)[0]:.1f}"


def cases_table(rows: Rows) -> list[str]:
    lines = [
        "| case | truth | steps | error | error / tolerance |",
        "|---|---|---:|---:|---:|",
    ]
    for case in CASES:
        row = rows.get(f"case {case.name}", lambda case=case: accuracy(case))
        truth = "formula or integral equation" if case.truth is not None else "refined run"
        share = row["error"] / case.cell.integrator.tolerance
        mark = f"**{share:.2f}**" if share > 1 else f"{share:.2f}"
        lines.append(
            f"| {case.name} | {truth} | {row['steps']} | {number(row['error'])} | {mark} |"
        )
    return lines


def limits_table(rows: Rows) -> list[str]:
    lines = ["| case | error / tolerance | allowed in the tests | reason |", "|---|---:|---:|---|"]
    for case in CASES:
        if case.slack == 1.0:
            continue
        share = rows.values[f"case {case.name}"]["error"] / case.cell.integrator.tolerance
        lines.append(f"| {case.name} | {share:.2f} | {case.slack:g} | {case.reason} |")
    return lines


def time_table(rows: Rows) -> list[str]:
    head = " | ".join(f"{t:g}" for t in TOLERANCES)
    lines = [
        f"| case | method | {head} | slope |",
        "|---|---|" + "---:|" * (len(TOLERANCES) + 1),
    ]
    for name in ORDER_CASES:
        for label, tableau in (("RODAS4P", RODAS4P), ("RODAS5P", RODAS5P)):
            found = [
                rows.get(
                    f"time {name} {label} {t:g}",
                    lambda t=t, tableau=tableau, name=name: in_time(BY_NAME[name], tableau, t),
                )
                for t in TOLERANCES
            ]
            cells = " | ".join(f"{number(r['error'])} ({r['steps']})" for r in found)
            slope = order_of(found, [r["steps"] for r in found])
            lines.append(f"| {name} | {label} | {cells} | {slope} |")
    return lines


def space_table(rows: Rows) -> list[str]:
    head = " | ".join(str(n) for n in CELLS)
    lines = [f"| case | {head} |", "|---|" + "---:|" * len(CELLS)]
    for name in ("Nernst", "Butler-Volmer, K0=1", "step at a hemisphere, Dt/r²=1"):
        found = [
            rows.get(f"space {name} {n}", lambda n=n, name=name: in_space(BY_NAME[name], n))
            for n in CELLS
        ]
        lines.append(f"| {name} | " + " | ".join(number(r["error"]) for r in found) + " |")
    return lines


def first_table(rows: Rows) -> list[str]:
    lines = ["| case | first cell 2e-5 | 5e-6 |", "|---|---:|---:|"]
    for name in ("Nernst", "step"):
        found = [
            rows.get(f"first {name} {w:g}", lambda w=w, name=name: with_first(BY_NAME[name], w))
            for w in (2e-5, 5e-6)
        ]
        lines.append(f"| {name} | " + " | ".join(number(r["error"]) for r in found) + " |")
    return lines


def textbook_table(rows: Rows) -> list[str]:
    found = rows.get("textbook", textbook)
    lines = ["| quantity | error | asked for |", "|---|---:|---:|"]
    for name, key, unit, goal in (
        ("reversible peak, 0.446295", "peak_error", "", "1e-4"),
        ("its position", "peak_position_error_thermal", " RT/F", "1e-3 RT/F"),
        ("peak separation", "peak_separation_error_mV", " mV", "0.05 mV"),
        ("whole reversible curve, of its peak", "curve_error", "", "1e-4"),
        ("Cottrell, from the tenth of 1000 outputs on", "cottrell", "", "1e-3"),
        ("hemisphere, Dt/r² = 10⁴", "hemisphere", "", "1e-3"),
        ("disc, Dt/r² = 10⁶", "disc_steady", "", "1e-3"),
        ("disc, worst on the way (Dt/r² about 0.5)", "disc_worst", "", "-"),
    ):
        lines.append(f"| {name} | {number(found[key])}{unit} | {goal} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    options = parser.parse_args()
    TARGET.mkdir(exist_ok=True)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diffsim" / "tests"
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    rows = Rows(TARGET / "validation.json", fresh=options.fresh)
    parts = [
        "<!-- Written by docs/scripts/validation.py; do not edit. -->",
        "## Numbers of the textbooks", "", *textbook_table(rows), "",
        "## Space", "",
        "Largest error of the current over the curve, relative to its peak, against the number of "
        "cells (tolerance 1e-8).", "", *space_table(rows), "",
        "The same with "
        f"{FINE.cells} cells, against the width of the first as a part of the domain.",
        "", *first_table(rows), "",
        "## Time", "",
        f"The same error against the tolerance asked for ({FINE.cells} cells); attempted steps in "
        "brackets; the slope is that of ln error over ln steps.", "", *time_table(rows), "",
        "## The table of cases", "",
        "Default settings, tolerance 1e-4. Bold: above the tolerance, see the known limits.", "",
        *cases_table(rows), "",
        "## Known limits in the table", "", *limits_table(rows), "",
    ]  # fmt: skip
    (TARGET / "validation.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
