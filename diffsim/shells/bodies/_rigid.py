"""Rigid bodies that move freely."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

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
from .._material import AbstractSubstance, Field
from .._supports import Hold
from ..contact import BodyContact, SelfContact
from ..energies import vertex_unknowns
from ..mesh import TriangleMesh
from ._checks import check_kinds, checked_number


class RigidMaterial(AbstractSubstance):
    """What a rigid body weighs, and how nearly rigid it is.

    **Fields:** `density` ρ in kg/m³; `stiffness` in Pa, the modulus by which strain and slack are
    held down: displacements against the rigid motion are of the order of pressure × size /
    stiffness. Very large ones cost digits.

    **Raises:** `ValueError` unless ρ ≥ 0 and the stiffness is positive.
    """

    density: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float))
    stiffness: Scalar = eqx.field(converter=lambda v: jnp.asarray(v, float), default=1e10)

    def __check_init__(self):
        checked_number(self, "density", "at least zero, in kg/m3", lambda v: v >= 0)
        checked_number(self, "stiffness", "positive, in Pa", lambda v: v > 0)

    def per_size(self) -> Field:
        return self.density


class Inertia(NamedTuple):
    """Of a body of density one: volume, centre of volume, and a lower triangle R with
    ∫ (x − c)(x − c)ᵀ = volume × R Rᵀ, in m."""

    volume: Scalar
    centre: Float[Array, " 3"]
    root: Float[Array, "3 3"]


def inertia(mesh: TriangleMesh) -> Inertia:
    """From a closed surface, exactly: sums over the tetrahedra between its faces and the origin."""
    corners = mesh.positions[mesh.faces]
    parts = jnp.sum(corners[:, 0] * jnp.cross(corners[:, 1], corners[:, 2]), axis=1) / 6.0
    total = jnp.sum(corners, axis=1)
    volume = jnp.sum(parts)
    centre = parts @ total / (4.0 * volume)
    own = jnp.einsum("fki,fkj->fij", corners, corners) + total[:, :, None] * total[:, None, :]
    second = jnp.einsum("f,fij->ij", parts, own) / (20.0 * volume)
    return Inertia(volume, centre, jnp.linalg.cholesky(second - jnp.outer(centre, centre)))


class RigidBody(AbstractBody):
    """A rigid body, given by its surface: x = c + B y, with B = A R and A a rotation.

    R is the root of its `inertia`, y where a point is at rest, in multiples of R. In these
    coordinates the kinetic energy ½∫ρ|ẋ|² is exactly ½ m (|ċ|² + Σ|ḃₖ|²): every one of the twelve
    unknowns has the mass of the body. Gyroscopic effects, precession and impacts follow from it.

    The unknowns are the 3v coordinates of the surface (m), the centre c (3) and the columns of
    B (9), in m. AᵀA = 1 and x = c + B y are held by energies of `RigidMaterial.stiffness`.

    **Arguments:** `mesh`: a closed `TriangleMesh` with normals outwards; `material`; `loads`:
    `Gravity`; `contacts`: with prescribed bodies.

    Steps by "implicit_euler" or "bdf2": the midpoint rule leaves what has no mass behind.

    **Raises:** `ValueError` for a surface with a border or turned inside out, or other loads;
    `RuntimeError` in float32 mode.

    Source of the coordinates: L. Lan et al., Affine body dynamics, ACM Trans. Graph. 41 (2022) 67.
    """

    mesh: TriangleMesh
    material: RigidMaterial
    loads: tuple[Gravity, ...]
    contacts: tuple[BodyContact, ...]
    pattern: SparsePattern

    def __init__(
        self,
        mesh: TriangleMesh,
        material: RigidMaterial,
        *,
        loads: Sequence[Gravity] = (),
        contacts: Sequence[BodyContact] = (),
    ):
        require_x64()
        _check_closed(mesh)
        check_kinds("RigidBody", "loads", loads, Gravity)
        self.mesh, self.material = mesh, material
        self.loads = tuple(loads)
        self.contacts = tuple(contact.located(mesh) for contact in contacts)
        batches = self.elements()
        self.pattern = sparse_pattern(self.size, tuple(np.asarray(b.indices) for b in batches))

    @property
    def skin(self) -> TriangleMesh:
        """The whole mesh."""
        return self.mesh

    @property
    def holds(self) -> tuple[Hold, ...]:
        """None: it moves freely."""
        return ()

    @property
    def slant(self) -> None:
        """None: the unknowns are counted as they are."""
        return None

    @property
    def self_contact(self) -> SelfContact | None:
        """None: a rigid body does not meet itself."""
        return None

    @property
    def follows(self) -> bool:
        return True

    @property
    def size(self) -> int:
        return 3 * self.mesh.num_vertices + 12

    def unknowns(self, positions: Float[Array, "v 3"]) -> Float[Array, " n"]:
        """Centre and frame are those of the affine motion that fits the vertices best."""
        ones = jnp.ones((self.mesh.num_vertices, 1))
        places = jnp.concatenate([ones, self._places()], axis=1)
        frame = jnp.linalg.solve(places.T @ places, places.T @ positions)
        return jnp.concatenate([positions.ravel(), frame.ravel()])

    def mass(self) -> Float[Array, " n"]:
        whole = self.material.density * inertia(self.mesh).volume
        nothing = jnp.zeros(3 * self.mesh.num_vertices)
        return jnp.concatenate([nothing, jnp.full(12, whole)])

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
        pull = sum((load.acceleration for load in self.loads), jnp.zeros(3))
        count = 3 * self.mesh.num_vertices
        weight = self.mass()[-1] * pull
        force = jnp.zeros(self.size).at[count : count + 3].set(factor * weight)
        return Potential(
            elements=self.elements(time, slip=slip),
            force=force,
            inertia=jnp.zeros(self.size),
            centre=jnp.zeros(self.size),
            free=jnp.ones(self.size, bool),
            held=jnp.zeros(self.size),
            pattern=self.pattern,
        )

    def energies(
        self, q: Float[Array, " n"], time: ScalarLike = 0.0, memory: PyTree = None
    ) -> dict[str, Scalar]:
        """ "rigid_energy" in joules: what the constraints store, small."""
        ties, frame, *_ = self.elements()
        return {"rigid_energy": elements_energy(ties, q) + elements_energy(frame, q)}

    def momenta(
        self, q: Float[Array, " n"], velocity: Float[Array, " n"]
    ) -> tuple[Float[Array, " 3"], Float[Array, " 3"]]:
        mass = self.mass()[-1]
        frame, rates = q[-12:].reshape(4, 3), velocity[-12:].reshape(4, 3)
        return mass * rates[0], mass * jnp.sum(jnp.cross(frame, rates), axis=0)

    def settings(self, step_tolerance: float, max_steps: int) -> NewtonSettings:
        size = self.mesh.longest()
        round_off = 2e-16 * self.material.stiffness * size**2
        return jax.lax.stop_gradient(
            NewtonSettings(round_off, step_tolerance * size, max_steps=max_steps)
        )

    def _places(self) -> Float[Array, "v 3"]:
        """y of the vertices."""
        _, centre, root = inertia(self.mesh)
        return jnp.linalg.solve(root, (self.mesh.positions - centre).T).T

    def elements(
        self,
        time: ScalarLike = 0.0,
        factor: ScalarLike = 1.0,
        slip: Slip | None = None,
        memory: PyTree = None,
    ) -> tuple[AbstractElements, ...]:
        time = jnp.asarray(time, float)
        touching = (contact.elements(self.mesh, time, slip) for contact in self.contacts)
        return (
            *_constraints(self.mesh, self._places(), self.material.stiffness),
            *(batch for batches in touching for batch in batches),
        )


def _constraints(mesh: TriangleMesh, places, stiffness: Scalar) -> tuple["_Ties", "_Frame"]:
    count = mesh.num_vertices
    volume, _, root = inertia(mesh)
    frame = 3 * count + jnp.arange(12)
    vertices = vertex_unknowns(jnp.arange(count)[:, None])
    indices = jnp.concatenate([vertices, jnp.broadcast_to(frame, (count, 12))], axis=1)
    # A slack of pressure × size / stiffness.
    tied = stiffness * mesh.vertex_areas() / jnp.cbrt(volume)
    ties = _Ties(indices, places, tied)
    return ties, _Frame(frame[None, 3:], jnp.linalg.inv(root)[None], (stiffness * volume)[None])


class _Ties(AbstractElements):
    """Slack of a vertex against the body: k/2 |x − c − B y|²."""

    indices: Int[Array, "*v 15"]
    place: Float[Array, "*v 3"]
    stiffness: Float[Array, "*v"]

    def measures(self, local: Float[Array, " 15"]) -> Float[Array, " 3"]:
        vertex, centre, columns = local[:3], local[3:6], local[6:].reshape(3, 3)
        return vertex - centre - self.place @ columns

    def density(self, measures: Float[Array, " 3"]) -> Scalar:
        return 0.5 * self.stiffness * measures @ measures

    def convex(self, stress, stiffness):
        return stress, stiffness

    def curvature(self, local, stress):
        return jnp.zeros((15, 15))


class _Frame(AbstractElements):
    """Strain of the frame: K/2 |E|² with E = (AᵀA − 1)/2 and A = B R⁻¹."""

    indices: Int[Array, "*one 9"]
    inverse: Float[Array, "*one 3 3"]
    stiffness: Float[Array, "*one"]

    def measures(self, local: Float[Array, " 9"]) -> Float[Array, " 6"]:
        a = local.reshape(3, 3).T @ self.inverse
        strain = 0.5 * (a.T @ a - jnp.eye(3))
        off = jnp.sqrt(2.0) * jnp.stack([strain[0, 1], strain[0, 2], strain[1, 2]])
        return jnp.concatenate([jnp.diag(strain), off])

    def density(self, measures: Float[Array, " 6"]) -> Scalar:
        return 0.5 * self.stiffness * measures @ measures

    def convex(self, stress, stiffness):
        return jnp.zeros_like(stress), stiffness


def _check_closed(mesh: TriangleMesh) -> None:
    if mesh.border.any():
        raise ValueError(
            f"the surface of a RigidBody must be closed, but {int(mesh.border.sum())} edges have "
            "one face only."
        )
    volume = float(inertia(mesh).volume)
    if not volume > 0:
        raise ValueError(
            f"the faces of a RigidBody must be turned outwards, but enclose {volume:g} m3."
        )
