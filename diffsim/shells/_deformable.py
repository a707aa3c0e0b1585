"""What moves: unknowns, masses, and the potential between them."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int, PyTree

from .._types import Scalar, ScalarLike
from ..solvers import (
    AbstractElements,
    AbstractSlant,
    NewtonSettings,
    Potential,
    Slip,
    SparsePattern,
)
from ._material import AbstractSubstance
from ._supports import Hold
from .contact import BodyContact, SelfContact, check_apart
from .mesh import AbstractMesh, AbstractSurface, refuse


class AbstractDeformable(eqx.Module):
    """A sheet, a solid, a rigid body or several of these, as `Dynamics` steps them.

    The unknowns q (n,) begin with the 3v coordinates of the vertices, in m.
    """

    mesh: eqx.AbstractVar[AbstractMesh]
    contacts: eqx.AbstractVar[tuple[BodyContact, ...]]
    self_contact: eqx.AbstractVar[SelfContact | None]

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Number of unknowns."""

    @property
    @abc.abstractmethod
    def rubs(self) -> bool:
        """Whether there is friction."""

    @property
    @abc.abstractmethod
    def follows(self) -> bool:
        """Whether vertices without mass have to follow what has it."""

    @abc.abstractmethod
    def held_vertices(self) -> Int[np.ndarray, " _"]:
        """The vertices that supports hold, wholly or along some axes."""

    @abc.abstractmethod
    def numbers(self) -> dict[str, str]:
        """The numbers of the material: names, and paths from here."""

    @abc.abstractmethod
    def unknowns(self, positions: Float[Array, "v 3"]) -> Float[Array, " n"]:
        """The unknowns with what else there is at rest; linear: velocities become rates."""

    @abc.abstractmethod
    def mass(self) -> Float[Array, " n"]:
        """The mass of each unknown, kg."""

    @abc.abstractmethod
    def potential(
        self,
        time: ScalarLike = 0.0,
        factor: ScalarLike = 1.0,
        slip: Slip | None = None,
        memory: PyTree = None,
    ) -> Potential:
        """Elastic energy less the work of the loads times `factor`, supports and bodies as at
        `time`; with the friction of a step if `slip` is given, and the `memory` of its past."""

    @abc.abstractmethod
    def energies(
        self, q: Float[Array, " n"], time: ScalarLike = 0.0, memory: PyTree = None
    ) -> dict[str, Scalar]:
        """Stored energies in joules, by name."""

    @abc.abstractmethod
    def fresh(self) -> PyTree:
        """The memory of what nothing has happened to; None if it never has one."""

    @abc.abstractmethod
    def remembered(self, q: Float[Array, " n"], time: ScalarLike, memory: PyTree) -> PyTree:
        """The memory after a step from `memory` that ended in `q`."""

    @abc.abstractmethod
    def settings(self, step_tolerance: float, max_steps: int) -> NewtonSettings:
        """Newton's tolerances; `step_tolerance` is relative to the size."""

    @abc.abstractmethod
    def momenta(
        self, q: Float[Array, " n"], velocity: Float[Array, " n"]
    ) -> tuple[Float[Array, " 3"], Float[Array, " 3"]]:
        """Momentum in kg m/s, and angular momentum about the origin in kg m²/s."""

    @abc.abstractmethod
    def check_start(self, positions: Float[Array, "v 3"]) -> None:
        """**Raises:** `ValueError` naming what has no mass, or begins inside something else."""

    @abc.abstractmethod
    def touched(self, positions: Float[Array, "v 3"], time: ScalarLike) -> dict[str, Array]:
        """The smallest "gap" to each prescribed body that may be touched (c,), m, and the
        "contact_force" of each (c, 3), N; nothing where there are none."""

    def self_gap(self, q: Float[Array, " n"]) -> dict[str, Scalar]:
        """ "self_gap", the smallest distance of pairs in m, at most that of the law; nothing
        without a `SelfContact`."""
        if self.self_contact is None:
            return {}
        assert isinstance(self.mesh, AbstractSurface)
        return {"self_gap": self.self_contact.smallest_gap(self.mesh, q)}

    def positions(self, q: Float[Array, "*t n"]) -> Float[Array, "*t v 3"]:
        """The vertices, m."""
        count = 3 * self.mesh.num_vertices
        return q[..., :count].reshape(*q.shape[:-1], self.mesh.num_vertices, 3)


class AbstractBody(AbstractDeformable):
    """One sheet, solid or rigid body: a mesh of one material.

    **Fields:** `holds`: what the supports hold; `pattern`: where the entries of its matrix go;
    `slant`: how its linear systems count the unknowns, None for as they are.

    **Class attributes:** `meets_itself`: whether its own surface can touch itself.
    """

    material: eqx.AbstractVar[AbstractSubstance]
    holds: eqx.AbstractVar[tuple[Hold, ...]]
    slant: eqx.AbstractVar[AbstractSlant | None]
    pattern: eqx.AbstractVar[SparsePattern]
    meets_itself: ClassVar[bool] = False

    @property
    def follows(self) -> bool:
        return False

    @abc.abstractmethod
    def elements(
        self,
        time: ScalarLike = 0.0,
        factor: ScalarLike = 1.0,
        slip: Slip | None = None,
        memory: PyTree = None,
    ) -> tuple[AbstractElements, ...]:
        """Of the `potential`, in the order of the pattern."""

    @property
    @abc.abstractmethod
    def skin(self) -> AbstractSurface:
        """The surface that other bodies may touch; its vertices are those of `mesh`."""

    @property
    def rubs(self) -> bool:
        own = self.self_contact
        touching = (*self.contacts, *([] if own is None else [own]))
        return any(contact.friction is not None for contact in touching)

    def fresh(self) -> PyTree:
        return None

    def remembered(self, q: Float[Array, " n"], time: ScalarLike, memory: PyTree) -> PyTree:
        return memory

    def held_vertices(self) -> Int[np.ndarray, " _"]:
        held = [np.asarray(hold.vertices) for hold in self.holds]
        return np.unique(np.concatenate([np.zeros(0, int), *held]))

    def numbers(self) -> dict[str, str]:
        names = [name for name in vars(self.material) if name != "direction"]
        return {name: f"material.{name}" for name in names}

    def momenta(
        self, q: Float[Array, " n"], velocity: Float[Array, " n"]
    ) -> tuple[Float[Array, " 3"], Float[Array, " 3"]]:
        masses = self.mass()[: 3 * self.mesh.num_vertices : 3]
        momenta = masses[:, None] * self.positions(velocity)
        turning = jnp.cross(self.positions(q), momenta)
        return jnp.sum(momenta, axis=0), jnp.sum(turning, axis=0)

    def check_start(self, positions: Float[Array, "v 3"]) -> None:
        density = self.material.density
        if not isinstance(density, Tracer):
            without = np.asarray(~(np.asarray(density) > 0))
            if without.ndim == 0 and without:
                raise ValueError("density must be positive for Dynamics, but is zero everywhere.")
            refuse(without, "density must be positive for Dynamics, but is zero in cells")
        check_apart(self.contacts, positions)
        if self.self_contact is not None:
            assert isinstance(self.mesh, AbstractSurface)
            self.self_contact.check_apart(self.mesh, positions)

    def touched(self, positions: Float[Array, "v 3"], time: ScalarLike) -> dict[str, Array]:
        if not self.contacts:
            return {}
        gaps = [jnp.min(contact.gaps(positions, time)) for contact in self.contacts]
        forces = [contact.force(self.mesh, positions, time) for contact in self.contacts]
        return {"gap": jnp.stack(gaps), "contact_force": jnp.stack(forces)}
