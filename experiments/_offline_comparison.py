"""The computations of `offline_comparison`: a file for each task and arm, and for each extra."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from surrogates import models, offline, search

from ._offline_bench import TaskBench, fit_processes, plain_members
from ._offline_certificate import certificate_cell
from ._offline_default import REACH, recipe_cell
from ._offline_methods import ARMS, ascent_steps, ensemble_of, generative


def _gp_cell(bench: TaskBench) -> dict[str, Any]:
    """Ascent of a Gaussian process's posterior mean."""
    finder = search.Ascent(ascent_steps(bench.settings, bench.task.size))
    return {"methods": {"gp_ascent": bench.judge(fit_processes(bench), finder)}}


def _generative_cell(bench: TaskBench) -> dict[str, Any]:
    """Searches by distributions of designs, on the plain ensemble."""
    ensemble = ensemble_of(plain_members(bench), models.MeanOf())
    found = {m: bench.judge(ensemble, finder) for m, finder in generative().items()}
    return {"methods": found}


def _long_cell(bench: TaskBench) -> dict[str, Any]:
    """Every search that has a path, plain, with the path of the default recipe."""
    longer = bench.reaching(REACH)
    return {"methods": longer.plain_methods() | _gp_cell(longer)["methods"]}


EXTRAS: dict[str, Callable[[TaskBench], dict[str, Any]]] = {
    "gp": _gp_cell,
    "generative": _generative_cell,
    "recipe": recipe_cell,
    "long": _long_cell,
    "certificate": certificate_cell,
}


def run_cells(settings: Any, directory: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Cells by task and name: the arms, `EXTRAS`, and "best_offline"."""
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for name in settings.tasks:
        bench = TaskBench(name, settings, directory)
        cells[name] = {arm: bench.cell(arm) for arm in ARMS}
        cells[name] |= {e: bench.kept(e, lambda c=c, b=bench: c(b)) for e, c in EXTRAS.items()}
        cells[name]["best_offline"] = best_offline(bench.sets, settings.primary)
    return cells


def best_offline(sets: list[offline.OfflineDataset], metric: str) -> dict[str, Any]:
    """The best score that could be seen, as a cell."""
    top = [float(s.normalised(s.score).max()) for s in sets]
    return {"methods": {"stay": {metric: top}}}


def stored_cells(
    settings: Any, directory: Path
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, list[str]]]:
    """(cells of the tasks that are complete, what is missing of the others), from files alone.

    **Raises:** `ValueError` if no task is complete.
    """
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    missing: dict[str, list[str]] = {}
    for task in settings.tasks:
        files = {name: directory / f"{task}-{name}.json" for name in (*ARMS, *EXTRAS)}
        absent = [name for name, path in files.items() if not path.exists()]
        if absent:
            missing[task] = absent
            continue
        cells[task] = {name: json.loads(path.read_text()) for name, path in files.items()}
        paths = [directory / f"{task}-{seed:03d}.nc" for seed in range(settings.seeds)]
        sets = [offline.thaw(path) for path in paths]
        cells[task]["best_offline"] = best_offline(sets, settings.primary)
    if not cells:
        lacking = "; ".join(f"{task} lacks {', '.join(names)}" for task, names in missing.items())
        raise ValueError(f"{directory} must hold a complete task, but has none: {lacking}.")
    return cells, missing
