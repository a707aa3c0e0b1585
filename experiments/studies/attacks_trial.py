"""Directional attacks on the network itself: the published comparison on a seeded family."""

from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy, require_extra

MARKS = (30, 100, 300, 1000)


class AttacksTrialSettings(Strict):
    """What can be set of the study."""

    seeds: int = Field(20, ge=3, le=100, description="random problems, one network for each")
    peer_seeds: int = Field(5, ge=3, le=100, description="of these, for the slower peers")
    samples: int = Field(4000, ge=100, le=65536, description="points each network is trained on")
    epochs: int = Field(150, ge=1, le=5000, description="of training")
    digits: int = Field(5, ge=0, le=100, description="seeds of the two problems of digits")
    nomad: bool = Field(False, description="whether NOMAD runs, too (slow; needs PyNomadBBO)")


class AttacksTrial(AbstractStudy):
    """Score on the network: hybrid, its own direct search, attacks alone, and gradient methods.

    Twenty random problems of 20 variables, six outputs and two constraints (`problems.trial`); the
    network that was trained on each is what is optimised. Gaps are relative to the best that any
    method found; medians over seeds with bootstrap intervals. Then the paper's image problems with
    digits in place of photographs and maps: `tasks.barycentre` (100 variables) and
    `tasks.counterfactual` (16), `digits` seeds each.
    """

    name = "attacks_trial"
    line = "directional attacks on networks: hybrid against direct search and gradient methods"
    configuration = AttacksTrialSettings

    def run(self, configuration: AttacksTrialSettings, directory: Path) -> Figures:
        import numpy as np

        from .. import _attack_cells as shared
        from .._attack_figures import draw_gaps

        if configuration.digits:
            require_extra("sklearn", "digits", "digits=0")
        if configuration.nomad:
            require_extra("PyNomad", "nomad", "nomad=false")
        cells = [_cells(configuration, seed, directory) for seed in range(configuration.seeds)]
        figures = _medians(cells, MARKS)
        for hybrid in ("hybrid", "hybrid_fgsm"):
            for mark in (30, 100, 300):
                rows = [shared.gaps(row, mark) for row in cells]
                pairs = np.array([[row["cdsm"], row[hybrid]] for row in rows])
                key = f"cdsm_over_{hybrid}_{mark}"
                figures[key] = shared.ratio_of_medians(pairs)
                figures[f"{key}_low"], figures[f"{key}_high"] = shared.interval(
                    pairs, shared.ratio_of_medians
                )
        draw_gaps(cells, directory / "gaps.png", "evaluations of the network")
        for kind in ("barycentre", "counterfactual") if configuration.digits else ():
            rows = [_digit_cells(kind, seed, directory) for seed in range(configuration.digits)]
            medians = _medians(rows, MARKS[:3])
            figures |= {f"{kind}_{name}": value for name, value in medians.items()}
            draw_gaps(rows, directory / f"gaps_{kind}.png", "evaluations of the network")
        return figures


def _medians(cells: list[dict], marks: tuple[int, ...]) -> Figures:
    """Median gap of each method at each mark, in evaluations and in units."""
    import numpy as np

    from .. import _attack_cells as shared

    figures: Figures = {}
    for name in sorted({name for row in cells for name in row}):
        for mark in marks:
            found = [shared.gaps(row, mark)[name] for row in cells if name in row]
            figures[f"{name}_gap_{mark}"] = float(np.median(found))
            spent = [shared.gaps(row, mark, "units")[name] for row in cells if name in row]
            figures[f"{name}_gap_{mark}_units"] = float(np.median(spent))
    return figures


def _digit_cells(kind: str, seed: int, directory: Path) -> dict:
    """The methods of the paper, and SQP, on one problem of digits."""
    from diffsim import optimise as opt
    from surrogates import tasks

    problem = {"barycentre": tasks.barycentre, "counterfactual": tasks.counterfactual}[kind](seed)
    methods = _methods(problem, 0.1, 300) | {
        "slsqp": (300, lambda: opt.ScipyMinimise("SLSQP", tolerance=1e-10))
    }
    return _run(methods, problem, directory / "cells", f"{kind}-", seed)


def _cells(settings: AttacksTrialSettings, seed: int, directory: Path):
    """Every method on one seed's network."""
    import diffsim as ds
    import surrogates as su
    from diffsim import optimise as opt, problems
    from surrogates import models

    from .. import _attack_cells as shared

    truth = problems.trial(seed)
    path = directory / "networks" / f"{seed:03d}.npz"
    if not path.exists():
        data = shared.sample(truth, settings.samples, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        models.save(shared.network(data, seed, epochs=settings.epochs), path)
    problem = su.surrogate_problem(truth, models.load(path))
    radius = 0.25
    methods = _methods(problem, radius, 1000)
    methods["slsqp"] = (300, lambda: opt.ScipyMinimise("SLSQP", tolerance=1e-10))
    if seed < settings.peer_seeds:
        penalty, lines = opt.Penalty(), (opt.LineSearches(),)
        steps = _steps(opt, radius)
        methods |= {
            "attack": (1000, lambda: su.AttackSearch(problem, radius=radius)),
            "augmented_lagrangian": (1000, lambda: opt.AugmentedLagrangian()),
            "cma_lagrangian": (1000, lambda: opt.CMALagrangian()),
            "line_searches": (1000, lambda: ds.DirectSearch(radius=radius, steps=lines)),
            "cdsm_penalty": (
                1000,
                lambda: ds.DirectSearch(radius=radius, steps=steps, ordering=penalty),
            ),
            "cobyqa": (
                300,
                lambda: opt.ScipyMinimise("COBYQA", options={"initial_tr_radius": radius}),
            ),
        }
        if settings.nomad:
            methods["nomad"] = (300, lambda: opt.NOMAD(models=False, evaluations=300))
    return _run(methods, problem, directory / "cells", "", seed)


def _methods(problem, radius: float, evaluations: int) -> dict:
    """The published comparison: direct search, attacks, both."""
    import diffsim as ds
    import surrogates as su
    from diffsim import optimise as opt

    fgsm = {"radius": radius, "attack": su.FGSM(projected=False)}
    makers = {
        "cdsm": lambda: ds.DirectSearch(radius=radius, steps=_steps(opt, radius)),
        "hybrid": lambda: su.HybridSearch(problem, radius=radius),
        "hybrid_fgsm": lambda: su.HybridSearch(problem, **fgsm),
        "attack_fgsm": lambda: su.AttackSearch(problem, **fgsm),
    }
    return {name: (evaluations, make) for name, make in makers.items()}


def _run(methods: dict, problem, folder: Path, prefix: str, seed: int) -> dict:
    """Each method's cell."""
    from .. import _attack_cells as shared

    return {
        name: shared.run_cell(
            folder / f"{prefix}{name}-{seed:03d}.json",
            problem,
            make,
            evaluations=evaluations,
            seed=seed,
        )
        for name, (evaluations, make) in methods.items()
    }


def _steps(opt, radius: float):
    return (
        opt.FarthestPointCovering(radius=radius),
        opt.RandomDirections(),
        opt.HouseholderPoll(),
    )
