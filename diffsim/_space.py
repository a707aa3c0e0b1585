"""The design space: the only place that knows names, units, bounds and scales.

Optimisers and surrogates see a vector in the unit cube and nothing else.
"""

import abc
import difflib
import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ._simulator import AbstractLens, AbstractSimulator
from ._types import Scalar, Vector
from ._units import quantity


class AbstractScale(eqx.Module):
    """A bounded, monotone map between a physical value and the unit interval.

    **Arguments:**

    - `low`, `high`: the bounds, as numbers in SI units or as text with a unit ("5 mm").
    - `unit`: the unit of the value ("m/s"), for checking, tables and plots.
    - `where`: a lens into the simulator; by default the simulator's own lens of that name.
    - `initial`: the value to start from; by default what stands in the simulator, moved
      into the bounds if it lies outside.

    **Raises:** `ValueError` naming the bound if the bounds are the wrong way round, not
    finite, or outside the domain of the scale.
    """

    # Leaves, not static fields: other bounds are no other program. Numbers or texts with a unit
    # come in; arrays are kept.
    low: Any
    high: Any
    unit: str = eqx.field(static=True, kw_only=True, default="")
    where: AbstractLens | None = eqx.field(kw_only=True, default=None)
    initial: Any = eqx.field(kw_only=True, default=None)

    def __post_init__(self):
        # Text with a unit is read here, once; what a transformation rebuilds passes unread.
        for field in ("low", "high", "initial"):
            value = getattr(self, field)
            if value is not None:
                setattr(self, field, jnp.asarray(quantity(value, self.unit, field=field), float))

    def __check_init__(self):
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"bounds must be finite, but low={self.low}, high={self.high}.")
        if not self.low < self.high:
            raise ValueError(
                f"low must be less than high, but low={self.low:g}, high={self.high:g}."
            )
        lowest, highest = self.domain()
        if not (lowest < self.low and self.high < highest):
            raise ValueError(
                f"bounds of a {type(self).__name__} scale must lie inside "
                f"({lowest:g}, {highest:g}), but low={self.low:g}, high={self.high:g}."
            )
        if self.initial is not None and not self.low <= self.initial <= self.high:
            raise ValueError(
                f"initial must lie in [{self.low:g}, {self.high:g}], but is {self.initial:g}."
            )

    def domain(self) -> tuple[float, float]:
        """The open interval in which bounds may lie."""
        return -math.inf, math.inf

    @abc.abstractmethod
    def warp(self, value: Scalar) -> Scalar:
        """The coordinate in which the scale is linear."""

    @abc.abstractmethod
    def unwarp(self, coordinate: Scalar) -> Scalar:
        """Inverse of `warp`."""

    def physical(self, x: Scalar) -> Scalar:
        """Unit interval to physical value."""
        low, high = self.warp(self.low), self.warp(self.high)
        return self.unwarp(low + x * (high - low))

    def unit_interval(self, value: Scalar) -> Scalar:
        """Physical value to unit interval."""
        low, high = self.warp(self.low), self.warp(self.high)
        return (self.warp(value) - low) / (high - low)


class Linear(AbstractScale):
    """A parameter searched on its own scale."""

    def warp(self, value: Scalar) -> Scalar:
        return value

    def unwarp(self, coordinate: Scalar) -> Scalar:
        return coordinate


class Log(AbstractScale):
    """A positive parameter searched on the scale of its logarithm."""

    def domain(self) -> tuple[float, float]:
        return 0.0, math.inf

    def warp(self, value: Scalar) -> Scalar:
        return jnp.log(value)

    def unwarp(self, coordinate: Scalar) -> Scalar:
        return jnp.exp(coordinate)


class Logit(AbstractScale):
    """A fraction in (0, 1) searched on the scale of its log-odds."""

    def domain(self) -> tuple[float, float]:
        return 0.0, 1.0

    def warp(self, value: Scalar) -> Scalar:
        return jnp.log(value) - jnp.log1p(-value)

    def unwarp(self, coordinate: Scalar) -> Scalar:
        return jax.nn.sigmoid(coordinate)


class DesignSpace(eqx.Module):
    """Named design variables: `DesignSpace(k0=Log(1e-8, 1e-1, unit="m/s"), ...)`.

    A mapping may be given first, for names that are no identifiers ("diffusivity[Fe3+]").
    The order of the names is the order of the vector.
    """

    scales: dict[str, AbstractScale]
    names: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, mapping: Mapping[str, AbstractScale] | None = None, /, **scales):
        merged = dict(mapping or {}) | scales
        if not merged:
            raise ValueError("a DesignSpace must have at least one variable, but has none.")
        for name, scale in merged.items():
            if not isinstance(scale, AbstractScale):
                raise TypeError(
                    f"{name} must be a scale such as Linear, Log or Logit, but is {scale!r}."
                )
        self.scales = merged
        self.names = tuple(merged)

    @property
    def size(self) -> int:
        """Number of design variables, d."""
        return len(self.names)

    @property
    def units(self) -> dict[str, str]:
        """Unit of each variable."""
        return {name: self.scales[name].unit for name in self.names}

    def physical(self, x: Vector) -> dict[str, Scalar]:
        """Unit cube to physical values by name. Raises `ValueError` for the wrong length."""
        if jnp.shape(x) != (self.size,):
            raise ValueError(
                f"x must have the shape ({self.size},) of {list(self.names)}, but has "
                f"{jnp.shape(x)}."
            )
        return {name: self.scales[name].physical(x[i]) for i, name in enumerate(self.names)}

    def unit_cube(self, values: Mapping[str, Any]) -> Float[Array, " d"]:
        """Physical values by name to the unit cube. Raises `KeyError` for a missing name."""
        return jnp.stack(
            [self.scales[name].unit_interval(jnp.asarray(values[name])) for name in self.names]
        )

    def bind(self, simulator: AbstractSimulator) -> "DesignSpace":
        """Give each variable without a lens the simulator's own lens of that name.

        **Raises:** `ValueError` naming the nearest valid name if the simulator has none.
        """
        lenses = simulator.lenses()
        bound = {}
        for name in self.names:
            scale = self.scales[name]
            if scale.where is None:
                if name not in lenses:
                    near = difflib.get_close_matches(name, lenses, n=1, cutoff=0.0)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    raise ValueError(
                        f"design variable {name!r} must be one of {sorted(lenses)} or be given "
                        f"a lens by `where=`, but is neither{hint}"
                    )
                scale = eqx.tree_at(
                    lambda s: s.where, scale, lenses[name], is_leaf=lambda v: v is None
                )
            bound[name] = scale
        return DesignSpace(bound)

    def apply(self, simulator: PyTree, x: Vector) -> PyTree:
        """The simulator with the values of `x` put in their places."""
        for name, value in self.physical(x).items():
            simulator = self._lens(name).set(simulator, value)
        return simulator

    def initial(self, simulator: PyTree) -> Float[np.ndarray, " d"]:
        """Where to start: each `initial`, else what stands in the simulator, kept inside."""
        start = []
        for name in self.names:
            scale = self.scales[name]
            value = scale.initial
            if value is None:
                value = float(np.clip(self._lens(name).get(simulator), scale.low, scale.high))
            start.append(float(scale.unit_interval(jnp.asarray(value))))
        return np.clip(np.asarray(start), 0.0, 1.0)

    def _lens(self, name: str) -> AbstractLens:
        lens = self.scales[name].where
        if lens is None:
            raise ValueError(f"design variable {name!r} has no lens: call `bind` first.")
        return lens
