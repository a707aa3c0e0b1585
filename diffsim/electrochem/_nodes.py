"""Transport on the nodes before the electrode, in two forms: in space, and in its own modes.

Both answer the same questions of the cell: what stands at the electrode, what flows, and what
a production at the electrode does. Homogeneous chemistry couples the species at every node, so
that it needs the nodes in space; without it the modes are cheaper, twice so with derivatives.
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Scalar
from ..solvers import AbstractBorderedMatrix, BlockMatrix, DecoupledMatrix, ModalMatrix, modes


class Transport(NamedTuple):
    """Diffusion on the finite volumes as bands (m, n), with its boundary terms (m,).

    `far` is the inflow from the bulk; a rate r of production at the electrode changes node 0
    by `inlet` r and stands `drop` r above it at the surface.
    """

    lower: Float[Array, "m n"]
    diagonal: Float[Array, "m n"]
    upper: Float[Array, "m n"]
    far: Float[Array, " m"]
    inlet: Scalar
    drop: Float[Array, " m"]


def diffusion(volumes: Array, conductances: Array, diffusivity: Array, bulk: Array) -> Transport:
    """Bands of pure diffusion; `volumes` (n,), `conductances` (n+1,), all dimensionless."""
    g = conductances * diffusivity[:, None]
    lower = g[:, :-1].at[:, 0].set(0.0) / volumes
    upper = g[:, 1:] / volumes
    return Transport(
        lower,
        -(lower + upper),
        upper.at[:, -1].set(0.0),
        upper[:, -1] * bulk,
        1.0 / volumes[0],
        1.0 / g[:, 0],
    )


class Couplings(NamedTuple):
    """How nodes and border act on each other in a Jacobian: S (m, k), Q (k, m), P (k, k)."""

    production: Float[Array, "m k"]
    border_node: Float[Array, "k m"]
    border: Float[Array, "k k"]


class AbstractNodes(eqx.Module):
    """The unknowns (m, n) of the transport, whatever they stand for.

    **Fields:** `drop` (m,): how far a rate of one stands above the first node at the surface.
    """

    drop: eqx.AbstractVar[Float[Array, " m"]]

    @abc.abstractmethod
    def at_rest(self) -> Float[Array, "m n"]:
        """The uniform solution."""

    @abc.abstractmethod
    def first(self, nodes: Float[Array, "m n"]) -> Float[Array, " m"]:
        """Concentrations at the node next to the electrode."""

    @abc.abstractmethod
    def flow(
        self, nodes: Float[Array, "m n"], production: Float[Array, " m"]
    ) -> Float[Array, "m n"]:
        """Rate of change, with a production (m,) at the electrode."""

    @abc.abstractmethod
    def matrix(
        self, span: Scalar, chemistry: Float[Array, "m m n"] | None, couplings: Couplings
    ) -> AbstractBorderedMatrix:
        """`span` times the Jacobian of `flow`, with that of the `chemistry` and its borders."""

    @abc.abstractmethod
    def scaled(self, factor: Scalar) -> "AbstractNodes":
        """The same for a unit of concentration 1/`factor` times as large."""

    @staticmethod
    @abc.abstractmethod
    def size(error: Float[Array, "m n"]) -> Scalar:
        """Magnitude of a local error, in units of concentration."""


class NodesInSpace(AbstractNodes):
    """Concentrations at the nodes."""

    transport: Transport
    start: Float[Array, " m"]
    drop: Float[Array, " m"]

    def __init__(self, transport: Transport, start: Float[Array, " m"]):
        self.transport, self.start, self.drop = transport, start, transport.drop

    def at_rest(self) -> Float[Array, "m n"]:
        return jnp.broadcast_to(self.start[:, None], self.transport.diagonal.shape)

    def first(self, nodes):
        return nodes[:, 0]

    def flow(self, nodes, production):
        transport = self.transport
        change = transport.diagonal * nodes
        change = change.at[:, 1:].add(transport.lower[:, 1:] * nodes[:, :-1])
        change = change.at[:, :-1].add(transport.upper[:, :-1] * nodes[:, 1:])
        change = change.at[:, -1].add(transport.far)
        return change.at[:, 0].add(production * transport.inlet)

    def matrix(self, span, chemistry, couplings):
        lower, diagonal, upper = (span * band for band in self.transport[:3])
        source = span * self.transport.inlet * couplings.production
        rest = (source, couplings.border_node, couplings.border)
        if chemistry is None:
            return DecoupledMatrix(lower, diagonal, upper, *rest)
        eye = jnp.eye(self.start.size)[..., None]
        return BlockMatrix(lower * eye, diagonal * eye + span * chemistry, upper * eye, *rest)

    def scaled(self, factor):
        transport = self.transport._replace(far=factor * self.transport.far)
        return NodesInSpace(transport, factor * self.start)

    @staticmethod
    def size(error):
        return jnp.sqrt(jnp.mean(error**2))


class NodesInModes(AbstractNodes):
    """Amplitudes of the modes of each species' transport, as deviations from the start.

    The start is at rest, so that the bulk drives nothing. Amplitudes are normalised such that the
    root of their sum of squares is that of ∫ (c - c*)² dx.

    **Fields:** `rates`, `weights` (m, n), the latter what a mode shows at the first node.
    """

    rates: Float[Array, "m n"]
    weights: Float[Array, "m n"]
    start: Float[Array, " m"]
    drop: Float[Array, " m"]

    def __init__(self, transport: Transport, start: Float[Array, " m"]):
        rates, first = jax.vmap(modes)(transport.lower, transport.diagonal, transport.upper)
        self.rates, self.weights = rates, first * jnp.sqrt(transport.inlet)
        self.start, self.drop = start, transport.drop

    def at_rest(self) -> Float[Array, "m n"]:
        return jnp.zeros(self.rates.shape)

    def first(self, nodes):
        return self.start + jnp.sum(self.weights * nodes, axis=-1)

    def flow(self, nodes, production):
        return self.rates * nodes + self.weights * production[:, None]

    def matrix(self, span, chemistry, couplings):
        assert chemistry is None, "homogeneous chemistry needs the nodes in space"
        return ModalMatrix(
            span * self.rates,
            self.weights,
            span * couplings.production,
            couplings.border_node,
            couplings.border,
        )

    def scaled(self, factor):
        return eqx.tree_at(lambda n: n.start, self, factor * self.start)

    @staticmethod
    def size(error):
        return jnp.sqrt(jnp.sum(error**2))
