"""Voltammograms without enough supporting electrolyte: curves, the published file, a recovery."""

from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy, shared_data

# The units of the published problem: D = 1, r = 1, c* = 1, a Debye-type length of r/10⁴.
TEMPERATURE, DIFFUSIVITY, LENGTH, AREA = 298.15, 1e-9, 1e-5, 1e-4
SPEED, CLOCK = DIFFUSIVITY / LENGTH, LENGTH**2 / DIFFUSIVITY
SIGMA, END, STEP, SUPPORT = 10.0, 10.0, 0.1, 5.0
K0, ALPHA, BETA = 10**0.5, 0.45, 0.5
SUPPORTS = (0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0)
# Of the scheme that made the file: its own, and two finer ones in time and in space.
STEPS, GROWTHS = (0.1, 0.05), (1.1, 1.05)
FILE = "bv_c_sup_5.csv"


class WeaklySupportedSettings(Strict):
    """What can be set of the study."""

    starts: int = Field(4, ge=1, le=100, description="random starts of the recovery")
    noise: float = Field(0.01, ge=0, le=1, description="of its data, in parts of the peak")
    tolerance: float = Field(1e-4, description="of the simulations; the file's tenfold finer")
    seed: int = 0


class WeaklySupported(AbstractStudy):
    """A + e⁻ ⇌ B⁻ in a solution whose salt is 0.5 to 1000 times the reactant.

    Curves with both equations of the field, where published ones have spikes and NaN; the published
    curve (or, where it is not there, that of its scheme rebuilt) against ours and against its
    scheme refined in time and in space; derivatives in both modes; k⁰ and α from the published
    curve, from its published start; k⁰, α, D and the concentration of the salt from noisy data.
    """

    name = "weakly_supported"
    line = "voltammograms with little salt: curves, the published file taken apart, a recovery"
    configuration = WeaklySupportedSettings

    def run(self, configuration: WeaklySupportedSettings, directory: Path) -> Figures:
        from .._migration_figure import draw
        from .._pipeline import cpu_seconds

        began = cpu_seconds()
        curves, figures = _curves(configuration)
        apart, of_file = _file(configuration, directory / "file")
        figures |= of_file
        figures |= _gradients(configuration)
        figures |= _recovery(configuration, directory / "recovery")
        draw(curves, apart, directory / "weakly_supported.png")
        figures["cpu_s"] = cpu_seconds() - began
        return figures


def _thermal() -> float:
    from diffsim.constants import faraday, gas_constant

    return gas_constant * TEMPERATURE / faraday


def _unit() -> float:
    """A per unit of the dimensionless flux."""
    from diffsim.constants import faraday

    return faraday * AREA * SPEED


def _sweep(sigma: float = SIGMA):
    from diffsim import electrochem as ec

    end = END * _thermal()
    return ec.CyclicSweep(end, -end, sigma * _thermal() / CLOCK)


def _cell(tolerance: float, support: float, *, poisson: bool = True, domain=None):
    """The published cell, or its electroneutral limit."""
    from diffsim import electrochem as ec
    from diffsim.constants import faraday, gas_constant, vacuum_permittivity

    squared = (1e-4 * LENGTH) ** 2 * faraday**2 / (gas_constant * TEMPERATURE)
    field = ec.Poisson(squared / vacuum_permittivity) if poisson else ec.Electroneutral()
    cell = ec.Voltammetry(
        ec.Mechanism(
            "A + e- <=> B-", kinetics=ec.ButlerVolmer(K0 * SPEED, ALPHA, BETA), formal_potential=0.0
        ),
        {"A": ec.Species(DIFFUSIVITY, 1.0), "B-": ec.Species(DIFFUSIVITY)},
        ec.Planar(AREA),
        domain=domain or ec.SemiInfinite(),
        temperature=TEMPERATURE,
        integrator=ec.Integrator(tolerance),
    )
    ions = {"M+": ec.Species(DIFFUSIVITY, support), "N-": ec.Species(DIFFUSIVITY)}
    return ec.MigrationVoltammetry(cell, ions, field, counter="N-")


def _simulate():
    """A cell's fluxes (t,) at times in s, compiled once for each equation of the field."""
    import equinox as eqx
    import numpy as np

    compiled = eqx.filter_jit(lambda cell, sweep, times: cell((sweep, times)))

    def flux(cell, sweep, times):
        observed = compiled(cell, sweep, times)
        return np.asarray(observed.checked().values["current"]) / _unit(), observed.stats

    return flux


