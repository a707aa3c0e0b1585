"""Exponential rates."""

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


def _optional_beta(value):
    return None if value is None else parameter("beta")(value)


class ButlerVolmer(AbstractKinetics):
    """The law of Butler and Volmer, for n electrons transferred together.

        k_red = k⁰ exp(−α n f η)
        k_ox  = k⁰ exp(+β n f η)

    **Arguments:**

    - `k0`: standard rate constant k⁰ in m s⁻¹ (1e-2 is fast, 1e-5 quasi-reversible at
      0.1 V s⁻¹, 1e-9 irreversible).
    - `alpha`: transfer coefficient of the reduction, 0 to 4. An elementary step has about
      0.5. An apparent coefficient above 1 stands for steps at equilibrium before the
      rate-determining one (hydrogen evolution by recombination: 2).
    - `beta`: transfer coefficient of the oxidation, 0 to 4. Left out, it is 1 − α and the law
      obeys detailed balance. Given, it is independent: an empirical law, whose equilibrium
      potential is not E⁰′ + (RT/nF) ln(c_ox/c_red) unless α + β = 1.

    Linear in η for ever: real rates bend away (`MarcusHush`, `MarcusHushChidsey`) when
    |η| is no longer small beside four times the reorganisation energy.

    Source: A. J. Bard, L. R. Faulkner, Electrochemical Methods, 2nd ed. (2001), section 3.3.
    """

    k0: Float[Array, "..."] = eqx.field(converter=parameter("k0", "m/s"))
    alpha: Float[Array, "..."] = eqx.field(converter=parameter("alpha"), default=0.5)
    beta: Float[Array, "..."] | None = eqx.field(converter=_optional_beta, default=None)

    def __check_init__(self):
        check_positive(self, "k0", "m/s")
        for name in ("alpha", "beta") if self.beta is not None else ("alpha",):
            check_parameter(self, name, "between 0 and 4", lambda a: (a >= 0) & (a <= 4))

    def log_rates(
        self, overpotential: RealLike, temperature: RealLike, electrons: Electrons
    ) -> tuple[Array, Array]:
        drive = electrons * inverse_thermal_voltage(temperature) * jnp.asarray(overpotential)
        beta = 1.0 - self.alpha if self.beta is None else self.beta
        log_k0 = jnp.log(self.k0)
        return log_k0 - self.alpha * drive, log_k0 + beta * drive
