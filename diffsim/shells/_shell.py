"""A sheet with its material, energies, loads and supports: the potential of its unknowns."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array, Float, PyTree

from .._precision import require_x64
from .._types import Scalar, ScalarLike
from ..solvers import (
    AbstractElements,
    AbstractSlant,
    NewtonSettings,
    Potential,
    Slip,
    SparsePattern,
    elements_energy,
    sparse_pattern,
)
from ._deformable import AbstractBody
from ._loads import AbstractLoad, vertex_masses
from ._material import AbstractMaterial
from ._supports import AbstractSupport, Hold, guided_edges, held_unknowns
from .contact import BodyContact, SelfContact
from .energies import (
    AbstractBending,
    AbstractMembrane,
    Guides,
    MidEdgeBending,
    StVenantKirchhoff,
)
from .mesh import TriangleMesh


class Shell(AbstractBody):
    """A thin sheet: the sum of its energies as a function of positions and edge rotations.

    The unknowns q are the 3v coordinates of the vertices (m) and e rotations of the edges (radian),
    which bending models without them leave at zero.

    **Arguments:**

    - `mesh`: the rest shape; `material`: an `AbstractMaterial`. All their numbers are leaves.
    - `membrane`, `bending`: the energies.
    - `loads`, `supports`, `contacts` (with bodies): lists.
    - `self_contact`: a `SelfContact`, or None.

    **Raises:** `ValueError` naming the element for fields of a length other than the number of
    faces, or supports that find nothing; `RuntimeError` in float32 mode.
    """

    mesh: TriangleMesh
    material: AbstractMaterial
    membrane: AbstractMembrane
    bending: AbstractBending
    loads: tuple[AbstractLoad, ...]
    holds: tuple[Hold, ...]
    contacts: tuple[BodyContact, ...]
    self_contact: SelfContact | None
    slant: AbstractSlant | None
    pattern: SparsePattern
    plain_pattern: SparsePattern
    meets_itself: ClassVar[bool] = True

    def __init__(
        self,
        mesh: TriangleMesh,
        material: AbstractMaterial,
        *,
        membrane: AbstractMembrane | None = None,
        bending: AbstractBending | None = None,
        loads: Sequence[AbstractLoad] = (),
        supports: Sequence[AbstractSupport] = (),
        contacts: Sequence[BodyContact] = (),
        self_contact: SelfContact | None = None,
    ):
        require_x64()
        _check_fields(mesh, material)
        self.mesh = mesh
        self.material = material
        self.membrane = StVenantKirchhoff() if membrane is None else membrane
        self.bending = MidEdgeBending() if bending is None else bending
        self.loads = tuple(load.located(mesh) for load in loads)
        self.holds = tuple(support.on(mesh) for support in supports)
        self.contacts = tuple(contact.located(mesh) for contact in contacts)
        self.self_contact = self_contact
        if self_contact is not None:
            self_contact.check(mesh)
        self.slant = self.bending.slant(mesh)
        batches = self.elements()
        slanted = tuple(np.asarray(batch.slanted_indices) for batch in batches)
        plain, orders = tuple(np.asarray(batch.indices) for batch in batches), _orders_along(mesh)
        self.pattern = sparse_pattern(self.size, slanted, orders)
        self.plain_pattern = sparse_pattern(self.size, plain, orders)

    @property
    def skin(self) -> TriangleMesh:
        """The sheet itself."""
        return self.mesh

    @property
    def size(self) -> int:
        """Number of unknowns, 3v + e."""
        return 3 * self.mesh.num_vertices + self.mesh.num_edges

    def rest(self) -> Float[Array, " n"]:
        """The unknowns of the rest shape."""
        return self.unknowns(self.mesh.positions)

    def unknowns(self, positions: Float[Array, "v 3"]) -> Float[Array, " n"]:
        """The unknowns with edges unturned."""
        return jnp.concatenate([positions.ravel(), jnp.zeros(self.mesh.num_edges)])

    def mass(self) -> Float[Array, " n"]:
        """The mass of each unknown, kg; edge rotations have none."""
        masses = jnp.repeat(vertex_masses(self.mesh, self.material), 3)
        return jnp.concatenate([masses, jnp.zeros(self.mesh.num_edges)])

    # Jitted, so that it is traced once: a step asks for the potential at several times.
    @eqx.filter_jit
    def potential(
        self,
        time: ScalarLike = 0.0,
        factor: ScalarLike = 1.0,
        slip: Slip | None = None,
        memory: PyTree = None,
    ) -> Potential:
        """Elastic energy less the work of the loads times `factor`, supports and bodies as at
        `time`; with the friction of a step if `slip` is given, and the creases of `memory`."""
        time, factor = jnp.asarray(time, float), jnp.asarray(factor, float)
        held, places = held_unknowns(self.mesh, self.holds, time)
        rotations = jnp.full(self.mesh.num_edges, self.bending.rotates_edges)
        guided, _, _ = guided_edges(self.mesh, self.holds, time)
        force = sum(
            (load.forces(self.mesh, self.material) for load in self.loads),
            jnp.zeros((self.mesh.num_vertices, 3)),
        )
        zeros = jnp.zeros(self.size)
        own = self.self_contact
        return Potential(
            elements=self.elements(time, factor, slip, memory),
            force=jnp.concatenate([factor * force.ravel(), jnp.zeros(self.mesh.num_edges)]),
            inertia=zeros,
            centre=zeros,
            free=jnp.concatenate([~held.ravel(), rotations & ~guided]),
            held=self.unknowns(places),
            pattern=self.pattern,
            loose=() if own is None or slip is None else own.rubbing(self.mesh, slip),
            encounters=() if own is None else (own.encounters(self.mesh),),
            slant=self.slant,
        )

    def unslanted(self, potential: Potential) -> Potential:
        """The same, Newton's systems in the unknowns themselves.

        For equilibria: on a table, slanted ones did not converge. The cause is not known.
        """
        return dataclasses.replace(potential, pattern=self.plain_pattern, slant=None)

    def energies(
        self, q: Float[Array, " n"], time: ScalarLike = 0.0, memory: PyTree = None
    ) -> dict[str, Scalar]:
        """Stretching and (elastic) bending energy in joules, by name; with a memory also the
        "plastic_work" done so far."""
        membrane, bending, *_ = self.elements(time, 1.0, None, memory)
        found = {
            "membrane_energy": elements_energy(membrane, q),
            "bending_energy": self.bending.stored(bending, q),
        }
        if memory is not None:
            found["plastic_work"] = self.bending.work(self.mesh, self.material, memory)
        return found

    def fresh(self) -> PyTree:
        """The memory of a sheet that nothing has happened to."""
        return self.bending.fresh(self.mesh)

    def remembered(self, q: Float[Array, " n"], time: ScalarLike, memory: PyTree) -> PyTree:
        """The memory after a step from `memory` that ended in `q`."""
        _, bending, *_ = self.elements(time, 1.0, None, memory)
        return self.bending.remembered(bending, q, memory)

    def settings(self, step_tolerance: float, max_steps: int) -> NewtonSettings:
        """Newton's tolerances: `step_tolerance` is relative to the size of the sheet, and forces
        are
        let alone where they are round-off of the stretching stiffness."""
        size = jnp.max(jnp.ptp(self.mesh.positions, axis=0))
        stiffness = self.material.thickness * self.material.stiffness()[..., 0, 0]
        round_off = 2e-16 * jnp.max(stiffness) * size
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
        time, factor = jnp.asarray(time, float), jnp.asarray(factor, float)
        guides = Guides(*guided_edges(self.mesh, self.holds, time))
        follow = [load.elements(self.mesh, self.material, factor) for load in self.loads]
        return (
            self.membrane.elements(self.mesh, self.material),
            self.bending.elements(self.mesh, self.material, guides, memory),
            *(batch for batches in follow for batch in batches),
            *(
                batch
                for contact in self.contacts
                for batch in contact.elements(self.mesh, time, slip)
            ),
        )


def _orders_along(mesh: TriangleMesh) -> tuple[np.ndarray, ...]:
    """The unknowns from one end to the other, along each of the longer axes of the rest shape.

    Reverse Cuthill-McKee begins at a corner, and its fronts are then longer than a side.
    """
    positions, edges = np.asarray(mesh.positions), np.asarray(mesh.edges)
    places = np.concatenate([positions.repeat(3, axis=0), positions[edges].mean(axis=1)])
    sizes = np.ptp(positions, axis=0)
    # Rounded, so that the places of a row that differ by round-off stay in a row.
    rounded = np.round(places / sizes.max(), 9)
    axes = np.argsort(-sizes)
    return tuple(
        np.lexsort((*rounded[:, np.delete(axes, i)].T, rounded[:, axes[i]])) for i in (0, 1)
    )


def tangent_stiffness(
    shell: Shell,
    q: Float[Array, " n"] | Float[np.ndarray, " n"],
    time: ScalarLike = 0.0,
    factor: ScalarLike = 1.0,
) -> tuple[scipy.sparse.csc_array, np.ndarray]:
    """The exact Hessian of the potential at `q` for the free unknowns, and which these are.

    For buckling and vibration, by SciPy's eigenvalue solvers. Concrete values only.
    """
    time, factor = jnp.asarray(time, float), jnp.asarray(factor, float)
    potential = _potential(shell, time, factor)
    free = np.flatnonzero(np.asarray(potential.free))
    matrix = scipy.sparse.csc_array((shell.size, shell.size))
    for batch, block in zip(potential.elements, _blocks(potential, jnp.asarray(q)), strict=True):
        matrix = matrix + _summed(np.asarray(batch.indices), np.asarray(block), shell.size)
    return scipy.sparse.csc_array(matrix[free][:, free]), free  # pyright: ignore


def _summed(indices: np.ndarray, blocks: np.ndarray, size: int) -> scipy.sparse.csc_array:
    rows = np.broadcast_to(indices[:, :, None], blocks.shape).ravel()
    columns = np.broadcast_to(indices[:, None, :], blocks.shape).ravel()
    return scipy.sparse.coo_array((blocks.ravel(), (rows, columns)), (size, size)).tocsc()


_potential = eqx.filter_jit(lambda shell, time, factor: shell.potential(time, factor))
_blocks = eqx.filter_jit(lambda potential, q: potential.blocks(q, potential.stress(q)))


def _check_fields(mesh: TriangleMesh, material: AbstractMaterial) -> None:
    for name, value in vars(material).items():
        per_face = name != "direction" and getattr(value, "ndim", 0) == 1
        if per_face and value.shape != (mesh.num_faces,):
            raise ValueError(
                f"{name} of {type(material).__name__} must be one number or one for each of the "
                f"{mesh.num_faces} faces, but has shape {value.shape}."
            )
