"""Impedance and AC voltammetry from the voltammetric equations: limits, fits, honest errors."""

from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures, write_text
from .._study import AbstractStudy

AREA, OXIDISED, REDUCED = 1e-4, (1e-9, 2.0), (0.6e-9, 3.0)  # m2; D in m2/s and c in mol/m3
K0, ALPHA, FORMAL = 1e-5, 0.4, 0.2  # m/s, -, V
RESISTANCE, CAPACITANCE, DEPTH = 20.0, 0.2, 5e-5  # ohm, F/m2, m
HOLD = 100.0  # s
SHIFTS = (-0.05, 0.0, 0.05)  # biases against the potential at rest, V
TRUTH = {"k0": K0, "alpha": ALPHA, "resistance": RESISTANCE, "capacitance": CAPACITANCE}
AC = {"k0": K0, "alpha": ALPHA, "formal_potential": FORMAL}


class ImpedanceSettings(Strict):
    """What can be set of the study."""

    frequencies: int = Field(25, ge=8, le=200, description="of each spectrum, 0.02 Hz to 20 kHz")
    noise: float = Field(0.01, gt=0, lt=0.5, description="of each part, relative to |Z| (or |a|)")
    repeats: int = Field(40, ge=2, le=1000, description="noisy data sets for the coverage")
    harmonics: int = Field(4, ge=1, le=8, description="fitted of the AC voltammogram")
    seed: int = 0


class ImpedanceStudy(AbstractStudy):
    """A quasi-reversible couple behind a finite diffusion layer, with resistance and double layer.

    Spectra at three biases; the limits that have a formula; complex least squares on noisy spectra
    from a start that is a decade off, with the coverage of its intervals; the harmonics of a large
    sine on a ramp, and a recovery from them; derivatives of the spectra by three routes.
    """

    name = "impedance"
    line = "impedance at any bias and AC harmonics from the same cell, limits, fits and coverage"
    configuration = ImpedanceSettings

    def run(self, configuration: ImpedanceSettings, directory: Path) -> Figures:
        import numpy as np

        import diffsim as ds

        from .._impedance_figure import draw
        from .._pipeline import cpu_seconds

        began = cpu_seconds()
        frequencies = np.logspace(np.log10(0.02), np.log10(2e4), configuration.frequencies)
        random = np.random.default_rng(configuration.seed)
        limits = _limits(frequencies)
        figures: Figures = {f"{name}_error": curve[2] for name, curve in limits.items()}

        clean = _spectra(frequencies)
        problem = _fit(clean, configuration.noise)
        figures |= _coverage(problem, clean, TRUTH, configuration, random)

        envelopes = _harmonics_problem(configuration)
        run = ds.solve(
            _noisy(envelopes, configuration.noise, random),
            ds.LevenbergMarquardt(),
            budget=80,
            directory=directory / "harmonics",
            progress=False,
        )
        figures |= {f"harmonics_{name}": value for name, value in run.best_physical.items()}
        figures["harmonics_evaluations"] = run.counts.evaluations
        figures["harmonics_max_error"] = max(
            abs(run.best_physical[name] / value - 1.0) for name, value in AC.items()
        )
        figures |= {f"spectrum_{k}": v for k, v in _checked(problem).items()}
        draw(directory / "impedance.png", clean, limits, _drawn(envelopes))
        figures["cpu_s"] = cpu_seconds() - began
        write_text(directory / "report.md", _report(figures, configuration))
        return figures


def _rest() -> float:
    """Equilibrium potential in V."""
    import math

    from diffsim.constants import faraday, gas_constant

    return FORMAL + gas_constant * 298.15 / faraday * math.log(OXIDISED[1] / REDUCED[1])


def _couple(domain=None, *, circuit: bool = True):
    from diffsim import electrochem as ec

    return ec.Voltammetry(
        ec.Mechanism(
            "Ox + e- <=> Red", kinetics=ec.ButlerVolmer(K0, ALPHA), formal_potential=FORMAL
        ),
        {"Ox": ec.Species(*OXIDISED), "Red": ec.Species(*REDUCED)},
        ec.Planar(AREA),
        domain=domain or ec.DiffusionLayer(DEPTH),
        circuit=ec.Circuit(RESISTANCE, CAPACITANCE) if circuit else ec.Circuit(),
    )


