"""Exponential rates in one direction only."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._base import (
    AbstractKinetics,
    Electrons,
    RealLike,
    check_parameter,
    check_positive,
    inverse_thermal_voltage,
    parameter,
)


class Tafel(AbstractKinetics):
    """A reduction that never runs back: Tafel's line.

        k_red = k⁰ exp(−α n f η),   k_ox = 0

    For steps whose product is not oxidised at the potentials of the experiment (gas evolution at
    some distance from equilibrium, irreversible reductions). It has no equilibrium: near E⁰′ the
    current does not vanish, and k⁰ and E⁰′ are not told apart.

    **Arguments:** `k0` in m s⁻¹, `alpha` from 0 to 4, as of `ButlerVolmer`.

    Source: J. Tafel, Z. Phys. Chem. 50 (1905) 641.
    """

    k0: Float[Array, "..."] = eqx.field(converter=parameter("k0", "m/s"))
    alpha: Float[Array, "..."] = eqx.field(converter=parameter("alpha"), default=0.5)

    def __check_init__(self):
        check_positive(self, "k0", "m/s")
        check_parameter(self, "alpha", "between 0 and 4", lambda a: (a >= 0) & (a <= 4))

    def log_rates(
        self, overpotential: RealLike, temperature: RealLike, electrons: Electrons
    ) -> tuple[Array, Array]:
        drive = electrons * inverse_thermal_voltage(temperature) * jnp.asarray(overpotential)
        log_red = jnp.log(self.k0) - self.alpha * drive
        return log_red, jnp.full_like(log_red, -jnp.inf)
