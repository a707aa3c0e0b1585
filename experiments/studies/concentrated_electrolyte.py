"""Transference number of PEO/LiTFSI from operando profiles: the published fit and its cost."""

import json
import re
import time
from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures, write_text
from .._study import AbstractStudy, shared_data

# How near to the optimal objective counts as reached; looser ones are reported beside it.
TARGET = 1e-6
LOOSER = (1e-5, 1e-4, 1e-3)
# Of the fit to all nine profiles, of which seven are shared (arXiv 2511.11631).
PUBLISHED = {"p0": -0.03758, "p1": -0.47419}
EXPLICIT_STEP = 0.1  # s
# Root mean square of the velocity that counts as much as one of the whole mean concentration. With
# it the misfits of the two fields come out alike.
VELOCITY_SCALE = 30e-9  # m/s


class ConcentratedSettings(Strict):
    """What can be set of the study."""

    seeds: int = Field(20, ge=0, le=200, description="random starts of the comparison; 0: none")
    budget: int = Field(1500, ge=50, le=100_000, description="evaluations each method may spend")
    bayesian: int = Field(
        60, ge=0, le=1000, description="evaluations of Bayesian optimisation (extra bo); 0: without"
    )


class ConcentratedElectrolyte(AbstractStudy):
    """The published objective on the seven shared profiles (or on simulated ones without them).

    Fit from (-3, -3) by Levenberg-Marquardt; velocity of the solvent predicted from it; a second
    fit to both; CPU time of one simulation against explicit Euler with steps of 0.1 s; and six
    methods from equal random starts until the objective is within 1e-6 of the optimum.
    """

    name = "concentrated_electrolyte"
    line = "transference number of a polymer electrolyte from operando profiles, and the cost of it"
    configuration = ConcentratedSettings

    def run(self, configuration: ConcentratedSettings, directory: Path) -> Figures:
        import jax.numpy as jnp
        import numpy as np

        import diffsim as ds
        from diffsim import identifiability, problems, results
        from diffsim.electrochem import concentrated

        from .._electrolyte_figure import draw
        from .._pipeline import cpu_seconds

        began = cpu_seconds()
        record, real = _record()
        problem = problems.polarisation(record)
        method = ds.LevenbergMarquardt(value_tolerance=1e-10)
        run = ds.solve(problem, method, budget=40, directory=directory / "concentration")
        x = jnp.asarray(run.best_x)
        seen = problem.observe(x).checked()
        fitness = problem.objective
        assert isinstance(fitness, concentrated.RidgedError)
        objective = float(fitness.error(seen))
        # Neighbouring points of a profile err alike; those of different profiles need not.
        (profiles,) = fitness.samples
        group = np.append(np.asarray(profiles.step), [len(record.profiles)] * 3)
        diagnosis = identifiability.diagnose(problem, run, profiles=[], group=group)
        figures: Figures = {
            "data": "measured, 7 of the 9 published profiles" if real else "simulated",
            "objective": objective,
            "evaluations": run.counts.evaluations,
            "evaluations_to_target": _evaluations_to(run, objective + TARGET),
            "start_objective": float(np.sqrt(2.0 * run.history.value[0])),
            "salt_error": float(np.max(np.abs(seen.values["concentration"].mean(1) / 1870 - 1))),
            "lowest_concentration": float(seen.values["concentration"].min()),
            "highest_concentration": float(seen.values["concentration"].max()),
        }
        figures |= run.best_physical
        figures["objective_at_published"] = _objective_at(problem, PUBLISHED)
        for name, verdict in diagnosis.verdicts.items():
            figures |= {f"{name}_low": verdict.low, f"{name}_high": verdict.high}
        results.write(diagnosis.attach(run).to_dataset(), directory / "concentration.nc")

        both = problems.polarisation(record, velocity_scale=VELOCITY_SCALE)
        predicted = both.observe(x).checked()
        assert isinstance(both.objective, concentrated.RidgedError)
        _, velocity = both.objective.samples
        joint = ds.solve(both, method, budget=40, x0=run.best_x, directory=directory / "both")
        results.write(joint.to_dataset(), directory / "both.nc")
        fitted = both.observe(jnp.asarray(joint.best_x)).checked()
        figures |= {
            "velocity_rmse_nm_s": 1e9 * _rms(velocity.error(predicted)),
            "velocity_rms_nm_s": 1e9 * _rms(velocity.values),
            "velocity_rmse_joint_nm_s": 1e9 * _rms(velocity.error(fitted)),
            "p0_joint": joint.best_physical["p0"],
            "p1_joint": joint.best_physical["p1"],
            "wall_velocity_nm_s": 1e9 * float(np.max(np.abs(predicted.values["wall_velocity"]))),
        }
        draw(both, predicted, record, directory / "profiles.png")
        figures |= _explicit(problem, x, record)
        figures |= _comparison(problem, objective, configuration, directory / "methods")
        figures["cpu_s"] = cpu_seconds() - began
        return figures


