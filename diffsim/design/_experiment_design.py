"""The problem of the next experiment."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PyTree

from .._objective import Constraint
from .._problem import Problem
from .._simulator import AbstractSimulator
from .._space import DesignSpace
from ._criteria import AbstractCriterion, AOptimal, COptimal
from ._information import as_roots
from ._noise import AbstractNoise
from ._simulator import ExperimentInformation


def ExperimentDesign(
    simulator: AbstractSimulator,
    inputs: PyTree,
    *,
    parameters: DesignSpace,
    design: DesignSpace,
    noise: AbstractNoise,
    criterion: AbstractCriterion,
    of_interest: Sequence[str] | None = None,
    assumed: Mapping[str, float] | Sequence[Mapping[str, float]] | None = None,
    gathered: ArrayLike | None = None,
    observable: str = "current",
    constraints: tuple[Constraint, ...] = (),
    name: str = "experiment_design",
) -> Problem:
    """Which experiment tells most about the parameters: a problem for any optimiser.

    **Arguments:**

    - `simulator`, `inputs`: the experiment; `simulator(inputs)` has the observable.
    - `parameters`: the unknowns with the ranges in which they are thought to lie. An edge of that
      box is the unit of every variance, and `gathered` information refers to its unit cube.
    - `design`: what may be chosen. Names are the simulator's own; anything else is reached by
      `where=ds.Leaf("inputs.scan_rate")`, or `Leaf("simulator....", index=2)`.
    - `noise`: of the observable, `ConstantNoise` or `PeakNoise`.
    - `criterion`: `DOptimal()`, `AOptimal()`, `COptimal(c)`, `EOptimal()`, or a subclass.
    - `of_interest`: parameters that count; the rest are nuisance, unknown all the same.
    - `assumed`: values at which the sensitivities are taken, by name; what is left out is as it
      stands in the simulator. Or several such points: a sample of the prior, over which the
      criterion is averaged, for a design that does not rest on one guess.
    - `gathered`: information there is already, (d, d) or one matrix for each point; see
      `gathered_information`. Prior knowledge is information, too: 1/σ² in parts of the edge.
    - `constraints`: on the observables of `ExperimentInformation`, such as the largest |response|.

    **Raises:** `ValueError` or `KeyError` for unknown names, a parameter that is also designed,
    assumed values outside their ranges, a matrix that is no information, weights or a direction of
    the wrong length.
    """
    bound = parameters.bind(simulator)
    both = sorted(set(parameters.names) & set(design.names))
    if both:
        raise ValueError(f"design variables must not be unknown parameters, but {both} are both.")
    points = _points(bound, simulator, assumed)
    interest = _interest(bound, of_interest)
    _check_criterion(criterion, len(interest))
    information = ExperimentInformation(
        simulator,
        inputs,
        bound,
        jnp.asarray(points),
        noise,
        jnp.asarray(as_roots(gathered, len(points), bound.size)),
        interest,
        observable,
    )
    return Problem(information, None, design, criterion, constraints, name=name)


def _points(space: DesignSpace, simulator: AbstractSimulator, assumed) -> np.ndarray:
    """The assumed parameters as points of the unit cube (b, d)."""
    given = [assumed or {}] if assumed is None or isinstance(assumed, Mapping) else list(assumed)
    if not given:
        raise ValueError("assumed must have at least one point, but is empty.")
    return np.stack([_point(space, simulator, values) for values in given])


def _point(space: DesignSpace, simulator: AbstractSimulator, values: Mapping[str, float]):
    unknown = sorted(set(values) - set(space.names))
    if unknown:
        raise ValueError(f"assumed must name parameters {list(space.names)}, but names {unknown}.")
    standing = {name: _standing(space, simulator, name) for name in space.names}
    merged = standing | {name: float(value) for name, value in values.items()}
    for name, value in merged.items():
        low, high = float(space.scales[name].low), float(space.scales[name].high)
        if not low <= value <= high:
            raise ValueError(f"assumed {name} must lie in [{low:g}, {high:g}], but is {value:g}.")
    return np.asarray(space.unit_cube(merged))


def _standing(space: DesignSpace, simulator: AbstractSimulator, name: str) -> float:
    lens = space.scales[name].where
    assert lens is not None  # of a bound space
    return float(lens.get(simulator))


def _interest(space: DesignSpace, of_interest: Sequence[str] | None) -> tuple[int, ...]:
    chosen = space.names if of_interest is None else tuple(of_interest)
    unknown = [name for name in chosen if name not in space.names]
    if unknown or not chosen or len(set(chosen)) != len(chosen):
        raise ValueError(
            f"of_interest must name some of {list(space.names)} once, but is {list(chosen)}."
        )
    return tuple(space.names.index(name) for name in chosen)


def _check_criterion(criterion: AbstractCriterion, size: int) -> None:
    shape = (size,)
    if isinstance(criterion, AOptimal) and criterion.weights.shape not in ((), shape):
        raise ValueError(
            f"weights of AOptimal must have shape {shape}, one for each parameter of interest, but "
            f"have {criterion.weights.shape}."
        )
    if isinstance(criterion, COptimal) and criterion.direction.shape != shape:
        raise ValueError(
            f"direction of COptimal must have shape {shape}, one for each parameter of interest, "
            f"but has {criterion.direction.shape}."
        )