def _spectra(frequencies):
    """The true spectra at all biases."""
    import numpy as np

    from diffsim import electrochem as ec

    impedance = ec.Impedance(_couple(), _rest(), HOLD)
    blank = [ec.Spectrum(_rest() + s, frequencies, np.ones(frequencies.size)) for s in SHIFTS]
    parts = np.asarray(ec.Spectra(impedance, blank)(None).checked().values["impedance"])
    whole = np.split(parts[:, 0] + 1j * parts[:, 1], len(SHIFTS))
    return [ec.Spectrum(b.potential, frequencies, z) for b, z in zip(blank, whole, strict=True)]


def _fit(spectra, noise: float):
    """Complex least squares from k0 and R that are far off."""
    import diffsim as ds
    from diffsim import electrochem as ec

    space = ds.DesignSpace(
        k0=ds.Log(1e-8, 1e-3, unit="m/s", initial=1e-6),
        alpha=ds.Linear(0.1, 0.9, initial=0.5),
        resistance=ds.Log(1.0, 1e3, unit="ohm", initial=60.0),
        capacitance=ds.Log(0.01, 2.0, unit="F/m2", initial=0.1),
    )
    impedance = ec.Impedance(_couple(), _rest(), HOLD)
    scales = [noise * abs(s.impedance) for s in spectra]
    return ec.SpectraFit(impedance, spectra, space, scales=scales, name="spectra")


def _noisy(problem, noise: float, random):
    """The problem with Gaussian noise of its own scale on the data."""
    import equinox as eqx
    import jax.numpy as jnp

    objective = problem.objective
    step = random.standard_normal(objective.data.shape) * objective.scale
    return eqx.tree_at(lambda p: p.objective.data, problem, jnp.asarray(objective.data + step))


def _coverage(problem, clean, truth, settings: ImpedanceSettings, random) -> Figures:
    """Errors, standard errors and coverage of the 95 % intervals over noisy data sets."""
    import numpy as np

    import diffsim as ds
    from diffsim import identifiability

    found = {name: [] for name in truth}
    widths, inside, evaluations = [], [], []
    for _ in range(settings.repeats):
        trial = _noisy(problem, settings.noise, random)
        run = ds.solve(trial, ds.LevenbergMarquardt(), budget=60, progress=False)
        diagnosis = identifiability.diagnose(trial, run, profiles=[])
        evaluations.append(run.counts.evaluations)
        covered = []
        for name, value in truth.items():
            verdict = diagnosis.verdicts[name]
            found[name].append(verdict.value / value)
            covered.append(verdict.low <= value <= verdict.high)
        inside.append(covered)
        # Of the unit cube, of which half widths at 95 % are 1.96 standard errors or a little more.
        widths.append(np.sqrt(np.diag(diagnosis.covariance.covariance)))
        scatter = np.asarray(run.best_x)
        found.setdefault("x", []).append(scatter)
    spread = np.std(np.stack(found.pop("x")), axis=0, ddof=1)
    stated = np.sqrt(np.mean(np.square(widths), axis=0))
    figures: Figures = {
        "cnls_repeats": settings.repeats,
        "cnls_evaluations_max": max(evaluations),
        "cnls_coverage": float(np.mean(inside)),
    }
    for k, name in enumerate(truth):
        figures |= {
            f"cnls_{name}_bias": float(np.mean(found[name]) - 1.0),
            f"cnls_{name}_scatter": float(np.std(found[name], ddof=1)),
            f"cnls_{name}_stated_over_scatter": float(stated[k] / spread[k]),
            f"cnls_{name}_coverage": float(np.mean([row[k] for row in inside])),
        }
    return figures


def _checked(problem) -> Figures:
    """Forward against reverse mode, and against finite differences."""
    import diffsim as ds

    check = ds.check_gradients(problem)
    return {
        "gradient_modes": check.mode_disagreement,
        "gradient_finite_differences": check.finite_difference_disagreement,
    }