def _rms(values) -> float:
    import numpy as np

    return float(np.sqrt(np.mean(np.asarray(values) ** 2)))


def _objective_at(problem, physical) -> float:
    """The objective of a point given by name."""
    seen = problem.observe(problem.space.unit_cube(physical)).checked()
    return float(problem.objective.error(seen))


def _evaluations_to(run, target: float) -> int | None:
    """How many evaluations it took to bring the objective to the target; None if it never was."""
    import numpy as np

    reached = np.flatnonzero(np.sqrt(2.0 * run.history.best) <= target)
    return int(reached[0]) + 1 if reached.size else None


def _record():
    """The shared measurements in SI, or a simulated record; and which of the two."""
    import numpy as np

    from diffsim import problems

    folder = shared_data("concentrated_electrolyte_peo_litfsi")
    if not folder.is_dir():
        return problems.synthetic_polarisation(), False

    def table(path, first, second):
        return np.loadtxt(path, delimiter=",", skiprows=1) * np.array([first, second])

    def number(path):
        found = re.search(r"([\d.]+)\.csv$", path.name)
        assert found, path
        return float(found[1])

    profiles = sorted(folder.glob("concentration_t_min_*.csv"))
    velocities = sorted(folder.glob("velocity_x_mm_*.csv"))
    return problems.PolarisationRecord(
        current=table(folder / "current_density.csv", 3600.0, 10.0),
        relation=table(folder / "D_tp0_relation.csv", 1e3, 1e-4),
        profiles={60.0 * number(p): table(p, 1e-3, 1e3) for p in profiles},
        velocities={1e-3 * number(p): table(p, 3600.0, 1e-9) for p in velocities},
    ), True


def _explicit(problem, x, record) -> Figures:
    """CPU seconds of one simulation here and by explicit Euler, and how far they are apart."""
    import equinox as eqx
    import jax
    import numpy as np

    from .._explicit_electrolyte import explicit_euler

    def mean(call, repeats: int) -> float:
        # Nanoseconds of this process; some systems count `os.times` in hundredths of a second.
        start = time.process_time_ns()
        for _ in range(repeats):
            jax.block_until_ready(call())
        return 1e-9 * (time.process_time_ns() - start) / repeats

    cell = problem.space.apply(problem.simulator, x)
    simulate = eqx.filter_jit(lambda cell, inputs: cell(inputs))
    p = [float(problem.space.physical(x)[name]) for name in ("p0", "p1")]
    minutes = tuple(round(t / 60.0) for t in sorted(record.profiles))
    march = explicit_euler(record, minutes, EXPLICIT_STEP)

    def ours():
        return simulate(cell, problem.inputs).values["concentration"]

    difference = np.asarray(ours()) - np.asarray(march(*p))  # compiles both
    # In turn, and the best of each, so that what else runs on the machine disturbs both alike.
    pairs = [(mean(lambda: march(*p), 1), mean(ours, 100)) for _ in range(5)]
    explicit, implicit = (min(column) for column in zip(*pairs, strict=True))
    return {
        "cpu_ratio_explicit": explicit / implicit,
        "explicit_cpu_s": explicit,
        "explicit_steps": round(60.0 * minutes[-1] / EXPLICIT_STEP),
        "simulation_cpu_s": implicit,
        "explicit_difference": float(np.max(np.abs(difference)) / 1870.0),
    }


