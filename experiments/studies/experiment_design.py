"""The next experiment: designed from the Fisher information, and the promise put to the test."""

import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from .._schema import Strict
from .._store import Figures, write_text
from .._study import AbstractStudy

# Guesses of k0 in m/s for the design that does not rest on one of them.
GUESSES = (4e-6, 4e-5, 4e-4)


DesignName = Literal[
    "scan_rates_2", "scan_rates_2_a", "scan_rates_4", "rotation_rates_4", "vertices"
]


class ExperimentDesignSettings(Strict):
    """What can be set of the study."""

    designs: tuple[DesignName, ...] = Field(
        ("scan_rates_2", "scan_rates_2_a", "scan_rates_4", "rotation_rates_4", "vertices"),
        min_length=1,
        description="which to carry out",
    )
    starts: int = Field(4, ge=1, le=100, description="of each design: the usual one and random")
    evaluations: int = Field(40, ge=5, le=1000, description="of value and gradient for each start")
    draws: int = Field(200, ge=10, le=100000, description="simulated recoveries of each design")
    robust: bool = Field(
        True, description="compare a design for one guess of k0 with one for three"
    )
    seed: int = 0


class ExperimentDesign(AbstractStudy):
    """Scan rates, rotation rates and a potential programme for the four parameters of a couple.

    Each design is optimised by exact gradients through the simulator from the usual choice and from
    random starts, and compared with the usual choice. The covariance that the information promises
    is then held against that of fits to simulated noisy measurements, for both.
    """

    name = "experiment_design"
    line = "optimal scan rates, rotation rates and waveforms, checked by simulated recoveries"
    configuration = ExperimentDesignSettings

    def run(self, configuration: ExperimentDesignSettings, directory: Path) -> Figures:
        from .._design_figure import draw
        from .._pipeline import cpu_seconds

        began = cpu_seconds()
        figures: Figures = {}
        designs, rehearsals = {}, {}
        for name, (problem, rehearsed) in _cases().items():
            if name not in configuration.designs:
                continue
            best = _optimised(problem, configuration, directory / name)
            designs[name] = problem, best
            figures |= _design_figures(name, problem, best)
            if rehearsed:
                rehearsals[name] = _rehearsals(problem, best, configuration, directory / name)
                figures |= _rehearsal_figures(name, rehearsals[name])
        if configuration.robust:
            figures |= _robust(configuration, directory)
        draw(designs, rehearsals, directory)
        # The headline: two scan rates.
        if "scan_rates_2" in designs:
            headline = ("d_efficiency_usual", "standard_error_ratio_k0", "predicted_over_observed")
            figures |= {name: figures[f"scan_rates_2_{name}"] for name in headline}
        return figures | {"cpu_s": cpu_seconds() - began}


def _cases():
    """Problems by name, and whether their promises are rehearsed."""
    from diffsim import design, problems

    return {
        "scan_rates_2": (problems.scan_rate_design(2), True),
        "scan_rates_2_a": (problems.scan_rate_design(2, design.AOptimal()), False),
        "scan_rates_4": (problems.scan_rate_design(4), False),
        "rotation_rates_4": (problems.rotation_rate_design(4), True),
        "vertices": (problems.vertex_design(4), True),
    }


def _optimised(problem, settings: ExperimentDesignSettings, directory: Path):
    """The best of several starts; continues what was killed."""
    import diffsim as ds

    from .._pipeline import present

    run = ds.solve(
        problem,
        ds.Multistart(ds.ScipyMinimise("L-BFGS-B"), settings.starts),
        budget=ds.Budget(evaluations=settings.starts * settings.evaluations),
        key=settings.seed,
        directory=directory / "log",
        progress=False,
    )
    run.save(directory / "run.nc")
    present(run.to_dataset(), directory, report=True, figures="png")
    return run


def _usual(problem):
    """The start of the problem, as a point of the unit cube."""
    return problem.space.initial(problem.simulator)


