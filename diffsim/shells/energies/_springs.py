"""The springs of ThinShellLab, for comparison with what a sheet of a material does."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from ..._types import Scalar
from ...solvers import AbstractElements
from .._material import AbstractMaterial, IsotropicMaterial
from ..mesh import TriangleMesh
from ._bending import AbstractBending, Guides
from ._hinges import HingeBending, _Hinges
from ._membrane import AbstractMembrane
from ._rest import vertex_unknowns


class SpringMembrane(AbstractMembrane):
    """Springs along the edges of each face, and one against the change of its area:

        W = Σ over faces [Σ over edges Kl (1 − l/l̄)² l̄ + Ka (1 − A/Ā)² Ā].

    An inner edge has two faces and counts twice. Not a material: the stiffness grows as the mesh is
    refined. On "alternating" squares of side d, with k = Kl/d, small strains cost as those of a
    plate with the tensions

        C₁₁ = (4 + √2) k + 2 Ka,   C₁₂ = √2 k + 2 Ka,   C₆₆ = √2 k,

    which would be isotropic with C₆₆ = 2k. The material of the sheet gives its mass, and a scale
    for the round-off of forces, only.

    **Arguments:** `edge` Kl in N, `area` Ka in N/m; by default those that were published.

    Source: Y. Wang et al., ThinShellLab, arXiv 2404.00451 (2024), as in its code
    (github.com/Genesis-Embodied-AI/ThinShellLab).
    """

    edge: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float), default=1000.0)
    area: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float), default=1000.0)

    def __check_init__(self):
        _check_positive(self, edge="N", area="N/m")

    def elements(self, mesh: TriangleMesh, material: AbstractMaterial) -> AbstractElements:
        corners = mesh.positions[mesh.faces]
        lengths, area = jax.vmap(_edges_and_area)(corners)
        stiffness = jnp.concatenate(
            [2.0 * self.edge * lengths, 2.0 * self.area * area[:, None]], axis=1
        )
        return _Springs(vertex_unknowns(mesh.faces), lengths, area, stiffness)


class Kinks(NamedTuple):
    """What edges remember: `angles` (e,) by which their rest angles have changed, radian, and the
    energy `lost` there (e,), J."""

    angles: Float[Array, " e"]
    lost: Float[Array, " e"]


class SpringBending(AbstractBending):
    """One stiffness for the folds θ of all inner edges, which yield at an angle:

        W = Σ Kb (θ − θ̄)² (A₁ + A₂)/3,

    with the rest areas of the two faces; on squares of side d in halves the published weight d²/3.
    There, if "alternating", it is a plate with D = ⅔ Kb d² and ν = 0, so that the stiffness falls
    as the mesh is refined. After each step rest angles follow where |θ − θ̄| is above the
    `yield_angle`: θ̄ is then that angle behind θ. (`PlasticBending` yields at a curvature, and
    within the step.) Edges that supports guide bend as in `HingeBending`; the source has none.

    **Arguments:** `stiffness` Kb in N/m; `yield_angle` in radian. The published default, 3.14,
    never yields but for wild folds.

    Source: as `SpringMembrane`.
    """

    stiffness: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float), default=100.0)
    yield_angle: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float), default=3.14)
    rotates_edges: ClassVar[bool] = False

    def __check_init__(self):
        _check_positive(self, stiffness="N/m", yield_angle="radian")

    def fresh(self, mesh: TriangleMesh) -> Kinks:
        return Kinks(jnp.zeros(mesh.num_edges), jnp.zeros(mesh.num_edges))

    def elements(
        self,
        mesh: TriangleMesh,
        material: AbstractMaterial,
        guides: Guides,
        memory: Kinks | None = None,
    ) -> "_Hinges":
        # Faces with D = 4/3 Kb A, whose mean over an edge is 2/3 Kb (A₁ + A₂).
        plate = IsotropicMaterial(
            young=16.0 * self.stiffness * mesh.areas(), poisson=0.0, thickness=1.0
        )
        hinges = HingeBending().elements(mesh, plate, guides)
        assert isinstance(hinges, _Hinges)
        if memory is None:
            return hinges
        return eqx.tree_at(lambda h: h.rest, hinges, hinges.rest + memory.angles)

    def remembered(self, elements: AbstractElements, q: Float[Array, " n"], memory: Kinks) -> Kinks:
        assert isinstance(elements, _Hinges)
        angles = jax.vmap(lambda hinge, local: hinge.measures(local)[0])(
            elements, q[elements.indices]
        )
        change = angles - elements.rest
        beyond = jnp.maximum(jnp.abs(change) - self.yield_angle, 0.0)
        lost = elements.stiffness * beyond * (self.yield_angle + 0.5 * beyond)
        return Kinks(memory.angles + jnp.sign(change) * beyond, memory.lost + lost)

    def work(self, mesh: TriangleMesh, material: AbstractMaterial, memory: Kinks) -> Scalar:
        """By how much the following of rest angles has lowered the energy, J."""
        return jnp.sum(memory.lost)


class _Springs(AbstractElements):
    indices: Int[Array, "*f 9"]
    lengths: Float[Array, "*f 3"]
    area: Float[Array, "*f"]
    stiffness: Float[Array, "*f 4"]

    def measures(self, local: Float[Array, " 9"]) -> Float[Array, " 4"]:
        lengths, area = _edges_and_area(local.reshape(3, 3))
        return jnp.append(lengths / self.lengths, area / self.area) - 1.0

    def density(self, measures: Float[Array, " 4"]) -> Scalar:
        return 0.5 * self.stiffness @ measures**2

    def convex(self, stress, stiffness):
        # A length is a convex function of its ends, an area is not.
        return jnp.maximum(stress, 0.0).at[3].set(0.0), stiffness


def _edges_and_area(corners: Float[Array, "3 3"]) -> tuple[Float[Array, " 3"], Scalar]:
    sides = jnp.roll(corners, -1, axis=0) - corners
    return jnp.linalg.norm(sides, axis=1), 0.5 * jnp.linalg.norm(jnp.cross(sides[0], sides[1]))


def _check_positive(of: eqx.Module, **units: str) -> None:
    for name, unit in units.items():
        value = getattr(of, name)
        if not isinstance(value, Tracer) and not bool(np.isfinite(value) & (value > 0)):
            raise ValueError(
                f"{name} of {type(of).__name__} must be positive, in {unit}, but is {value}."
            )