def _curves(settings: WeaklySupportedSettings):
    """Curves by support, and how smooth they are."""
    import numpy as np

    sweep, flux = _sweep(), _simulate()
    share = np.linspace(0.0025, 1.0, 400)
    times = share * float(sweep.duration)
    theta = END - 2 * END * (1 - np.abs(1 - 2 * share))
    curves, apart, bends, steps = {}, 0.0, [], []
    for support in SUPPORTS:
        found = []
        for poisson in (True, False):
            curve, stats = flux(_cell(settings.tolerance, support, poisson=poisson), sweep, times)
            found.append(curve)
            bends.append(_bend(curve))
            steps.append(int(stats["num_steps"]))
        curves[support] = (theta, found[0])
        apart = max(apart, float(np.max(np.abs(found[0] - found[1]))))
    return curves, {
        "curves": len(bends),
        "curves_largest_flux": max(float(np.max(np.abs(c))) for _, c in curves.values()),
        "curves_largest_bend": max(bends),
        "curves_poisson_against_neutral": apart,
        "curves_steps": max(steps),
    }


def _bend(curve) -> float:
    """The largest second difference, the corner of the sweep left out: a spike has that of its
    height."""
    import numpy as np

    bend = np.abs(np.diff(curve, 2))
    middle = curve.size // 2
    return float(np.max(np.delete(bend, np.arange(middle - 4, middle + 4))))


def _published():
    """Potentials and fluxes of the published curve, and where they are from."""
    import numpy as np

    from .._backward_euler_migration import Medium, voltammogram

    path = shared_data("weakly_supported_synthetic") / FILE
    if path.is_file():
        theta, flux = np.loadtxt(path, delimiter=",", skiprows=1).T
        return theta, flux, "the published file"
    medium = Medium(K0, ALPHA, BETA, SUPPORT)
    return *voltammogram(medium, SIGMA, STEP, END), "its scheme, rebuilt"


def _file(settings: WeaklySupportedSettings, directory: Path):
    """The published curve taken apart: its steps in time, its grid, and what is left."""
    import numpy as np

    from diffsim import electrochem as ec

    from .._backward_euler_migration import Medium, grid, voltammogram

    theta, flux, origin = _published()
    end = ec.DiffusionLayer(float(grid(4 * END / SIGMA)[-1]) * LENGTH)
    cell = _cell(0.1 * settings.tolerance, SUPPORT, domain=end)
    # Each point at the time at which the potential is what stands beside it.
    times = STEP / SIGMA * CLOCK * np.arange(theta.size)
    sweep, simulate = _sweep(), _simulate()
    kept = slice(10, None)
    ours, _ = simulate(cell, sweep, times[kept])
    medium = Medium(K0, ALPHA, BETA, SUPPORT)
    errors, curves = {}, {}
    for growth in GROWTHS:
        for step in STEPS:
            every = round(STEP / step)
            _, scheme = voltammogram(medium, SIGMA, step, END, growth)
            curves[growth, step] = scheme[::every][kept]
            errors[growth, step] = _size(curves[growth, step] - ours)
        limit = 2 * curves[growth, STEPS[1]] - curves[growth, STEPS[0]]
        curves[growth, 0.0] = limit
        errors[growth, 0.0] = _size(limit - ours)
    # Of second order in growth − 1: what is left of the grid's error after halving it.
    fine, coarse = curves[GROWTHS[1], 0.0], curves[GROWTHS[0], 0.0]
    limit = (4 * fine - coarse) / 3
    figures: Figures = {
        "file": origin,
        "file_rebuilt_difference": float(np.max(np.abs(curves[1.1, 0.1] - flux[kept]))),
        "file_error_rms": _size(ours - flux[kept]),
        "file_steps_error_rms": _size(coarse - curves[1.1, 0.1]),
        "file_grid_error_rms": _size(limit - coarse),
        "file_left_rms": errors[1.1, 0.0],
        "file_left_finer_grid_rms": errors[1.05, 0.0],
        "file_left_at_limit_rms": _size(limit - ours),
    }
    figures |= _fit_of_file(cell, sweep, times[kept], flux[kept], settings, directory)
    apart = {"theta": theta[kept], "ours": ours, "published": flux[kept], "limit": limit}
    return apart | {"no steps": coarse, "no steps, finer grid": fine}, figures


def _size(difference) -> float:
    import numpy as np

    return float(np.sqrt(np.mean(np.asarray(difference) ** 2)))


def _fit_of_file(cell, sweep, times, flux, settings, directory: Path) -> Figures:
    """k⁰ and α of the published curve from the published start, log₁₀ K₀ = −2 and α = 0.5."""
    import diffsim as ds
    from diffsim import electrochem as ec

    experiment = ec.Experiment(sweep, times, flux * _unit(), "published", _unit())
    space = ds.DesignSpace(k0=ds.Log(1e-4 * SPEED, 1e3 * SPEED), alpha=ds.Linear(0.05, 0.95))
    problem = ec.ParameterRecovery(cell, [experiment], space, name="weakly supported, published")
    start = problem.space.unit_cube({"k0": 1e-2 * SPEED, "alpha": 0.5})
    run = ds.solve(
        problem, ds.LevenbergMarquardt(), budget=60, x0=start, directory=directory, progress=False
    )
    import math

    return {
        "file_log10_k0": math.log10(run.best_physical["k0"] / SPEED),
        "file_alpha": run.best_physical["alpha"],
        "file_fit_rms": (2 * run.best_value / flux.size) ** 0.5,
        "file_fit_evaluations": run.counts.evaluations,
    }


