"""Acetic acid at a platinum microdisc: what four steady currents can and cannot tell."""

from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy, shared_data

RADIUS = 1e-5 / 3.141592653589793  # of the hemisphere that stands for the disc of 5 um, m
MOLAR = 1e3  # mol/m3
PUBLISHED = {"log10_K_M": -4.37, "log10_kf": 5.74}  # mean over fifty trials
TABULATED = 10**-4.756  # mol/L, 25 C


class AceticAcidSettings(Strict):
    """What can be set of the study."""

    starts: int = Field(12, ge=1, le=1000, description="random starts of the published ranges")
    seed: int = 0


class AceticAcid(AbstractStudy):
    """Dissociation constant and rate of dissociation from steady currents of four concentrations.

    The published fit (first-order descent, fifty trials of thirty epochs) ended all along a valley.
    Here it is fitted to its floor from random starts of the published ranges, and profiles of
    the likelihood say how long the valley is.
    """

    name = "acetic_acid"
    line = "dissociation of acetic acid from steady microdisc currents, with its valley"
    configuration = AceticAcidSettings

    def available(self) -> str | None:
        folder = shared_data("acetic_acid_microdisc")
        return None if folder.is_dir() else f"{folder} is not there (or set DIFFSIM_DATA)."

    def run(self, configuration: AceticAcidSettings, directory: Path) -> Figures:
        import dataclasses
        import json

        import numpy as np

        import diffsim as ds
        from diffsim import identifiability, results

        from .._pipeline import cpu_seconds, present

        began = cpu_seconds()
        problem = _problem()
        run = ds.solve(
            problem,
            ds.Multistart(
                ds.LevenbergMarquardt(value_tolerance=1e-10), _starts(problem, configuration)
            ),
            budget=ds.Budget(evaluations=100 * configuration.starts),
            directory=directory / "log",
        )
        diagnosis = identifiability.diagnose(problem, run, profiles=list(problem.space.names))
        run = dataclasses.replace(diagnosis.attach(run), extra=run.extra | diagnosis.to_datasets())
        tree = run.to_dataset()
        tree.attrs["task"] = json.dumps(configuration.model_dump(mode="json"))
        results.write(tree, directory / "run.nc")
        present(tree, directory, report=True, figures="png")
        fitted = run.best_physical
        figures: Figures = {
            "mean_square_nA2": _loss(problem, run.best_x),
            "mean_square_at_published_nA2": _loss(problem, _published(problem)),
            "log10_K_M": float(np.log10(fitted["dissociation_constant"] / MOLAR)),
            "log10_kf": float(np.log10(fitted["forward"])),
            "starts_agreeing": int(np.sum(run.starts.agreeing(relative=1e-3))),
            "starts": configuration.starts,
            "evaluations_max": int(np.max(run.starts.evaluations)),
            "log10_K_tabulated": float(np.log10(TABULATED)),
            "mean_square_at_tabulated_K_nA2": _constrained(configuration),
        }
        for name, verdict in diagnosis.verdicts.items():
            figures |= {
                f"{name}_verdict": verdict.kind,
                f"{name}_low": verdict.low,
                f"{name}_high": verdict.high,
            }
        figures["correlation"] = float(diagnosis.covariance.correlation[0, 1])
        figures["cpu_s"] = cpu_seconds() - began
        return figures


def _data():
    """Concentrations in mol/m3 and currents in nA, (n,) each."""
    import numpy as np

    path = shared_data("acetic_acid_microdisc") / "steady_current.csv"
    return np.loadtxt(path, delimiter=",", skiprows=1).T


def _problem(constant: float | None = None):
    """The fit; of the rate alone where the dissociation constant (mol/L) is given."""
    import jax.numpy as jnp

    import diffsim as ds
    from diffsim import electrochem as ec

    concentration, current = _data()
    simulator = ec.WeakAcidReduction((constant or TABULATED) * MOLAR, 1e6, radius=RADIUS)
    scales = {
        "dissociation_constant": ds.Log(1e-8 * MOLAR, 1e-2 * MOLAR, unit="mol/m3"),
        "forward": ds.Log(1e2, 1e10, unit="1/s"),
    }
    if constant is not None:
        del scales["dissociation_constant"]
    objective = ds.LeastSquares(1e-9 * current, 1e-9)
    return ds.Problem(
        simulator, jnp.asarray(concentration), ds.DesignSpace(scales), objective, name="acetic acid"
    )


def _starts(problem, settings: AceticAcidSettings):
    """Random starts of the published ranges, as points of the unit cube."""
    import numpy as np

    random = np.random.default_rng(settings.seed)
    points = []
    while len(points) < settings.starts:
        log_k, log_kf = random.uniform(-7, -3), random.uniform(2, 8)
        if log_kf - log_k < 13:  # as published
            values = {"dissociation_constant": 10**log_k * MOLAR, "forward": 10**log_kf}
            points.append(np.asarray(problem.space.unit_cube(values)))
    return np.stack(points)


def _published(problem):
    return problem.space.unit_cube(
        {
            "dissociation_constant": 10 ** PUBLISHED["log10_K_M"] * MOLAR,
            "forward": 10 ** PUBLISHED["log10_kf"],
        }
    )


def _constrained(settings: AceticAcidSettings) -> float:
    """The loss where the dissociation constant is the tabulated one."""
    import diffsim as ds

    problem = _problem(TABULATED)
    run = ds.solve(problem, ds.LevenbergMarquardt(), budget=100, progress=False)
    return _loss(problem, run.best_x)


def _loss(problem, x) -> float:
    """The published loss: mean square in nA²."""
    import jax.numpy as jnp
    import numpy as np

    current = problem.observe(jnp.asarray(x)).checked().values["current"]
    return float(np.mean((1e9 * current - 1e9 * problem.objective.data) ** 2))
