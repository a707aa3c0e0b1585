"""CMA-ES whose best members are improved by gradient steps: evolution that learns."""

from typing import ClassVar

import numpy as np

from .._problem import Evaluation
from ._cma_strategy import strategy
from ._conversation import AbstractConversation, Ask
from ._interface import Need, Traits, given, scalar_merit, succeeded


class CMAGradient(AbstractConversation):
    """CMA-ES (package `cma`) in which part of each generation takes a step down its gradient.

    The best `share` of the members are asked for their gradients, and try a step of `reach` times
    the strategy's standard deviation, times √d, against it; where that is no better, once more the
    step to the lowest point of the parabola through what is known. Where one is better, the
    member "inherits" it:

    - "lamarckian": the improved point with its value takes the member's place;
    - "baldwinian": the member stays where it is, and is told the better value.

    G. Hinton, S. Nowlan, How learning can guide evolution, Complex Systems 1 (1987) 495;
    D. Whitley, V. Gordon, K. Mathias, Lamarckian evolution, the Baldwin effect and function
    optimization, PPSN III (1994) 6.

    **Bounds:** the package's piecewise quadratic transform; steps are projected onto the cube.

    **Arguments:** `inherits`, `share`, `reach` as above; `deviation`: first standard deviation
    in the unit cube; `tolerance`: on the changes of x and of the value.

    **Raises:** `ValueError` for `inherits` that is neither, a share outside (0, 1], or a reach that
    is not positive.
    """

    needs: ClassVar[Need] = "gradient"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True

    inherits: str = "lamarckian"
    share: float | int = 0.2
    reach: float | int = 0.5
    deviation: float | int = 0.25
    tolerance: float | int = 1e-11

    def __check_init__(self):
        if self.inherits not in ("lamarckian", "baldwinian"):
            raise ValueError(f"inherits must be lamarckian or baldwinian, but is {self.inherits}.")
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be in (0, 1], but is {self.share}.")
        if not self.reach > 0:
            raise ValueError(f"reach must be positive, but is {self.reach}.")

    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        evolution = strategy(np.asarray(x0, float), self.deviation, self.tolerance, seed)
        while not evolution.stop():
            members = np.clip(np.array(evolution.ask()), 0.0, 1.0)
            values = scalar_merit(ask(members, "value"))
            length = self.reach * float(evolution.sigma) * np.sqrt(traits.size)
            for i in np.argsort(values)[: max(1, round(self.share * len(members)))]:
                moved, value = self._learnt(ask, members[i], float(values[i]), length)
                values[i] = value
                if self.inherits == "lamarckian":
                    members[i] = moved
            evolution.tell(list(members), list(values))

    def _learnt(self, ask: Ask, x: np.ndarray, value: float, length: float):
        """The better of a member and what it becomes by a step or a shorter one, and its value."""
        downhill = _downhill(ask(x[None], "gradient"), x)
        slope = float(np.linalg.norm(downhill))
        if not slope > 0:
            return x, value
        for _ in range(2):
            tried = np.clip(x + length / slope * downhill, 0.0, 1.0)
            found = float(scalar_merit(ask(tried[None], "value"))[0])
            if found < value:
                return tried, found
            # f(t) = value − slope t + c t² through what was found; at most half as long.
            length = 0.5 * slope * length**2 / (found - value + slope * length)
        return x, value


def _downhill(answer: Evaluation, x: np.ndarray) -> np.ndarray:
    """The negative gradient within the box; zero where it failed."""
    if not bool(np.all(np.asarray(succeeded(answer)))):
        return np.zeros_like(x)
    slope = -np.asarray(given(answer.gradient))[0]
    outwards = ((x <= 0) & (slope < 0)) | ((x >= 1) & (slope > 0))
    return np.where(outwards, 0.0, slope)
