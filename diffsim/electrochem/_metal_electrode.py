"""Deposition and stripping of a metal without transport: current against overpotential."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from .._observables import Observables, observe
from .._precision import require_x64
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._status import RESULTS
from ._checks import check_positive, check_value
from .kinetics import AbstractKinetics
from .kinetics._base import parameter

Number = Float[Array, "..."]

# Where the current vanishes its logarithm is held here instead of at minus infinity.
_LEAST_CURRENT = 1e-300


class MetalElectrode(AbstractSimulator):
    """A metal in a solution of its ions, near enough to equilibrium everywhere but at the surface.

        j(η) = j₀ (k_ox(η) − k_red(η))/k⁰

    for any law of electron transfer; k⁰ drops out, and j₀ is the exchange current density of
    every law alike, also of the closed approximation to Marcus-Hush-Chidsey.

    **Arguments** (SI, differentiable):

    - `kinetics`: the law; its `k0` has no effect.
    - `exchange_current_density`: j₀ in A/m².
    - `temperature`: in K.

    **Call:** `electrode(overpotential)` with η (t,) in V returns "current_density" (t,) in A/m²,
    oxidation positive, "magnitude" |j|, "log_magnitude" ln(|j| m²/A), held at -691 where |j| is
    zero, and "overpotential".

    **Raises:** `ValueError` for a j₀ that is not positive, a temperature outside 150-1500 K, a law
    that is always at equilibrium, or overpotentials that are not a column of finite numbers.

    **Starting values:** lithium in carbonates or ethers j₀ 10 to 300 A/m², λ 0.2 to 0.4 eV.

    **Limits:** no ohmic drop, no diffusion, no film: microsecond transients at ultramicroelectrodes
    come near to that, ordinary cells do not.

    Source: D. T. Boyle et al., ACS Energy Lett. 5 (2020) 701.
    """

    kinetics: AbstractKinetics
    exchange_current_density: Number = eqx.field(
        converter=parameter("exchange_current_density", "A/m2")
    )
    temperature: Number = eqx.field(converter=parameter("temperature", "K"), default=298.15)

    adjoints: ClassVar = ("implicit",)

    def __check_init__(self):
        require_x64()
        check_positive(self, "exchange_current_density", "A/m2")
        check_value(
            "MetalElectrode",
            "temperature",
            self.temperature,
            "between 150 and 1500 K",
            lambda v: (v >= 150) & (v <= 1500),
        )
        if self.kinetics.reversible:
            raise ValueError(
                "kinetics of MetalElectrode must have a finite rate, but "
                f"{type(self.kinetics).__name__} is always at equilibrium."
            )

    def lenses(self) -> Mapping[str, AbstractLens]:
        """`exchange_current_density`, `temperature`, and the fields of the law but `k0`."""
        lenses: dict[str, AbstractLens] = {
            name: Leaf(name) for name in ("exchange_current_density", "temperature")
        }
        for field in dataclasses.fields(self.kinetics):  # pyright: ignore
            value = getattr(self.kinetics, field.name)
            if field.name != "k0" and isinstance(value, jax.Array | Tracer):
                lenses[field.name] = Leaf(f"kinetics.{field.name}")
        return lenses

    def __call__(self, inputs) -> Observables:
        require_x64()
        overpotential = _column(inputs)
        logs = self.kinetics.log_rates(overpotential, self.temperature, 1)
        rest = self.kinetics.log_rates(jnp.zeros(()), self.temperature, 1)
        reduction, oxidation = (jnp.exp(log - zero) for log, zero in zip(logs, rest, strict=True))
        density = self.exchange_current_density * (oxidation - reduction)
        flowing = jnp.abs(density) > _LEAST_CURRENT
        values = {
            "overpotential": overpotential,
            "current_density": density,
            "magnitude": jnp.abs(density),
            "log_magnitude": jnp.log(jnp.where(flowing, jnp.abs(density), _LEAST_CURRENT)),
        }
        return observe(values, RESULTS.successful, {})


def _column(inputs) -> Float[Array, " t"]:
    if np.ndim(inputs) != 1 or np.size(inputs) == 0:
        raise ValueError(
            f"overpotentials must be a column of numbers, but have the shape {np.shape(inputs)}."
        )
    if not isinstance(inputs, Tracer) and not np.all(np.isfinite(np.asarray(inputs))):
        raise ValueError("overpotentials must be finite, but some are not.")
    return jnp.asarray(inputs, float)
