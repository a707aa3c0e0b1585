"""Energies that are sums over small elements, and their derivatives by differentiation."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._types import BoolScalar, Scalar


class AbstractElements(eqx.Module):
    """Σₑ ψₑ(sₑ(q[indicesₑ])): a batch of elements that share one formula.

    Every array leaf has the elements as its leading axis; the methods below are written for one
    element, and are mapped over the batch by the functions of this module. What an element
    measures, s (strains, angles, a volume), is kept apart from what it costs, ψ(s), since Newton's
    method wants the two curvatures apart: JᵀψʺJ, which is safe, and Σᵢ ψʹᵢ ∇²sᵢ, which is not.

    **Fields:** `indices`: (e, k), the degrees of freedom of each element.

    **Class attributes:** `obstructs`: whether some states cannot be reached (see `free_path`).
    """

    indices: eqx.AbstractVar[Int[Array, "*e k"]]
    obstructs: ClassVar[bool] = False

    @abc.abstractmethod
    def measures(self, local: Float[Array, " k"]) -> Float[Array, " m"]:
        """s, as a function of the element's own degrees of freedom."""

    @abc.abstractmethod
    def density(self, measures: Float[Array, " m"]) -> Scalar:
        """ψ(s), the energy of the element in joules."""

    @abc.abstractmethod
    def convex(
        self, stress: Float[Array, " m"], stiffness: Float[Array, "m m"]
    ) -> tuple[Float[Array, " m"], Float[Array, "m m"]]:
        """The nearest ψʹ and ψʺ for which JᵀψʺJ + Σᵢ ψʹᵢ ∇²sᵢ is positive semi-definite."""

    def curvature(
        self, local: Float[Array, " k"], stress: Float[Array, " m"]
    ) -> Float[Array, "k k"]:
        """Σᵢ stressᵢ ∇²sᵢ; to be overridden only where differentiating twice is slow."""
        return jax.jacfwd(lambda x: jax.vjp(self.measures, x)[1](stress)[0])(local)

    @property
    def slanted_indices(self) -> Int[Array, "*e j"]:
        """The degrees of freedom that `slanted_hessians` are between."""
        return self.indices

    def slanted_hessians(
        self, q: Float[Array, " n"], stress: Float[Array, "e m"], convex: bool | BoolScalar
    ) -> Float[Array, "e j j"]:
        """`elements_hessian` of the whole batch, with the unknowns counted as the `AbstractSlant`
        of their potential says; to be overridden by elements that touch unknowns which are counted
        otherwise, in which they must be linear."""
        return elements_hessian(self, q, stress, convex)

    def free_path(
        self, local: Float[Array, " k"], after: "AbstractElements", moved: Float[Array, " k"]
    ) -> Scalar:
        """How much of the straight way from `local` to `moved` is free, in (0, 1], while the
        element itself changes to `after` (a body that moves). Collision-limited steps ask it."""
        return jnp.ones(())


def elements_energy(elements: AbstractElements, q: Float[Array, " n"]) -> Scalar:
    """The energy of a batch, in joules."""

    def one(element, local):
        return element.density(element.measures(local))

    return jnp.sum(jax.vmap(one)(elements, q[elements.indices]))


def elements_stress(elements: AbstractElements, q: Float[Array, " n"]) -> Float[Array, "e m"]:
    """ψʹ(s(q)) of each element."""

    def one(element, local):
        return jax.grad(element.density)(element.measures(local))

    return jax.vmap(one)(elements, q[elements.indices])


def extrapolated_stress(
    elements: AbstractElements, q: Float[Array, " n"], dq: Float[Array, " n"]
) -> Float[Array, "e m"]:
    """ψʹ + ψʺ J dq: the stress that the linearised problem predicts after the step `dq`."""

    def one(element, local, step):
        s, ds = jax.jvp(element.measures, (local,), (step,))
        stress, change = jax.jvp(jax.grad(element.density), (s,), (ds,))
        return stress + change

    return jax.vmap(one)(elements, q[elements.indices], dq[elements.indices])


def elements_free_path(
    elements: AbstractElements, q: Float[Array, " n"], after: AbstractElements, moved
) -> Scalar:
    """The least `AbstractElements.free_path` of a batch, from `q` to `moved` (n,)."""
    if not elements.obstructs or elements.indices.shape[0] == 0:
        return jnp.ones(())
    one = lambda element, local, later, to: element.free_path(local, later, to)
    return jnp.min(jax.vmap(one)(elements, q[elements.indices], after, moved[after.indices]))


def elements_hessian(
    elements: AbstractElements,
    q: Float[Array, " n"],
    stress: Float[Array, "e m"],
    convex: bool | BoolScalar = False,
) -> Float[Array, "e k k"]:
    """JᵀψʺJ + Σᵢ stressᵢ ∇²sᵢ of each element; the exact Hessian if `stress` is ψʹ(s(q)).

    Where `convex` is true, the nearest positive semi-definite form is taken instead.
    """

    def one(element, local, stress):
        jacobian = jax.jacrev(element.measures)(local)
        stiffness = jax.hessian(element.density)(element.measures(local))
        safe = element.convex(stress, stiffness)
        stress, stiffness = jax.tree.map(
            lambda safe, plain: jnp.where(convex, safe, plain), safe, (stress, stiffness)
        )
        return congruent(jacobian, stiffness) + element.curvature(local, stress)

    return jax.vmap(one)(elements, q[elements.indices], stress)


def congruent(jacobian: Float[Array, "m k"], inner: Float[Array, "m m"]) -> Float[Array, "k k"]:
    """JᵀAJ of small matrices; as sums, since their products would be calls."""
    pressed = jnp.sum(inner[:, :, None] * jacobian[None], axis=1)
    return jnp.sum(jacobian[:, :, None] * pressed[:, None, :], axis=0)
