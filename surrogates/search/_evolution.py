"""CMA-ES on a surrogate: pycma, so in Python and not under `vmap`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import diffsim as ds
from diffsim import optimise

from ..models import AbstractSurrogate
from ._interface import Designs, promised
from ._problem import score_problem


class EvolutionSearch(eqx.Module):
    """CMA-ES from some of the best offline designs; of all it tried, the k best promises.

    Design-baselines runs it from each of 128 designs with deviation 0.5 on the z-scored scale and
    keeps the end of each run; here `runs` of them share the k designs, at most `generations` each.
    """

    runs: int = eqx.field(static=True, default=8)
    generations: int = eqx.field(static=True, default=100)
    deviation: float = 0.15

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        problem = score_problem(model, offline)
        method = ds.CMAES(deviation=self.deviation)
        share = -(-len(starts) // self.runs)
        chosen = []
        for start, own in zip(starts[: self.runs], jax.random.split(key, self.runs), strict=True):
            tried, promise = self._run(problem, method, start, own)
            chosen.append(tried[np.argsort(-promise, kind="stable")[:share]])
        return promised(model, jnp.asarray(np.concatenate(chosen)[: len(starts)]))

    def _run(self, problem, method, start, key):
        state = method.init(start, key, ds.Traits(problem.space.size, 0, False))
        tried, promise = [], []
        for _ in range(self.generations):
            if int(method.status(state)[0]) != int(optimise.reason_code(ds.REASONS.running)):
                break
            request = method.ask(state)
            answer = ds.evaluate_batch(problem, jnp.asarray(request.points), "value")
            tried.append(request.points)
            promise.append(-np.asarray(answer.value))
            state = method.tell(state, request, answer)
        return np.concatenate(tried), np.concatenate(promise)
