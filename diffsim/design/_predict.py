"""What a designed experiment promises."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._observables import Observables
from .._problem import Problem
from .._types import AnyArray
from ..optimise._compiled import timed_call
from ._simulator import ExperimentInformation


@dataclass(frozen=True)
class Prediction:
    """Least possible covariance of the parameters of interest, for one assumed point.

    - `names` (q,) and `covariance` (q, q) in the unit cube of their space.
    - `standard_errors` by name, on each parameter's own scale: relative for `Log`, in its unit for
      `Linear`, of the log-odds for `Logit`.
    """

    names: tuple[str, ...]
    covariance: Float[np.ndarray, "q q"]
    standard_errors: dict[str, float]


def predict(problem: Problem, x: Float[AnyArray, " d"], point: int = 0) -> Prediction:
    """The Cramér-Rao bound of the experiment at the design `x`.

    **Raises:** `TypeError` if the problem is no `ExperimentDesign`; `SimulationError` where the
    information is singular or the simulation fails.
    """
    information, observables = designed(problem, x), observed(problem, x)
    inverse = np.linalg.inv(np.asarray(observables.values["root"][point]))
    covariance = inverse @ inverse.T
    names = tuple(information.parameters.names[i] for i in information.interest)
    errors = np.sqrt(np.diag(covariance)) * spans(information, names)
    return Prediction(names, covariance, dict(zip(names, map(float, errors), strict=True)))


def designed(problem: Problem, x: Float[AnyArray, " d"]) -> ExperimentInformation:
    """The experiment with the design `x` put in."""
    information = problem.simulator
    if not isinstance(information, ExperimentInformation):
        raise TypeError(
            "the problem must be one of ExperimentDesign, but its simulator is "
            f"{type(information).__name__}."
        )
    return problem.space.apply(information, jnp.asarray(x))  # pyright: ignore


def observed(problem: Problem, x: Float[AnyArray, " d"]) -> Observables:
    """What the designed experiment would tell.

    **Raises:** `SimulationError` where the information is singular or the simulation fails.
    """
    return timed_call(_observe, problem, jnp.asarray(x)).value.checked()


def spans(information: ExperimentInformation, names: tuple[str, ...]) -> Float[np.ndarray, " q"]:
    """Edges of the unit cube on each parameter's own scale."""
    scales = [information.parameters.scales[name] for name in names]
    return np.array([float(s.warp(s.high) - s.warp(s.low)) for s in scales])


def _observe(problem: Problem, x):
    return problem.observe(x)
