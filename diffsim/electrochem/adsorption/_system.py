"""A cell with a layer of adsorbates, as a bordered system.

The border of the cell, [rates of reactions, current], grows to

    [coverages (a), rates of reactions (K), rates of adsorption (a), rate of the adsorbed
     couple (0 or 1), current]

in which coverages have a mass and the rest is algebraic. Rates are in units of c* ℓ/T.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._types import BoolScalar, Scalar
from ...solvers import AbstractBorderedMatrix, Bordered, small_product
from .._cell_system import (
    AbstractExtendedCellSystem,
    CellSystem,
    Piece,
    _linearised,
    _newton_step,
    _solve_border,
    piece_at,
)
from .._circuit import Circuit
from .._nodes import Couplings
from ..kinetics import AbstractKinetics
from ._isotherms import AbstractIsotherm


class AdsorptionSystem(AbstractExtendedCellSystem):
    """`CellSystem` with adsorbates.

    **Fields:** `isotherm`, `kinetics` of the adsorbed couple and its `formal_potential` (V);
    `log_uptake`, `log_release` (a,), logarithms of k_a/(ℓ/T) and Γ k_d T/(c* ℓ); `capacity`
    Γ/(c* ℓ); `places` of the adsorbates among the species; `couple`, the numbers of the oxidised
    and the reduced one among the adsorbates.
    """

    cell: CellSystem
    isotherm: AbstractIsotherm
    kinetics: AbstractKinetics | None
    formal_potential: Scalar
    log_uptake: Float[Array, " a"]
    log_release: Float[Array, " a"]
    capacity: Scalar
    places: tuple[int, ...] = eqx.field(static=True)
    couple: tuple[int, int] | None = eqx.field(static=True)

    @property
    def number(self) -> int:
        """Of adsorbates, a."""
        return len(self.places)

    # -- border --------------------------------------------------------------------------------

    def _taken_apart(self, border: Array) -> tuple[Array, Array, Array, Array]:
        """Coverages, the border of the bare cell, rates of adsorption, of the adsorbed couple."""
        a, k = self.number, len(self.cell.mechanism.electrode)
        coverage, rates, exchange = border[:a], border[a : a + k], border[a + k : 2 * a + k]
        bare = jnp.concatenate([rates, border[-1:]])
        return coverage, bare, exchange, border[2 * a + k : -1]

    def _production(self) -> np.ndarray:
        """What each border unknown produces of each dissolved species, (k, m)."""
        mechanism = self.cell.mechanism
        reactions = mechanism.stoichiometry(mechanism.electrode)
        size = reactions.shape[1]
        adsorption = -np.eye(size)[list(self.places)]
        others = np.zeros((1 + (self.couple is not None), size))
        return np.concatenate([np.zeros((self.number, size)), reactions, adsorption, others])

    def _border(self, t: Scalar, first: Float[Array, " m"], border: Float[Array, " k"]):
        """Residuals of coverages, surface balances and circuit, (k,)."""
        cell = self.cell
        coverage, bare, exchange, couple = self._taken_apart(border)
        rates, current = bare[:-1], bare[-1]
        surface = first + small_product(border, self._production()) * cell.transport.drop
        potential, ramp = cell._applied(t)
        potential = potential - cell.circuit.resistance * cell.unit_current * current
        balances = [
            cell._balance(step, potential, surface, rate)
            for step, rate in zip(cell.mechanism.electrode, rates, strict=True)
        ]
        sites, activity = self.isotherm.sites(coverage), self.isotherm.activity(coverage)
        weights = jax.nn.softmax(
            jnp.stack([self.log_uptake, self.log_release, jnp.zeros(self.number)]), axis=0
        )
        dissolved = surface[np.array(self.places)]
        adsorption = weights[0] * dissolved * sites - weights[1] * activity - weights[2] * exchange
        growth = exchange
        electrons = np.array([s.equation.electrons for s in cell.mechanism.electrode], float)
        faradaic = -jnp.sum(electrons * rates)
        adsorbed = []
        if self.couple is not None:
            ox, red = self.couple
            growth = growth.at[ox].add(-couple[0]).at[red].add(couple[0])
            faradaic = faradaic - electrons[0] * couple[0]
            adsorbed = [self._couple_balance(potential, activity[ox], activity[red], couple[0])]
        ratio = cell.circuit.capacitance_ratio(potential)
        farads = cell.circuit.capacitance * cell.area
        charging = farads * ramp / (cell.unit_current * cell.scales.time)
        balance = cell.piece.duration * ((faradaic - current) / ratio + charging)
        growth = cell.piece.duration * growth / self.capacity
        return jnp.concatenate(
            [growth, jnp.stack(balances), adsorption, jnp.stack([*adsorbed, balance])]
        )

    def _couple_balance(self, potential, oxidised, reduced, rate) -> Scalar:
        """w_red a_ox − w_ox a_red − w₁ r of the adsorbed couple."""
        assert self.kinetics is not None
        electrons = self.cell.mechanism.electrode[0].equation.electrons
        logs = self.kinetics.log_rates(
            potential - self.formal_potential, self.temperature, electrons
        )
        unit = jnp.log(self.capacity * self.cell.scales.time)
        weights = jax.nn.softmax(jnp.stack([logs[0] + unit, logs[1] + unit, jnp.zeros(())]))
        return weights[0] * oxidised - weights[1] * reduced - weights[2] * rate

    def mass(self) -> Float[Array, " k"]:
        rest = jnp.zeros(self._production().shape[0] - self.number)
        rest = rest.at[-1].set(self.cell.mass()[-1])
        return jnp.concatenate([jnp.ones(self.number), rest])

    # -- the interface of the solver -----------------------------------------------------------

    def field(self, t: Scalar, state: Bordered) -> Bordered:
        nodes = self.cell.change(state.nodes, small_product(state.border, self._production()))
        first = self.transport.first(state.nodes)
        return Bordered(nodes, self._border(t, first, state.border))

    def linearise(self, t: Scalar, state: Bordered) -> tuple[AbstractBorderedMatrix, Bordered]:
        first = self.transport.first(state.nodes)
        by_time, by_node, by_border = jax.jacfwd(self._border, argnums=(0, 1, 2))(
            t, first, state.border
        )
        couplings = Couplings(jnp.asarray(self._production()).T, by_node, by_border)
        matrix = self.cell.matrix(state.nodes, couplings)
        return matrix, Bordered(jnp.zeros_like(state.nodes), by_time)

    def enter(self, t: Scalar, state: Bordered, jumped: BoolScalar) -> Bordered:
        return jax.lax.cond(jumped, lambda: self._enter(t, state, jumped), lambda: state)

    def _enter(self, t: Scalar, state: Bordered, jumped: BoolScalar) -> Bordered:
        # As of the bare cell: the interface keeps its charge, and here its coverages.
        cell = self.cell
        charged = cell.mass()[-1] > 0
        previous = piece_at(cell.pieces, cell.piece.number - 0.5)
        jump = jnp.where(cell.piece.number > 0, cell.piece.start - previous.end, 0.0)
        ohmic = jnp.where(charged, cell.circuit.resistance * cell.unit_current, 1.0)
        rise = jnp.where(jumped & charged, jump / ohmic, 0.0)
        border = state.border.at[-1].add(rise)
        first = self.transport.first(state.nodes)
        fixed = jax.lax.stop_gradient((self, t, first, border))
        still = AtCoverage(fixed[0], fixed[3][: self.number])
        rest, found = _solve_border(
            still, fixed[1], fixed[2], fixed[3][self.number :], charged, jumped
        )
        z = jnp.concatenate([border[: self.number], rest])
        held = jnp.arange(z.size) < self.number
        held = held.at[-1].set(charged)
        z = jnp.where(held, border, z)
        residual, jacobian = _linearised(lambda z: self._border(t, first, z), z)
        z = z - _newton_step(residual, jacobian, held)
        return Bordered(state.nodes, jnp.where(jumped, jnp.where(found, z, jnp.nan), border))


class AtCoverage(eqx.Module):
    """The algebraic part of an `AdsorptionSystem`, at given coverages."""

    system: AdsorptionSystem
    coverage: Float[Array, " a"]

    @property
    def piece(self) -> Piece:
        return self.system.piece

    @property
    def circuit(self) -> Circuit:
        return self.system.circuit

    def _applied(self, t: Scalar) -> tuple[Scalar, Scalar]:
        return self.system.cell._applied(t)

    def _border(self, t: Scalar, first: Float[Array, " m"], z: Float[Array, " r"]):
        border = jnp.concatenate([self.coverage, z])
        return self.system._border(t, first, border)[self.coverage.size :]
