"""The methods of the issue, composed of steps."""

from diffsim import DirectSearch, Problem
from diffsim.optimise import (
    AbstractOrdering,
    FarthestPointCovering,
    FeasibleFirst,
    HouseholderPoll,
    RandomDirections,
)

from ._attack import FGSM, PGD, AbstractAttack
from ._attack_step import AttackStep
from ._landscape import AbstractLandscape, landscape_of
from ._surrogate_solve import SurrogateSolve

# Factors of the radius for an attack whose evaluations are dear and whose surrogate is not: a few
# for PGD, each of whose radii costs ten derivatives; for FGSM sixteen over four decades.
RUNGS = (0.25, 0.5, 1.0, 2.0)
LADDER = tuple(2.0 ** (k / 2.0) for k in range(-11, 5))


def AttackSearch(
    surrogate: Problem | AbstractLandscape,
    *,
    attack: AbstractAttack | None = None,
    ordering: AbstractOrdering | None = None,
    **settings,
) -> DirectSearch:
    """Attacks alone: quick at first, then stalls ("atk" of the paper).

    `settings` are those of `AttackStep`.

    **Raises:** `ValueError` for a surrogate without derivatives or bad settings.
    """
    step = AttackStep(landscape_of(surrogate), attack or FGSM(), **settings)
    return DirectSearch(steps=(step,), ordering=ordering or FeasibleFirst())


def HybridSearch(
    surrogate: Problem | AbstractLandscape,
    *,
    attack: AbstractAttack | None = None,
    ordering: AbstractOrdering | None = None,
    radius: float = 0.1,
    **settings,
) -> DirectSearch:
    """Attacks inside a covering direct search, which keeps its convergence.

    Each iteration attacks first; an attack of sufficient increase skips the rest, which can happen
    finitely often only (`AttackStep`). Then covering, search along two random directions, and a
    poll of 2n directions, as in `ds.DirectSearch`. `ds.solve` may be given the surrogate's own
    problem, or the true one: then the simulator decides, and is what is counted.

    **Arguments:**

    - `surrogate`: a problem that can be differentiated.
    - `attack`: `PGD()` by default; the paper's is `FGSM(projected=False)`.
    - `ordering`: `FeasibleFirst()` by default.
    - `radius`: the first of attack, poll and covering.
    - `settings`: of `AttackStep`.

    **Raises:** `ValueError` for a surrogate without derivatives or bad settings.
    """
    step = AttackStep(landscape_of(surrogate), attack or PGD(), radius=radius, **settings)
    return DirectSearch(
        steps=(step, *_rest(radius)), ordering=ordering or FeasibleFirst(), radius=radius
    )


def CorrectedHybrid(
    surrogate: Problem | AbstractLandscape,
    *,
    correction: int = 96,
    attempts: int = 8,
    ladder: tuple[float, ...] = RUNGS,
    **settings,
) -> DirectSearch:
    """The hybrid for a simulator that is dear: the surrogate learns from every true call.

    As `HybridSearch`, but before each attack the surrogate is made exact at what was evaluated
    (`CorrectedLandscape`), four radii are attacked at once and the surrogate so corrected says
    which point is tried, and a failed attack, from which it has learnt, is followed by another;
    after `attempts` failures in a row the direct search has its turn. The settings were chosen on
    problems (seeds 100-109 of `problems.trial`) that no study reports.

    `settings` are those of `HybridSearch`.

    **Raises:** `ValueError` for a surrogate without derivatives or bad settings.
    """
    return HybridSearch(
        surrogate, correction=correction, attempts=attempts, ladder=ladder, **settings
    )


def SurrogateSearch(
    surrogate: Problem | AbstractLandscape,
    *,
    correction: int = 96,
    margins: tuple[float, ...] = (0.0, 0.02),
    starts: int = 4,
    attack: AbstractAttack | None = None,
    ordering: AbstractOrdering | None = None,
    radius: float = 0.1,
) -> DirectSearch:
    """A full solve on the surrogate, tried on the oracle, followed by the hybrid.

    The method for a simulator that is dear and a surrogate that is not: `SurrogateSolve` first
    (and again at each iteration, with the surrogate corrected by what was evaluated), then
    screened attacks, covering, search and poll. With `correction=0` the surrogate is solved
    once and stays as it is.

    **Raises:** `ValueError` for a surrogate without derivatives or bad settings.
    """
    landscape = landscape_of(surrogate)
    solve = SurrogateSolve(landscape, margins=margins, starts=starts, correction=correction)
    step = AttackStep(landscape, attack or FGSM(), radius=radius, ladder=LADDER)
    return DirectSearch(
        steps=(solve, step, *_rest(radius)), ordering=ordering or FeasibleFirst(), radius=radius
    )


def _rest(radius: float):
    return FarthestPointCovering(radius=radius), RandomDirections(), HouseholderPoll()
