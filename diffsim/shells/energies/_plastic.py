"""Bending that yields: creases."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from ...solvers import AbstractElements, AbstractSlant
from .._material import AbstractMaterial
from ..mesh import TriangleMesh
from ._bending import AbstractBending, Guides, MidEdgeBending, MidEdgeFaces, slanted_faces


class Crease(NamedTuple):
    """What a face remembers: `angles` (f, 3), the plastic part of the deviations of its normal at
    its edges (radian), and `hardened` (f,), the plastic curvature it has gone through (1/m)."""

    angles: Float[Array, "f 3"]
    hardened: Float[Array, " f"]


class PlasticBending(AbstractBending):
    """Mid-edge bending that yields at a curvature: return mapping with isotropic hardening.

    With the elastic curvature κ − κ_p of a face measured by its energy, ½ A D |κ − κ_p|² (for
    bending about one axis of a wide sheet, |κ| is the curvature), the face yields where

        |κ − κ_p| = κ_y + η α,      κ̇_p = α̇ (κ − κ_p)/|κ − κ_p|,

    and M = D |κ − κ_p| is the moment. A step minimises the stored and dissipated energy over κ_p,
    which has a closed form: with n the elastic curvature if nothing yielded and f = n − κ_y − ηα,

        Δα = f/(1 + η),   W = A D (½ n² − ½ f²/(1 + η))   where f > 0,

    so that moment, consistent tangent and the derivatives of the update are exact.

    **Arguments:** `yield_curvature` κ_y in 1/m; a sheet with the yield stress σ_y begins to yield
    at 2 σ_y (1 − ν²)/(E h). `hardening` η: slope of the moment over plastic curvature, in units
    of D.

    Source: J. Simo, T. Hughes, Computational inelasticity (1998), chapters 1 and 3, with the norm
    of the energy in the place of von Mises', which makes the return radial; M. Ortiz, L. Stainier,
    Comput. Methods Appl. Mech. Eng. 171 (1999) 419, for the condensed energy.
    """

    yield_curvature: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float))
    hardening: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float), default=0.0)
    rotates_edges: ClassVar[bool] = True

    def __check_init__(self):
        for name, least in (
            ("yield_curvature", "positive, in 1/m"),
            ("hardening", "at least zero"),
        ):
            value = getattr(self, name)
            if isinstance(value, Tracer):
                continue
            fine = value > 0 if name == "yield_curvature" else value >= 0
            if not bool(np.isfinite(value) & fine):
                raise ValueError(f"{name} of PlasticBending must be {least}, but is {value}.")

    def slant(self, mesh: TriangleMesh) -> AbstractSlant:
        return MidEdgeBending().slant(mesh)

    def fresh(self, mesh: TriangleMesh) -> Crease:
        return Crease(jnp.zeros(mesh.faces.shape), jnp.zeros(mesh.num_faces))

    def elements(
        self,
        mesh: TriangleMesh,
        material: AbstractMaterial,
        guides: Guides,
        memory: Crease | None = None,
    ) -> "_Yielding":
        faces = MidEdgeBending().elements(mesh, material, guides)
        memory = self.fresh(mesh) if memory is None else memory
        limit = self.yield_curvature + self.hardening * memory.hardened
        hardening = jnp.broadcast_to(self.hardening, limit.shape)
        scale = _scale(mesh, material)
        return _Yielding(faces.indices, faces, memory.angles, limit, hardening, scale)

    def remembered(
        self, elements: AbstractElements, q: Float[Array, " n"], memory: Crease
    ) -> Crease:
        assert isinstance(elements, _Yielding)
        angles, more = jax.vmap(lambda face, local: face.flow(local))(elements, q[elements.indices])
        return Crease(memory.angles + angles, memory.hardened + more)

    def stored(self, elements: AbstractElements, q: Float[Array, " n"]) -> Scalar:
        assert isinstance(elements, _Yielding)
        one = lambda face, local: face.elastic(face.measures(local))
        return jnp.sum(jax.vmap(one)(elements, q[elements.indices]))

    def work(self, mesh: TriangleMesh, material: AbstractMaterial, memory: Crease) -> Scalar:
        """∫ M dα over the sheet, J: dissipated, but for what hardening stores."""
        gone = memory.hardened
        density = self.yield_curvature * gone + 0.5 * self.hardening * gone**2
        return jnp.sum(_scale(mesh, material) * density)


class _Yielding(AbstractElements):
    indices: Int[Array, "*f 21"]
    faces: MidEdgeFaces
    plastic: Float[Array, "*f 3"]
    limit: Float[Array, "*f"]
    hardening: Float[Array, "*f"]
    scale: Float[Array, "*f"]

    def measures(self, local: Float[Array, " 21"]) -> Float[Array, " 3"]:
        return self.faces.measures(local) - self.plastic

    @property
    def slanted_indices(self) -> Int[Array, "*f 12"]:
        return self.faces.slanted_indices

    def slanted_hessians(self, q, stress, convex):
        tangent = lambda face, local: jax.hessian(face.density)(face.measures(local))
        stiffness = jax.vmap(tangent)(self, q[self.indices])
        return slanted_faces(self.faces, q, jnp.where(convex, 0.0, stress), stiffness)

    def curvature(
        self, local: Float[Array, " 21"], stress: Float[Array, " 3"]
    ) -> Float[Array, "21 21"]:
        return self.faces.curvature(local, stress)

    def elastic(self, measures: Float[Array, " 3"]) -> Scalar:
        """The energy if nothing yields."""
        return self.faces.density(measures)

    def excess(self, measures: Float[Array, " 3"]) -> tuple[Scalar, Scalar]:
        """n, and f where it is positive; smooth at n = 0."""
        squared = 2.0 * self.elastic(measures) / self.scale
        yields = squared > self.limit**2
        n = jnp.sqrt(jnp.where(yields, squared, 1.0))
        return n, jnp.where(yields, n - self.limit, 0.0)

    def density(self, measures: Float[Array, " 3"]) -> Scalar:
        _, f = self.excess(measures)
        return self.elastic(measures) - 0.5 * self.scale * f**2 / (1.0 + self.hardening)

    def flow(self, local: Float[Array, " 21"]) -> tuple[Float[Array, " 3"], Scalar]:
        """Plastic angles and plastic curvature of the step that ends here."""
        measures = self.measures(local)
        n, f = self.excess(measures)
        more = f / (1.0 + self.hardening)
        return more / n * (measures - self.faces.rest), more  # pyright: ignore

    def convex(self, stress, stiffness):
        return jnp.zeros_like(stress), stiffness


def _scale(mesh: TriangleMesh, material: AbstractMaterial) -> Float[Array, " f"]:
    """A D of each face, N m³."""
    plate = material.thickness**3 * material.stiffness()[..., 0, 0] / 12.0
    return mesh.areas() * plate
