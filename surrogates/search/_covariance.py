"""CMA-ES as published for offline optimisation: one run from each start, in pure JAX."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..models import AbstractSurrogate
from ._interface import AbstractSearch, Designs, promised
from ._problem import Calibration

_Setting = float | int | Array


class _Rates(NamedTuple):
    """Weights and learning rates for d variables and `members` draws (table 1 of the tutorial)."""

    weights: Float[np.ndarray, " p"]
    effective: float
    step: float
    damping: float
    path: float
    one: float
    many: float
    length: float

    @staticmethod
    def of(d: int, members: int) -> "_Rates":
        half = members // 2
        raw = np.log((members + 1) / 2) - np.log(np.arange(1, half + 1))
        weights = raw / raw.sum()
        effective = float(1.0 / np.sum(weights**2))
        step = (effective + 2) / (d + effective + 5)
        one = 2 / ((d + 1.3) ** 2 + effective)
        many = 2 * (effective - 2 + 1 / effective) / ((d + 2) ** 2 + effective)
        return _Rates(
            weights=weights,
            effective=effective,
            step=step,
            damping=1 + 2 * max(0.0, ((effective - 1) / (d + 1)) ** 0.5 - 1) + step,
            path=(4 + effective / d) / (d + 4 + 2 * effective / d),
            one=one,
            many=min(1 - one, many),
            length=d**0.5 * (1 - 1 / (4 * d) + 1 / (21 * d**2)),
        )


class _State(NamedTuple):
    """Mean, step, covariance, the two evolution paths, and the best that was drawn."""

    mean: Float[Array, " d"]
    step: Float[Array, ""]
    covariance: Float[Array, "d d"]
    step_path: Float[Array, " d"]
    path: Float[Array, " d"]
    best: Float[Array, " d"]
    score: Float[Array, ""]


class CovarianceSearch(AbstractSearch):
    """CMA-ES from each of the best offline designs; the best that each run drew is returned.

    Design-baselines makes one run of at most `generations` from each of its 128 designs, with
    deviation 0.5 on the z-scored scale; `deviation` here is in the unit cube (`None`: 0.5 of the
    offline designs' own). Draws are projected onto the cube before the model sees them; members are
    4 + ⌊3 ln d⌋. N. Hansen, The CMA Evolution Strategy: a tutorial (1604.00772), without
    active (negative) weights. `EvolutionSearch` is the same method by pycma, with few runs.

    **Raises:** `ValueError` for settings that are not positive.
    """

    deviation: _Setting | None = None
    generations: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        if self.generations < 1:
            raise ValueError(f"generations must be at least 1, but are {self.generations}.")
        if isinstance(self.deviation, float | int) and not self.deviation > 0:
            raise ValueError(f"deviation must be positive, but is {self.deviation:g}.")

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        calibration = Calibration.of(model, offline)
        own = 0.5 * jnp.mean(jnp.std(offline, axis=0))
        deviation = own if self.deviation is None else jnp.asarray(self.deviation)

        def run(start, key):
            return self._run(lambda x: calibration(model, x), start, deviation, key)

        return promised(model, jax.vmap(run)(starts, jax.random.split(key, len(starts))))

    def _run(self, score, start, deviation, key) -> Float[Array, " d"]:
        d = start.size
        members = 4 + int(3 * np.log(d))
        rates = _Rates.of(d, members)

        def turn(state, given):
            key, generation = given
            return _generation(state, score, rates, members, key, generation), None

        zero = jnp.zeros(d)
        begin = _State(
            start, jnp.asarray(deviation, float), jnp.eye(d), zero, zero, start, score(start)
        )
        given = jax.random.split(key, self.generations), jnp.arange(self.generations)
        return jax.lax.scan(turn, begin, given)[0].best


def _generation(state: _State, score: Any, rates: _Rates, members: int, key, generation) -> _State:
    """One generation: draw, rank, move the mean, learn step and covariance."""
    values, axes = jnp.linalg.eigh(state.covariance)
    lengths = jnp.sqrt(jnp.maximum(values, 1e-20))
    noise = jax.random.normal(key, (members, state.mean.size))
    steps = (noise * lengths) @ axes.T
    x = jnp.clip(state.mean + state.step * steps, 0.0, 1.0)
    reward = jax.vmap(score)(x)
    order = jnp.argsort(-reward)
    # What was projected is learnt from as it was seen.
    chosen = ((x - state.mean) / state.step)[order[: len(rates.weights)]]
    move = jnp.asarray(rates.weights) @ chosen
    white = axes @ ((axes.T @ move) / lengths)
    step_path = (1 - rates.step) * state.step_path
    step_path += (rates.step * (2 - rates.step) * rates.effective) ** 0.5 * white
    norm = jnp.sqrt(jnp.sum(step_path**2))
    faded = jnp.sqrt(1 - (1 - rates.step) ** (2.0 * (generation + 1)))
    straight = norm / faded < (1.4 + 2 / (state.mean.size + 1)) * rates.length
    path = (1 - rates.path) * state.path
    path += straight * (rates.path * (2 - rates.path) * rates.effective) ** 0.5 * move
    lost = (1 - straight) * rates.one * rates.path * (2 - rates.path)
    covariance = (1 - rates.one - rates.many + lost) * state.covariance
    covariance += rates.one * jnp.outer(path, path)
    covariance += rates.many * (chosen * jnp.asarray(rates.weights)[:, None]).T @ chosen
    step = state.step * jnp.exp(rates.step / rates.damping * (norm / rates.length - 1))
    better = reward[order[0]] > state.score
    return _State(
        state.mean + state.step * move,
        step,
        covariance,
        step_path,
        path,
        jnp.where(better, x[order[0]], state.best),
        jnp.maximum(reward[order[0]], state.score),
    )
