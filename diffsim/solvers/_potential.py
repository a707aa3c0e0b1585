"""A scalar function of many unknowns: elements, a linear term, a diagonal quadratic term,
supports."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._types import BoolScalar, Scalar
from ._band import BandMatrix, BandPattern, assemble
from ._elements import (
    AbstractElements,
    elements_energy,
    elements_free_path,
    elements_hessian,
    elements_stress,
)


class Potential(eqx.Module):
    """Π(q) = Σ elements(q) − force·q + ½ Σ inertia (q − centre)², over the unknowns that are free.

    **Fields** (arrays (n,)):

    - `elements`: batches, in the order of `pattern`.
    - `force`: dead loads; `inertia`, `centre`: the quadratic term of a time step, or zero.
    - `free`: false where the unknown is held at `held`.
    """

    elements: tuple[AbstractElements, ...]
    force: Float[Array, " n"]
    inertia: Float[Array, " n"]
    centre: Float[Array, " n"]
    free: Bool[Array, " n"]
    held: Float[Array, " n"]
    pattern: BandPattern

    def supported(self, q: Float[Array, " n"]) -> Float[Array, " n"]:
        """`q` with the supports put in their place."""
        return jnp.where(self.free, q, self.held)

    def __call__(self, q: Float[Array, " n"]) -> Scalar:
        """Π in joules, at `supported(q)`."""
        q = self.supported(q)
        stored = sum((elements_energy(batch, q) for batch in self.elements), jnp.zeros(()))
        kept = self.inertia * (q - self.centre) ** 2
        return stored - self.force @ q + 0.5 * jnp.sum(jnp.where(self.free, kept, 0.0))

    def gradient(self, q: Float[Array, " n"]) -> Float[Array, " n"]:
        """∂Π/∂q of the free unknowns; zero at those that are held."""
        return jnp.where(self.free, self.full_gradient(q), 0.0)

    def full_gradient(self, q: Float[Array, " n"]) -> Float[Array, " n"]:
        """∂Π/∂q of all unknowns: at those that are held, the reactions."""
        q = self.supported(q)
        stored = lambda q: sum((elements_energy(batch, q) for batch in self.elements), 0.0 * q[0])
        kept = jnp.where(self.free, self.inertia * (q - self.centre), 0.0)
        return jax.grad(stored)(q) - self.force + kept

    @property
    def obstructed(self) -> bool:
        """Whether steps must be limited by collisions."""
        return any(batch.obstructs for batch in self.elements)

    def free_path(self, q: Float[Array, " n"], after: "Potential", moved) -> Scalar:
        """How much of the way from `q` under this potential to `moved` (n,) under `after` is free,
        in (0, 1]."""
        q, moved = self.supported(q), after.supported(moved)
        free = jnp.ones(())
        for batch, later in zip(self.elements, after.elements, strict=True):
            free = jnp.minimum(free, elements_free_path(batch, q, later, moved))
        return free

    def stress(self, q: Float[Array, " n"]) -> tuple[Float[Array, "_ _"], ...]:
        """ψʹ of every element."""
        q = self.supported(q)
        return tuple(elements_stress(batch, q) for batch in self.elements)

    def hessian(
        self,
        q: Float[Array, " n"],
        stress: tuple[Float[Array, "_ _"], ...] | None = None,
        convex: bool | BoolScalar = False,
    ) -> BandMatrix:
        """∂²Π/∂q², exact by default; see `elements_hessian` for `stress` and `convex`."""
        blocks = self.blocks(q, self.stress(q) if stress is None else stress, convex)
        return assemble(self.pattern, blocks, self.free, self.inertia)

    def blocks(
        self,
        q: Float[Array, " n"],
        stress: tuple[Float[Array, "_ _"], ...],
        convex: bool | BoolScalar = False,
    ) -> tuple[Float[Array, "_ _ _"], ...]:
        """The element matrices of which the Hessian is the sum, zero where an unknown is held."""
        q = self.supported(q)
        return tuple(
            _masked(elements_hessian(batch, q, s, convex), self.free[batch.indices])
            for batch, s in zip(self.elements, stress, strict=True)
        )


def _masked(blocks: Float[Array, "e k k"], free: Bool[Array, "e k"]) -> Float[Array, "e k k"]:
    return jnp.where(free[:, :, None] & free[:, None, :], blocks, 0.0)
