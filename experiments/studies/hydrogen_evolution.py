"""Hydrogen evolution on a rotating platinum disc: which model do the real data prefer?"""

from pathlib import Path

from .._schema import Strict
from .._store import Figures, write_text
from .._study import AbstractStudy, shared_data

# Of the measurement, as published with it.
ROTATION, VISCOSITY, SCAN_RATE, TEMPERATURE = "2500 rpm", 1e-6, 2e-3, 298.0
PROTONS, DIFFUSIVITY = 1000.0, 9.311e-9
HYDROGEN_DIFFUSIVITY, HENRY = 5.11e-9, 1292.0  # m2/s; bar/M
# The potentials of the published fit, RT/F.
FIRST, STEP, POINTS = 0.755379149453578, 2e-3, 1472
AREA = 1e-4  # of which the data are the current: densities per cm2
MEASURED = 78  # points that were digitised; the curve between them is interpolated

MODELS = {
    "irreversible": ("k0", "alpha"),
    "reversible": ("k0", "alpha"),
    "irreversible_resistance": ("k0", "alpha", "resistance"),
    "reversible_resistance": ("k0", "alpha", "resistance"),
    "nernst_resistance": ("diffusivity[H2]", "resistance"),
    "irreversible_resistance_offset": ("k0", "alpha", "resistance", "baseline_offset"),
    "reversible_resistance_offset": ("k0", "alpha", "resistance", "baseline_offset"),
}


class HydrogenEvolution(AbstractStudy):
    """Irreversible, reversible and Nernstian kinetics, with and without series resistance.

    The data are those of the published fit: the digitised curve interpolated onto its equidistant
    potentials. They count as the 78 points that were digitised, no more; the criteria take fewer
    still where residuals hang together.
    """

    name = "hydrogen_evolution"
    line = "irreversible or reversible hydrogen evolution, and what a resistance explains"

    def available(self) -> str | None:
        folder = shared_data("her_rde_pt")
        return None if folder.is_dir() else f"{folder} is not there (or set DIFFSIM_DATA)."

    def run(self, configuration: Strict, directory: Path) -> Figures:
        import numpy as np

        import diffsim as ds
        from diffsim import identifiability

        from .._origin import origin
        from .._pipeline import cpu_seconds, finish, present

        began = cpu_seconds()
        experiment = _experiment()
        provenance = [origin(_file(), experiment)]
        fits, figures = {}, Figures()
        for model, names in MODELS.items():
            problem = _problem(model, names, experiment)
            run = ds.solve(
                problem,
                ds.LevenbergMarquardt(value_tolerance=1e-8),
                budget=200,
                directory=directory / model,
            )
            fits[model] = (problem, run)
            figures |= {f"{model}_{name}": v for name, v in run.best_physical.items()}
            figures[f"rms_{model}"] = _rms(problem, run)
        whole = experiment.current.size
        time = identifiability.autocorrelation_time(
            min(fits.values(), key=lambda f: f[1].best_value)[1].best_arrays["residuals"],
            np.zeros(whole, int),
        )
        scores = identifiability.compare_models(fits, independent=min(MEASURED, whole / time))
        write_text(directory / "models.md", _table(scores))
        best = scores[0].name
        problem, run = fits[best]
        tree, diagnosis = finish(
            problem,
            run,
            directory / "preferred.nc",
            provenance=provenance,
            configuration=configuration.model_dump(mode="json"),
        )
        present(tree, directory, report=True, figures="png")
        resisted = [name for name in MODELS if "resistance" in name]
        for score in scores:
            figures |= {
                f"aic_{score.name}": score.aic,
                f"bic_{score.name}": score.bic,
                f"log_evidence_{score.name}": score.log_evidence,
            }
        limit = _levich()
        figures |= _witness(experiment, 1e3 * limit)
        return figures | {
            "rms_series_resistance_alone": figures["rms_irreversible_resistance"],
            "rms_series_resistance": min(float(figures[f"rms_{n}"]) for n in resisted),  # pyright: ignore
            "preferred_model": best,
            "preferred_by_aic": min(scores, key=lambda s: s.aic).name,
            "preferred_by_bic": min(scores, key=lambda s: s.bic).name,
            "preferred_probability": scores[0].probability,
            "second_model": scores[1].name,
            "resistance_verdict": diagnosis.verdicts["resistance"].kind
            if "resistance" in diagnosis.verdicts
            else "not in the model",
            "levich_limit_mA_cm2": 1e3 * limit,
            "largest_current_over_levich_limit": float(np.max(np.abs(experiment.current)) / limit),
            "levich_limit_reached": 0,
            "cpu_s": cpu_seconds() - began,
        }