_SPACE = ("k0", "alpha", "diffusivity[A]", "concentration[M+]")
_TRUTH = {"k0": SPEED, "alpha": 0.45, "diffusivity[A]": DIFFUSIVITY, "concentration[M+]": 2.0}


def _space():
    import diffsim as ds

    return ds.DesignSpace(
        {
            "k0": ds.Log(1e-3 * SPEED, 1e2 * SPEED, unit="m/s"),
            "alpha": ds.Linear(0.2, 0.8),
            "diffusivity[A]": ds.Log(0.1 * DIFFUSIVITY, 10 * DIFFUSIVITY, unit="m2/s"),
            "concentration[M+]": ds.Log(0.5, 50.0, unit="mol/m3"),
        }
    )


def _synthetic(settings: WeaklySupportedSettings, noise: float):
    """Voltammograms at three scan rates of the electroneutral cell with twice as much salt."""
    import equinox as eqx
    import numpy as np

    from diffsim import electrochem as ec

    random = np.random.default_rng(settings.seed)
    truth = _cell(0.1 * settings.tolerance, _TRUTH["concentration[M+]"], poisson=False)
    space = _space().bind(truth)
    truth = space.apply(truth, space.unit_cube(_TRUTH))
    simulate = eqx.filter_jit(lambda cell, sweep, times: cell((sweep, times)))
    experiments = []
    for sigma in (1.0, 10.0, 100.0):
        sweep = _sweep(sigma)
        times = np.linspace(0.02, 1.0, 150) * float(sweep.duration)
        current = np.asarray(simulate(truth, sweep, times).checked().values["current"])
        error = noise * np.max(np.abs(current))
        scale = error if noise else np.max(np.abs(current))
        current = current + error * random.standard_normal(current.size)
        experiments.append(ec.Experiment(sweep, times, current, f"sigma {sigma:g}", scale))
    return experiments


def _gradients(settings: WeaklySupportedSettings) -> Figures:
    """Of a fit at parameters off the truth: both modes and central differences."""
    import diffsim as ds
    from diffsim import electrochem as ec

    experiments = _synthetic(settings, 0.0)[1:2]
    cell = _cell(1e-6, 4.0, poisson=False)
    problem = ec.ParameterRecovery(cell, experiments, _space(), name="gradients")
    check = ds.check_gradients(problem, step=1e-3)
    return {
        "gradient_modes": check.mode_disagreement,
        "gradient_differences": check.finite_difference_disagreement,
    }


def _recovery(settings: WeaklySupportedSettings, directory: Path) -> Figures:
    """Four parameters from noisy curves, from random starts, with their error bars."""
    import numpy as np

    import diffsim as ds
    from diffsim import electrochem as ec

    from .._pipeline import finish, present

    cell = _cell(settings.tolerance, 4.0, poisson=False)
    experiments = _synthetic(settings, settings.noise)
    problem = ec.ParameterRecovery(cell, experiments, _space(), name="weakly supported, recovery")
    starts = np.random.default_rng(settings.seed).uniform(0.1, 0.9, (settings.starts, len(_SPACE)))
    run = ds.solve(
        problem,
        ds.Multistart(ds.LevenbergMarquardt(), starts),
        budget=ds.Budget(evaluations=60 * settings.starts),
        directory=directory,
    )
    tree, diagnosis = finish(
        problem,
        run,
        directory.with_suffix(".nc"),
        profiles=[],
        configuration=settings.model_dump(mode="json"),
    )
    present(tree, directory, report=True, figures="png")
    best = np.asarray(run.starts.x_best)
    together = np.max(np.abs(best - np.asarray(run.best_x)), axis=1) < 1e-3
    figures: Figures = {
        "recovery_max_error": max(abs(run.best_physical[n] / v - 1) for n, v in _TRUTH.items()),
        "recovery_starts_agreeing": int(np.sum(together)),
        "recovery_evaluations_median": float(np.median(run.starts.evaluations)),
        "recovery_reduced_chi2": 2 * run.best_value / sum(e.times.size for e in experiments),
    }
    for name, verdict in diagnosis.verdicts.items():
        figures |= {
            f"recovery_{name}": run.best_physical[name],
            f"recovery_{name}_covered": bool(verdict.low <= _TRUTH[name] <= verdict.high),
        }
    return figures
