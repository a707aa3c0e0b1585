"""The augmented Lagrangian method, its inner problems solved by L-BFGS-B."""

from typing import ClassVar

import numpy as np
import scipy
from jaxtyping import Float

from ._conversation import AbstractConversation, Ask
from ._interface import Need, Traits, given, succeeded

_FAILED = 1e10


class AugmentedLagrangian(AbstractConversation):
    """Minimises f + Σ (max(0, λ + μ c)² - λ²)/2μ over the box again and again (SciPy's L-BFGS-B).

    After each inner solve λ ← max(0, λ + μ c), and μ grows tenfold where the violation has not
    fallen to a quarter. Uses the gradients of value and constraints. It ends when neither the
    multipliers nor the violation ask for more, or after `rounds`.

    **Arguments:**

    - `penalty`: the first μ. - `rounds`: of multipliers.
    - `inner`: iterations of each inner solve.
    - `tolerance`: on the violation, and on the relative change of the value between rounds.

    R. T. Rockafellar, Mathematical Programming 5 (1973) 354-373; J. Nocedal and S. J. Wright,
    Numerical Optimization (2006), algorithm 17.4.
    """

    needs: ClassVar[Need] = "gradient"
    vmappable: ClassVar[bool] = False
    handles_constraints: ClassVar[bool] = True

    penalty: float | int = 10.0
    rounds: int = 30
    inner: int = 50
    tolerance: float | int = 1e-8

    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        x, factors, penalty = x0, np.zeros(traits.constraints), float(self.penalty)
        before = np.inf, np.inf
        for _ in range(self.rounds):
            function = _Lagrangian(ask, factors, penalty)
            found = scipy.optimize.minimize(
                function,
                x,
                jac=True,
                method="L-BFGS-B",
                bounds=[(0.0, 1.0)] * x.size,
                options={"maxiter": self.inner},
            )
            x = np.clip(found.x, 0.0, 1.0)
            value, slacks = function.parts(x)
            above = _unmet(slacks, factors, penalty)
            settled = abs(value - before[1]) <= self.tolerance * max(1.0, abs(value))
            if above <= self.tolerance and settled:
                return
            factors = np.maximum(0.0, factors + penalty * slacks)
            penalty *= 10.0 if above > 0.25 * before[0] else 1.0
            before = above, value


def _unmet(slacks: np.ndarray, factors: np.ndarray, penalty: float) -> float:
    """Violation, or complementarity not yet reached: the largest |max(c, -λ/μ)|."""
    return float(np.max(np.abs(np.maximum(slacks, -factors / penalty)), initial=0.0))


class _Lagrangian:
    """Value and gradient of the augmented Lagrangian for fixed multipliers."""

    def __init__(self, ask: Ask, factors: Float[np.ndarray, " q"], penalty: float):
        self._ask, self._factors, self._penalty = ask, factors, penalty
        self._known: dict[bytes, tuple[float, np.ndarray]] = {}

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        answer = self._ask(np.asarray(x, float)[None], "linearised")
        if not bool(succeeded(answer)[0]):
            return _FAILED, np.zeros_like(x)
        value, slacks = float(answer.value[0]), np.asarray(answer.constraints[0])
        self._known[np.asarray(x, float).tobytes()] = value, slacks
        pressed = np.maximum(0.0, self._factors + self._penalty * slacks)
        lift = float(np.sum(pressed**2 - self._factors**2)) / (2.0 * self._penalty)
        rows = np.asarray(given(answer.constraint_jacobian)[0])
        return value + lift, np.asarray(given(answer.gradient)[0]) + pressed @ rows

    def parts(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and slacks at a point, most likely one that is known."""
        if x.tobytes() not in self._known:
            self(x)
        return self._known.get(x.tobytes(), (_FAILED, np.full_like(self._factors, _FAILED)))
