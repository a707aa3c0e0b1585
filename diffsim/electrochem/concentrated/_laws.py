"""Properties as functions of the salt concentration: exchangeable parts with one interface."""

import abc
from collections.abc import Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Float

from .._checks import check_positive, check_value
from ..kinetics._base import parameter

# A column of numbers, as users write it.
Column: TypeAlias = ArrayLike | Sequence[float | int]


class AbstractConcentrationLaw(eqx.Module):
    """A dimensionless or dimensional property p(c) of a salt concentration c in mol/m³.

    **Attributes:**

    - `limits`: the lowest and highest concentration at which the law is known; a simulation that
      leaves them ends in `RESULTS.out_of_range`.
    """

    @property
    @abc.abstractmethod
    def limits(self) -> tuple[Array, Array]:
        """Lowest and highest concentration (mol/m³) for which the law holds."""

    @abc.abstractmethod
    def __call__(self, c: Float[Array, "..."]) -> Float[Array, "..."]:
        """The property at c."""

    @abc.abstractmethod
    def adjustable(self) -> Float[Array, " a"]:
        """The numbers that a fit would move, in one vector: what a regulariser sees."""


class Polynomial(AbstractConcentrationLaw):
    """p(c) = Σ_k p_k ((c − c_r)/c_r)^k.

    **Arguments:**

    - `coefficients`: p_0, p_1, ..., (k,).
    - `reference`: c_r in mol/m³, positive.
    - `low`, `high`: concentrations within which it is to be believed, mol/m³; by default all that
      are not negative.

    **Raises:** `ValueError` for a reference that is not positive, or no coefficients.
    """

    coefficients: Float[Array, " k"] = eqx.field(converter=parameter("coefficients"))
    reference: Float[Array, ""] = eqx.field(converter=parameter("reference", "mol/m3"))
    low: Float[Array, ""] = eqx.field(converter=parameter("low", "mol/m3"), default=0.0)
    high: Float[Array, ""] = eqx.field(converter=parameter("high", "mol/m3"), default=jnp.inf)

    def __check_init__(self):
        check_positive(self, "reference", "mol/m3")
        if self.coefficients.ndim != 1 or self.coefficients.size == 0:
            raise ValueError(
                "coefficients of Polynomial must be one or more numbers, but have the shape "
                f"{self.coefficients.shape}."
            )

    @property
    def limits(self) -> tuple[Array, Array]:
        return self.low, self.high

    def __call__(self, c: Float[Array, "..."]) -> Float[Array, "..."]:
        u = (c - self.reference) / self.reference
        value = jnp.broadcast_to(self.coefficients[-1], jnp.shape(u))
        for k in range(self.coefficients.size - 2, -1, -1):
            value = value * u + self.coefficients[k]
        return value

    def adjustable(self) -> Float[Array, " a"]:
        return self.coefficients


