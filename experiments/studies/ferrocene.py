"""Real ferrocene voltammograms, which travel with the package."""

from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy


class FerroceneSettings(Strict):
    """What can be set of the study."""

    points: int = Field(120, ge=30, le=1000, description="points kept of each curve")
    low: float = Field(0.2, description="lower end of the window, V")
    high: float = Field(0.8, description="upper end of the window, V")


class Ferrocene(AbstractStudy):
    """Joint fit of five scan rates: which parameters do real, imperfect data determine?

    Area, concentration and diffusivity all are left free, as none of them was recorded with the
    data. The resistance that the instrument left is not negative in the main fit; a second fit
    lets it take either sign, and a third kind leaves out one scan rate at a time.
    """

    name = "ferrocene"
    line = "kinetics and transport of ferrocene from five real voltammograms (data included)"
    configuration = FerroceneSettings

    def run(self, configuration: FerroceneSettings, directory: Path) -> Figures:
        import numpy as np

        import diffsim as ds

        from .._pipeline import cpu_seconds, finish, present

        began = cpu_seconds()
        problem, provenance = _problem(configuration, lowest_resistance=0.0)
        run = ds.solve(problem, _method(), budget=_BUDGET, directory=directory / "log")
        tree, diagnosis = finish(
            problem,
            run,
            directory / "run.nc",
            profiles=["k0"],
            provenance=provenance,
            configuration=configuration.model_dump(mode="json"),
        )
        spread = _leave_one_out(problem, run.best_x)
        signed, _ = _problem(configuration, lowest_resistance=-100.0)
        free = ds.solve(signed, _method(), budget=_BUDGET, directory=directory / "signed")
        _, second = finish(
            signed,
            free,
            directory / "signed.nc",
            profiles=["ohmic_resistance"],
            provenance=provenance,
        )
        resistance = second.verdicts["ohmic_resistance"]
        present(tree, directory, report=True, figures="png")

        product = next((c for c in diagnosis.combinations if set(c.members) >= _PRODUCT), None)
        fit = run.best_physical
        slowest = provenance[0]["label"]
        return {
            "formal_potential_V": fit["formal_potential"],
            "formal_potential_spread_V": float(np.ptp([s["formal_potential"] for s in spread])),
            "area_concentration_sqrt_diffusivity_mol_s_half": _product(fit),
            "area_concentration_sqrt_diffusivity_spread": float(
                np.ptp([_product(s) for s in spread]) / _product(fit)
            ),
            "product_identified": "only as a product" if product else "not as a product",
            "k0_verdict": diagnosis.verdicts["k0"].kind,
            "k0_low_m_s": diagnosis.verdicts["k0"].low,
            "resistance_ohm": resistance.value,
            "resistance_low_ohm": resistance.low,
            "resistance_high_ohm": resistance.high,
            "resistance_flagged": _sign(resistance),
            "slow_scan_misfit_flagged": bool(0 in diagnosis.structured) and slowest,
            "relative_rms": _relative_rms(problem, run),
            "evaluations": run.counts.evaluations,
            "compile_s": run.counts.compile_seconds + free.counts.compile_seconds,
            "cpu_s": cpu_seconds() - began,
        }


_BUDGET = 1000
_PRODUCT = {"surface_area", "diffusivity", "concentration[Fc]"}


def _method():
    import diffsim as ds

    return ds.LevenbergMarquardt(value_tolerance=1e-6)


def _product(values) -> float:
    """A c √D in mol s^-1/2."""
    root = values["diffusivity"] ** 0.5
    return float(values["surface_area"] * values["concentration[Fc]"] * root)


def _sign(resistance) -> str:
    """The sign of what the instrument left of the resistance, and whether the data are sure."""
    sign = "negative" if resistance.value < 0 else "positive"
    sure = resistance.high < 0 or resistance.low > 0
    return sign if sure else f"{sign}, within its error of zero"


def _relative_rms(problem, run) -> float:
    """Root mean square of the residuals, of which each curve's peak is the unit."""
    return (2.0 * run.best_value / problem.objective.data.size) ** 0.5


def _problem(settings: FerroceneSettings, lowest_resistance: float):
    """The recovery, and where its data come from."""
    import diffsim as ds
    from diffsim import electrochem as ec
    from diffsim.electrochem.data import ferrocene

    from .._origin import origin

    experiments = [
        ec.Experiment.from_measurement(
            ec.read(path),
            segments=[1, 2],  # up and down again; the first sweep does not meet ferrocene
            potential=(settings.low, settings.high),
            points=settings.points,
            ohmic_drop=True,
        )
        for path in ferrocene().values()
    ]
    cell = ec.Voltammetry(
        ec.Mechanism("Fc+ + e- <=> Fc", kinetics=ec.ButlerVolmer(k0=1e-2), formal_potential=0.465),
        species={"Fc": ec.Species(2.4e-9, concentration=3.0), "Fc+": ec.Species(2.4e-9)},
        electrode=ec.Planar(7e-6),
    )
    space = ds.DesignSpace(
        {
            "k0": ds.Log(1e-6, 10.0, unit="m/s"),
            "formal_potential": ds.Linear(0.40, 0.52, unit="V"),
            "surface_area": ds.Log(1e-6, 5e-5, unit="m2"),
            "diffusivity": ds.Log(5e-10, 1e-8, unit="m2/s"),
            "concentration[Fc]": ds.Log(0.5, 20.0, unit="mol/m3"),
            "ohmic_resistance": ds.Linear(lowest_resistance, 200.0, unit="ohm"),
        }
    )
    problem = ec.ParameterRecovery(cell, experiments, space, baseline="charging", name="ferrocene")
    provenance = [origin(p, e) for p, e in zip(ferrocene().values(), experiments, strict=True)]
    return problem, provenance


def _leave_one_out(problem, x) -> list[dict[str, float]]:
    """Best values without each experiment in turn."""
    import diffsim as ds
    from diffsim import electrochem as ec

    labels = problem.simulator.labels
    found = []
    for left_out in labels:
        part = ec.restricted(problem, [label for label in labels if label != left_out])
        run = ds.solve(part, _method(), budget=_BUDGET, x0=x, progress=False)
        found.append(run.best_physical)
    return found
