"""Migration in a solution that is electrically neutral everywhere."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Scalar
from ...solvers import AlgebraicMatrix, BlockMatrix, Bordered, small_product
from .._cell_system import CellSystem
from ._ions import Ions, mean, spread
from ._system import AbstractIonSystem


class NeutralSystem(AbstractIonSystem):
    """Nernst-Planck with Σ z c = 0.

    The current is the same through every face, which gives the potential by a sum:

        Σ z N = I,   Φ_i = Φ_{i+1} + (I − Σ z D g (c_i − c_{i+1})) / Σ z² D g c̄

    Linear in the potential, so that Σ z dc/dt vanishes to round-off.
    """

    cell: CellSystem
    ions: Ions

    def _resistances(self, c: Float[Array, "m n"]) -> tuple[Array, Array]:
        """Of the faces: the current of diffusion (n,), and the resistance (n,)."""
        ions = self.ions
        right = jnp.concatenate([c[:, 1:], ions.bulk[:, None]], axis=1)
        diffusion = jnp.sum(ions.z * ions.mobility * (c - right), axis=0)
        conductance = jnp.sum(ions.z**2 * ions.mobility * 0.5 * (c + right), axis=0)
        return diffusion, 1.0 / conductance

    def potential(self, c: Float[Array, "m n"], current: Scalar) -> Float[Array, " n"]:
        """Φ of the nodes."""
        diffusion, resistance = self._resistances(c)
        return jnp.cumsum(((current - diffusion) * resistance)[::-1])[::-1]

    def _seen(self, nodes):
        diffusion, resistance = self._resistances(nodes)
        still, ohmic = -jnp.sum(diffusion * resistance), jnp.sum(resistance)
        return jnp.concatenate([nodes[:, 0], jnp.stack([still, ohmic])])

    def _surface_balance(self, surface, drop, interface):
        z = self.ions.z[:, 0]
        return jnp.sum(z * surface) / jnp.sum(z**2 * self.ions.bulk)

    def _current_balance(self, seen, faradaic, current):
        return faradaic - current

    def _jumped(self, t, nodes):
        return nodes

    def field(self, t: Scalar, state: Bordered) -> Bordered:
        c, border = state
        fluxes = self.ions.fluxes(mean, c, self.potential(c, border[-1]))
        change = self.ions.change(fluxes, small_product(border, self.production))
        if self.cell.mechanism.chemical:
            change = change + self._source(c)
        return Bordered(self.piece.duration * change, self._border(t, self._seen(c), border))

    def linearise(self, t: Scalar, state: Bordered) -> tuple[AlgebraicMatrix, Bordered]:
        c, border = state
        potential = self.potential(c, border[-1])
        number = c.shape[0]
        seen = jnp.concatenate([c[:, 0], potential[:1], jnp.zeros(1)])
        by_time, by_seen, by_border = jax.jacfwd(self._border, argnums=(0, 1, 2))(t, seen, border)
        lower, diagonal, upper = self._bands(c, potential)
        charge = jnp.zeros(border.size).at[-1].set(1.0)
        inlet = self.piece.duration / self.ions.volumes[0] * self.production.T
        inlet = jnp.concatenate([inlet, charge[None]])
        whole = BlockMatrix(lower, diagonal, upper, inlet, by_seen[:, : number + 1], by_border)
        slope = Bordered(jnp.zeros_like(c), by_time)
        return AlgebraicMatrix(whole), slope  # pyright: ignore

    def _bands(self, c: Float[Array, "m n"], potential: Float[Array, " n"]) -> list[Array]:
        """Lower, diagonal and upper blocks (m + 1, m + 1, n) of species and potential."""
        number, z = c.shape[0], self.ions.z
        own, through = spread(self.ions.slopes(mean, c, potential))
        eye, scale = jnp.eye(number)[..., None], self.piece.duration / self.ions.volumes
        blocks = []
        for mine, other in zip(own, through, strict=True):
            species = jnp.concatenate([scale * mine * eye, scale * other[:, None]], axis=1)
            charge = jnp.concatenate([z * mine, jnp.sum(z * other, axis=0)[None]])
            blocks.append(jnp.concatenate([species, charge[None]]))
        if self.cell.mechanism.chemical:
            source = self.piece.duration * self._source_slopes(c)
            blocks[1] = blocks[1].at[:number, :number].add(source)
        return blocks