class Tabulated(AbstractConcentrationLaw):
    """Straight lines between the rows of a table.

    **Arguments:** `concentrations` (k,) in mol/m³, increasing; `values` (k,).

    **Raises:** `ValueError` for a table that is too short, not increasing or not finite.
    """

    concentrations: Float[Array, " k"]
    values: Float[Array, " k"]

    def __init__(self, concentrations: Column, values: Column):
        _check_table("Tabulated", concentrations, values, least=2)
        self.concentrations = jnp.asarray(concentrations, float)
        self.values = jnp.asarray(values, float)

    @property
    def limits(self) -> tuple[Array, Array]:
        return self.concentrations[0], self.concentrations[-1]

    def __call__(self, c: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.interp(c, self.concentrations, self.values)

    def adjustable(self) -> Float[Array, " a"]:
        return self.values


class Held(AbstractConcentrationLaw):
    """Another law, held at its end values beyond the concentrations where it is known.

    A guess, to be made knowingly: far from the solution a fit may pass through concentrations that
    nobody has measured, and this lets it. Look at the concentrations of the fit afterwards.

    **Arguments:** `law`; `low`, `high`: how far it is held, mol/m³.

    **Raises:** `ValueError` if `high` is not above `low`.
    """

    law: AbstractConcentrationLaw
    low: Float[Array, ""] = eqx.field(converter=parameter("low", "mol/m3"), default=0.0)
    high: Float[Array, ""] = eqx.field(converter=parameter("high", "mol/m3"), default=1e5)

    def __check_init__(self):
        check_value("Held", "high", self.high, "above low", lambda v: v > self.low)

    @property
    def limits(self) -> tuple[Array, Array]:
        return self.low, self.high

    def __call__(self, c: Float[Array, "..."]) -> Float[Array, "..."]:
        low, high = self.law.limits
        return self.law(jnp.clip(c, low, high))

    def adjustable(self) -> Float[Array, " a"]:
        return self.law.adjustable()


class Spline(AbstractConcentrationLaw):
    """The natural cubic spline through values at knots.

    Smooth (two continuous derivatives), and each value moves the curve near its knot only, which
    makes it the law to fit where no shape is known.

    **Arguments:** `knots` (k,) in mol/m³, increasing, at least 3, fixed; `values` (k,)
    differentiable.

    **Raises:** `ValueError` for a table that is too short, not increasing or not finite.

    Source: C. de Boor, A Practical Guide to Splines (2001), chapter IV.
    """

    knots: Float[Array, " k"]
    values: Float[Array, " k"]
    # Second derivatives at the knots for unit values: they depend on the knots alone.
    curvature: Float[Array, "k k"]

    def __init__(self, knots: Column, values: Column):
        _check_table("Spline", knots, values, least=3)
        self.knots = jnp.asarray(knots, float)
        self.values = jnp.asarray(values, float)
        self.curvature = jnp.asarray(_natural_curvature(np.asarray(knots, float)))

    @property
    def limits(self) -> tuple[Array, Array]:
        return self.knots[0], self.knots[-1]

    def __call__(self, c: Float[Array, "..."]) -> Float[Array, "..."]:
        knots = jax.lax.stop_gradient(self.knots)
        bends = jax.lax.stop_gradient(self.curvature) @ self.values
        k = jnp.clip(jnp.searchsorted(knots, c) - 1, 0, knots.size - 2)
        h = knots[k + 1] - knots[k]
        right = (c - knots[k]) / h
        left = 1.0 - right
        line = left * self.values[k] + right * self.values[k + 1]
        bend = (left**3 - left) * bends[k] + (right**3 - right) * bends[k + 1]
        return line + bend * h**2 / 6.0

    def adjustable(self) -> Float[Array, " a"]:
        return self.values


class Network(AbstractConcentrationLaw):
    """A small neural network: p(c) = offset + scale·MLP((c − c_r)/c_r).

    Its weights and biases are the parameters; a fit of them wants gradients and a penalty.

    **Arguments:**

    - `network`: an `equinox.nn.MLP` from "scalar" to "scalar".
    - `reference`: c_r in mol/m³.
    - `offset`, `scale`: fixed numbers that bring the output to its order of magnitude.
    - `low`, `high`: concentrations within which it is to be believed, mol/m³.

    `Network.untrained(...)` makes one from a key.
    """

    network: eqx.nn.MLP
    reference: Float[Array, ""] = eqx.field(converter=parameter("reference", "mol/m3"))
    offset: Float[Array, ""] = eqx.field(converter=parameter("offset"), default=0.0)
    scale: Float[Array, ""] = eqx.field(converter=parameter("scale"), default=1.0)
    low: Float[Array, ""] = eqx.field(converter=parameter("low", "mol/m3"), default=0.0)
    high: Float[Array, ""] = eqx.field(converter=parameter("high", "mol/m3"), default=1e5)

    def __check_init__(self):
        check_positive(self, "reference", "mol/m3")
        check_value("Network", "high", self.high, "above low", lambda v: v > self.low)

    @staticmethod
    def untrained(key: Array, *, width: int = 8, depth: int = 2, **fields: Any) -> "Network":
        """A network of `depth` hidden layers of `width` with tanh, random weights from `key`."""
        network = eqx.nn.MLP("scalar", "scalar", width, depth, jnp.tanh, key=key)
        return Network(network, **fields)

    @property
    def limits(self) -> tuple[Array, Array]:
        return self.low, self.high

    def __call__(self, c: Float[Array, "..."]) -> Float[Array, "..."]:
        u = (c - self.reference) / self.reference
        value = jax.vmap(self.network)(jnp.ravel(u)).reshape(jnp.shape(u))
        return self.offset + self.scale * value

    def adjustable(self) -> Float[Array, " a"]:
        return ravel_pytree(eqx.filter(self.network, eqx.is_inexact_array))[0]


def _check_table(owner: str, concentrations: Any, values: Any, *, least: int) -> None:
    """Refuse a table that is no function of the concentration; tracers pass."""
    if np.shape(concentrations) != np.shape(values) or np.ndim(values) != 1:
        raise ValueError(
            f"concentrations and values of {owner} must be two columns of one length, but have "
            f"the shapes {np.shape(concentrations)} and {np.shape(values)}."
        )
    if np.size(values) < least:
        raise ValueError(f"{owner} must have at least {least} rows, but has {np.size(values)}.")
    for name, column in (("concentrations", concentrations), ("values", values)):
        if not isinstance(column, Tracer) and not np.all(np.isfinite(np.asarray(column))):
            raise ValueError(f"{name} of {owner} must be finite, but some are not.")
    if isinstance(concentrations, Tracer):
        return
    steps = np.diff(np.asarray(concentrations, float))
    if not np.all(steps > 0):
        i = int(np.argmax(steps <= 0))
        raise ValueError(
            f"concentrations of {owner} must increase, but those of rows {i} and {i + 1} are "
            f"{np.asarray(concentrations)[i]:g} and {np.asarray(concentrations)[i + 1]:g}."
        )


def _natural_curvature(knots: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k k"]:
    """Matrix from values at the knots to second derivatives there, zero at both ends."""
    k, h = knots.size, np.diff(knots)
    left, right = np.eye(k), np.zeros((k, k))
    for i in range(1, k - 1):
        left[i, i - 1 : i + 2] = h[i - 1] / 6, (h[i - 1] + h[i]) / 3, h[i] / 6
        right[i, i - 1 : i + 2] = 1 / h[i - 1], -1 / h[i - 1] - 1 / h[i], 1 / h[i]
    return np.linalg.solve(left, right)
