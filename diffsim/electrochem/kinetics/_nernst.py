"""Equilibrium at the electrode."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from ._base import AbstractKinetics, Electrons, RealLike, inverse_thermal_voltage


class Nernst(AbstractKinetics):
    """A reversible couple: the surface concentrations stay at equilibrium.

        c_ox / c_red = exp(n f η)

    the limit k⁰ → ∞ of every other law. The two logarithms are ∓n f η/2; only their
    difference has a meaning.

    Valid where k⁰ is far above √(D f ν) (a voltammogram at scan rate ν), D/r (a
    microelectrode) or √(D/t) (a step); the error in the current is of the order of the ratio.
    """

    reversible: ClassVar[bool] = True

    def log_rates(
        self, overpotential: RealLike, temperature: RealLike, electrons: Electrons
    ) -> tuple[Array, Array]:
        drive = electrons * inverse_thermal_voltage(temperature) * jnp.asarray(overpotential)
        half = jnp.asarray(0.5 * drive)
        return -half, half
