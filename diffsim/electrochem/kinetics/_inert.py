"""No electron transfer."""

import jax.numpy as jnp
from jaxtyping import Array

from ._base import AbstractKinetics, Electrons, RealLike


class Inert(AbstractKinetics):
    """A couple that the electrode neither reduces nor oxidises: k_red = k_ox = 0.

    For dissolved couples that react only after they have been adsorbed.
    """

    def log_rates(
        self, overpotential: RealLike, temperature: RealLike, electrons: Electrons
    ) -> tuple[Array, Array]:
        never = jnp.full_like(jnp.asarray(overpotential, float), -jnp.inf)
        return never, never
