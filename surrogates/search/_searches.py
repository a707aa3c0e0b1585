"""Searches made of diffsim's optimisers, run on a surrogate within one program."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import diffsim as ds
from diffsim import optimise
from diffsim._status import from_code

from ..models import AbstractSurrogate
from ._ascent import GradientAscent, NormalisedAscent
from ._interface import AbstractSearch, Designs, promised
from ._problem import Calibration
from ._reinforce import Reinforce


def _evaluate(
    model: AbstractSurrogate, calibration: Calibration, x: Float[Array, "b d"]
) -> ds.Evaluation:
    """What `score_problem` answers, but traceable as a whole; with gradients."""
    values, gradients = jax.vmap(jax.value_and_grad(lambda x: -calibration(model, x)))(x)
    successful = jnp.zeros(len(x), jnp.int32)
    return ds.Evaluation(values, jnp.zeros((len(x), 0)), from_code(successful), gradients)


def _drive(model, calibration, method: ds.AbstractOptimiser, x0, key, steps: int):
    """Ask, evaluate, tell, `steps` times, without a driver: for methods that are pure JAX."""

    def turn(state, _):
        request = method.ask(state)
        return method.tell(
            state, request, _evaluate(model, calibration, jnp.asarray(request.points))
        ), None

    begin = method.init(x0, key, ds.Traits(model.size, 0, False))
    return jax.lax.scan(turn, begin, None, length=steps)[0]


class Ascent(AbstractSearch):
    """A first-order method from each of the best offline designs; the last points are returned.

    With `GradientAscent` it is the search of design-baselines; with a Gaussian process the ascent
    of a posterior mean; with an ensemble that of its mean or minimum; with a model trained by
    `Conservative` COMs, by `ListNet` RaM.
    """

    method: optimise.AbstractFirstOrder = eqx.field(default_factory=GradientAscent)

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        calibration = Calibration.of(model, offline)

        def climb(x0):
            return _drive(model, calibration, self.method, x0, key, self.method.steps).x

        return promised(model, jax.vmap(climb)(starts))


class Multistart(AbstractSearch):
    """A first-order method from every offline design; the k ends that the model likes best.

    Where many climbs end on one hill the designs gather there, as far as the model is sure of it.
    """

    method: optimise.AbstractFirstOrder = eqx.field(default_factory=NormalisedAscent)

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        ends = Ascent(self.method)(model, offline, offline, key)
        best = jnp.argsort(-ends.predicted)[: len(starts)]
        return Designs(ends.x[best], ends.predicted[best])


class Sampling(AbstractSearch):
    """REINFORCE from the mean of the best offline designs; k draws of its last distribution."""

    method: Reinforce = eqx.field(default_factory=Reinforce)

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        calibration = Calibration.of(model, offline)
        learning, drawing = jax.random.split(key)
        start = jnp.mean(starts, axis=0)
        state = _drive(model, calibration, self.method, start, learning, self.method.steps)
        noise = jax.random.normal(drawing, starts.shape)
        drawn = state.mean + jnp.exp(state.log_deviation) * noise
        return promised(model, jnp.clip(drawn, 0.0, 1.0))


class Relay(AbstractSearch):
    """Two searches, the second from what the first returns."""

    first: AbstractSearch
    second: AbstractSearch

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        one, other = jax.random.split(key)
        return self.second(model, self.first(model, starts, offline, one).x, offline, other)


class Enumeration(AbstractSearch):
    """Of finitely many valid designs, the k that the model likes best: no search can find more.

    `designs` (c, d) are all there are, or a part of them. They are predicted in blocks of `block`.
    """

    designs: Float[Array, "c d"]
    block: int = eqx.field(static=True, default=4096)

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        promise = jax.lax.map(
            lambda x: jnp.mean(model(x)),
            self.designs,
            batch_size=min(self.block, len(self.designs)),
        )
        best = jnp.argsort(-promise)[: len(starts)]
        return Designs(self.designs[best], promise[best])


class Stay(AbstractSearch):
    """The best offline designs themselves: what any search must beat."""

    def __call__(
        self,
        model: AbstractSurrogate,
        starts: Float[Array, "k d"],
        offline: Float[Array, "n d"],
        key: Array,
    ) -> Designs:
        return promised(model, starts)


@eqx.filter_jit
def _search(search, model, starts, offline, key):
    return search(model, starts, offline, key)


def propose(
    search: AbstractSearch,
    model: AbstractSurrogate,
    starts: Float[Array, "..."],
    offline: Float[Array, "..."],
    *,
    key: Array,
) -> Designs:
    """One search, compiled.

    **Raises:** `ValueError` if starts and model have different numbers of variables.
    """
    if starts.ndim != 2 or starts.shape[1] != model.size:
        raise ValueError(f"starts must have shape (k, {model.size}), but have {starts.shape}.")
    return _search(search, model, jnp.asarray(starts), jnp.asarray(offline), key)
