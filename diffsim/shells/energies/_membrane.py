"""Stretching: energies of the Green strain of each face."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from ...solvers import AbstractElements
from .._material import AbstractMaterial, IsotropicMaterial
from ..mesh import TriangleMesh
from ._rest import rest_faces, vertex_unknowns


class AbstractMembrane(eqx.Module):
    """How a sheet resists stretching and shearing in its plane."""

    @abc.abstractmethod
    def elements(self, mesh: TriangleMesh, material: AbstractMaterial) -> AbstractElements:
        """The energies of the faces, in joules."""


class StVenantKirchhoff(AbstractMembrane):
    """W = ½ h E:Q:E per rest area, with the Green strain E = ½(FᵀF − 1) and plane stress.

    For small strains, however large the rotations; under compression to half a length it loses its
    stability. Takes isotropic and orthotropic materials.
    """

    def elements(self, mesh: TriangleMesh, material: AbstractMaterial) -> AbstractElements:
        rest = rest_faces(mesh, material)
        weight = (rest.area * material.thickness)[:, None, None]
        indices = vertex_unknowns(mesh.faces)
        return _LinearMembrane(indices, rest.inverse, weight * material.stiffness())


class NeoHookean(AbstractMembrane):
    """W = h [μ/2 (tr C − 2 − ln det C) + λ′/8 (ln det C)²] per rest area, C = FᵀF, isotropic.

    λ′ = Eν/(1 − ν²) is Lamé's constant of plane stress, so that for small strains this is
    Hooke's law. The thickness is taken as given (no condensation of the thickness stretch).
    Infinite energy at zero area.

    **Raises:** `TypeError` for a material that is not isotropic.
    """

    def elements(self, mesh: TriangleMesh, material: AbstractMaterial) -> AbstractElements:
        if not isinstance(material, IsotropicMaterial):
            raise TypeError(
                f"NeoHookean needs an IsotropicMaterial, but was given {type(material).__name__}."
            )
        rest = rest_faces(mesh, material)
        weight = rest.area * material.thickness
        shear = weight * material.young / (2.0 * (1.0 + material.poisson))
        lame = weight * material.young * material.poisson / (1.0 - material.poisson**2)
        return _NeoHookeanMembrane(vertex_unknowns(mesh.faces), rest.inverse, shear, lame)


class _LinearMembrane(AbstractElements):
    indices: Int[Array, "*f 9"]
    inverse: Float[Array, "*f 2 2"]
    stiffness: Float[Array, "*f 3 3"]  # area · thickness · Q

    def measures(self, local: Float[Array, " 9"]) -> Float[Array, " 3"]:
        return _green_strain(local, self.inverse)

    def curvature(
        self, local: Float[Array, " 9"], stress: Float[Array, " 3"]
    ) -> Float[Array, "9 9"]:
        return _geometric_stiffness(stress, self.inverse)

    def density(self, measures: Float[Array, " 3"]) -> Scalar:
        return 0.5 * measures @ self.stiffness @ measures

    def convex(self, stress, stiffness):
        return _tension(stress), stiffness


class _NeoHookeanMembrane(AbstractElements):
    indices: Int[Array, "*f 9"]
    inverse: Float[Array, "*f 2 2"]
    shear: Float[Array, "*f"]
    lame: Float[Array, "*f"]

    def measures(self, local: Float[Array, " 9"]) -> Float[Array, " 3"]:
        return _green_strain(local, self.inverse)

    def curvature(
        self, local: Float[Array, " 9"], stress: Float[Array, " 3"]
    ) -> Float[Array, "9 9"]:
        return _geometric_stiffness(stress, self.inverse)

    def density(self, measures: Float[Array, " 3"]) -> Scalar:
        first, second, shear = measures
        trace = 2.0 * (first + second)
        # det C − 1, and not det C: the logarithm of one plus little keeps its digits.
        excess = trace + 4.0 * first * second - shear**2
        volume = jnp.log1p(excess)
        return 0.5 * self.shear * (trace - volume) + 0.125 * self.lame * volume**2

    def convex(self, stress, stiffness):
        values, vectors = jnp.linalg.eigh(stiffness)
        return _tension(stress), (vectors * jnp.maximum(values, 0.0)) @ vectors.T


def _green_strain(local: Float[Array, " 9"], inverse: Float[Array, "2 2"]) -> Float[Array, " 3"]:
    """(E₁₁, E₂₂, 2E₁₂) of one face."""
    x0, x1, x2 = local[:3], local[3:6], local[6:]
    along, across = (jnp.stack([x1 - x0, x2 - x0], axis=1) @ inverse).T
    return jnp.stack([0.5 * (along @ along - 1.0), 0.5 * (across @ across - 1.0), along @ across])


def _geometric_stiffness(
    stress: Float[Array, " 3"], inverse: Float[Array, "2 2"]
) -> Float[Array, "9 9"]:
    """Σᵢ stressᵢ ∇² of the Green strain of one face: the same for all shapes, and for each axis."""
    shapes = jnp.concatenate([-jnp.sum(inverse, axis=0, keepdims=True), inverse])  # (3 corners, 2)
    along, across = shapes[:, 0], shapes[:, 1]
    first, second, shear = stress
    mixed = along[:, None] * across
    corners = first * along[:, None] * along + second * across[:, None] * across
    corners = corners + shear * (mixed + mixed.T)
    return (corners[:, None, :, None] * jnp.eye(3)[:, None, :]).reshape(9, 9)


def _tension(stress: Float[Array, " 3"]) -> Float[Array, " 3"]:
    """The nearest stress without compression: its geometric stiffness is positive semi-definite."""
    first, second, shear = stress
    mean, half = 0.5 * (first + second), 0.5 * (first - second)
    radius = jnp.sqrt(half**2 + shear**2)
    high, low = jnp.maximum(mean + radius, 0.0), jnp.maximum(mean - radius, 0.0)
    part = jnp.where(radius > 0, 0.5 * (high - low) / jnp.where(radius > 0, radius, 1.0), 0.0)
    centre = 0.5 * (high + low)
    return jnp.stack([centre + part * half, centre - part * half, part * shear])
