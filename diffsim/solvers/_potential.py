"""A scalar function of many unknowns: elements, a linear term, a diagonal quadratic term,
supports."""

import abc
import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._types import BoolScalar, Scalar
from ._algebra import AbstractAlgebra, AbstractSymmetricMatrix, masked
from ._elements import (
    AbstractElements,
    elements_energy,
    elements_free_path,
    elements_hessian,
    elements_stress,
)
from ._pattern import SparsePattern
from ._slant import AbstractSlant, SlantedMatrix
from ._sparse import Factorised


class AbstractEncounters(eqx.Module):
    """Elements that come and go with the state: pairs that touch or soon may."""

    @abc.abstractmethod
    def near(self, q: Float[Array, " n"]) -> tuple[AbstractElements, ...]:
        """All the elements that may matter while no unknown moves by more than `reach` (apart from
        what all have in common); of one shape whatever `q`, filled up with elements that cost
        nothing. Not differentiated."""

    @abc.abstractmethod
    def room(self, q: Float[Array, " n"], moved: Float[Array, " n"]) -> Scalar:
        """How much of the way the elements that are near `q` are good for, in (0, 1]."""

    @abc.abstractmethod
    def crowded(self, q: Float[Array, " n"]) -> BoolScalar:
        """Whether more elements are near `q` than `near` has room for (it then costs NaN)."""


class Potential(eqx.Module):
    """Π(q) = Σ elements(q) − force·q + ½ Σ inertia (q − centre)², over the unknowns that are free.

    **Fields** (arrays (n,)):

    - `elements`: batches, in the order of `pattern`; `loose`: batches that are in no pattern;
      `encounters`: what makes such batches where the state is, see `near`.
    - `force`: dead loads; `inertia`, `centre`: the quadratic term of a time step, or zero.
    - `free`: false where the unknown is held at `held`.
    - `slant`: how Newton's linear systems count the unknowns, None for as they are; only
      `elements` may touch those that are counted otherwise, and nothing else may weigh them.
    - `algebra`: how these systems are solved.
    """

    elements: tuple[AbstractElements, ...]
    force: Float[Array, " n"]
    inertia: Float[Array, " n"]
    centre: Float[Array, " n"]
    free: Bool[Array, " n"]
    held: Float[Array, " n"]
    pattern: SparsePattern
    loose: tuple[AbstractElements, ...] = ()
    encounters: tuple[AbstractEncounters, ...] = ()
    slant: AbstractSlant | None = None
    algebra: AbstractAlgebra = Factorised()

    @property
    def batches(self) -> tuple[AbstractElements, ...]:
        """All elements."""
        return (*self.elements, *self.loose)

    def near(self, q: Float[Array, " n"]) -> "Potential":
        """The potential with its encounters near `q` as elements; without them, itself."""
        if not self.encounters:
            return self
        q = jax.lax.stop_gradient(self.supported(q))
        found = tuple(batch for e in self.encounters for batch in e.near(q))
        return dataclasses.replace(self, loose=(*self.loose, *found))

    def crowded(self, q: Float[Array, " n"]) -> BoolScalar:
        """Whether some encounters have no room for all that is near `q`."""
        q = jax.lax.stop_gradient(self.supported(q))
        return jnp.any(jnp.asarray([False, *(e.crowded(q) for e in self.encounters)]))

    def supported(self, q: Float[Array, " n"]) -> Float[Array, " n"]:
        """`q` with the supports put in their place."""
        return jnp.where(self.free, q, self.held)

    def __call__(self, q: Float[Array, " n"]) -> Scalar:
        """Π in joules, at `supported(q)`."""
        q = self.supported(q)
        stored = sum((elements_energy(batch, q) for batch in self.batches), jnp.zeros(()))
        kept = self.inertia * (q - self.centre) ** 2
        return stored - self.force @ q + 0.5 * jnp.sum(jnp.where(self.free, kept, 0.0))

    def gradient(self, q: Float[Array, " n"]) -> Float[Array, " n"]:
        """∂Π/∂q of the free unknowns; zero at those that are held."""
        return jnp.where(self.free, self.full_gradient(q), 0.0)

    def full_gradient(self, q: Float[Array, " n"]) -> Float[Array, " n"]:
        """∂Π/∂q of all unknowns: at those that are held, the reactions."""
        q = self.supported(q)
        stored = lambda q: sum((elements_energy(batch, q) for batch in self.batches), 0.0 * q[0])
        kept = jnp.where(self.free, self.inertia * (q - self.centre), 0.0)
        return jax.grad(stored)(q) - self.force + kept

    @property
    def obstructed(self) -> bool:
        """Whether steps must be limited by collisions."""
        return bool(self.encounters) or any(batch.obstructs for batch in self.batches)

    def free_path(self, q: Float[Array, " n"], after: "Potential", moved) -> Scalar:
        """How much of the way from `q` under this potential to `moved` (n,) under `after` is free,
        in (0, 1]."""
        q, moved = self.supported(q), after.supported(moved)
        free = jnp.ones(())
        for batch, later in zip(self.elements, after.elements, strict=True):
            free = jnp.minimum(free, elements_free_path(batch, q, later, moved))
        for batch in self.loose:
            free = jnp.minimum(free, elements_free_path(batch, q, batch, moved))
        for encounters in self.encounters:
            free = jnp.minimum(free, encounters.room(q, moved))
        return free

    def covers(self, q: Float[Array, " n"], moved) -> BoolScalar:
        """Whether what is near `q` is all that matters at `moved` (n,)."""
        room = [encounters.room(q, moved) for encounters in self.encounters]
        return jnp.all(jnp.stack([jnp.ones(()), *room]) >= 1.0)

    def stress(self, q: Float[Array, " n"]) -> tuple[Float[Array, "_ _"], ...]:
        """ψʹ of every element."""
        q = self.supported(q)
        return tuple(elements_stress(batch, q) for batch in self.batches)

    def hessian(
        self,
        q: Float[Array, " n"],
        stress: tuple[Float[Array, "_ _"], ...] | None = None,
        convex: bool | BoolScalar = False,
    ) -> AbstractSymmetricMatrix:
        """∂²Π/∂q², exact by default; see `elements_hessian` for `stress` and `convex`."""
        stress, q = self.stress(q) if stress is None else stress, self.supported(q)
        if self.slant is None:
            blocks = (
                elements_hessian(batch, q, s, convex)
                for batch, s in zip(self.batches, stress, strict=True)
            )
            return self._matrix((batch.indices for batch in self.batches), blocks)
        blocks = (
            batch.slanted_hessians(q, s, convex)
            for batch, s in zip(self.batches, stress, strict=True)
        )
        inner = self._matrix((batch.slanted_indices for batch in self.batches), blocks)
        coefficients = self.slant.coefficients(q)
        return SlantedMatrix(inner, self.slant, coefficients, self.free)

    def _matrix(self, indices, blocks) -> AbstractSymmetricMatrix:
        batches, fixed = tuple(zip(indices, blocks, strict=True)), len(self.elements)
        return self.algebra.matrix(
            self.pattern, batches[:fixed], batches[fixed:], self.free, self.inertia
        )

    def blocks(
        self,
        q: Float[Array, " n"],
        stress: tuple[Float[Array, "_ _"], ...],
        convex: bool | BoolScalar = False,
    ) -> tuple[Float[Array, "_ _ _"], ...]:
        """The element matrices of which the Hessian is the sum, zero where an unknown is held."""
        q = self.supported(q)
        return tuple(
            masked(elements_hessian(batch, q, s, convex), batch.indices, self.free)
            for batch, s in zip(self.batches, stress, strict=True)
        )
