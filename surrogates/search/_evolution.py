"""CMA-ES on a surrogate: pycma, so in Python and not under `vmap`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import diffsim as ds

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
        share = -(-len(starts) // self.runs)
        members = 4 + int(3 * np.log(problem.space.size))
        method = ds.CMAES(deviation=self.deviation, members=members)
        budget = ds.Budget(evaluations=self.generations * members)
        chosen = []
        for start, own in zip(starts[: self.runs], jax.random.split(key, self.runs), strict=True):
            run = ds.solve(
                problem, method, budget=budget, x0=start, key=own, progress=False, throw=False
            )
            # What failed promises nothing: it is sorted to the end.
            values = np.nan_to_num(run.history.value, nan=np.inf)
            chosen.append(run.history.x[np.argsort(values, kind="stable")[:share]])
        return promised(model, jnp.asarray(np.concatenate(chosen)[: len(starts)]))
