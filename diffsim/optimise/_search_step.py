"""The steps of which a direct search is made: what each may see, and what it must answer."""

import abc
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ._archive import PointArchive
from ._interface import REASONS
from ._ordering import Level, Trial


class Scene(NamedTuple):
    """What a step sees when its turn comes.

    - `centres`: incumbents, the one to search around first.
    - `archive`: every point evaluated so far.
    - `radius`, `least_radius`, `largest_radius`, `first_radius`: of the direct search, in the
      maximum norm of the unit cube.
    - `random`: a stream of this step in this iteration alone.
    """

    centres: tuple[Trial, ...]
    archive: PointArchive
    radius: float
    least_radius: float
    largest_radius: float
    first_radius: float
    iteration: int
    random: np.random.Generator

    @property
    def x(self) -> Float[np.ndarray, " d"]:
        """The point to search around."""
        return self.centres[0].x

    def resized(self, radius: float) -> float:
        """A radius within its limits."""
        return float(np.clip(radius, self.least_radius, self.largest_radius))


class Outcome(NamedTuple):
    """What came of the points of a step.

    - `level`: the best that any of them was worth.
    - `before`, `after`: the incumbent then and now, and `gain` between them as the ordering
      counts it (at most zero without success).
    - `tried`: how many were evaluated; the rest was not, after a success.
    """

    level: Level
    before: Trial
    after: Trial
    gain: float
    tried: int


class Verdict(NamedTuple):
    """What a step decides: the radius of the direct search, and whether the iteration ends."""

    radius: float
    ends: bool


class AbstractSearchStep(abc.ABC):
    """One step of an iteration: proposes points, and decides what their answers mean.

    Steps are plain frozen dataclasses: modules of Equinox would cost more than the step itself.
    Its own state is whatever PyTree of arrays and numbers it likes; the methods are pure.
    A step may draw from `scene.random` only.
    """

    @abc.abstractmethod
    def begin(self, size: int, constraints: int) -> Any:
        """Its own state before the first iteration, for `size` variables.

        **Raises:** `ValueError` if the step does not fit so many variables or constraints.
        """

    @abc.abstractmethod
    def propose(self, own: Any, scene: Scene) -> tuple[Float[np.ndarray, "b d"], Any]:
        """Points of the unit cube, the most promising first (none at all: the step is passed)."""

    @abc.abstractmethod
    def settle(self, own: Any, scene: Scene, outcome: Outcome) -> tuple[Any, Verdict]:
        """After its points were tried until the first success, or all of them."""

    def exhausted(self, own: Any) -> REASONS:
        """Why it proposes nothing more, said when no step does."""
        return REASONS.step

    def surrogate_calls(self, own: Any) -> tuple[int, int]:
        """Values and derivatives taken of a surrogate so far."""
        return 0, 0


def inside(points: Float[np.ndarray, "b d"], scene: Scene) -> Float[np.ndarray, "k d"]:
    """Points projected onto the unit cube, without those that are the centre itself."""
    points = np.clip(points, 0.0, 1.0)
    moved = np.any(points != scene.x, axis=1)
    return points[moved]
