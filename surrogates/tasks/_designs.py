"""Tasks of design: a cell, a waveform, a shell; and recovery from several scan rates."""

import functools

import jax.numpy as jnp
from jaxtyping import Array

import diffsim as ds
from diffsim import problems

from ..offline import Negative, NegativeLog
from ._problem_task import ProblemTask


class Penalised(ds.AbstractObjective):
    """value + weight·Σ max(0, slack) over all constraints."""

    objective: ds.AbstractObjective
    constraints: tuple[ds.Constraint, ...]
    weight: float

    def __call__(self, observables: ds.Observables) -> Array:
        above = [jnp.sum(jnp.maximum(c.slacks(observables), 0.0)) for c in self.constraints]
        return self.objective(observables) + self.weight * sum(above)


def penalised(problem: ds.Problem, weight: float = 1.0) -> ds.Problem:
    """A problem with constraints as one without: offline, what is infeasible has a score as well.

    **Raises:** `ValueError` if there are no constraints, or the weight is not positive.
    """
    if not problem.constraints:
        raise ValueError(f"the problem must have constraints, but {problem.name} has none.")
    if not weight > 0:
        raise ValueError(f"weight must be positive, but is {weight:g}.")
    objective = Penalised(problem.objective, problem.constraints, weight)
    return ds.Problem(
        problem.simulator, problem.inputs, problem.space, objective, name=problem.name
    )


def cell_design(*, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """`problems.cell_design` (four variables), a tenth over a limit costing a tenth of a decade."""
    problem = penalised(problems.cell_design())
    return ProblemTask(problem, Negative(), pool=pool, gradients=gradients)


def waveform_design(*, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """`problems.waveform_design` (eight corners), limits of current and slew penalised."""
    problem = penalised(problems.waveform_design())
    return ProblemTask(problem, Negative(), pool=pool, gradients=gradients, effort=600)


def five_scan_recovery(*, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """Four parameters from voltammograms at five scan rates, `problems.five_scan_rates`."""
    problem = problems.five_scan_rates()
    return ProblemTask(problem, NegativeLog(1.0), pool=pool, gradients=gradients, effort=600)


def shell_shape(*, zones: int = 4, pool: int = 600, gradients: bool = False) -> ProblemTask:
    """Rest curvatures and thicknesses of the zones of a strip that is to stand as an arch.

    The shape alone of `problems.shell_design`, without its limits: score -log10(miss + 0.001), the
    miss a root mean square over the length. Two variables for each zone.
    """
    problem, score = _shell_shape(zones), NegativeLog(1e-3)
    return ProblemTask(problem, score, pool=pool, gradients=gradients, effort=400)


@functools.cache
def _shell_shape(zones: int) -> ds.Problem:
    whole = problems.shell_design(zones)
    return ds.Problem(
        whole.simulator, whole.inputs, whole.space, whole.objective, name="shell_shape"
    )
