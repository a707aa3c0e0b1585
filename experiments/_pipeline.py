"""From a task to files: solve, diagnose, and write the run, the report and the figures.

Studies of measured curves use the same steps, so that every fit leaves the same files.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

import diffsim as ds
from diffsim import electrochem as ec, identifiability, results

from ._store import Figures
from ._task import Panel

RUN, REPORT, FIGURES = "run.nc", "report.html", "figures"


def finish(
    problem: ds.Problem,
    run: ds.Run,
    path: Path,
    *,
    confidence: float = 0.95,
    profiles: Sequence[str] | None = None,
    group: np.ndarray | None = None,
    provenance: Sequence[Mapping[str, Any]] = (),
    configuration: Mapping[str, Any] | None = None,
    panels: Sequence[Panel] | None = None,
) -> tuple[xr.DataTree, identifiability.Diagnosis]:
    """Diagnose a fit and write it, with its curves and where they came from, to `path`.

    `panels` are the curves of what is no voltammogram.
    """
    if group is None and isinstance(problem.simulator, ec.Campaign):
        group = problem.simulator.experiment_of_point
    diagnosis = identifiability.diagnose(
        problem, run, confidence=confidence, profiles=profiles, group=group
    )
    residuals = run.best_arrays.get("residuals")
    if panels is None:
        nodes = list(ec.fit_dataset(problem, run.best_x, residuals).values())
    else:
        if residuals is None:
            residuals = ds.evaluate(problem, jnp.asarray(run.best_x), "residuals").residuals
        nodes = [panel.dataset(np.asarray(residuals)) for panel in panels]
    fit = {f"{results.FIT}/{i}": node for i, node in enumerate(nodes)}
    run = dataclasses.replace(
        diagnosis.attach(run), extra=run.extra | diagnosis.to_datasets() | fit
    )
    tree = run.to_dataset()
    tree.attrs["provenance"] = json.dumps(list(provenance))
    tree.attrs["task"] = json.dumps(dict(configuration or {}))
    results.write(tree, path)
    return tree, diagnosis


def recover(config, directory: Path, *, progress: bool = True) -> Figures:
    """The whole job of `diffsim recover`; continues in `directory` what was killed there.

    **Returns:**

    The named figures of the job.
    """
    from ._build import build

    task = build(config)
    run = ds.solve(
        task.problem,
        task.optimiser,
        budget=task.budget,
        key=config.optimiser.seed,
        directory=directory / "log",
        progress=progress,
    )
    tree, diagnosis = finish(
        task.problem,
        run,
        directory / RUN,
        confidence=config.identifiability.confidence,
        profiles=_profiles(config.identifiability.profiles, task.problem),
        group=task.group,
        provenance=task.provenance,
        configuration=config.model_dump(mode="json"),
        panels=task.panels,
    )
    present(tree, directory, report=config.output.report, figures=config.output.figures)
    return recovery_figures(run, diagnosis)


def present(tree: xr.DataTree, directory: Path, *, report: bool, figures: str) -> None:
    """Make what people look at, from the dataset alone."""
    if report:
        from diffsim.report import write_report

        write_report(tree, directory / REPORT)
    if figures != "none":
        from diffsim.plotting import save_figures

        save_figures(tree, directory / FIGURES, format=figures)


def recovery_figures(run: ds.Run, diagnosis: identifiability.Diagnosis) -> Figures:
    """A fit as a flat table of numbers and words."""
    figures: Figures = {
        "problem": run.problem_name,
        "value": run.best_value,
        "status": run.reason_name,
        "evaluations": run.counts.evaluations,
        "failed": run.counts.failed,
        "seconds": run.counts.evaluation_seconds + run.counts.method_seconds,
        "cpu_s": run.counts.evaluation_cpu_seconds + run.counts.method_cpu_seconds,
        "compile_s": run.counts.compile_seconds,
        "starts": int(run.starts.value.size),
        "starts_agreeing": int(np.sum(run.starts.agreeing())),
        "structured_experiments": len(diagnosis.structured),
    }
    for name, verdict in diagnosis.verdicts.items():
        figures |= {
            name: verdict.value,
            f"{name}_low": verdict.low,
            f"{name}_high": verdict.high,
            f"{name}_verdict": verdict.kind,
        }
    return figures


def _profiles(asked: str | list[str], problem: ds.Problem) -> Sequence[str] | None:
    names = problem.space.names
    if isinstance(asked, str):
        return {"auto": None, "all": list(names), "none": []}[asked]
    return [n for n in names for wanted in asked if n == wanted or n.split("@")[0] == wanted]


def cpu_seconds() -> float:
    """CPU seconds of this process so far."""
    times = os.times()
    return times.user + times.system
