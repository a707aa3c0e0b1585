"""Isotherms: how coverage acts on the activity of adsorbates and on the sites that are left."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...solvers import small_product
from ..kinetics._base import parameter

Coverage = Float[Array, " a"]


class AbstractIsotherm(eqx.Module):
    """Activity of adsorbates and of free sites, as functions of the coverages θ (a,).

    At equilibrium K_j c_j · sites(θ) = activity_j(θ).
    """

    @abc.abstractmethod
    def sites(self, coverage: Coverage) -> Array:
        """Activity of the free sites."""

    @abc.abstractmethod
    def activity(self, coverage: Coverage) -> Coverage:
        """Activity of each adsorbate."""


class Langmuir(AbstractIsotherm):
    """Equal sites, adsorbates that do not notice one another.

        K_j c_j (1 − Σθ) = θ_j

    Source: I. Langmuir, J. Am. Chem. Soc. 40 (1918) 1361.
    """

    def sites(self, coverage: Coverage) -> Array:
        return 1.0 - jnp.sum(coverage)

    def activity(self, coverage: Coverage) -> Coverage:
        return coverage


class Frumkin(AbstractIsotherm):
    """Adsorbates that attract (g > 0) or repel (g < 0) each other.

        K_j c_j (1 − Σθ) = θ_j exp(−Σ_k g_jk θ_k)

    The transition states of adsorption and of electron transfer do not interact. Above g = 4 a
    single adsorbate condenses (three coverages for one concentration).

    **Arguments:** `interaction`: g, one number for all pairs, or a matrix (a, a) in the order of
    the adsorbates.

    Source: A. Frumkin, Z. Phys. Chem. 116 (1925) 466.
    """

    interaction: Float[Array, "..."] = eqx.field(converter=parameter("interaction"))

    def sites(self, coverage: Coverage) -> Array:
        return 1.0 - jnp.sum(coverage)

    def activity(self, coverage: Coverage) -> Coverage:
        size = coverage.size
        interaction = jnp.broadcast_to(self.interaction, (size, size))
        return coverage * jnp.exp(-small_product(interaction, coverage))


class Temkin(AbstractIsotherm):
    """Sites whose heat of adsorption falls linearly with coverage.

        K_j c_j = exp(g θ_j),   θ_j = ln(K_j c_j) / g

    Meant for medium coverages, 0.2 to 0.8: it has no empty and no full surface, and a simulation
    that leaves 0 < θ < 1 ends as `out_of_range`.

    **Arguments:** `heterogeneity`: g, positive.

    Source: M. I. Temkin, Zh. Fiz. Khim. 15 (1941) 296.
    """

    heterogeneity: Float[Array, "..."] = eqx.field(converter=parameter("heterogeneity"))

    def __check_init__(self):
        from .._checks import check_positive

        check_positive(self, "heterogeneity", "RT per unit of coverage")

    def sites(self, coverage: Coverage) -> Array:
        return jnp.ones(())

    def activity(self, coverage: Coverage) -> Coverage:
        return jnp.exp(self.heterogeneity * coverage)
