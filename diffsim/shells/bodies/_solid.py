"""A solid with its material, loads, supports and contacts: the potential of its vertices."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ..._precision import require_x64
from ..._types import Scalar, ScalarLike
from ...solvers import (
    AbstractElements,
    NewtonSettings,
    Potential,
    Slip,
    SparsePattern,
    elements_energy,
    sparse_pattern,
)
from .._deformable import AbstractBody
from .._loads import Gravity
from .._supports import Hold, Pin, held_unknowns
from ..contact import BodyContact, SelfContact
from ..mesh import Skin
from ._checks import check_kinds
from ._elastic import SolidMaterial, stable_neo_hookean
from ._mesh import TetrahedralMesh


class Solid(AbstractBody):
    """A fingertip, a ball, a block: tetrahedra of `stable_neo_hookean` elasticity.

    The unknowns are the 3v coordinates of the vertices (m).

    **Arguments:** `mesh`, `material`: all their numbers are leaves; `loads`: `Gravity`; `supports`:
    `Pin`s, whose schedules move what they hold; `contacts`: with rigid bodies.

    **Raises:** `ValueError` for other loads or supports, `RuntimeError` in float32 mode.
    """

    mesh: TetrahedralMesh
    material: SolidMaterial
    loads: tuple[Gravity, ...]
    holds: tuple[Hold, ...]
    contacts: tuple[BodyContact, ...]
    pattern: SparsePattern

    def __init__(
        self,
        mesh: TetrahedralMesh,
        material: SolidMaterial,
        *,
        loads: Sequence[Gravity] = (),
        supports: Sequence[Pin] = (),
        contacts: Sequence[BodyContact] = (),
    ):
        require_x64()
        check_kinds("Solid", "loads", loads, Gravity)
        check_kinds("Solid", "supports", supports, Pin)
        self.mesh, self.material = mesh, material
        self.loads = tuple(loads)
        self.holds = tuple(support.on(mesh) for support in supports)
        self.contacts = tuple(contact.located(mesh) for contact in contacts)
        batches = self.elements()
        self.pattern = sparse_pattern(self.size, tuple(np.asarray(b.indices) for b in batches))

    @property
    def skin(self) -> Skin:
        """The outer faces of the tetrahedra."""
        inside = jnp.zeros(self.mesh.num_vertices, int)
        return Skin(self.mesh.positions, self.mesh.faces, inside)

    @property
    def slant(self) -> None:
        """None: the unknowns are counted as they are."""
        return None

    @property
    def self_contact(self) -> SelfContact | None:
        """None: a solid does not meet itself."""
        return None

    @property
    def size(self) -> int:
        return 3 * self.mesh.num_vertices

    def unknowns(self, positions: Float[Array, "v 3"]) -> Float[Array, " n"]:
        return positions.ravel()

    def mass(self) -> Float[Array, " n"]:
        return jnp.repeat(self.mesh.vertex_masses(self.material), 3)

    # Jitted, so that it is traced once: a step asks for the potential at several times.
    @eqx.filter_jit
    def potential(
        self,
        time: ScalarLike = 0.0,
        factor: ScalarLike = 1.0,
        slip: Slip | None = None,
        memory: PyTree = None,
    ) -> Potential:
        time = jnp.asarray(time, float)
        held, places = held_unknowns(self.mesh, self.holds, time)
        force = sum(
            (load.forces(self.mesh, self.material) for load in self.loads),
            jnp.zeros((self.mesh.num_vertices, 3)),
        )
        return Potential(
            elements=self.elements(time, slip=slip),
            force=factor * force.ravel(),
            inertia=jnp.zeros(self.size),
            centre=jnp.zeros(self.size),
            free=~held.ravel(),
            held=places.ravel(),
            pattern=self.pattern,
        )

    def energies(
        self, q: Float[Array, " n"], time: ScalarLike = 0.0, memory: PyTree = None
    ) -> dict[str, Scalar]:
        """ "elastic_energy" in joules."""
        cells = stable_neo_hookean(self.mesh, self.material)
        return {"elastic_energy": elements_energy(cells, q)}

    def settings(self, step_tolerance: float, max_steps: int) -> NewtonSettings:
        size = self.mesh.longest()
        # Round-off of forces E × size × edge.
        edge = jnp.cbrt(jnp.max(self.mesh.volumes()))
        round_off = 2e-16 * self.material.young * size * edge
        return jax.lax.stop_gradient(
            NewtonSettings(round_off, step_tolerance * size, max_steps=max_steps)
        )

    def elements(
        self,
        time: ScalarLike = 0.0,
        factor: ScalarLike = 1.0,
        slip: Slip | None = None,
        memory: PyTree = None,
    ) -> tuple[AbstractElements, ...]:
        time = jnp.asarray(time, float)
        touching = (contact.elements(self.mesh, time, slip) for contact in self.contacts)
        cells = stable_neo_hookean(self.mesh, self.material)
        return (cells, *(batch for batches in touching for batch in batches))
