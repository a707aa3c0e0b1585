"""How large the noise of the planned experiment will be."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float


class AbstractNoise(eqx.Module):
    """Standard deviation of independent Gaussian noise on an observable.

    It may depend on the response, hence on the design; that it then also depends on the
    parameters is not counted as information on them.
    """

    @abc.abstractmethod
    def deviation(self, response: Float[Array, "..."]) -> Float[Array, "..."]:
        """Standard deviation of each value of the response, in its unit."""


class ConstantNoise(AbstractNoise):
    """The same for every value: `level` in the unit of the observable (or an array of its shape).

    **Raises:** `ValueError` for a level that is not positive and finite.
    """

    level: Float[Array, "..."] = eqx.field(converter=jnp.asarray)

    def __check_init__(self):
        _check_positive("level of ConstantNoise", self.level)

    def deviation(self, response: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.broadcast_to(self.level, response.shape)


class PeakNoise(AbstractNoise):
    """A part of the largest absolute value of each curve (along the last axis).

    So it is where the range of the instrument is set anew for each experiment. With `floor`, in
    the unit of the observable, the two add in quadrature.

    **Raises:** `ValueError` for a fraction that is not positive, or a negative floor.
    """

    fraction: Float[Array, ""] = eqx.field(converter=jnp.asarray)
    floor: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.0)

    def __check_init__(self):
        _check_positive("fraction of PeakNoise", self.fraction)
        _check_positive("floor of PeakNoise", self.floor, or_zero=True)

    def deviation(self, response: Float[Array, "..."]) -> Float[Array, "..."]:
        peak = jnp.max(jnp.abs(response), axis=-1, keepdims=True)
        level = jnp.sqrt((self.fraction * peak) ** 2 + self.floor**2)
        return jnp.broadcast_to(level, response.shape)


def _check_positive(what: str, value, *, or_zero: bool = False) -> None:
    if isinstance(value, Tracer) or not hasattr(value, "dtype"):
        return
    value = np.asarray(value)
    good = (value >= 0) if or_zero else (value > 0)
    if not np.all(good & np.isfinite(value)):
        allowed = "not negative" if or_zero else "positive"
        raise ValueError(f"{what} must be {allowed} and finite, but its minimum is {value.min()}.")