def _limits(frequencies):
    """By name: simulated and exact impedance, and the largest relative error."""
    import numpy as np

    from diffsim import electrochem as ec
    from diffsim.constants import faraday, gas_constant

    omega = 2j * np.pi * frequencies
    thermal = gas_constant * 298.15 / faraday
    exchange = faraday * AREA * K0 * OXIDISED[1] ** (1 - ALPHA) * REDUCED[1] ** ALPHA

    def warburg(shape):
        unit = thermal / (faraday * AREA)
        return sum(
            unit / (c * np.sqrt(omega * d)) * shape(np.sqrt(omega / d))
            for d, c in (OXIDISED, REDUCED)
        )

    def simulated(cell, potential):
        parts = ec.Impedance(cell, potential, 2.0 * HOLD)(frequencies).checked().values["impedance"]
        return np.asarray(parts[:, 0] + 1j * parts[:, 1])

    infinite = thermal / exchange + warburg(lambda root: 1.0)
    randles = RESISTANCE + 1.0 / (omega * CAPACITANCE * AREA + 1.0 / infinite)
    finite = thermal / exchange + warburg(lambda root: np.tanh(DEPTH * root))
    supplied, rest, slow = _gerischer(omega, thermal)
    cases = {
        "warburg": (_couple(ec.SemiInfinite()), _rest(), randles),
        "finite_layer": (_couple(circuit=False), _rest(), finite),
        "gerischer": (supplied, rest, slow),
    }
    found = {}
    for name, (cell, potential, exact) in cases.items():
        ours = simulated(cell, potential)
        # Above, the reversible couple's diffusion layer is thinner than the default grid resolves.
        kept = frequencies < (150.0 if name == "gerischer" else np.inf)
        error = float(np.max(np.abs(ours / exact - 1.0)[kept]))
        found[name] = (ours[kept], exact[kept], error)
    return found


def _gerischer(omega, thermal: float):
    """A reversible couple whose reactant a fast equilibrium supplies: cell, rest, exact Z."""
    import numpy as np

    from diffsim import electrochem as ec
    from diffsim.constants import faraday

    forward, backward, many, d = 0.5, 500.0, 1000.0, OXIDISED[0]
    cell = ec.Voltammetry(
        ec.Mechanism(
            ec.ChemicalReaction("Pre <=> Ox", forward, backward),
            ec.ElectrodeReaction("Ox + e- <=> Red", ec.Nernst(), FORMAL),
        ),
        {"Pre": ec.Species(d, many), "Ox": ec.Species(d, 1.0), "Red": ec.Species(d, many)},
        ec.Planar(AREA),
    )
    k = forward + backward
    supplied = backward / k / np.sqrt(k + omega) + forward / k / np.sqrt(omega)
    exact = thermal / (faraday * AREA * np.sqrt(d)) * (supplied + 1.0 / (many * np.sqrt(omega)))
    return cell, FORMAL + thermal * np.log(1.0 / many), exact


def _harmonics_problem(settings: ImpedanceSettings):
    """Envelopes of a sine of 80 mV on a ramp through the wave, without noise."""
    import numpy as np

    import diffsim as ds
    from diffsim import electrochem as ec

    ramp = ec.LinearSweep(FORMAL + 0.2, FORMAL - 0.2, 0.02)
    wave = ec.Sinusoidal(ramp, 0.08, 1.0, samples=20 * 64 + 1)
    simulator = ec.ACVoltammetry(_couple(ec.SemiInfinite()), 20, count=settings.harmonics)
    envelopes = np.asarray(simulator(wave).checked().values["harmonics"])
    # Noise of each harmonic relative to its largest amplitude; the direct part is not fitted.
    scale = settings.noise * np.max(np.hypot(*np.moveaxis(envelopes, -1, 0)), axis=1)
    mask = np.ones(envelopes.shape, bool)
    mask[0] = False
    objective = ds.LeastSquares(envelopes, scale[:, None, None], observable="harmonics", mask=mask)
    space = ds.DesignSpace(
        k0=ds.Log(1e-7, 1e-3, unit="m/s", initial=3e-5),
        alpha=ds.Linear(0.1, 0.9, initial=0.5),
        formal_potential=ds.Linear(0.1, 0.3, unit="V", initial=0.22),
    )
    return ds.Problem(simulator, wave, space, objective, name="harmonics")


def _drawn(problem):
    """Potential (V) and amplitudes (c, k) in A of the true envelopes."""
    import numpy as np

    values = problem.simulator(problem.inputs).values
    parts = np.asarray(values["harmonics"])
    return np.asarray(values["direct_potential"]), np.hypot(parts[..., 0], parts[..., 1])


def _report(figures: Figures, settings: ImpedanceSettings) -> str:
    rows = [f"| {name} | {value} |" for name, value in figures.items()]
    head = [
        "# Impedance and AC voltammetry",
        "",
        f"{settings.repeats} data sets with {100 * settings.noise:g} % noise, "
        f"{settings.frequencies} frequencies at {len(SHIFTS)} biases.",
        "",
        "![spectra, limits, harmonics](impedance.png)",
        "",
        "| figure | value |",
        "|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"
