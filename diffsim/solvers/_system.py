"""The interface between one-dimensional physics and the implicit stage."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import BoolScalar, Scalar
from ._matrix import AbstractBorderedMatrix, Bordered


class AbstractBorderedSystem(eqx.Module):
    """dy/dt = f(t, y, z), mass·dz/dt = g(t, y₀, z) over nodes y (m, n) and border z (k,).

    A mass of zero makes that border equation algebraic. Equations may change at the corners
    of the protocol: `during` returns the smooth system that holds from a time on.
    """

    @abc.abstractmethod
    def during(self, t: Scalar) -> "AbstractBorderedSystem":
        """The system of the segment that holds just after `t`."""

    @abc.abstractmethod
    def enter(self, t: Scalar, state: Bordered, jumped: BoolScalar) -> Bordered:
        """The state made consistent after a jump of the protocol (identity if not jumped)."""

    @abc.abstractmethod
    def field(self, t: Scalar, state: Bordered) -> Bordered:
        """f and g."""

    @abc.abstractmethod
    def linearise(self, t: Scalar, state: Bordered) -> tuple[AbstractBorderedMatrix, Bordered]:
        """∂(f, g)/∂(y, z) and ∂(f, g)/∂t."""

    @abc.abstractmethod
    def mass(self) -> Float[Array, " k"]:
        """Mass of each border equation, not negative."""

    def node_mass(self) -> Float[Array, "..."]:
        """Mass of each equation of the nodes, one or zero, as a column (m, 1); one for all unless a
        system has constraints at its nodes (`ConstrainedMatrix`)."""
        return jnp.ones(())
