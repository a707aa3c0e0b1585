"""Multilayer perceptrons, with and without a head for the noise."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._activations import Smoothness, activation_named
from ._interface import AbstractProbabilistic, AbstractSurrogate
from ._normalisation import Normalisation

# Limits of the standard deviation on the z-scored scale: those of design-baselines' forward model
# (brandontrabucco/design-baselines, gradient_ascent/nets.py).
_LEAST_DEVIATION, _MOST_DEVIATION = 0.1, 0.2


class _Hidden(NamedTuple):
    """The hidden layers that are asked for."""

    width: int
    depth: int
    activation: str | Callable
    smoothness: Smoothness | None
    dtype: Any

    def function(self) -> tuple[Callable, Smoothness]:
        """The activation and what it is."""
        if isinstance(self.activation, str):
            return activation_named(self.activation)
        if self.smoothness not in ("smooth", "kinked"):
            raise ValueError(
                "smoothness must be 'smooth' or 'kinked' where the activation is a function of "
                f"your own, but is {self.smoothness!r}."
            )
        return self.activation, self.smoothness


def _parts(normalisation: Normalisation, heads: int, hidden: _Hidden, key: Array) -> dict[str, Any]:
    """The fields of a perceptron with so many numbers for each output."""
    function, smoothness = hidden.function()
    width, depth = hidden.width, hidden.depth
    if width < 1 or depth < 1:
        raise ValueError(f"width and depth must be at least 1, but are {width} and {depth}.")
    size, outputs = normalisation.x_shift.size, normalisation.y_shift.size
    return {
        "network": eqx.nn.MLP(
            size, heads * outputs, width, depth, function, dtype=hidden.dtype, key=key
        ),
        "normalisation": normalisation,
        "size": size,
        "outputs": outputs,
        "smoothness": smoothness,
        "activation": hidden.activation if isinstance(hidden.activation, str) else "",
    }


def _arguments(description: dict[str, Any]) -> dict[str, Any]:
    size, outputs = int(description["size"]), int(description["outputs"])
    return {
        "normalisation": Normalisation.identity(size, outputs),
        "width": int(description["width"]),
        "depth": int(description["depth"]),
        "activation": str(description["activation"]),
        "dtype": jnp.dtype(str(description["dtype"])),
        "key": jax.random.key(0),
    }


class _AbstractPerceptron(AbstractSurrogate):
    """What perceptrons have in common, whatever their outputs mean.

    Fields and `__init__` stand in each leaf: a type checker takes a class of Equinox without an
    `__init__` of its own for a dataclass, and would refuse every call.
    """

    network: eqx.AbstractVar[eqx.nn.MLP]
    activation: eqx.AbstractVar[str]

    def _raw(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The network's own outputs, in double precision."""
        inputs = self.normalisation.inputs(x).astype(self.network.layers[0].weight.dtype)
        return self.network(inputs).astype(float)

    def gradient_floor(self) -> float:
        return float(self.outputs) ** -0.5

    def description(self) -> dict[str, Any]:
        if not self.activation:
            raise TypeError(
                "a model with an activation of your own cannot be saved: it has no name."
            )
        return {
            "size": self.size,
            "outputs": self.outputs,
            "width": int(self.network.width_size),
            "depth": int(self.network.depth),
            "activation": self.activation,
            "dtype": str(self.network.layers[0].weight.dtype),
        }


class MLP(_AbstractPerceptron):
    """A multilayer perceptron with a linear output layer.

    **Arguments:**

    - `normalisation`: also says how many inputs and outputs there are.
    - `width`, `depth`: of the hidden layers.
    - `activation`: a name of `ACTIVATIONS`, or a function (then with `smoothness`).
    - `dtype`: of the weights. Single precision halves the time of large trainings; what comes out
      is double precision all the same.
    - `key`: of the initial weights, uniform within ±1/√fan-in.
    """

    network: eqx.nn.MLP
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        normalisation: Normalisation,
        *,
        width: int = 128,
        depth: int = 2,
        activation: str | Callable = "silu",
        smoothness: Smoothness | None = None,
        dtype: Any = jnp.float64,
        key: Array,
    ):
        hidden = _Hidden(width, depth, activation, smoothness, dtype)
        parts = _parts(normalisation, 1, hidden, key)
        for name, part in parts.items():
            setattr(self, name, part)

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return self._raw(x)

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "MLP":
        return MLP(**_arguments(description))


class GaussianMLP(_AbstractPerceptron, AbstractProbabilistic):
    """A perceptron that gives a mean and a standard deviation for each output.

    The deviation is kept softly between 0.1 and 0.2 of the standard deviation of the data, as in
    design-baselines (whose lower limit, laid on last, lifts the upper one to 0.3).

    Arguments as for `MLP`.
    """

    network: eqx.nn.MLP
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        normalisation: Normalisation,
        *,
        width: int = 128,
        depth: int = 2,
        activation: str | Callable = "silu",
        smoothness: Smoothness | None = None,
        dtype: Any = jnp.float64,
        key: Array,
    ):
        hidden = _Hidden(width, depth, activation, smoothness, dtype)
        parts = _parts(normalisation, 2, hidden, key)
        for name, part in parts.items():
            setattr(self, name, part)

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return self._raw(x)[: self.outputs]

    def standardised_distribution(
        self, x: Float[Array, " d"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        mean, raw = jnp.split(self._raw(x), 2)
        low, high = jnp.log(_LEAST_DEVIATION), jnp.log(_MOST_DEVIATION)
        below = high - jax.nn.softplus(high - raw)
        return mean, jnp.exp(low + jax.nn.softplus(below - low))

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "GaussianMLP":
        return GaussianMLP(**_arguments(description))
