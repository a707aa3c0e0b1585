"""Scalable constrained Bayesian optimisation, as a method of diffsim (extra `bo`)."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

import diffsim as ds
from diffsim._types import Vector
from diffsim.optimise import REASONS, AbstractOptimiser, Request, Traits, reason_code
from diffsim.optimise._conversation import generator
from diffsim.optimise._interface import Need

from ._asked import answers_of, first_batch
from ._botorch import imported, posterior_samples

_LEAST_LENGTH, _FIRST_LENGTH, _LARGEST_LENGTH = 0.5**7, 0.8, 1.6


class SCBOState(NamedTuple):
    """What was evaluated, the trust region and the points that are waited for.

    - `points` (N, d), `answers` (N, 1 + q): value and slacks, not finite where it failed.
    - `length`: side of the trust region; `successes`, `failures`: in a row.
    - `best`: index of the best point so far, -1 before the first.
    - `batch` (b, d): asked for now; `seed`: of the random streams; `round`: how many batches.
    """

    points: Float[np.ndarray, "N d"]
    answers: Float[np.ndarray, "N a"]
    length: float
    successes: int
    failures: int
    best: int
    batch: Float[np.ndarray, "b d"]
    seed: Int[np.ndarray, " 2"]
    round: int


class SCBO(AbstractOptimiser):
    """Thompson sampling within a trust region, for the value and for each slack a Gaussian process.

    `initial` Sobol points and the start, then batches: of `candidates` perturbations of the best
    point within the trust region (each variable changed with probability min(1, 20/d)) a posterior
    sample picks the best that it takes for feasible, or the least violating. The region doubles
    after `successes` rounds in a row that improved, and is halved after max(4, d)/batch that did
    not; below 2⁻⁷ it starts anew at 0.8 around the best point.

    Values are standardised; slacks go through the copula's monotone map sign(c) log(1 + |c|/s),
    s their median size. The Gaussian processes are BoTorch's, refitted in each round; of the points
    the last and nearest `memory` are kept.

    **Bounds:** candidates are cut at the unit cube.

    **Raises:** `ImportError` naming the extra without BoTorch; `ValueError` for settings that are
    not positive.

    D. Eriksson, M. Poloczek, AISTATS 2021 (arXiv 2002.08526); after BoTorch's tutorial.
    """

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = True

    batch: int = eqx.field(static=True, default=4)
    initial: int = eqx.field(static=True, default=10)
    candidates: int = eqx.field(static=True, default=1000)
    successes: int = eqx.field(static=True, default=3)
    memory: int = eqx.field(static=True, default=300)

    def __check_init__(self):
        for name in ("batch", "initial", "candidates", "successes", "memory"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}.")
        imported("botorch")

    def init(self, x0: Vector, key: Array, traits: Traits) -> SCBOState:
        seed = generator(key).integers(2**63, size=2)
        return SCBOState(
            points=np.zeros((0, traits.size)),
            answers=np.zeros((0, 1 + traits.constraints)),
            length=_FIRST_LENGTH,
            successes=0,
            failures=0,
            best=-1,
            batch=first_batch(x0, self.initial, seed),
            seed=seed,
            round=0,
        )

    def ask(self, state: SCBOState) -> Request:
        return Request.at(state.batch, "value")

    def tell(self, state: SCBOState, request: Request, evaluation: ds.Evaluation) -> SCBOState:
        before = state.best
        state = state._replace(
            points=np.concatenate([state.points, state.batch]),
            answers=np.concatenate([state.answers, answers_of(evaluation)]),
            round=state.round + 1,
        )
        state = state._replace(best=_best(state.answers))
        if state.best < 0:  # nothing has succeeded yet: look elsewhere
            random = _random(state)
            return state._replace(batch=random.uniform(size=(self.batch, request.points.shape[1])))
        state = self._resized(state, improved=state.best != before)
        return state._replace(batch=self._proposed(state))

    def status(self, state: SCBOState) -> Int[np.ndarray, " 1"]:
        return np.asarray(reason_code(REASONS.running))[None]

    def _resized(self, state: SCBOState, improved: bool) -> SCBOState:
        if state.round == 1:  # the first batch is a design, no step
            return state
        successes = state.successes + 1 if improved else 0
        failures = 0 if improved else state.failures + 1
        length = state.length
        if successes >= self.successes:
            length, successes = min(2.0 * length, _LARGEST_LENGTH), 0
        if failures >= max(4, state.points.shape[1]) / self.batch:
            length, failures = 0.5 * length, 0
        if length < _LEAST_LENGTH:
            length, successes, failures = _FIRST_LENGTH, 0, 0
        return state._replace(length=length, successes=successes, failures=failures)

    def _proposed(self, state: SCBOState) -> Float[np.ndarray, "b d"]:
        """The choice of one posterior sample for each place in the batch."""
        random = _random(state)
        centre = state.points[state.best]
        fine = np.flatnonzero(np.all(np.isfinite(state.answers), axis=1))
        near = np.argsort(np.max(np.abs(state.points[fine] - centre), axis=1), kind="stable")
        kept = np.sort(fine[near[: self.memory]])
        candidates = self._candidates(centre, state.length, random)
        targets = _warped(state.answers[kept])
        seed = int(random.integers(2**31 - 1))
        samples = posterior_samples(state.points[kept], targets, candidates, self.batch, seed)
        zero = _warped(np.zeros((1, targets.shape[1])), state.answers[kept])[0, 1:]
        above = np.maximum(samples[:, :, 1:] - zero, 0.0).sum(axis=2)
        chosen: list[int] = []
        for values, violations in zip(samples[:, :, 0], above, strict=True):
            order = np.lexsort((values, violations))
            chosen.append(next(int(i) for i in order if i not in chosen))
        return candidates[chosen]

    def _candidates(self, centre, length: float, random) -> Float[np.ndarray, "k d"]:
        d = centre.size
        low, high = np.maximum(centre - length / 2, 0.0), np.minimum(centre + length / 2, 1.0)
        moved = random.uniform(low, high, (self.candidates, d))
        changed = random.uniform(size=moved.shape) < min(1.0, 20.0 / d)
        # At least one variable changes in each.
        changed[np.arange(len(moved)), random.integers(d, size=len(moved))] = True
        return np.where(changed, moved, centre)


def _random(state: SCBOState) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=state.seed, counter=[0, 0, 0, state.round]))


def _best(answers: Float[np.ndarray, "N a"]) -> int:
    """Index of the best by Deb's rules; -1 if nothing succeeded."""
    above = np.maximum(answers[:, 1:], 0.0).sum(axis=1)
    above = np.where(np.all(np.isfinite(answers), axis=1), above, np.inf)
    best = int(np.lexsort((answers[:, 0], above))[0])
    return best if np.isfinite(above[best]) else -1


def _warped(
    answers: Float[np.ndarray, "n a"], known: Float[np.ndarray, "m a"] | None = None
) -> Float[np.ndarray, "n a"]:
    """Values as they are, slacks bent by sign(c) log(1 + |c|/s): what is far off counts less."""
    known = answers if known is None else known
    scale = np.maximum(np.median(np.abs(known[:, 1:]), axis=0), 1e-12)
    slacks = np.sign(answers[:, 1:]) * np.log1p(np.abs(answers[:, 1:]) / scale)
    return np.concatenate([answers[:, :1], slacks], axis=1)
