"""The fit around which identifiability is judged: residuals and Jacobian at the optimum."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from .._problem import Problem
from .._space import DesignSpace
from ..optimise._compiled import timed_call
from ..optimise._run import Run

# Closer to a bound than this (in the unit cube), a parameter stands at it.
AT_BOUND = 1e-7
# A weaker push against the bound than this, in units of the noise, is the flat floor of a valley
# that happened to end there, and the parameter is as free as the others.
_LEAST_PUSH = 0.1


@dataclass(frozen=True)
class Fit:
    """Residuals (p,) and Jacobian (p, d) in the unit cube at the best point.

    Rows that are masked out (zero residual and zero Jacobian) are left away. `group` numbers
    the experiments. `free` is False for parameters that stand at a bound, from where the
    misfit would push them further: they have no linear error bar.
    """

    space: DesignSpace
    x: Float[np.ndarray, " d"]
    residuals: Float[np.ndarray, " p"]
    jacobian: Float[np.ndarray, "p d"]
    group: Int[np.ndarray, " p"]
    free: Bool[np.ndarray, " d"]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters."""
        return self.space.names

    @property
    def sum_of_squares(self) -> float:
        """Of the residuals; twice the objective."""
        return float(self.residuals @ self.residuals)

    def physical(self, x: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
        """Unit interval to physical values, also beyond the bounds and at infinity."""
        values = self.space.physical(jnp.asarray(x))
        return np.array([float(values[name]) for name in self.names])

    @property
    def spans(self) -> Float[np.ndarray, " d"]:
        """Length of each edge of the unit cube on the parameter's own scale (ln for `Log`)."""
        scales = [self.space.scales[name] for name in self.names]
        return np.array(
            [float(s.warp(jnp.asarray(s.high)) - s.warp(jnp.asarray(s.low))) for s in scales]
        )


def fit_of(problem: Problem, run: Run, group: Int[np.ndarray, " p"] | None = None) -> Fit:
    """The fit at the best point of a run; evaluates the Jacobian if the run does not hold it.

    **Raises:** `TypeError` for an objective without residuals, `ValueError` for a run without
    a best point.
    """
    if not problem.has_residuals:
        raise TypeError(
            "the objective must have residuals for error bars, but "
            f"{type(problem.objective).__name__} is a scalar."
        )
    if not np.isfinite(run.best_value):
        raise ValueError("the run must have a best point, but every evaluation failed.")
    x = np.asarray(run.best_x, float)
    arrays = run.best_arrays
    if "jacobian" not in arrays:
        evaluation = timed_call(_jacobian, problem, jnp.asarray(x)).value
        arrays = {name: np.asarray(getattr(evaluation, name)) for name in ("residuals", "jacobian")}
    residuals, jacobian = arrays["residuals"], arrays["jacobian"]
    group = _groups(problem, residuals.size) if group is None else np.asarray(group)
    counts = (residuals != 0) | np.any(jacobian != 0, axis=1)
    push = jacobian.T @ residuals
    noise = np.linalg.norm(residuals) / np.sqrt(max(residuals.size, 1))
    strong = np.abs(push) > _LEAST_PUSH * noise * np.linalg.norm(jacobian, axis=0)
    held = strong & (((x <= AT_BOUND) & (push > 0)) | ((x >= 1 - AT_BOUND) & (push < 0)))
    return Fit(problem.space, x, residuals[counts], jacobian[counts], group[counts], ~held)


def _jacobian(problem: Problem, x):
    return problem.evaluate(x, "jacobian")


def _groups(problem: Problem, size: int) -> Int[np.ndarray, " p"]:
    """Experiments: the leading axes of the objective's data, if it has any."""
    data = getattr(problem.objective, "data", None)
    if data is None or np.ndim(data) < 2 or np.size(data) != size:
        return np.zeros(size, int)
    return np.repeat(np.arange(size // np.shape(data)[-1]), np.shape(data)[-1])
