"""Is the promise kept? The designed experiment, simulated with noise and evaluated many times."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from .._objective import LeastSquares
from .._problem import Problem
from .._types import AnyArray
from ..optimise import Budget, LevenbergMarquardt, solve
from ._predict import Prediction, designed, observed, predict

# Closer to a bound than this (in the unit cube), an estimate was cut off.
_AT_BOUND = 1e-6


@dataclass(frozen=True)
class Rehearsal:
    """Estimates from simulated measurements beside the covariance that was promised.

    - `predicted`: the bound; `estimates` (n, q) of the parameters of interest in the unit cube,
      from n draws of the noise, without those that failed; `truth` (q,).
    - `bounded` (n,): estimates that ended at the edge of a range, where the bound does not hold.
    - `failed`: draws without an estimate; `evaluations`: median number of evaluations.
    """

    predicted: Prediction
    truth: Float[np.ndarray, " q"]
    estimates: Float[np.ndarray, "n q"]
    bounded: Bool[np.ndarray, " n"]
    failed: int
    evaluations: float

    @property
    def covariance(self) -> Float[np.ndarray, "q q"]:
        """Observed, about the truth: bias counts as error."""
        errors = self.estimates - self.truth
        return errors.T @ errors / len(errors)

    @property
    def ratios(self) -> dict[str, float]:
        """Predicted over observed root mean square error, by parameter; known to 1/√(2n)."""
        predicted, observed = np.diag(self.predicted.covariance), np.diag(self.covariance)
        values = np.sqrt(predicted / observed)
        return dict(zip(self.predicted.names, map(float, values), strict=True))

    @property
    def volume_ratio(self) -> float:
        """(det predicted / det observed)^(1/2q): the same for the axes of the ellipsoid."""
        _, predicted = np.linalg.slogdet(self.predicted.covariance)
        _, observed = np.linalg.slogdet(self.covariance)
        return float(np.exp((predicted - observed) / (2 * len(self.truth))))


def rehearse(
    problem: Problem, x: Float[AnyArray, " d"], *, draws: int = 200, seed: int = 0, point: int = 0
) -> Rehearsal:
    """Simulate the experiment `draws` times with noise and fit each by Levenberg-Marquardt.

    The fits start at the assumed parameters and search their ranges: it is the noise that is on
    trial, not the search. All parameters are fitted, of interest or not.

    **Arguments:** `problem` an `ExperimentDesign`, `x` a design, `point` the number of the assumed
    point that is the truth.

    **Raises:** `ValueError` for fewer than two draws or an experiment that adds to gathered
    information, which simulated data alone do not have; otherwise as `predict`.
    """
    if draws < 2:
        raise ValueError(f"draws must be at least 2, but is {draws}.")
    information = designed(problem, x)
    if np.any(np.asarray(information.gathered) != 0):
        raise ValueError("gathered must be none for a rehearsal, but there is some.")
    predicted = predict(problem, x, point)
    truth = np.asarray(information.points[point])
    values = observed(problem, x).values
    clean, deviation = (np.asarray(values[name][point]) for name in ("response", "deviation"))
    random = np.random.default_rng(seed)
    estimates, evaluations = [], []
    for _ in range(draws):
        data = clean + deviation * random.standard_normal(clean.shape)
        fit = Problem(
            information.simulator,
            information.inputs,
            information.parameters,
            LeastSquares(data, deviation, observable=information.observable),
            name=f"{problem.name}, rehearsal",
        )
        run = solve(
            fit,
            LevenbergMarquardt(),
            budget=Budget(evaluations=50),
            x0=truth,
            progress=False,
            throw=False,
        )
        if np.isfinite(run.best_value):
            estimates.append(np.asarray(run.best_x))
            evaluations.append(run.counts.evaluations)
    found = np.reshape(estimates, (-1, truth.size))
    edge = (found < _AT_BOUND) | (found > 1 - _AT_BOUND)
    interest = list(information.interest)
    return Rehearsal(
        predicted,
        truth[interest],
        found[:, interest],
        np.any(edge, axis=1),
        draws - len(found),
        float(np.median(evaluations)) if evaluations else float("nan"),
    )
