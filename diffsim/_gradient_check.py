"""Are the derivatives right? Forward mode, reverse mode and finite differences, side by side."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._problem import Problem


@dataclass(frozen=True)
class GradientCheck:
    """Derivatives of a problem's value at one point, by three routes.

    **Fields** (arrays are (d,), with respect to the unit cube; None where not available):

    - `forward`, `reverse`, `finite_differences`
    - `finite_difference_error`: what the central difference itself can be trusted to,
      estimated from two steps that differ by a factor of two
    - `names`: of the design variables
    """

    names: tuple[str, ...]
    forward: Float[np.ndarray, " d"] | None
    reverse: Float[np.ndarray, " d"] | None
    finite_differences: Float[np.ndarray, " d"]
    finite_difference_error: Float[np.ndarray, " d"]

    @property
    def scale(self) -> float:
        """Largest derivative: errors are relative to it."""
        return float(max(np.max(np.abs(self.finite_differences)), np.finfo(float).tiny))

    @property
    def mode_disagreement(self) -> float:
        """max |forward - reverse| / scale; NaN if only one mode is available."""
        if self.forward is None or self.reverse is None:
            return float("nan")
        return float(np.max(np.abs(self.forward - self.reverse)) / self.scale)

    @property
    def finite_difference_disagreement(self) -> float:
        """max |derivative - finite difference| / scale."""
        exact = self.forward if self.forward is not None else self.reverse
        assert exact is not None
        return float(np.max(np.abs(exact - self.finite_differences)) / self.scale)

    def passed(self, *, modes: float = 1e-9, finite_differences: float = 1e-6) -> bool:
        """Whether the routes agree to the given relative tolerances.

        Finite differences get the larger of the tolerance and their own estimated error.
        """
        own = 3.0 * float(np.max(self.finite_difference_error)) / self.scale
        close = self.finite_difference_disagreement <= max(finite_differences, own)
        both = self.forward is not None and self.reverse is not None
        return close and (not both or self.mode_disagreement <= modes)

    def table(self) -> str:
        """A text table, one line a design variable."""
        lines = [f"{'variable':<28}{'forward':>18}{'reverse':>18}{'finite diff.':>18}"]
        for i, name in enumerate(self.names):
            row = f"{name:<28}"
            for column in (self.forward, self.reverse, self.finite_differences):
                row += f"{column[i]:>18.9e}" if column is not None else f"{'-':>18}"
            lines.append(row)
        lines.append(
            f"forward against reverse {self.mode_disagreement:.1e}, against finite differences "
            f"{self.finite_difference_disagreement:.1e} (relative to the largest)"
        )
        return "\n".join(lines)


def check_gradients(
    problem: Problem, x: Float[np.ndarray, " d"] | None = None, *, step: float = 1e-4
) -> GradientCheck:
    """Differentiate `problem`'s value at `x` forward, in reverse and by central differences.

    **Arguments:**

    - `problem`: any problem, of your own simulator too.
    - `x`: a point in the unit cube; by default the start point, kept clear of the bounds.
    - `step`: of the fourth-order central differences, in the unit cube.

    **Raises:** `ValueError` if the value at `x` is not finite.
    """
    if x is None:
        x = np.clip(problem.space.initial(problem.simulator), 0.02, 0.98)
    x = np.asarray(x, float)

    def value(x, adjoint=None):
        return problem.objective(problem.observe(x, adjoint))

    plain = jax.jit(value)
    if not np.isfinite(float(plain(x))):
        raise ValueError(
            f"the value must be finite where gradients are checked, but at x={x} it is not."
        )
    adjoints = problem.simulator.adjoints
    forward = reverse = None
    if "forward" in adjoints or "implicit" in adjoints:
        forward = np.asarray(jax.jit(jax.jacfwd(lambda x: value(x, "forward")))(x))
    if "checkpointed" in adjoints or "implicit" in adjoints:
        reverse = np.asarray(jax.jit(jax.grad(lambda x: value(x, "checkpointed")))(x))
    fine = np.array([_central(plain, x, i, step) for i in range(x.size)])
    coarse = np.array([_central(plain, x, i, 2 * step) for i in range(x.size)])
    return GradientCheck(
        names=problem.space.names,
        forward=forward,
        reverse=reverse,
        finite_differences=fine,
        finite_difference_error=np.abs(fine - coarse),
    )


def _central(function, x: np.ndarray, i: int, step: float) -> float:
    """Fourth-order central difference along axis `i`."""
    direction = np.zeros_like(x)
    direction[i] = step
    values = [float(function(jnp.asarray(x + s * direction))) for s in (-2, -1, 1, 2)]
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
