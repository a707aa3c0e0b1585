"""Search that learns nothing: the measure for all others."""

import abc
from typing import ClassVar

import equinox as eqx
import numpy as np
import scipy
from jaxtyping import Array, Float, Int

from .._problem import Evaluation
from .._types import Vector
from ._conversation import generator
from ._interface import REASONS, AbstractOptimiser, Need, Request, Traits, reason_code


class SamplingState(eqx.Module):
    """All points, and how many are done."""

    points: Float[np.ndarray, "n d"]
    done: int


class _AbstractSampling(AbstractOptimiser):
    """Points drawn at the start and worked off in batches; the first of them is `x0`."""

    needs: ClassVar[Need] = "value"
    vmappable: ClassVar[bool] = False
    population: ClassVar[bool] = True
    handles_constraints: ClassVar[bool] = True

    points: eqx.AbstractVar[int]
    batch: eqx.AbstractVar[int]

    @abc.abstractmethod
    def draw(self, random: np.random.Generator, traits: Traits) -> Float[np.ndarray, "n d"]:
        """All but the first of the points."""

    def init(self, x0: Vector, key: Array, traits: Traits) -> SamplingState:
        rest = self.draw(generator(key), traits)
        return SamplingState(np.concatenate([np.asarray(x0, float)[None], rest]), 0)

    def ask(self, state: SamplingState) -> Request:
        return Request.at(state.points[state.done : state.done + self.batch], "value")

    def tell(self, state: SamplingState, request: Request, evaluation: Evaluation) -> SamplingState:
        return SamplingState(state.points, state.done + len(request.points))

    def status(self, state: SamplingState) -> Int[np.ndarray, " 1"]:
        ended = state.done >= len(state.points)
        return np.asarray(reason_code(REASONS.steps if ended else REASONS.running))[None]


class RandomSearch(_AbstractSampling):
    """Independent uniform points of the unit cube."""

    points: int = 256
    batch: int = 16

    def draw(self, random: np.random.Generator, traits: Traits) -> Float[np.ndarray, "n d"]:
        return random.uniform(size=(self.points - 1, traits.size))


class SobolSearch(_AbstractSampling):
    """A scrambled Sobol sequence (SciPy): evener than chance."""

    points: int = 256
    batch: int = 16

    def draw(self, random: np.random.Generator, traits: Traits) -> Float[np.ndarray, "n d"]:
        sequence = scipy.stats.qmc.Sobol(traits.size, scramble=True, rng=random)
        whole = sequence.random_base2(int(np.ceil(np.log2(max(self.points, 2)))))
        return whole[: self.points - 1]
