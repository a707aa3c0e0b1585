"""Poll and search steps: directions around the incumbent."""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._ordering import Level
from ._search_step import AbstractSearchStep, Outcome, Scene, Verdict, inside


class PollState(NamedTuple):
    """The last successful move (zeros before the first), by which directions are ordered."""

    heading: Float[np.ndarray, " d"]


@dataclass(frozen=True)
class HouseholderPoll(AbstractSearchStep):
    """Directions of a random orthogonal matrix, all of length `scene.radius` (maximum norm).

    H = I - 2 v vᵀ with v uniform on the sphere. With "2n" the directions are ±H's rows, a maximal
    positive basis whose cosine measure is 1/√n; with "n+1" they are those of a regular simplex
    turned by H, a minimal one (1/n). Both span the space at every single poll. Directions are
    tried in the order of their angles to the last successful move, the smallest first.

    The radius doubles after a success and is halved after a failure; at the least radius the
    step is passed.

    M. A. Abramson, C. Audet, J. E. Dennis, S. Le Digabel, SIAM J. Optim. 20 (2009) 948-966.
    """

    directions: str = "2n"

    def __post_init__(self):
        if self.directions not in ("2n", "n+1"):
            raise ValueError(f"directions must be '2n' or 'n+1', but is {self.directions!r}.")

    def begin(self, size: int, constraints: int) -> PollState:
        return PollState(np.zeros(size))

    def propose(self, own: PollState, scene: Scene) -> tuple[Float[np.ndarray, "b d"], PollState]:
        if scene.radius <= scene.least_radius:
            return scene.x[None][:0], own
        basis = self.basis(scene.random, scene.x.size)
        # A stable sort: equal angles keep the order of the basis.
        basis = basis[np.argsort(-(basis @ own.heading), kind="stable")]
        steps = scene.radius * basis / np.max(np.abs(basis), axis=1, keepdims=True)
        points = inside(scene.x + steps, scene)
        both = np.stack([steps[0], -steps[0]])  # for a second incumbent
        for other in scene.centres[1:]:
            points = np.concatenate([points, np.clip(other.x + both, 0.0, 1.0)])
        return points, own

    def basis(self, random: np.random.Generator, size: int) -> Float[np.ndarray, "b d"]:
        """Unit vectors that positively span the space."""
        v = random.standard_normal(size)
        v /= np.linalg.norm(v)
        if self.directions == "2n":
            half = np.eye(size) - 2.0 * np.outer(v, v)
            return np.concatenate([half, -half])
        simplex = _simplex(size)
        return simplex - 2.0 * np.outer(simplex @ v, v)

    def settle(self, own: PollState, scene: Scene, outcome: Outcome) -> tuple[PollState, Verdict]:
        if outcome.level == Level.FAILURE:
            return own, Verdict(scene.resized(0.5 * scene.radius), ends=False)
        if outcome.level == Level.IMPROVING:
            return own, Verdict(scene.radius, ends=True)
        heading = outcome.after.x - scene.x
        return PollState(heading), Verdict(scene.resized(2.0 * scene.radius), ends=True)


@dataclass(frozen=True)
class RandomDirections(AbstractSearchStep):
    """A search step of the published method: directions uniform on the sphere, longer each time.

    Their length in the maximum norm is min(largest radius, first radius · √(1 + k)), where k
    counts the searches so far. At the least radius the step is passed.
    """

    count: int = 2

    def __post_init__(self):
        if self.count < 1:
            raise ValueError(f"count must be at least 1, but is {self.count}.")

    def begin(self, size: int, constraints: int) -> int:
        return 0

    def propose(self, own: int, scene: Scene) -> tuple[Float[np.ndarray, "b d"], int]:
        if scene.radius <= scene.least_radius:
            return scene.x[None][:0], own
        length = min(scene.largest_radius, scene.first_radius * np.sqrt(1.0 + own))
        steps = scene.random.standard_normal((self.count, scene.x.size))
        steps *= length / np.max(np.abs(steps), axis=1, keepdims=True)
        return inside(scene.x + steps, scene), own + 1

    def settle(self, own: int, scene: Scene, outcome: Outcome) -> tuple[int, Verdict]:
        return own, Verdict(scene.radius, ends=outcome.level == Level.SUCCESS)


@dataclass(frozen=True)
class LineSearches(AbstractSearchStep):
    """Random lines: `count` directions, each with the lengths 1.1 r, r and r/1.1.

    The radius shrinks by 1.3 after n + 1 failures in a row ("rls" of the published comparison).
    """

    count: int = 2

    def begin(self, size: int, constraints: int) -> int:
        return 0

    def propose(self, own: int, scene: Scene) -> tuple[Float[np.ndarray, "b d"], int]:
        if scene.radius <= scene.least_radius:
            return scene.x[None][:0], own
        steps = scene.random.standard_normal((self.count, 1, scene.x.size))
        steps *= scene.radius / np.max(np.abs(steps), axis=2, keepdims=True)
        lengths = np.array([1.1, 1.0, 1.0 / 1.1])[:, None]
        return inside(scene.x + (lengths * steps).reshape(-1, scene.x.size), scene), own

    def settle(self, own: int, scene: Scene, outcome: Outcome) -> tuple[int, Verdict]:
        if outcome.level == Level.SUCCESS:
            return 0, Verdict(scene.radius, ends=True)
        if own + 1 <= scene.x.size:
            return own + 1, Verdict(scene.radius, ends=False)
        return 0, Verdict(scene.resized(scene.radius / 1.3), ends=False)


@functools.cache
def _simplex(n: int) -> Float[np.ndarray, "m n"]:
    """The n + 1 vertices of a regular simplex on the unit sphere of Rⁿ."""
    shift = (np.sqrt(n + 1.0) - 1.0) / n**1.5
    first = np.sqrt(1.0 + 1.0 / n) * np.eye(n) - shift
    return np.concatenate([first, np.full((1, n), -1.0 / np.sqrt(n))])
