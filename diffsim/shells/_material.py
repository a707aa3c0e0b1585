"""Materials in SI units: what a sheet is made of and how thick it is."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

Field = Float[Array, "*f"]


def _floats(value: ArrayLike | Sequence[float]) -> Array:
    return jnp.asarray(value, float)


class AbstractSubstance(eqx.Module):
    """Something with a mass. **Fields:** `density` ρ in kg/m³."""

    density: eqx.AbstractVar[Field]

    @abc.abstractmethod
    def per_size(self) -> Field:
        """The mass of a cell over its size: kg/m² of faces, kg/m³ of tetrahedra."""


class AbstractMaterial(AbstractSubstance):
    """An elastic sheet. Every number may be one for all faces, or an array (f,), one for each.

    **Fields:** `thickness` h in m; `density` ρ in kg/m³.
    """

    thickness: eqx.AbstractVar[Field]

    @abc.abstractmethod
    def stiffness(self) -> Float[Array, "*f 3 3"]:
        """Plane-stress stiffness Q in Pa: stress (11, 22, 12) from strain (11, 22, 2·12)."""

    @abc.abstractmethod
    def fibre(self) -> Float[Array, " 3"] | None:
        """The direction in space whose projection on a face is axis 1, or None if isotropic."""

    def per_size(self) -> Field:
        return self.surface_density()

    def surface_density(self) -> Field:
        """Mass per area ρh in kg/m²."""
        return self.density * self.thickness


class IsotropicMaterial(AbstractMaterial):
    """Hooke's law: Young's modulus E (Pa), Poisson ratio ν, thickness h (m), density ρ (kg/m³).

    **Starting values:** office paper 3e9 Pa, 0.2, 1e-4 m, 800 kg/m³; silicone rubber 1e6 Pa, 0.49,
    1e-3 m, 1100 kg/m³; spring steel 2e11 Pa, 0.3, 1e-4 m, 7800 kg/m³.

    **Raises:** `ValueError` unless E > 0, −1 < ν ≤ 0.5, h > 0, ρ ≥ 0, naming the face of a field.
    """

    young: Field = eqx.field(converter=_floats)
    poisson: Field = eqx.field(converter=_floats)
    thickness: Field = eqx.field(converter=_floats)
    density: Field = eqx.field(converter=_floats, default=0.0)

    def __check_init__(self):
        _check(self, "young", "positive, in Pa", lambda v: v > 0)
        _check(self, "poisson", "above -1 and at most 0.5", lambda v: (v > -1) & (v <= 0.5))
        _check_sheet(self)

    def stiffness(self) -> Float[Array, "*f 3 3"]:
        young, nu = jnp.broadcast_arrays(self.young, self.poisson)
        zero, one = jnp.zeros_like(nu), jnp.ones_like(nu)
        rows = jnp.stack([one, nu, zero, nu, one, zero, zero, zero, 0.5 * (1.0 - nu)], axis=-1)
        return (young / (1.0 - nu**2))[..., None, None] * rows.reshape(*nu.shape, 3, 3)

    def fibre(self) -> None:
        return None

    def bending_stiffness(self) -> Field:
        """D = E h³/(12 (1 − ν²)) in N m."""
        return self.young * self.thickness**3 / (12.0 * (1.0 - self.poisson**2))


class OrthotropicMaterial(AbstractMaterial):
    """A sheet with two axes at right angles, such as paper (machine and cross direction).

    **Fields:** `young_1`, `young_2`, `shear` in Pa; `poisson` ν₁₂, the contraction along 2 under
    tension along 1 (ν₂₁ = ν₁₂ E₂/E₁); `direction`: axis 1 in space, projected onto each face.

    **Raises:** `ValueError` for moduli that are not positive, or ν₁₂² ≥ E₁/E₂.
    """

    young_1: Field = eqx.field(converter=_floats)
    young_2: Field = eqx.field(converter=_floats)
    shear: Field = eqx.field(converter=_floats)
    poisson: Field = eqx.field(converter=_floats)
    thickness: Field = eqx.field(converter=_floats)
    density: Field = eqx.field(converter=_floats, default=0.0)
    direction: Float[Array, " 3"] = eqx.field(converter=_floats, default=(1.0, 0.0, 0.0))

    def __check_init__(self):
        for name in ("young_1", "young_2", "shear"):
            _check(self, name, "positive, in Pa", lambda v: v > 0)
        if not any(isinstance(v, Tracer) for v in (self.young_1, self.young_2)):
            limit = self.young_1 / self.young_2
            _check(self, "poisson", "of a square below young_1/young_2", lambda v: v**2 < limit)
        _check_sheet(self)

    def stiffness(self) -> Float[Array, "*f 3 3"]:
        one, two, shear, nu = jnp.broadcast_arrays(
            self.young_1, self.young_2, self.shear, self.poisson
        )
        common = 1.0 - nu**2 * two / one
        zero = jnp.zeros_like(nu)
        rows = [one / common, nu * two / common, zero, nu * two / common, two / common, zero]
        return jnp.stack([*rows, zero, zero, shear], axis=-1).reshape(*nu.shape, 3, 3)

    def fibre(self) -> Float[Array, " 3"]:
        return self.direction


def _check_sheet(material: AbstractMaterial) -> None:
    _check(material, "thickness", "positive, in m", lambda v: v > 0)
    _check(material, "density", "at least zero, in kg/m3", lambda v: v >= 0)


def _check(material: AbstractMaterial, name: str, allowed: str, accept) -> None:
    value = getattr(material, name)
    if isinstance(value, Tracer):
        return
    value = np.asarray(value)
    wrong = ~(np.isfinite(value) & np.asarray(accept(value)))
    if wrong.any():
        face = int(np.flatnonzero(wrong)[0])
        place = f" in face {face}" if value.ndim else ""
        raise ValueError(
            f"{name} of {type(material).__name__} must be {allowed}, but {name}="
            f"{value.ravel()[face]:g}{place}."
        )
