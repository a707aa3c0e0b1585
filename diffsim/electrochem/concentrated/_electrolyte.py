"""What a binary electrolyte is: densities, partial molar volumes, transference, diffusion."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_positive
from ..kinetics._base import parameter
from ._laws import AbstractConcentrationLaw

Number = Float[Array, "..."]


class AbstractSaltDiffusion(eqx.Module):
    """How the product D χ of diffusivity and thermodynamic factor follows from c and t₊⁰."""

    @property
    @abc.abstractmethod
    def limits(self) -> tuple[Array, Array]:
        """Lowest and highest concentration (mol/m³) for which it is known."""

    @abc.abstractmethod
    def effective(self, c: Number, transference: Number, factor: Number) -> Number:
        """D χ in m²/s at c, for the transference number and χ there."""


class Diffusivity(AbstractSaltDiffusion):
    """The salt diffusivity D(c) in m²/s as a law of its own."""

    law: AbstractConcentrationLaw

    @property
    def limits(self) -> tuple[Array, Array]:
        return self.law.limits

    def effective(self, c: Number, transference: Number, factor: Number) -> Number:
        return self.law(c) * factor


class TiedDiffusivity(AbstractSaltDiffusion):
    """D = (1 − t₊⁰) g(c)/χ, with g = D χ/(1 − t₊⁰) known from polarisation experiments.

    A steady concentration gradient measures g and not D, so that each transference number has
    its own diffusivity. Negative for t₊⁰ above one, where the problem has no solution.

    **Arguments:** `law`: g(c) in m²/s.
    """

    law: AbstractConcentrationLaw

    @property
    def limits(self) -> tuple[Array, Array]:
        return self.law.limits

    def effective(self, c: Number, transference: Number, factor: Number) -> Number:
        return (1.0 - transference) * self.law(c)


class BinaryElectrolyte(eqx.Module):
    """A salt of monovalent ions in a solvent that moves.

    With the density ρ(c), of which ρ′ is the slope,

        V̄  = (M − ρ′)/(ρ − c ρ′)     partial molar volume of the salt, m³/mol
        V̄₀ = M₀/(ρ − c ρ′)           of the solvent
        c₀ = (ρ − M c)/M₀            concentration of the solvent, mol/m³
        χ  = 1/(c₀ V̄₀)               factor from a gradient of c to the solvent's frame

    which satisfy c V̄ + c₀ V̄₀ = 1 and V̄ dc + V̄₀ dc₀ = 0 identically.

    **Arguments:**

    - `transference`: t₊⁰(c) with respect to the solvent; may be negative.
    - `diffusion`: `Diffusivity` or `TiedDiffusivity`.
    - `density`: ρ(c) in kg/m³.
    - `salt_molar_mass` M, `solvent_molar_mass` M₀: in kg/mol.

    **Raises:** `ValueError` for molar masses that are not positive.

    Source: J. Newman, K. Thomas-Alyea, Electrochemical Systems, 3rd ed. (2004), chapter 12.
    """

    transference: AbstractConcentrationLaw
    diffusion: AbstractSaltDiffusion
    density: AbstractConcentrationLaw
    salt_molar_mass: Number = eqx.field(converter=parameter("salt_molar_mass", "kg/mol"))
    solvent_molar_mass: Number = eqx.field(converter=parameter("solvent_molar_mass", "kg/mol"))

    def __check_init__(self):
        check_positive(self, "salt_molar_mass", "kg/mol")
        check_positive(self, "solvent_molar_mass", "kg/mol")

    @property
    def limits(self) -> tuple[Array, Array]:
        """The lowest and highest concentration (mol/m³) that every law knows."""
        parts = (self.transference, self.diffusion, self.density)
        lows, highs = zip(*(part.limits for part in parts), strict=True)
        return jnp.max(jnp.stack(lows)), jnp.min(jnp.stack(highs))

    def _density(self, c: Number) -> tuple[Number, Number]:
        """ρ and ρ′ at c."""
        return jax.jvp(self.density, (c,), (jnp.ones_like(c),))

    def salt_volume(self, c: Number) -> Number:
        """V̄ in m³/mol."""
        density, slope = self._density(c)
        return (self.salt_molar_mass - slope) / (density - c * slope)

    def solvent_volume(self, c: Number) -> Number:
        """V̄₀ in m³/mol."""
        density, slope = self._density(c)
        return self.solvent_molar_mass / (density - c * slope)

    def solvent_concentration(self, c: Number) -> Number:
        """c₀ in mol/m³."""
        return (self.density(c) - self.salt_molar_mass * c) / self.solvent_molar_mass

    def thermodynamic_factor(self, c: Number) -> Number:
        """χ = 1/(c₀ V̄₀)."""
        return 1.0 / (self.solvent_concentration(c) * self.solvent_volume(c))

    def effective_diffusivity(self, c: Number) -> Number:
        """D χ in m²/s."""
        factor = self.thermodynamic_factor(c)
        return self.diffusion.effective(c, self.transference(c), factor)

    def is_defined(self, c: Number) -> Array:
        """Where every law is known, solvent is left, and diffusion is downhill."""
        low, high = self.limits
        inside = (c >= low) & (c <= high) & (self.solvent_concentration(c) > 0)
        return inside & (self.effective_diffusivity(c) > 0)
