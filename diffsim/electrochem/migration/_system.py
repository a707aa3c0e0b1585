"""What the two descriptions of the field have in common: the electrode, and how a run begins.

The border of a cell is

    [rates of reactions (K), potential of the solution at the electrode, current]

all algebraic; rates in c* ℓ/T, the potential in RT/F, counted from the bulk.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._types import BoolScalar, Scalar
from ...constants import faraday, gas_constant
from ...solvers import Bordered, small_product
from .._cell_system import (
    AbstractExtendedCellSystem,
    Piece,
    _linearised,
    _newton_step,
    _solve_border,
    piece_at,
)
from .._circuit import Circuit
from ._ions import Ions


class AbstractIonSystem(AbstractExtendedCellSystem):
    """A voltammetric cell whose ions migrate.

    **Fields:** `ions`, the species of the mechanism first and those of the supporting electrolyte
    after them.
    """

    ions: eqx.AbstractVar[Ions]

    @property
    def thermal(self) -> Scalar:
        """RT/F in V."""
        return gas_constant * self.cell.temperature / faraday

    @property
    def production(self) -> Float[np.ndarray, "k m"]:
        """What each border unknown produces of each species."""
        mechanism = self.cell.mechanism
        numbers = mechanism.stoichiometry(mechanism.electrode)
        return np.pad(numbers, ((0, 2), (0, len(self.ions.charges) - numbers.shape[1])))

    def mass(self) -> Float[Array, " k"]:
        return jnp.zeros(len(self.production))

    def _applied(self, t: Scalar) -> tuple[Scalar, Scalar]:
        return self.cell._applied(t)

    # -- what the descriptions of the field differ in ------------------------------------------

    @abc.abstractmethod
    def _seen(self, nodes: Float[Array, "u n"]) -> Float[Array, " s"]:
        """What the border sees of the nodes: concentrations of the first one (m,), its potential
        without current, its potential per current, and whatever else."""

    @abc.abstractmethod
    def _surface_balance(
        self, surface: Float[Array, " m"], drop: Scalar, interface: Scalar
    ) -> Scalar:
        """The equation of the potential at the electrode, from the concentrations there, the
        `drop` to the first node and the potential difference of the `interface` in V."""

    @abc.abstractmethod
    def _current_balance(self, seen: Array, faradaic: Scalar, current: Scalar) -> Scalar:
        """The equation of the current."""

    @abc.abstractmethod
    def _jumped(self, t: Scalar, nodes: Float[Array, "u n"]) -> Float[Array, "u n"]:
        """The nodes just after a corner of the protocol."""

    # -- border --------------------------------------------------------------------------------

    def _border(self, t: Scalar, seen: Array, border: Float[Array, " k"]) -> Float[Array, " k"]:
        """Residuals of rates, potential and current."""
        rates, potential, current = border[:-2], border[-2], border[-1]
        number = len(self.ions.charges)
        drop = seen[number] + seen[number + 1] * current - potential
        surface = self.ions.surface(seen[:number], small_product(border, self.production), drop)
        applied, _ = self._applied(t)
        interface = applied - self.circuit.resistance * self.cell.unit_current * current
        interface = interface - self.thermal * potential
        steps = self.cell.mechanism.electrode
        balances = [
            self.cell._balance(step, interface, surface, rate)
            for step, rate in zip(steps, rates, strict=True)
        ]
        electrons = jnp.asarray([step.equation.electrons for step in steps], float)
        field = self._surface_balance(surface, drop, interface)
        balance = self._current_balance(seen, -jnp.sum(electrons * rates), current)
        return jnp.stack([*balances, field, self.piece.duration * balance])

    def _source(self, c: Float[Array, "m n"]) -> Float[Array, "m n"]:
        """Homogeneous chemistry, per duration of the experiment."""
        reacting = self.cell.transport.drop.size
        source = jax.vmap(self.cell._chemistry, -1, -1)(c[:reacting])
        return jnp.pad(source, ((0, c.shape[0] - reacting), (0, 0)))

    def _source_slopes(self, c: Float[Array, "m n"]) -> Float[Array, "m m n"]:
        reacting = self.cell.transport.drop.size
        slopes = jax.vmap(jax.jacfwd(self.cell._chemistry), -1, -1)(c[:reacting])
        rest = (0, c.shape[0] - reacting)
        return jnp.pad(slopes, (rest, rest, (0, 0)))

    # -- the beginning of a segment ------------------------------------------------------------

    def enter(self, t: Scalar, state: Bordered, jumped: BoolScalar) -> Bordered:
        return jax.lax.cond(jumped, lambda: self._enter(t, state), lambda: state)

    def _enter(self, t: Scalar, state: Bordered) -> Bordered:
        # The iterations are not differentiated, one more Newton step from their end is.
        nodes = self._jumped(t, state.nodes)
        seen = self._seen(nodes)
        system, time, near, border = jax.lax.stop_gradient((self, t, seen, state.border))
        start = AtFirstNode(system)  # pyright: ignore
        z, found = _solve_border(start, time, near, border, jnp.asarray(False), jnp.asarray(True))
        z = start.shifted(jax.lax.stop_gradient(seen), z)
        residual, jacobian = _linearised(lambda z: self._border(t, seen, z), z)
        z = z - _newton_step(residual, jacobian)
        return Bordered(nodes, jnp.where(found, z, jnp.nan))

    def _previous_jump(self) -> Scalar:
        """By how much the potential (V) jumps at the beginning of the segment that holds."""
        previous = piece_at(self.cell.pieces, self.piece.number - 0.5)
        return jnp.where(self.piece.number > 0, self.piece.start - previous.end, 0.0)


class AtFirstNode(eqx.Module):
    """The border of a system, its potential counted from that of the first node: a search that
    begins at zero then begins at the solution's own potential."""

    system: AbstractIonSystem

    @property
    def piece(self) -> Piece:
        return self.system.piece

    @property
    def circuit(self) -> Circuit:
        return self.system.circuit

    def _applied(self, t: Scalar) -> tuple[Scalar, Scalar]:
        return self.system._applied(t)

    def shifted(self, seen: Array, border: Float[Array, " k"]) -> Float[Array, " k"]:
        """The border with its potential counted from the bulk."""
        number = len(self.system.ions.charges)
        return border.at[-2].add(seen[number] + seen[number + 1] * border[-1])

    def _border(self, t: Scalar, seen: Array, border: Float[Array, " k"]) -> Float[Array, " k"]:
        return self.system._border(t, seen, self.shifted(seen, border))
