"""Gradient against gradient-free: what it costs to recover four parameters.

    python -m benchmarks.recovery [--quick] [--seeds 20] [--budget 3000] [--json]
        [--directory results/recovery] [--output recovery.md] [--figure recovery.png]

One problem per seed (`five_scan_rates`), one random start per seed, the same for every method.
Each finished cell (method, seed) is a file, and is skipped if present. What is counted, and what
counts as reached: `benchmarks/README.md`.
"""

import argparse
import hashlib
import json
import re
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import diffsim as ds
from diffsim.problems import FIVE_SCANS_TRUTH, five_scan_rates

from ._cost_figure import draw
from ._methods import METHODS, USES
from ._shared import Figures, command_line, log, machine, print_json, write_beside
from ._until import until

QUANTITIES = ("evaluations", "cost", "cpu_s")
_RESAMPLES = 2000


@dataclass(frozen=True)
class Study:
    """What is compared: everything here is in the name of a cell's file.

    `within`: the relative distance from the optimum that counts as reached; `budget`: cost in
    forward-equivalent runs after which a method has failed.
    """

    noise: float = 0.005
    within: float = 1e-3
    budget: int = 3000

    def path(self, directory: Path, name: str, seed: int) -> Path:
        """Where the cell of a method is kept."""
        method = repr(METHODS[name]) if name in METHODS else ""
        # Functions print their address, which is not part of what is compared.
        identity = re.sub(r"0x[0-9a-f]+", "", f"{self} {FIVE_SCANS_TRUTH} {name} {method}")
        digest = hashlib.sha256(identity.encode()).hexdigest()[:10]
        return directory / f"{name}-{seed:03d}-{digest}.json"


# --- cells --------------------------------------------------------------------------------


def optimum(study: Study, seed: int, directory: Path) -> dict[str, Any]:
    """The least-squares optimum of a data set: Levenberg-Marquardt from the truth, to the end."""
    path = study.path(directory, "optimum", seed)
    if path.exists():
        return json.loads(path.read_text())
    problem = five_scan_rates(seed, study.noise)
    run = ds.solve(
        problem,
        ds.LevenbergMarquardt(value_tolerance=1e-13),
        budget=ds.Budget(evaluations=60),
        x0=FIVE_SCANS_TRUTH,
        progress=False,
    )
    cell = {
        "parameters": run.best_physical,
        "value": run.best_value,
        "reason": run.reason_name,
        "distance_to_truth": _distance(run.best_physical, FIVE_SCANS_TRUTH),
    }
    write_beside(path, json.dumps(cell))
    return cell


def run_cell(study: Study, name: str, seed: int, best: dict[str, Any]) -> dict[str, Any]:
    """One method on one data set, from the seed's start, until it is there or fails.

    CPU seconds are of the whole call of `solve`: simulations, method and driver.
    """
    problem = five_scan_rates(seed, study.noise)
    method = until(METHODS[name], problem, best["parameters"], study.within)
    x0 = np.random.default_rng([seed, 1]).uniform(size=problem.space.size)
    start = time.process_time()
    run = ds.solve(
        problem, method, budget=study.budget, x0=x0, key=seed, progress=False, throw=False
    )
    spent = time.process_time() - start
    distance = _distance(run.best_physical, best["parameters"])
    return {
        "method": name,
        "seed": seed,
        "reached": bool(distance <= study.within * (1 + 1e-9)),
        "evaluations": run.counts.evaluations,
        "cost": run.counts.cost,
        "cpu_s": spent,
        "evaluation_cpu_s": run.counts.evaluation_cpu_seconds,
        "method_cpu_s": run.counts.method_cpu_seconds,
        "compile_s": run.counts.compile_seconds,
        "failed": run.counts.failed,
        "reason": run.reason_name,
        "distance": distance,
        "value_over_optimum": run.best_value / best["value"],
        "parameters": run.best_physical,
    }


def _distance(found: dict[str, float], reference: dict[str, float]) -> float:
    """Largest relative difference over the parameters; infinite where there is none."""
    worst = max(abs(found[name] / value - 1.0) for name, value in reference.items())
    return float(worst) if np.isfinite(worst) else 1e300


def warm_up(study: Study, name: str, best: dict[str, Any]) -> None:
    """Compile what the method needs, so that no cell pays for it."""
    problem = five_scan_rates(0, study.noise)
    method = until(METHODS[name], problem, best["parameters"], study.within)
    budget = 130 if method.population else 30  # more than a generation, or a few steps
    ds.solve(problem, method, budget=budget, x0=np.full(problem.space.size, 0.3), progress=False)


def run_cells(
    study: Study, names: Iterable[str], seeds: Iterable[int], directory: Path
) -> list[dict[str, Any]]:
    """All cells, from their files where these are present."""
    seeds, cells = list(seeds), []
    for name in names:
        warm = False
        for seed in seeds:
            path = study.path(directory, name, seed)
            if not path.exists():
                best = optimum(study, seed, directory)
                if not warm:
                    warm_up(study, name, best)
                    warm = True
                write_beside(path, json.dumps(_guarded(study, name, seed, best)))
            cells.append(json.loads(path.read_text()))
            log(_line(cells[-1]))
    return cells


def _guarded(study: Study, name: str, seed: int, best: dict[str, Any]) -> dict[str, Any]:
    """A cell whose method raises is a failure, and stays in the table."""
    try:
        return run_cell(study, name, seed, best)
    except Exception as error:
        traceback.print_exc()
        return {"method": name, "seed": seed, "reached": False, "evaluations": study.budget,
                "cost": float(study.budget), "cpu_s": 0.0, "distance": 1e300,
                "reason": f"{type(error).__name__}: {error}"[:200]}  # fmt: skip


