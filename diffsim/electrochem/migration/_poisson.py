"""Migration with Poisson's equation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Scalar
from ...constants import faraday
from ...solvers import BlockMatrix, Bordered, ConstrainedMatrix, small_product
from .._cell_system import CellSystem
from ._interface import AbstractInterface
from ._ions import Ions, bernoulli, spread
from ._system import AbstractIonSystem


class PoissonSystem(AbstractIonSystem):
    """Nernst-Planck with λ² ∇²Φ = −Σ z c.

    Rows of the nodes: concentrations (m), the potential and, where the interface is charged, the
    current that reaches the far boundary, handed on from node to node. The last two have no mass.

    **Fields:** `length_squared`, λ² = ε RT/(F² c* ℓ²); `interface`.
    """

    cell: CellSystem
    ions: Ions
    length_squared: Scalar
    interface: AbstractInterface

    @property
    def massless(self) -> int:
        """Number of rows without mass."""
        return 2 if self.interface.charged else 1

    def node_mass(self) -> Float[Array, "u 1"]:
        number = len(self.ions.charges)
        return jnp.concatenate([jnp.ones((number, 1)), jnp.zeros((self.massless, 1))])

    def surface_charge(self, interface: Scalar) -> Scalar:
        """σ/(F c* ℓ), for the potential difference of the interface in V."""
        scales = self.cell.scales
        return self.interface.charge(interface) / (faraday * scales.concentration * scales.length)

    def at_rest(self) -> Float[Array, "u n"]:
        """Bulk everywhere, without field."""
        shape = (len(self.ions.charges), self.ions.volumes.size)
        bulk = jnp.broadcast_to(self.ions.bulk[:, None], shape)
        return jnp.concatenate([bulk, jnp.zeros((self.massless, shape[1]))])

    def _seen(self, nodes):
        number = len(self.ions.charges)
        return jnp.concatenate([nodes[: number + 1, 0], jnp.zeros(1), nodes[number + 1 :, 0]])

    def _surface_balance(self, surface, drop, interface):
        permittance = self.length_squared * self.ions.conductances[0]
        return drop + self.surface_charge(interface) / permittance

    def _current_balance(self, seen, faradaic, current):
        return (seen[-1] if self.interface.charged else faradaic) - current

    def _jumped(self, t, nodes):
        if not self.interface.charged:
            return nodes
        # Ions have no time to move: the new field is that of an empty capacitor on top.
        first = self._applied(t)[0] - self.interface.uncharged_potential
        rise = jnp.where(self.piece.number > 0, self._previous_jump(), first)
        resistance = jnp.cumsum((1.0 / self.ions.conductances)[::-1])[::-1] / self.length_squared
        uncharged = self.interface.uncharged_potential
        capacity = self.surface_charge(uncharged + 1.0) - self.surface_charge(uncharged)
        charge = capacity * rise / (1.0 + capacity * self.thermal * resistance[0])
        number = len(self.ions.charges)
        potential = nodes[number] + charge * resistance[1:]
        nodes = nodes.at[number].set(potential)
        return nodes.at[-1].set(self._far_current(nodes[:number], potential))

    def _far_current(self, c: Float[Array, "m n"], potential: Float[Array, " n"]) -> Scalar:
        fluxes = self.ions.fluxes(bernoulli, c, potential)[:, -1]
        return jnp.sum(self.ions.z[:, 0] * fluxes)

    def field(self, t: Scalar, state: Bordered) -> Bordered:
        number, border = len(self.ions.charges), state.border
        c, potential = state.nodes[:number], state.nodes[number]
        fluxes = self.ions.fluxes(bernoulli, c, potential)
        change = self.ions.change(fluxes, small_product(border, self.production))
        if self.cell.mechanism.chemical:
            change = change + self._source(c)
        rows = [self.piece.duration * change, self._poisson(c, potential, border[-2])[None]]
        if self.interface.charged:
            far = jnp.sum(self.ions.z[:, 0] * fluxes[:, -1])
            rows.append(jnp.diff(jnp.append(state.nodes[-1], far))[None])
        return Bordered(jnp.concatenate(rows), self._border(t, self._seen(state.nodes), border))

    def _poisson(self, c: Array, potential: Array, surface: Scalar) -> Float[Array, " n"]:
        """What enters each cell of the displacement, and its charge."""
        whole = jnp.concatenate([surface[None], potential, jnp.zeros(1)])
        lines = self.length_squared * self.ions.conductances * jnp.diff(whole)
        return jnp.diff(lines) + self.ions.volumes * jnp.sum(self.ions.z * c, axis=0)

    def linearise(self, t: Scalar, state: Bordered) -> tuple[ConstrainedMatrix, Bordered]:
        number, border = len(self.ions.charges), state.border
        c, potential = state.nodes[:number], state.nodes[number]
        seen = self._seen(state.nodes)
        by_time, by_seen, by_border = jax.jacfwd(self._border, argnums=(0, 1, 2))(t, seen, border)
        by_node = jnp.concatenate([by_seen[:, : number + 1], by_seen[:, number + 2 :]], axis=1)
        inlet = self.piece.duration / self.ions.volumes[0] * self.production.T
        lines = jnp.zeros((self.massless, border.size))
        lines = lines.at[0, -2].set(self.length_squared * self.ions.conductances[0])
        lower, diagonal, upper = self._bands(c, potential)
        inlet = jnp.concatenate([inlet, lines])
        whole = BlockMatrix(lower, diagonal, upper, inlet, by_node, by_border)
        matrix = ConstrainedMatrix(whole, self.massless)  # pyright: ignore
        return matrix, Bordered(jnp.zeros_like(state.nodes), by_time)

    def _bands(self, c: Float[Array, "m n"], potential: Float[Array, " n"]) -> list[Array]:
        """Lower, diagonal and upper blocks (u, u, n)."""
        number, size = c.shape[0], c.shape[0] + self.massless
        slopes = self.ions.slopes(bernoulli, c, potential)
        own, through = spread(slopes)
        scale = self.piece.duration / self.ions.volumes
        lines = self.length_squared * self.ions.conductances
        zero = jnp.zeros(1)
        laplace = [
            jnp.concatenate([zero, lines[1:-1]]),
            -(lines[:-1] + lines[1:]),
            jnp.concatenate([lines[1:-1], zero]),
        ]
        diagonal = jnp.arange(number)
        blocks = []
        for mine, other, line in zip(own, through, laplace, strict=True):
            block = jnp.zeros((size, size, potential.size))
            block = block.at[diagonal, diagonal].set(scale * mine)
            block = block.at[:number, number].set(scale * other)
            blocks.append(block.at[number, number].set(line))
        charges = self.ions.z * self.ions.volumes
        blocks[1] = blocks[1].at[number, :number].set(charges)
        if self.cell.mechanism.chemical:
            source = self.piece.duration * self._source_slopes(c)
            blocks[1] = blocks[1].at[:number, :number].add(source)
        if self.interface.charged:
            blocks[1] = blocks[1].at[-1, -1].set(-1.0)
            blocks[2] = blocks[2].at[-1, -1].set(1.0)
            z = self.ions.z[:, 0]
            blocks[1] = blocks[1].at[-1, :number, -1].set(z * slopes.left[:, -1])
            far = -jnp.sum(z * slopes.rise[:, -1])
            blocks[1] = blocks[1].at[-1, number, -1].set(far)
        return blocks
