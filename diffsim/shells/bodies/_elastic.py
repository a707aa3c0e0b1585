"""Elasticity of tetrahedra."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from ...solvers import AbstractElements
from .._material import AbstractSubstance, Field
from ..energies import vertex_unknowns
from ._checks import checked_number
from ._mesh import TetrahedralMesh


def _number(value) -> Array:
    return jnp.asarray(value, float)


class SolidMaterial(AbstractSubstance):
    """A solid: Young's modulus E (Pa), Poisson ratio ν, density ρ (kg/m³); one number each.

    **Starting values:** soft fingertip 3e5 Pa, 0.2, 2000 kg/m³; rubber 1e6 Pa, 0.45, 1100 kg/m³.

    **Raises:** `ValueError` unless E > 0, 0 ≤ ν < 0.5, ρ ≥ 0.
    """

    young: Scalar = eqx.field(converter=_number)
    poisson: Scalar = eqx.field(converter=_number)
    density: Scalar = eqx.field(converter=_number, default=0.0)

    def __check_init__(self):
        checked_number(self, "young", "positive, in Pa", lambda v: v > 0)
        checked_number(self, "poisson", "at least 0 and below 0.5", lambda v: (v >= 0) & (v < 0.5))
        checked_number(self, "density", "at least zero, in kg/m3", lambda v: v >= 0)

    def per_size(self) -> Field:
        return self.density


def stable_neo_hookean(mesh: TetrahedralMesh, material: SolidMaterial) -> "_Cells":
    """W = μ/2 (I − 3) + λ/2 (J − α)² − μ/2 ln((I + 1)/4) + const per rest volume, I = tr FᵀF.

    α = 1 + 3μ/(4λ), and μ = 4/3, λ = Lamé's plus 5/6 of the shear modulus, so that for small
    strains this is Hooke's law and the rest shape has no stress and no energy. Finite however
    squeezed, and turned inside out: it comes back.

    Source: B. Smith, F. de Goes, T. Kim, Stable neo-Hookean flesh simulation, ACM Trans. Graph. 37
    (2018) 12, equations 13 and 14 and section 3.4.
    """
    volume, inverse = mesh.volumes(), jnp.linalg.inv(mesh.frames())
    plain = material.young / (2.0 * (1.0 + material.poisson))
    lame = 2.0 * plain * material.poisson / (1.0 - 2.0 * material.poisson)
    shear, bulk = 4.0 / 3.0 * plain, lame + 5.0 / 6.0 * plain
    return _Cells(vertex_unknowns(mesh.cells), inverse, shear * volume, bulk * volume)


class _Cells(AbstractElements):
    indices: Int[Array, "*c 12"]
    inverse: Float[Array, "*c 3 3"]
    shear: Float[Array, "*c"]
    bulk: Float[Array, "*c"]

    def measures(self, local: Float[Array, " 12"]) -> Float[Array, " 3"]:
        """I − 3 − 2(J − 1), I − 3 and J − 1.

        The first is of second order in the Green strain E. With I and J alone the stresses of a
        solid at rest would be large and cancel, and round-off of a turned one would hide what a
        search along a line looks for. From J² = det(1 + 2E).
        """
        corners = local.reshape(4, 3)
        f = (corners[1:] - corners[0]).T @ self.inverse
        strain = 0.5 * (f.T @ f - jnp.eye(3))
        trace = jnp.trace(strain)
        minors = 0.5 * (trace**2 - jnp.sum(strain**2))
        cubed = strain[0] @ jnp.cross(strain[1], strain[2])
        volume = f[:, 0] @ jnp.cross(f[:, 1], f[:, 2]) - 1.0
        return jnp.stack([volume**2 - 4.0 * minors - 8.0 * cubed, 2.0 * trace, volume])

    def density(self, measures: Float[Array, " 3"]) -> Scalar:
        shape, stretch, volume = measures
        bent = 0.25 * stretch - jnp.log1p(0.25 * stretch)
        return 0.5 * self.shear * (0.75 * shape + bent) + 0.5 * self.bulk * volume**2

    def convex(self, stress, stiffness):
        # I is convex in the positions and what it is multiplied by positive; J is not convex.
        return jnp.stack([0.0 * stress[0], stress[0] + stress[1], 0.0 * stress[2]]), stiffness
