"""Covering steps: trial points that in the end lie densely around the incumbent."""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ._archive import distances_to
from ._ordering import Level
from ._search_step import AbstractSearchStep, Outcome, Scene, Verdict, inside

_OLDEST_EVERY = 64


class CloudState(NamedTuple):
    """Candidates (k, d), which of the sequence they are, their distances to the archive's first
    `seen` points, how many of the sequence are used, and how many steps there were."""

    candidates: Float[np.ndarray, "k d"]
    numbers: Int[np.ndarray, " k"]
    distances: Float[np.ndarray, " k"]
    seen: int
    used: int
    steps: int


@dataclass(frozen=True)
class FarthestPointCovering(AbstractSearchStep):
    """Tries the point near the incumbent that is farthest from all that was evaluated.

    The covering ball is the box of half-width `radius` around the incumbent (maximum norm, cut at
    the unit cube). The farthest point is sought among a cloud of `candidates` of the additive
    sequence u_i = i (φ⁻¹, ..., φ⁻ᵈ) mod 1, where φ > 1 solves φᵈ⁺¹ = φ + 1. It is
    deterministic, and dense: φ has degree d + 1 (E. S. Selmer, Math. Scand. 4 (1956) 287), so that
    1, φ⁻¹, ..., φ⁻ᵈ are independent over the rationals and Kronecker's theorem applies.
    A candidate leaves when it is chosen or when the box moves off it, and the next of the
    sequence takes its place. Every 64th step chooses the oldest candidate in place of the
    farthest: so each of the sequence is tried in the end, and all trial points are dense in the box
    around any point at which the incumbent stays, whatever the other steps do (docs/attacks.md).

    Distances are kept up to date by the points that are new, so that a step costs
    O(candidates · d) for each evaluation since the last; a new candidate costs one query of the
    archive, O(d log N) (which in more than twelve variables remembers old points thinned out).

    **Arguments:**

    - `radius`: of the covering ball, in (0, 1].
    - `candidates`: in the cloud.
    - `every`: of how many iterations one covers.

    C. Audet, P.-Y. Bouchet, L. Bourdin, arXiv 2401.07097.
    """

    radius: float = 0.1
    candidates: int = 64
    every: int = 1

    def __post_init__(self):
        _check(self.radius, self.every)
        if self.candidates < 1:
            raise ValueError(f"candidates must be at least 1, but is {self.candidates}.")

    def begin(self, size: int, constraints: int) -> CloudState:
        outside = np.full((self.candidates, size), np.nan)
        numbers = np.full(self.candidates, -1)
        return CloudState(outside, numbers, np.full(self.candidates, np.inf), 0, 0, 0)

    def propose(self, own: CloudState, scene: Scene) -> tuple[Float[np.ndarray, "b d"], CloudState]:
        if scene.iteration % self.every:
            return scene.x[None][:0], own
        own = self._updated(own, scene)
        own = own._replace(steps=own.steps + 1)
        oldest = own.steps % _OLDEST_EVERY == 0
        i = int(np.argmin(own.numbers) if oldest else np.argmax(own.distances))
        chosen = own.candidates[i].copy()
        gone = np.zeros(self.candidates, bool)
        gone[i] = True
        return inside(chosen[None], scene), _replaced(own, scene, gone, self.radius)

    def settle(self, own: CloudState, scene: Scene, outcome: Outcome) -> tuple[CloudState, Verdict]:
        return own, _verdict(scene, outcome)

    def _updated(self, own: CloudState, scene: Scene) -> CloudState:
        """Distances to all that is in the archive, candidates all in the present box."""
        low, high = _box(scene, self.radius)
        gone = ~np.all((own.candidates >= low) & (own.candidates <= high), axis=1)
        new = distances_to(own.candidates[~gone], scene.archive.points[own.seen :])
        distances = own.distances.copy()
        distances[~gone] = np.minimum(distances[~gone], new)
        own = own._replace(distances=distances, seen=len(scene.archive))
        return _replaced(own, scene, gone, self.radius)


@dataclass(frozen=True)
class RandomCovering(AbstractSearchStep):
    """Tries a point drawn uniformly from the covering ball, the box of half-width `radius`.

    Trial points are dense with probability one. (The published code draws the length as
    (U r)^(1/d) in place of r U^(1/d), which is another law unless r = 1.)
    """

    radius: float = 0.1
    every: int = 1

    def __post_init__(self):
        _check(self.radius, self.every)

    def begin(self, size: int, constraints: int) -> tuple[()]:
        return ()

    def propose(self, own: Any, scene: Scene) -> tuple[Float[np.ndarray, "b d"], Any]:
        if scene.iteration % self.every:
            return scene.x[None][:0], own
        low, high = _box(scene, self.radius)
        return inside(scene.random.uniform(low, high)[None], scene), own

    def settle(self, own: Any, scene: Scene, outcome: Outcome) -> tuple[Any, Verdict]:
        return own, _verdict(scene, outcome)


def _check(radius: float, every: int) -> None:
    if not 1e-12 <= radius <= 1.0:
        raise ValueError(f"radius must be in [1e-12, 1], but is {radius}.")
    if every < 1:
        raise ValueError(f"every must be at least 1, but is {every}.")


def _verdict(scene: Scene, outcome: Outcome) -> Verdict:
    """Success ends the iteration; where the poll was already done, it starts again from there."""
    success = outcome.level == Level.SUCCESS
    if not success:
        return Verdict(scene.radius, ends=False)
    step = float(np.max(np.abs(outcome.after.x - outcome.before.x)))
    revived = max(scene.radius, min(step, scene.first_radius))
    return Verdict(scene.resized(revived), ends=True)


def _box(scene: Scene, radius: float) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    return np.maximum(scene.x - radius, 0.0), np.minimum(scene.x + radius, 1.0)


def _replaced(own: CloudState, scene: Scene, gone: np.ndarray, radius: float) -> CloudState:
    """New candidates in the places of those that are gone."""
    count = int(np.sum(gone))
    if not count:
        return own
    low, high = _box(scene, radius)
    new = low + _sequence(own.used, count, low.size) * (high - low)
    candidates, distances = own.candidates.copy(), own.distances.copy()
    candidates[gone], distances[gone] = new, scene.archive.nearest(new)
    numbers = own.numbers.copy()
    numbers[gone] = own.used + np.arange(count)
    return own._replace(
        candidates=candidates, numbers=numbers, distances=distances, used=own.used + count
    )


@functools.cache
def _ratios(d: int) -> Float[np.ndarray, " d"]:
    """(φ⁻¹, ..., φ⁻ᵈ) with φᵈ⁺¹ = φ + 1, by fixed-point iteration."""
    phi = 2.0
    for _ in range(64):
        phi = (1.0 + phi) ** (1.0 / (d + 1))
    return phi ** -np.arange(1.0, d + 1)


def _sequence(first: int, count: int, d: int) -> Float[np.ndarray, "k d"]:
    """Entries `first`, ... of the additive sequence."""
    return np.mod((first + 1.0 + np.arange(count))[:, None] * _ratios(d), 1.0)