def _comparison(problem, optimum: float, settings: ConcentratedSettings, directory: Path):
    """Evaluations and CPU seconds to the target, by method, over equal starts."""
    import numpy as np

    figures: Figures = {"seeds": settings.seeds}
    if not settings.seeds:
        return figures
    starts = _starts(problem, settings.seeds, directory)
    for name, method in _methods(settings).items():
        cells = [
            _cell(problem, name, method, start, seed, optimum, settings, directory)
            for seed, start in enumerate(starts)
        ]
        for target in (TARGET, *LOOSER):
            suffix = "" if target == TARGET else f"_{target:.0e}".replace("e-0", "e-")
            reached = [c for c in cells if c["evaluations"][str(target)] is not None]
            figures[f"{name}_reached{suffix}"] = len(reached)
            for quantity in ("evaluations", "cpu_s"):
                values = [c[quantity][str(target)] for c in reached]
                figures[f"{name}_{quantity}{suffix}"] = float(np.median(values)) if values else None
    return figures


def _methods(settings: ConcentratedSettings):
    import diffsim as ds

    methods = {
        "levenberg_marquardt": ds.LevenbergMarquardt(value_tolerance=1e-10),
        "l_bfgs_b": ds.ScipyMinimise("L-BFGS-B", {"ftol": 1e-14, "gtol": 1e-10}),
        "nelder_mead": ds.NelderMead(),
        "cma_es": ds.CMAES(),
        "particle_swarm": ds.ParticleSwarm(),
    }
    if settings.bayesian:
        from surrogates import BayesianOptimisation

        methods["bayesian_optimisation"] = BayesianOptimisation()
    return methods


def _starts(problem, count: int, directory: Path) -> list[list[float]]:
    """Points of the published box from which the simulation succeeds, in the unit cube."""
    import jax.numpy as jnp
    import numpy as np

    import diffsim as ds

    path = directory / f"starts-{count}.json"
    if path.exists():
        return json.loads(path.read_text())
    random, found = np.random.default_rng(0), []
    while len(found) < count:
        x = random.uniform(size=2)
        trial = ds.evaluate_batch(problem, jnp.asarray(x[None]), "value")
        if np.isfinite(float(trial.value[0])):
            found.append([float(v) for v in x])
    write_text(path, json.dumps(found))
    return found


def _cell(problem, name, method, start, seed, optimum, settings, directory: Path):
    """One method from one start; kept as a file, and not computed twice."""
    import numpy as np

    import diffsim as ds

    budget = settings.bayesian if name == "bayesian_optimisation" else settings.budget
    path = directory / f"{name}-{seed:03d}-{budget}.json"
    if path.exists():
        return json.loads(path.read_text())
    run = ds.solve(
        problem,
        method,
        budget=ds.Budget(evaluations=budget),
        x0=np.asarray(start),
        key=seed,
        progress=False,
        throw=False,
    )
    needed = {str(t): _evaluations_to(run, optimum + t) for t in (TARGET, *LOOSER)}
    spent = run.counts.evaluation_cpu_seconds + run.counts.method_cpu_seconds
    # In proportion: a run goes on after the target, by its own rule.
    share = spent / max(run.counts.evaluations, 1)
    cell = {
        "evaluations": needed,
        "cpu_s": {t: None if n is None else share * n for t, n in needed.items()},
        "spent_cpu_s": spent,
        "failed": run.counts.failed,
        "objective": float(np.sqrt(2.0 * run.best_value)),
    }
    write_text(path, json.dumps(cell))
    return cell
