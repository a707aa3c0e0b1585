"""Multilayer perceptrons, with and without a head for the noise."""

from collections.abc import Callable
from typing import Any

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


def _activation(
    activation: str | Callable, smoothness: Smoothness | None
) -> tuple[Callable, Smoothness]:
    if isinstance(activation, str):
        return activation_named(activation)
    if smoothness not in ("smooth", "kinked"):
        raise ValueError(
            "smoothness must be 'smooth' or 'kinked' where the activation is a function of your "
            f"own, but is {smoothness!r}."
        )
    return activation, smoothness


def _network(sizes: tuple[int, int], width: int, depth: int, function, dtype, key: Array):
    if width < 1 or depth < 1:
        raise ValueError(f"width and depth must be at least 1, but are {width} and {depth}.")
    return eqx.nn.MLP(*sizes, width, depth, function, dtype=dtype, key=key)


def _name(activation: str | Callable) -> str:
    return activation if isinstance(activation, str) else ""


def _described(model: "MLP | GaussianMLP") -> dict[str, Any]:
    if not model.activation:
        raise TypeError("a model with an activation of your own cannot be saved: it has no name.")
    first = model.network.layers[0].weight
    return {
        "size": model.size,
        "outputs": model.outputs,
        "width": int(model.network.width_size),
        "depth": int(model.network.depth),
        "activation": model.activation,
        "dtype": str(first.dtype),
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


class MLP(AbstractSurrogate):
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
        function, self.smoothness = _activation(activation, smoothness)
        self.size, self.outputs = normalisation.x_shift.size, normalisation.y_shift.size
        self.activation = _name(activation)
        self.normalisation = normalisation
        self.network = _network((self.size, self.outputs), width, depth, function, dtype, key)

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        inputs = self.normalisation.inputs(x).astype(self.network.layers[0].weight.dtype)
        return self.network(inputs).astype(float)

    def gradient_floor(self) -> float:
        return float(self.outputs) ** -0.5

    def description(self) -> dict[str, Any]:
        return _described(self)

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "MLP":
        return MLP(**_arguments(description))


class GaussianMLP(AbstractProbabilistic):
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
        function, self.smoothness = _activation(activation, smoothness)
        self.size, self.outputs = normalisation.x_shift.size, normalisation.y_shift.size
        self.activation = _name(activation)
        self.normalisation = normalisation
        self.network = _network((self.size, 2 * self.outputs), width, depth, function, dtype, key)

    def _head(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        inputs = self.normalisation.inputs(x).astype(self.network.layers[0].weight.dtype)
        return self.network(inputs).astype(float)

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return self._head(x)[: self.outputs]

    def standardised_distribution(
        self, x: Float[Array, " d"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        mean, raw = jnp.split(self._head(x), 2)
        low, high = jnp.log(_LEAST_DEVIATION), jnp.log(_MOST_DEVIATION)
        below = high - jax.nn.softplus(high - raw)
        return mean, jnp.exp(low + jax.nn.softplus(below - low))

    def gradient_floor(self) -> float:
        return float(self.outputs) ** -0.5

    def description(self) -> dict[str, Any]:
        return _described(self)

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "GaussianMLP":
        return GaussianMLP(**_arguments(description))
