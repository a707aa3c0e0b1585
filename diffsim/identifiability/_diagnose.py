"""After a fit: which parameters can be trusted, and is the model right?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from .. import results
from .._problem import Problem
from .._xarray import xarray as xr
from ..optimise import Counts, Run
from ._combinations import Combination, combinations_of
from ._covariance import Covariance, covariance_of
from ._fit import Fit, fit_of
from ._profile import Profile, profile_likelihood
from ._residual_tests import ResidualTest, residual_tests
from ._to_dataset import identifiability_node, profiles_node
from ._verdict import Verdict, needs_profile, verdict_of


@dataclass(frozen=True)
class Diagnosis:
    """Everything known of a fit beyond its best point.

    - `verdicts`: one per parameter, with an interval and a sentence.
    - `combinations`: what is identified where single parameters are not.
    - `covariance`: singular values, directions, intervals, noise scale.
    - `profiles`: of the parameters that needed one, by name.
    - `residual_tests`: one per experiment; `structured` ones tell of a misfit with a shape.
    - `better_value`: a value lower than the fit's, which then had not converged: met on a
      profile, or expected of a straight-line step; else None.
    - `counts`: evaluations spent on the profiles.
    """

    fit: Fit
    covariance: Covariance
    combinations: list[Combination]
    profiles: dict[str, Profile]
    verdicts: dict[str, Verdict]
    residual_tests: list[ResidualTest]
    better_value: float | None
    counts: Counts

    @property
    def structured(self) -> list[int]:
        """Experiments whose misfit has a shape."""
        return [test.group for test in self.residual_tests if test.structured]

    def summary(self) -> str:
        """A sentence per parameter, then what is to be said of the misfit."""
        lines = [f"{verdict.name}: {verdict.text}" for verdict in self.verdicts.values()]
        if self.structured:
            lines.append(
                f"The misfit has a shape in experiments {self.structured}: the model lacks "
                "something there, and error bars understate what is not known."
            )
        if self.better_value is not None:
            lines.append(
                f"The fit had not converged: a lower value, {self.better_value:.6g}, was met on a "
                "profile or lies within a straight-line step. Nothing said here can be relied on. "
                "Continue the fit, or use more starts."
            )
        return "\n".join(lines)

    def to_datasets(self) -> dict[str, xr.Dataset]:
        """Nodes for a run's dataset: `identifiability`, and `profiles` if there are any."""
        nodes = {results.IDENTIFIABILITY: identifiability_node(self)}
        if self.profiles:
            nodes[results.PROFILES] = profiles_node(self)
        return nodes

    def attach(self, run: Run) -> Run:
        """The run with these nodes in its dataset."""
        return dataclasses.replace(run, extra=run.extra | self.to_datasets())


def diagnose(
    problem: Problem,
    run: Run,
    *,
    confidence: float = 0.95,
    profiles: Sequence[str] | None = None,
    group: Int[np.ndarray, " p"] | None = None,
) -> Diagnosis:
    """Judge the fit that `run` found.

    **Arguments:**

    - `profiles`: names to profile; by default those whose straight-line interval is infinite
      or leaves the box, and that are not part of an identified combination.
    - `group`: the experiment each residual belongs to; by default from the leading axes of the
      objective's data.

    **Raises:** `TypeError` for an objective without residuals, `ValueError` for a run without
    a best point.
    """
    fit = fit_of(problem, run, group)
    covariance = covariance_of(fit, confidence=confidence)
    combinations = combinations_of(fit, covariance)
    names = needs_profile(fit, covariance, combinations) if profiles is None else profiles
    walked = profile_likelihood(problem, run, names, confidence=confidence, covariance=covariance)
    verdicts = {
        name: verdict_of(fit, covariance, combinations, walked.get(name), i)
        for i, name in enumerate(fit.names)
    }
    return Diagnosis(
        fit=fit,
        covariance=covariance,
        combinations=combinations,
        profiles=walked,
        verdicts=verdicts,
        residual_tests=residual_tests(fit.residuals, fit.group),
        better_value=_better(fit, covariance, walked),
        counts=_total(walked),
    )


def _better(fit: Fit, covariance: Covariance, profiles: dict[str, Profile]) -> float | None:
    """The lowest value known to be attainable, if it lies below the fit's by more than a
    hundredth of what a standard error costs."""
    noise = covariance.noise
    unit = 0.5 * noise.scale**2 * noise.time
    lowest = min((float(p.delta.min()) for p in profiles.values()), default=0.0)
    gain = max(-lowest * unit, covariance.decrement)
    if not gain > 0.01 * unit:
        return None
    return 0.5 * fit.sum_of_squares - gain


def _total(profiles: dict[str, Profile]) -> Counts:
    counts = Counts()
    for profile in profiles.values():
        counts = counts.plus(**profile.counts.as_dict())
    return counts
