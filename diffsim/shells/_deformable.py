"""What moves: unknowns, masses, and the potential between them."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .._types import Scalar, ScalarLike
from ..solvers import NewtonSettings, Potential, Slip
from ._material import AbstractSubstance
from .contact import BodyContact, SelfContact
from .mesh import AbstractMesh


class AbstractDeformable(eqx.Module):
    """A sheet or a solid, as `Dynamics` steps it.

    The unknowns q (n,) begin with the 3v coordinates of the vertices, in m.
    """

    mesh: eqx.AbstractVar[AbstractMesh]
    material: eqx.AbstractVar[AbstractSubstance]
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

    @abc.abstractmethod
    def unknowns(self, positions: Float[Array, "v 3"]) -> Float[Array, " n"]:
        """The unknowns with what else there is at rest."""

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

    def positions(self, q: Float[Array, "*t n"]) -> Float[Array, "*t v 3"]:
        """The vertices, m."""
        count = 3 * self.mesh.num_vertices
        return q[..., :count].reshape(*q.shape[:-1], self.mesh.num_vertices, 3)

    def touched(self, positions: Float[Array, "v 3"], time: ScalarLike) -> dict[str, Array]:
        """The smallest "gap" to each body that may be touched (c,), m, and the "contact_force" of
        each (c, 3), N; nothing where there are no bodies."""
        if not self.contacts:
            return {}
        gaps = [jnp.min(contact.gaps(positions, time)) for contact in self.contacts]
        forces = [contact.force(self.mesh, positions, time) for contact in self.contacts]
        return {"gap": jnp.stack(gaps), "contact_force": jnp.stack(forces)}