def _design_figures(name: str, problem, run) -> Figures:
    """The design, its efficiency beside the usual one's, and what it does for each parameter."""
    import numpy as np

    from diffsim import design

    # The first point of the first start.
    usual = float(run.history.value[0])
    criterion = "a" if name.endswith("_a") else "d"
    before = design.predict(problem, _usual(problem)).standard_errors
    after = design.predict(problem, run.best_x).standard_errors
    figures: Figures = {
        f"{name}_{criterion}_efficiency_usual": design.efficiency(usual, run.best_value),
        f"{name}_starts_agreeing": int(np.sum(run.starts.agreeing(relative=1e-4))),
        f"{name}_evaluations": run.counts.evaluations,
        f"{name}_failed": run.counts.failed,
    }
    for parameter, error in after.items():
        figures[f"{name}_standard_error_{parameter}"] = error
        figures[f"{name}_standard_error_ratio_{parameter}"] = error / before[parameter]
    for variable, value in run.best_physical.items():
        figures[f"{name}_{variable.replace('@', '_')}"] = float(value)
    return figures


def _rehearsals(problem, run, settings: ExperimentDesignSettings, directory: Path) -> dict:
    """Both designs rehearsed, as plain data; each is kept once it is done."""
    points = {"usual": _usual(problem), "designed": run.best_x}
    return {
        which: _rehearsed(problem, x, settings, directory / f"rehearsal_{which}.json")
        for which, x in points.items()
    }


def _rehearsed(problem, x, settings: ExperimentDesignSettings, path: Path) -> dict:
    import numpy as np

    from diffsim import design

    asked = {"x": np.asarray(x).tolist(), "draws": settings.draws, "seed": settings.seed}
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["asked"] == asked:
            return stored
    made = design.rehearse(problem, x, draws=settings.draws, seed=settings.seed)
    content = {
        "asked": asked,
        "ratios": made.ratios,
        "volume_ratio": made.volume_ratio,
        "predicted": made.predicted.covariance.tolist(),
        "observed": made.covariance.tolist(),
        "names": list(made.predicted.names),
        "errors": (made.estimates - made.truth).tolist(),
        "failed": made.failed,
        "bounded": int(np.sum(made.bounded)),
        "evaluations": made.evaluations,
    }
    write_text(path, json.dumps(content))
    return content


def _rehearsal_figures(name: str, rehearsals: dict) -> Figures:
    """Predicted over observed: of the ellipsoid, and the parameter furthest from 1."""
    import numpy as np

    figures: Figures = {}
    observed = {}
    for which, made in rehearsals.items():
        ratios = list(made["ratios"].values())
        furthest = ratios[int(np.argmax(np.abs(np.log(ratios))))]
        suffix = "" if which == "designed" else "_usual"
        figures[f"{name}_predicted_over_observed{suffix}"] = made["volume_ratio"]
        figures[f"{name}_predicted_over_observed_furthest{suffix}"] = furthest
        figures[f"{name}_recoveries_failed{suffix}"] = made["failed"]
        figures[f"{name}_recoveries_at_bound{suffix}"] = made["bounded"]
        observed[which] = np.array(made["observed"])
    logs = {which: np.linalg.slogdet(matrix)[1] for which, matrix in observed.items()}
    size = len(observed["usual"])
    figures[f"{name}_d_efficiency_usual_observed"] = float(
        np.exp((logs["designed"] - logs["usual"]) / size)
    )
    spread = np.sqrt(np.diag(observed["designed"]) / np.diag(observed["usual"]))
    names = rehearsals["usual"]["names"]
    figures[f"{name}_standard_error_ratio_k0_observed"] = float(spread[names.index("k0")])
    return figures


def _robust(settings: ExperimentDesignSettings, directory: Path) -> Figures:
    """A pair of scan rates for one guess of k0 and for three, where each guess is the truth."""
    from diffsim import design, problems

    from .._design_figure import d_value

    at = {k0: problems.scan_rate_design(2, assumed={"k0": k0}) for k0 in GUESSES}
    best = {k0: _optimised(p, settings, directory / f"k0_{k0:g}") for k0, p in at.items()}
    sample = problems.scan_rate_design(2, assumed=[{"k0": k0} for k0 in GUESSES])
    robust = _optimised(sample, settings, directory / "robust")

    def worst(x) -> float:
        """Least efficiency over the guesses."""
        return min(design.efficiency(d_value(p, x), best[k0].best_value) for k0, p in at.items())

    figures: Figures = {
        "robust_worst_efficiency": worst(robust.best_x),
        "local_worst_efficiency": worst(best[GUESSES[1]].best_x),
        "usual_worst_efficiency": worst(_usual(sample)),
    }
    for variable, value in robust.best_physical.items():
        figures[f"robust_{variable.replace('@', '_')}"] = float(value)
    return figures
