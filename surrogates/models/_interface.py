"""What a surrogate is: a differentiable function of one design that carries its own scales."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ._activations import Smoothness
from ._normalisation import Normalisation


class AbstractSurrogate(eqx.Module):
    """A model of some outputs (m,) over the unit cube (d,).

    A surrogate is called with one design; batches are made by `jax.vmap` at the call site. It is
    differentiable in the design and in its weights. Scores are larger where better.

    **Fields that every surrogate has:**

    - `normalisation`: the scales of inputs and outputs, fixed at construction.
    - `size`, `outputs`: d and m.
    - `smoothness`: "smooth" or "kinked"; says whether second derivatives mean something.
    """

    normalisation: eqx.AbstractVar[Normalisation]
    size: eqx.AbstractVar[int]
    outputs: eqx.AbstractVar[int]
    smoothness: eqx.AbstractVar[Smoothness]

    @abc.abstractmethod
    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        """The prediction at one design of the unit cube, on the z-scored scale of the outputs."""

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        """The prediction at one design, on the scale of the data."""
        return self.normalisation.scores(self.standardised(x))

    def gradient_floor(self) -> float:
        """Below what the norm of the weight gradient of the mean prediction cannot fall.

        A linear output bias alone contributes 1/√m; 0 for a model without one.
        """
        return 0.0

    def description(self) -> dict[str, Any]:
        """Plain data from which `skeleton` builds a model of the same shapes, for files.

        **Raises:** `TypeError` if the model cannot be written down.
        """
        raise TypeError(f"{type(self).__name__} cannot be saved: it has no description.")

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "AbstractSurrogate":
        """A model of the shapes of `description`, whose numbers are then read from the file."""
        raise TypeError(f"{cls.__name__} cannot be loaded: it has no skeleton.")


class AbstractProbabilistic(AbstractSurrogate):
    """A surrogate that knows how sure it is."""

    @abc.abstractmethod
    def standardised_distribution(
        self, x: Float[Array, " d"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Mean and standard deviation at one design, on the z-scored scale."""

    def distribution(self, x: Float[Array, " d"]) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Mean and standard deviation at one design, on the scale of the data."""
        mean, deviation = self.standardised_distribution(x)
        return self.normalisation.scores(mean), self.normalisation.y_scale * deviation


def trainable(model: AbstractSurrogate) -> PyTree[bool]:
    """True at the leaves that training may change: arrays of floats, but not the scales."""

    def mask(node):
        if isinstance(node, Normalisation):
            return jax.tree.map(lambda _: False, node)
        return eqx.is_inexact_array(node)

    return jax.tree.map(mask, model, is_leaf=lambda node: isinstance(node, Normalisation))


def split_weights(model: AbstractSurrogate) -> tuple[PyTree, PyTree]:
    """(weights, rest), to be put together again by `eqx.combine`."""
    return eqx.partition(model, trainable(model))


def predict(model: AbstractSurrogate, x: Float[Array, "b d"]) -> Float[Array, "b m"]:
    """The prediction at many designs.

    **Raises:** `ValueError` if the designs have another number of variables than the model.
    """
    if jnp.ndim(x) != 2 or x.shape[1] != model.size:
        raise ValueError(f"x must have shape (b, {model.size}), but has {jnp.shape(x)}.")
    return jax.vmap(model)(x)


def kind_named(family: type, name: str) -> Any:
    """The class of a family with that name, among those that have been imported.

    **Raises:** `ValueError` naming the known ones.
    """
    known: dict[str, type] = {}
    waiting = [family]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        known[kind.__name__] = kind
    if name not in known:
        raise ValueError(f"the kind must be one of {sorted(known)}, but is {name!r}.")
    return known[name]
