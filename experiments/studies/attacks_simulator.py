"""The surrogate proposes, the simulator decides: what that saves in true calls."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy, require_extra

MARKS = (30, 100, 300)
PROBLEMS = (
    "trial_smooth",
    "transesterification",
    "waveform_design",
    "shell_design",
    "cell_design",
    "trial_relu",
    "trial_rounded",
)
# Methods that are given the simulator's own derivatives, and so are no competitors of the others.
WITH_GRADIENT = ("slsqp_gradient",)
# How far random starts are from the problem's own, where feasible points are rare.
_SPREAD = {"shell_design": 0.1, "waveform_design": 0.1}
Name = Literal[
    "trial_smooth",
    "transesterification",
    "waveform_design",
    "shell_design",
    "cell_design",
    "trial_relu",
    "trial_rounded",
]


class AttacksSimulatorSettings(Strict):
    """What can be set of the study."""

    seeds: int = Field(20, ge=2, le=100, description="random problems of each trial variant")
    starts: int = Field(10, ge=2, le=100, description="starts (and networks) of the others")
    evaluations: int = Field(300, ge=100, le=10000, description="true calls of each run")
    samples: int = Field(4000, ge=100, le=65536, description="training points, trial family")
    simulations: int = Field(400, ge=50, le=10000, description="training points, the others")
    epochs: int = Field(150, ge=1, le=5000, description="of training, trial family")
    bayesian: int = Field(5, ge=0, le=100, description="runs of SCBO (slow; needs the extra bo)")
    problems: tuple[Name, ...] = Field(PROBLEMS, description="which are run")


class AttacksSimulator(AbstractStudy):
    """Simulator acceptance on seven problems, in true calls; training data are not charged.

    `surrogate` is a solve on the surrogate followed by the hybrid, the surrogate corrected by what
    was evaluated; `surrogate_plain` the same without correction; `hybrid` attacks on the corrected
    surrogate inside the direct search, `hybrid_plain` on the surrogate as it was trained.
    `slsqp_gradient` is given the simulator's own derivatives. `scbo` runs on the first `bayesian`
    problems only, and is compared with the others on these. The network of the reactor has seen
    durations up to 60 of 120 min only.
    """

    name = "attacks_simulator"
    line = "surrogate proposes, simulator decides: true calls against direct search and peers"
    configuration = AttacksSimulatorSettings

    def run(self, configuration: AttacksSimulatorSettings, directory: Path) -> Figures:
        from .._attack_figures import draw_gaps

        if configuration.bayesian:
            require_extra("botorch", "bo", "bayesian=0")
        figures: Figures = {}
        wins, feasible, runs = 0, 0, 0
        for problem in configuration.problems:
            cells = _cells(configuration, problem, directory)
            figures |= _table(problem, cells, configuration.evaluations)
            wins += figures[f"{problem}_surrogate_best"] == "yes"  # pyright: ignore
            ends = [c for row in cells for n, c in row.items() if n not in WITH_GRADIENT]
            feasible += sum(c["violation"] == 0.0 for c in ends)
            runs += len(ends)
            draw_gaps(cells, directory / f"gaps_{problem}.png", "true calls of the simulator")
        figures["feasible_at_exit"] = feasible / runs
        figures["surrogate_best_problems"] = wins
        figures["problems"] = len(configuration.problems)
        if "trial_smooth" in configuration.problems:
            figures["hybrid_over_cdsm_100"] = figures["trial_smooth_hybrid_over_cdsm_100"]
        return figures


def _table(problem: str, cells: list[dict], evaluations: int) -> Figures:
    """Median gaps of one problem, the ratios with intervals, and who is best at 100 calls."""
    import numpy as np

    from .. import _attack_cells as shared

    figures: Figures = {}
    names = list(cells[0])  # the first problem has them all
    marks = [mark for mark in MARKS if mark <= evaluations]
    at = {mark: [shared.gaps(row, mark) for row in cells] for mark in marks}
    for name in names:
        for mark in marks:
            found = [g[name] for g in at[mark] if name in g]
            figures[f"{problem}_{name}_gap_{mark}"] = float(np.median(found))
    for name in ("hybrid", "hybrid_plain", "surrogate_plain", "surrogate"):
        for mark in marks:
            pairs = np.array([[g[name], g["cdsm"]] for g in at[mark]])
            key = f"{problem}_{name}_over_cdsm_{mark}"
            figures[key] = shared.ratio_of_medians(pairs)
            figures[f"{key}_low"], figures[f"{key}_high"] = shared.interval(
                pairs, shared.ratio_of_medians
            )
    return figures | _verdict(problem, at[100])


def _verdict(problem: str, gaps: list[dict[str, float]]) -> Figures:
    """Surrogate SQP against the best of the methods without derivatives, at 100 calls.

    At least as good: the median of the paired differences is no larger than zero and the interval
    does not lie above it, whichever rival it is compared with.
    """
    import numpy as np

    from .. import _attack_cells as shared

    figures: Figures = {}
    own = ("surrogate", "surrogate_plain", *WITH_GRADIENT)
    rivals = [name for name in gaps[0] if name not in own]
    paired = {n: np.array([g["surrogate"] - g[n] for g in gaps if n in g]) for n in rivals}
    best = min(rivals, key=lambda n: np.median([g[n] for g in gaps if n in g]))
    low, high = shared.interval(paired[best])
    figures[f"{problem}_best_rival_100"] = best
    figures[f"{problem}_surrogate_minus_rival_low"] = low
    figures[f"{problem}_surrogate_minus_rival_high"] = high
    fine = all(np.median(d) <= 0.0 and shared.interval(d)[0] <= 0.0 for d in paired.values())
    figures[f"{problem}_surrogate_best"] = "yes" if fine else "no"
    return figures


def _cells(settings: AttacksSimulatorSettings, name: str, directory: Path) -> list[dict]:
    """Every method, one row for each seed."""
    count = settings.seeds if name.startswith("trial") else settings.starts
    return [_row(settings, name, seed, directory) for seed in range(count)]


def _row(settings: AttacksSimulatorSettings, name: str, seed: int, directory: Path) -> dict:
    import diffsim as ds
    import surrogates as su
    from diffsim import optimise as opt
    from surrogates import models

    from .. import _attack_cells as shared

    truth, radius = _problem(name, seed)
    path = directory / "networks" / f"{name}-{seed:03d}.eqx"
    if not path.exists():
        models.save(_network(settings, name, truth, seed), path)
    surrogate = su.surrogate_problem(truth, models.load(path))
    x0 = None if name.startswith("trial") else _start(truth, name, seed)
    steps = (
        opt.FarthestPointCovering(radius=radius),
        opt.RandomDirections(),
        opt.HouseholderPoll(),
    )
    methods = {
        "cdsm": lambda: ds.DirectSearch(steps=steps, radius=radius),
        "attack": lambda: su.AttackSearch(surrogate, attack=su.PGD(), radius=radius),
        "hybrid_plain": lambda: su.HybridSearch(surrogate, radius=radius),
        "hybrid": lambda: su.CorrectedHybrid(surrogate, radius=radius),
        "surrogate_plain": lambda: su.SurrogateSearch(surrogate, correction=0, radius=radius),
        "surrogate": lambda: su.SurrogateSearch(surrogate, radius=radius),
        "cobyqa": lambda: opt.ScipyMinimise("COBYQA", options={"initial_tr_radius": radius}),
        "cma_lagrangian": lambda: opt.CMALagrangian(),
        "slsqp_gradient": lambda: opt.ScipyMinimise("SLSQP", tolerance=1e-9),
    }
    if seed < settings.bayesian:
        methods["scbo"] = lambda: su.SCBO()
    return {
        method: shared.run_cell(
            directory / "cells" / f"{name}-{method}-{seed:03d}.json",
            truth,
            make,
            evaluations=settings.evaluations,
            seed=seed,
            x0=x0,
        )
        for method, make in methods.items()
    }


def _problem(name: str, seed: int):
    """The true problem and the first radius of the searches."""
    from diffsim import problems

    if name.startswith("trial"):
        return problems.trial(seed, variant=name.removeprefix("trial_")), 0.25  # pyright: ignore
    build = {
        "cell_design": problems.cell_design,
        "transesterification": problems.transesterification,
        "waveform_design": problems.waveform_design,
        "shell_design": problems.shell_design,
    }
    return build[name](), 0.1


def _network(settings: AttacksSimulatorSettings, name: str, truth, seed: int):
    from .. import _attack_cells as shared

    if name.startswith("trial"):
        data = shared.sample(truth, settings.samples, seed)
        activation = "relu" if name.endswith("relu") else "tanh"
        return shared.network(data, seed, activation=activation, epochs=settings.epochs)
    # The reactor's network knows durations of 5-60 min, of 5-120.
    high = (0.478, 1.0) if name == "transesterification" else 1.0
    data = shared.sample(truth, settings.simulations, seed, high=high)
    return shared.network(data, seed, epochs=10 * settings.epochs)


def _start(truth, name: str, seed: int):
    """A feasible random start in the lower half of the scores (the problem's own for seed 0)."""
    import numpy as np

    from diffsim.optimise import Request
    from diffsim.optimise._answering import Simulation

    if seed == 0:
        return None
    random = np.random.default_rng([seed, 7])
    points = random.uniform(size=(24, truth.space.size))
    if name == "transesterification":
        points[:, 0] *= 0.478
    if name in _SPREAD:
        away = _SPREAD[name] * random.standard_normal(points.shape)
        points = np.clip(truth.space.initial(truth.simulator) + away, 0.0, 1.0)
    simulate = Simulation(truth)  # the program that the runs will use
    answers = [simulate(Request.at(point, "value")).value for point in points]
    values = np.array([float(answer.value[0]) for answer in answers])
    slacks = np.array([np.asarray(answer.constraints[0]) for answer in answers])
    feasible = np.all(slacks <= 0, axis=1) & np.isfinite(values)
    order = np.argsort(-values)  # the worst first
    worse = [i for i in order if feasible[i]]
    return points[worse[len(worse) // 4]] if worse else None
