"""The one training loop: epochs and batches as scans, seeds and strengths by `vmap`."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..models import AbstractSurrogate, split_weights
from ._chains import AbstractChain, Adam
from ._data import TrainingData
from ._losses import MSE, AbstractLoss
from ._regulariser import AbstractRegulariser, Unregularised
from ._selection import AbstractSelection, LastWeights


class Trained(eqx.Module):
    """A trained model and its records: means over each epoch, arrays (epochs,) by name."""

    model: AbstractSurrogate
    log: dict[str, Float[Array, "..."]]


class Trainer(eqx.Module):
    """A recipe of training: loss, regulariser, update rule, selection, length.

    Calling it is pure JAX, so that `eqx.filter_vmap` makes one program of many seeds, members or
    strengths (`fit_many` does). Numbers in loss, regulariser and chain are leaves.

    Each epoch goes through the data in a random order, in batches of `batch`; what does not fill
    the last batch is left out of that epoch. The key decides the order and nothing else but what
    loss and regulariser draw: another loss or regulariser sees the same batches.
    """

    loss: AbstractLoss = eqx.field(default_factory=MSE)
    regulariser: AbstractRegulariser = eqx.field(default_factory=Unregularised)
    chain: AbstractChain = eqx.field(default_factory=Adam)
    selection: AbstractSelection = eqx.field(default_factory=LastWeights)
    epochs: int = eqx.field(static=True, default=100)
    batch: int = eqx.field(static=True, default=128)

    def __check_init__(self):
        if self.epochs < 1 or self.batch < 1:
            raise ValueError(
                f"epochs and batch must be at least 1, but are {self.epochs} and {self.batch}."
            )

    def __call__(self, model: AbstractSurrogate, data: TrainingData, key: Array) -> Trained:
        weights, rest = split_weights(model)
        begin = (
            weights,
            self.chain.transform().init(weights),
            self.loss.init(),
            self.regulariser.init(),
            self.selection.init(weights),
        )

        def epoch(carry, key):
            ordering, drawing = jax.random.split(key)
            batches = _batches(ordering, len(data.x), self.batch)
            keys = jax.random.split(drawing, len(batches))

            def step(inner, given):
                index, key = given
                return self._step(inner, rest, data.at(index), key)

            inner, log = jax.lax.scan(step, carry[:4], (batches, keys))
            chosen = self.selection.update(carry[4], inner[0], eqx.combine(inner[0], rest))
            return (*inner, chosen), jax.tree.map(jnp.mean, log)

        end, log = jax.lax.scan(epoch, begin, jax.random.split(key, self.epochs))
        return Trained(eqx.combine(self.selection.choose(end[4], end[0]), rest), log)

    def _step(self, carry, rest: PyTree, batch: TrainingData, key: Array) -> tuple[Any, dict]:
        weights, inner, loss_state, regulariser_state = carry
        for_loss, for_regulariser = jax.random.split(key)

        def value(weights):
            return self.loss(eqx.combine(weights, rest), batch, loss_state, for_loss)

        def total_gradient(weights):
            (loss, next_loss), gradient = jax.value_and_grad(value, has_aux=True)(weights)
            extra, following, log = self.regulariser(
                eqx.combine(weights, rest), batch, regulariser_state, for_regulariser
            )
            # A branch is a wall to the compiler, which would contract this sum with those around
            # it: behind it, adding a gradient of zero changes no bit of the run.
            gradient = jax.lax.cond(
                jnp.isfinite(loss),
                lambda one, other: jax.tree.map(jnp.add, one, other),
                lambda one, other: one,
                gradient,
                extra,
            )
            return gradient, (next_loss, following, {"loss": loss} | log)

        gradient, (loss_state, regulariser_state, log) = total_gradient(weights)
        updates, inner = self.chain.transform().update(
            gradient, inner, weights, grad_fn=lambda w, _: total_gradient(w)[0]
        )
        weights = jax.tree.map(lambda w, u: (w + u).astype(w.dtype), weights, updates)
        return (weights, inner, loss_state, regulariser_state), log


def _batches(key: Array, count: int, batch: int):
    """Indices (steps, batch) of one pass through `count` rows in random order."""
    batch = min(batch, count)
    order = jax.random.permutation(key, count)
    return order[: count // batch * batch].reshape(-1, batch)


def check_training(trainer: Trainer, model: AbstractSurrogate, data: TrainingData) -> None:
    """Whether recipe, model and data fit together. Works on stacked ones, too.

    **Raises:** `ValueError` or `TypeError` naming what does not fit.
    """
    if data.x.shape[-1] != model.size or data.y.shape[-1] != model.outputs:
        raise ValueError(
            f"the model must have {data.x.shape[-1]} inputs and {data.y.shape[-1]} outputs as the "
            f"data, but has {model.size} and {model.outputs}."
        )
    if not (bool(jnp.all(jnp.isfinite(data.y))) and bool(jnp.all(jnp.isfinite(data.x)))):
        raise ValueError("the training data must be finite, but are not.")
    trainer.loss.check(model, data)
    trainer.regulariser.check(model)


@eqx.filter_jit
def _fit(trainer: Trainer, model: AbstractSurrogate, data: TrainingData, key: Array) -> Trained:
    return trainer(model, data, key)


def fit(
    model: AbstractSurrogate, data: TrainingData, trainer: Trainer | None = None, *, key: Array
) -> Trained:
    """Train one model.

    **Raises:** `ValueError` if recipe, model and data do not fit together.
    """
    trainer = Trainer() if trainer is None else trainer
    check_training(trainer, model, data)
    return _fit(trainer, model, data, key)


@eqx.filter_jit
def _fit_many(trainer, models, data, keys, axes):
    def one(trainer, model, data, key):
        return trainer(model, data, key)

    return eqx.filter_vmap(one, in_axes=(*axes, 0))(trainer, models, data, keys)


def fit_many(
    models: AbstractSurrogate,
    data: TrainingData,
    trainer: Trainer,
    *,
    keys: Array,
    data_axis: int | None = None,
    trainer_axes: Any = None,
) -> Trained:
    """Train stacked models in one program, one for each key.

    **Arguments:**

    - `models`: stacked along a leading axis (`initialise_members`).
    - `data_axis`: 0 if the data are stacked as well; by default all share them.
    - `trainer_axes`: which leaves of the trainer are stacked, as `in_axes` of `filter_vmap`.

    **Raises:** `ValueError` if recipe, models and data do not fit together.
    """
    check_training(trainer, models, data)
    stacked = eqx.if_array(0)
    data_axes = None if data_axis is None else eqx.if_array(data_axis)
    return _fit_many(trainer, models, data, keys, (trainer_axes, stacked, data_axes))


def varied(trainer: Trainer, where: Callable[[Trainer], Any], values: Any) -> tuple[Trainer, Any]:
    """A trainer with stacked numbers in one place, and its axes for `fit_many`.

    `varied(trainer, lambda t: t.regulariser.strength, [0.0, 0.1, 1.0])`
    """
    stacked = eqx.tree_at(where, trainer, jnp.asarray(values, float))
    none = jax.tree.map(lambda _: None, stacked)
    axes = eqx.tree_at(where, none, 0, is_leaf=lambda leaf: leaf is None)
    return stacked, axes
