"""The interface of a kinetic law, and what the laws share."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Real

from ..._units import quantity
from ...constants import faraday, gas_constant

RealLike: TypeAlias = (
    float | int | np.integer | np.floating | Real[Array, "..."] | Real[np.ndarray, "..."]
)
Electrons: TypeAlias = RealLike


def inverse_thermal_voltage(temperature: RealLike) -> Array:
    """f = F/RT in 1/V, for a temperature in K."""
    return (faraday / gas_constant) / jnp.asarray(temperature, dtype=jnp.float64)


class AbstractKinetics(eqx.Module):
    """A law for the two rate constants of one electrode step, ox + n e⁻ ⇌ red.

    The net rate of reduction, in mol m⁻² s⁻¹ for a first-order couple, is

        r = k_red c_ox − k_ox c_red

    with surface concentrations in mol m⁻³ and rate constants in m s⁻¹. A law returns the
    *logarithms*, because a rate constant spans more decades than a float64 holds ratios of.
    Every law satisfies detailed balance exactly:

        ln k_red − ln k_ox = −n f η,    f = F/RT,   η = φ − E⁰′

    except Butler-Volmer with an alpha and a beta that do not add up to one.

    **Attributes:**

    - `reversible`: the step is at equilibrium at all times. Only the difference of the two
      logarithms then has a meaning; whoever composes the surface balance leaves out the
      finite rate.
    - `single_electron`: the law is meant for n = 1 only.
    """

    reversible: ClassVar[bool] = False
    single_electron: ClassVar[bool] = False

    @abc.abstractmethod
    def log_rates(
        self, overpotential: RealLike, temperature: RealLike, electrons: Electrons
    ) -> tuple[Array, Array]:
        """The logarithms (ln k_red, ln k_ox).

        **Arguments:**

        - `overpotential`: η = φ − E⁰′ in V; negative drives the reduction.
        - `temperature`: in K.
        - `electrons`: n, transferred together in this step.
        """


def parameter(name: str, unit: str = "") -> Callable[[Any], Array]:
    """Converter of a field: a number, an array, or a text with a unit, to a float64 leaf."""

    def convert(value: Any) -> Array:
        if isinstance(value, str) or hasattr(value, "units"):
            value = quantity(value, unit, field=name)
        try:
            return jnp.asarray(value, dtype=jnp.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{name} must be a real number or array, but {name}={value!r}."
            ) from error

    return convert


def check_parameter(
    law: AbstractKinetics, name: str, allowed: str, accept: Callable[[np.ndarray], Any]
) -> None:
    """Refuse a value outside its range, where it is known: a tracer passes unchecked.

    **Raises:** `ValueError` with the field, its value and what is allowed.
    """
    value = getattr(law, name)
    if isinstance(value, Tracer):
        return
    value = np.asarray(value)
    wrong = ~(np.isfinite(value) & accept(value))
    if wrong.any():
        raise ValueError(
            f"{name} of {type(law).__name__} must be {allowed}, but {name}={value[wrong][0]:g}."
        )


def check_positive(law: AbstractKinetics, name: str, unit: str) -> None:
    """`check_parameter` for a quantity that is positive and finite."""
    check_parameter(law, name, f"positive and finite, in {unit}", lambda value: value > 0)


def require_single_electron(law: AbstractKinetics, electrons: Electrons) -> None:
    """Refuse n ≠ 1 for a law of Marcus's kind, where n is known.

    **Raises:** `ValueError` with the law, n, and what to do instead.
    """
    if isinstance(electrons, Tracer):
        return
    if np.any(np.asarray(electrons) != 1):
        raise ValueError(
            f"electrons must be 1 for {type(law).__name__}, but electrons={electrons}: in Marcus's "
            "theory electrons are transferred one at a time. Write the reaction as one-electron "
            "steps, or use ButlerVolmer for a concerted step."
        )