def _witness(experiment, limit: float) -> Figures:
    """What the irreversible law with resistance can reach at best, by a closed form; and what else
    might have moved it: the points, and a Levich limit four times lower."""
    import numpy as np

    from .._steady_hydrogen import steady_fit

    potential = np.asarray(experiment.waveform.potential(experiment.times))
    density = 1e3 * experiment.current
    raw, measured = np.loadtxt(_file(), delimiter=",", skiprows=1).T
    kept = dict(temperature=TEMPERATURE)
    rms, found = steady_fit(potential, density, limit=limit, **kept)
    return {
        "rms_resistance_closed_form": rms,
        "alpha_resistance_closed_form": found["alpha"],
        "rms_resistance_quarter_limit": steady_fit(potential, density, limit=limit / 4, **kept)[0],
        "rms_resistance_78_points": steady_fit(raw, measured, limit=limit, **kept)[0],
    }


def _file() -> Path:
    return shared_data("her_rde_pt") / "lsv.csv"


def _experiment():
    """The digitised curve on the potentials of the published fit."""
    import numpy as np

    from diffsim import electrochem as ec
    from diffsim.constants import faraday, gas_constant

    potential, density = np.loadtxt(_file(), delimiter=",", skiprows=1).T
    order = np.argsort(potential)
    thermal = gas_constant * TEMPERATURE / faraday
    grid = thermal * (FIRST - STEP * np.arange(POINTS))
    current = 10 * AREA * np.interp(grid, potential[order], density[order])
    start = 0.03
    sweep = ec.LinearSweep(start, -0.058, SCAN_RATE)
    # Residuals in mA/cm2.
    return ec.Experiment(sweep, (start - grid) / SCAN_RATE, current, "2500 rpm", scale=10 * AREA)


def _problem(model: str, names, experiment):
    import diffsim as ds
    from diffsim import electrochem as ec

    scales = {
        "k0": ds.Log(1e-9, 10.0, unit="m/s"),
        "alpha": ds.Linear(0.05, 3.9),
        "resistance": ds.Linear(0.0, 1.0, unit="ohm"),
        "baseline_offset": ds.Linear(-3e-3, 3e-3, unit="A"),
        "diffusivity[H2]": ds.Log(1e-10, 1e-7, unit="m2/s"),
    }
    space = ds.DesignSpace({name: scales[name] for name in names})
    return ec.ParameterRecovery(_cell(model), [experiment], space, name=f"hydrogen {model}")


def _cell(model: str):
    import math

    from diffsim import electrochem as ec
    from diffsim.constants import faraday, gas_constant

    protons = ec.Species(DIFFUSIVITY, PROTONS)
    if model.startswith("irreversible"):
        # The product takes no part: one electron per proton, to a hydrogen that is not followed.
        mechanism = ec.Mechanism(
            "H+ + e- <=> H", kinetics=ec.Tafel(3e-7, 1.5), formal_potential=0.0
        )
        species = {"H+": protons, "H": ec.Species(HYDROGEN_DIFFUSIVITY, charge=0)}
    else:
        law = ec.Nernst() if model.startswith("nernst") else ec.ButlerVolmer(1e-4, 0.7)
        # Zero against the reversible hydrogen electrode at 1 bar, 1 mol/L of protons.
        formal = 0.5 * gas_constant * TEMPERATURE / faraday * math.log(1.0 / HENRY)
        mechanism = ec.Mechanism("2 H+ + 2 e- <=> H2", kinetics=law, formal_potential=formal)
        species = {"H+": protons, "H2": ec.Species(HYDROGEN_DIFFUSIVITY)}
    return ec.Voltammetry(
        mechanism,
        species,
        ec.Planar(AREA),
        domain=ec.Levich(ROTATION, VISCOSITY),
        temperature=TEMPERATURE,
        circuit=ec.Circuit(resistance=0.1 if "resistance" in model else 0.0),
        # A coefficient of 2.4 makes the last instants steep: 4e-4 wrong at the default tolerance.
        integrator=ec.Integrator(1e-5),
    )


def _rms(problem, run) -> float:
    """In mA/cm2."""
    return float((2.0 * run.best_value / problem.objective.data.size) ** 0.5)


def _levich() -> float:
    """Limiting current in A."""
    import math

    from diffsim.electrochem import analytic

    return float(
        analytic.levich_current(
            area=AREA,
            diffusivity=DIFFUSIVITY,
            concentration=PROTONS,
            rotation_rate=2500 * 2 * math.pi / 60,
            kinematic_viscosity=VISCOSITY,
        )
    )


def _table(scores) -> str:
    """The comparison as Markdown."""
    rows = [
        f"| {s.name} | {s.parameters} | {s.rms:.3f} | {s.aic - min(t.aic for t in scores):.1f} | "
        f"{s.bic - min(t.bic for t in scores):.1f} | "
        f"{s.log_evidence - scores[0].log_evidence:.1f} | {s.probability:.3f} |"
        for s in scores
    ]
    head = "| model | parameters | rms, mA/cm2 | ΔAIC | ΔBIC | Δ ln Z | probability |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows]) + "\n"