def _line(cell: dict[str, Any]) -> str:
    outcome = "reached" if cell["reached"] else f"not reached ({cell['reason']})"
    return (
        f"{cell['method']:22s} seed {cell['seed']:3d}: {cell['evaluations']:5d} evaluations, "
        f"cost {cell['cost']:7.0f}, {cell['cpu_s']:8.3f} CPU s, {outcome}"
    )


# --- statistics ---------------------------------------------------------------------------


def median_interval(values: Iterable[float], seed: int = 0) -> dict[str, float]:
    """Median with a 95 % interval from the bootstrap; a failure is infinite.

    With half of the runs failed, or more, the median is infinite, as it should be.
    """
    values = np.asarray(list(values), float)
    random = np.random.default_rng(seed)
    picks = values[random.integers(values.size, size=(_RESAMPLES, values.size))]
    medians = np.sort(np.median(picks, axis=1))
    return {
        "median": float(np.median(values)),
        "low": float(medians[int(0.025 * _RESAMPLES)]),
        "high": float(medians[int(0.975 * _RESAMPLES) - 1]),
    }


def summarise(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each method."""
    rows = []
    for name in dict.fromkeys(cell["method"] for cell in cells):
        own = [cell for cell in cells if cell["method"] == name]
        row: dict[str, Any] = {
            "method": name,
            "needs": METHODS[name].needs,
            "runs": len(own),
            "reached": [cell["reached"] for cell in own],
            "costs": [cell["cost"] for cell in own],
        }
        for quantity in QUANTITIES:
            row[quantity] = median_interval(
                cell[quantity] if cell["reached"] else np.inf for cell in own
            )
        rows.append(row)
    return rows


def as_figures(rows: list[dict[str, Any]]) -> Figures:
    """Rows as flat names: `LevenbergMarquardt_cost_median`, ..._low, ..._high, ..._reached."""
    figures: Figures = {}
    for row in rows:
        figures[f"{row['method']}_reached"] = sum(row["reached"])
        for quantity in QUANTITIES:
            for part, value in row[quantity].items():
                figures[f"{row['method']}_{quantity}_{part}"] = value
    return figures


# --- tables -------------------------------------------------------------------------------

_HEADINGS = ("method", "uses", "reached", "evaluations", "cost (forward runs)", "CPU s")


def _table(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    ordered = sorted(rows, key=lambda row: (row["cost"]["median"], -sum(row["reached"])))
    return [
        (
            row["method"],
            USES[row["needs"]],
            f"{sum(row['reached'])}/{row['runs']}",
            _interval(row["evaluations"]),
            _interval(row["cost"]),
            _interval(row["cpu_s"]),
        )
        for row in ordered
    ]


def _interval(values: dict[str, float]) -> str:
    median, low, high = (
        f"{values[part]:.3g}" if np.isfinite(values[part]) and values[part] < 1000
        else f"{values[part]:.0f}" if np.isfinite(values[part]) else "not reached"
        for part in ("median", "low", "high")
    )  # fmt: skip
    return median if median == "not reached" else f"{median} ({low} to {high})"


def show(rows: list[dict[str, Any]]) -> None:
    """The table, on standard error."""
    table = Table(*_HEADINGS)
    for line in _table(rows):
        table.add_row(*line)
    Console(stderr=True, width=130).print(table)


def markdown(rows: list[dict[str, Any]], study: Study, facts: Figures) -> str:
    """The table for the documentation."""
    lines = [f"| {' | '.join(_HEADINGS)} |", "|" + " --- |" * len(_HEADINGS)]
    lines += [f"| {' | '.join(line)} |" for line in _table(rows)]
    lines += [
        "",
        f"Medians over the seeds with 95 % bootstrap intervals; noise {100 * study.noise:g} %, "
        f"target {100 * study.within:g} % of every parameter from the optimum of the data set, "
        f"budget {study.budget} forward-equivalent runs. The optima themselves are "
        f"{100 * float(facts['optimum_distance_to_truth_median'] or 0):.2g} % from the truth "
        "(median over the seeds of the worst parameter): the noise of the data.",
        "",
        f"{facts['hardware']}; {facts['versions']}.",
    ]
    return "\n".join(lines) + "\n"


# --- command line -------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = _parse(arguments)
    study = Study(budget=60 if options.quick and options.budget is None else options.budget or 3000)
    seeds = range(2 if options.quick and options.seeds is None else options.seeds or 20)
    cells = run_cells(study, options.methods, seeds, options.directory)
    rows = summarise(cells)
    distances = [optimum(study, s, options.directory)["distance_to_truth"] for s in seeds]
    facts: Figures = dict(machine()) | {
        "seeds": len(seeds),
        "budget": study.budget,
        "noise": study.noise,
        "within": study.within,
        "optimum_distance_to_truth_median": float(np.median(distances)),
        "quick": int(options.quick),
    }
    show(rows)
    if options.output:
        write_beside(options.output, markdown(rows, study, facts))
    if options.figure:
        draw(rows, options.figure, budget=study.budget)
    if options.json:
        print_json(facts | as_figures(rows))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = command_line("recovery", __doc__)
    parser.add_argument("--quick", action="store_true", help="2 seeds, budget 60: a smoke run")
    parser.add_argument("--seeds", type=int, help="number of data sets (20)")
    parser.add_argument("--budget", type=int, help="forward-equivalent runs per cell (3000)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--directory", type=Path, default=Path("results/recovery"))
    parser.add_argument("--output", type=Path, help="markdown file for the table")
    parser.add_argument("--figure", type=Path, help="picture of the cost per method")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
