"""The cell as equations: transport, chemistry, surface balance and circuit, made dimensionless.

Unknowns are concentrations c/c* at the nodes (m, n) and a border of the rate of each electrode
reaction (K,) and the current. Lengths are in units of ℓ = √(D_max T), rates of c* ℓ/T,
time in units of the duration T of the experiment; the integrator's clock runs by one in each
segment of the waveform, so that corners stand at whole numbers whatever the parameters.

The rates themselves are unknowns of algebraic equations

    w_red Π c_ox − w_ox Π c_red − w₁ r = 0,   (w_red, w_ox, w₁) = (k_red, k_ox, 1) / sum

whose weights lie in (0, 1): nothing overflows for any rate constant, the current never is the
difference of two huge terms, and Nernst's law is the limit w₁ = 0, exactly.
"""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import BoolScalar, Scalar
from ..constants import faraday
from ..solvers import (
    AbstractBorderedMatrix,
    AbstractBorderedSystem,
    Bordered,
    small_inverse,
    small_product,
)
from ._circuit import Circuit
from ._nodes import AbstractNodes, Couplings
from .mechanism import Mechanism
from .waveforms import AbstractWaveform

# Standard concentration of thermodynamics, 1 mol/L, to which rate constants of electrode
# reactions of other than first order are referred.
STANDARD_CONCENTRATION = 1000.0

NEWTON_STEPS = 80
BRACKET_STEPS = 90

# A double layer that charges faster than this, in durations of the experiment, is taken as charged
# at once: its transient lies below what the steps can resolve.
_LEAST_LAG = 1e-10


class Scales(NamedTuple):
    """Units of the dimensionless system, all in SI: see the module's text."""

    concentration: Scalar
    length: Scalar
    time: Scalar

    @property
    def velocity(self) -> Scalar:
        """ℓ/T in m/s."""
        return self.length / self.time


class Piece(NamedTuple):
    """The segment of the waveform that holds now: its number, its duration and begin in
    durations of the experiment, its potentials in V."""

    number: Scalar
    duration: Scalar
    start: Scalar
    end: Scalar
    begin: Scalar


class AbstractCellSystem(AbstractBorderedSystem):
    """What the integration of a cell asks of its equations, beyond what any system has."""

    transport: eqx.AbstractVar[AbstractNodes]
    waveform: eqx.AbstractVar[AbstractWaveform]
    temperature: eqx.AbstractVar[Scalar]


class CellSystem(AbstractCellSystem):
    """A voltammetric cell under a waveform, as a bordered system.

    **Fields:** `transport` dimensionless, the physics in SI, `pieces` all segments of the waveform
    and `piece` the one that holds.
    """

    transport: AbstractNodes
    mechanism: Mechanism
    circuit: Circuit
    waveform: AbstractWaveform
    temperature: Scalar
    scales: Scales
    area: Scalar
    pieces: Float[Array, "s 5"]
    piece: Piece

    @property
    def unit_current(self) -> Scalar:
        """F A c* ℓ/T in A, the unit of the current."""
        return faraday * self.area * self.scales.concentration * self.scales.velocity

    def during(self, t: Scalar) -> "CellSystem":
        return eqx.tree_at(lambda s: s.piece, self, piece_at(self.pieces, t))

    # -- nodes -----------------------------------------------------------------------------

    def _chemistry(self, c: Float[Array, " m"]) -> Float[Array, " m"]:
        """Source of every species at one node, per duration of the experiment."""
        source = jnp.zeros_like(c)
        numbers = self.mechanism.stoichiometry(self.mechanism.chemical)
        for step, number in zip(self.mechanism.chemical, numbers, strict=True):
            left, right = self.mechanism.orders(step)
            scale = self.scales.time / self.scales.concentration
            c0 = self.scales.concentration
            forward = step.forward * scale * c0 ** left.sum() * _monomial(c, left)
            backward = step.backward * scale * c0 ** right.sum() * _monomial(c, right)
            source = source + (forward - backward) * number
        return source

    # -- border ----------------------------------------------------------------------------

    def _border(self, t: Scalar, first: Float[Array, " m"], border: Float[Array, " k"]):
        """Residuals of the surface balances and of the circuit, (k,)."""
        rates, current = border[:-1], border[-1]
        electrode = self.mechanism.electrode
        flux = small_product(rates, self.mechanism.stoichiometry(electrode))
        surface = first + flux * self.transport.drop
        potential, ramp = self._applied(t)
        potential = potential - self.circuit.resistance * self.unit_current * current
        residuals = [
            self._balance(step, potential, surface, rate)
            for step, rate in zip(electrode, rates, strict=True)
        ]
        electrons = np.array([step.equation.electrons for step in electrode], float)
        ratio = self.circuit.capacitance_ratio(potential)
        farads = self.circuit.capacitance * self.area
        charging = farads * ramp / (self.unit_current * self.scales.time)
        balance = (-jnp.sum(electrons * rates) - current) / ratio + charging
        return jnp.stack([*residuals, self.piece.duration * balance])

    def _applied(self, t: Scalar) -> tuple[Scalar, Scalar]:
        """Applied potential (V) and its slope per duration of the experiment."""
        piece = self.piece
        number = piece.number.astype(int)

        def straight(t):
            fraction = t - piece.number
            seconds = (piece.begin + fraction * piece.duration) * self.scales.time
            line = piece.start + (piece.end - piece.start) * fraction
            return line + self.waveform.perturbation(seconds, number) + self.circuit.reference_shift

        potential, ramp = jax.jvp(straight, (t,), (jnp.ones_like(t),))
        return potential, ramp / piece.duration

    def _balance(self, step, potential, surface, rate) -> Scalar:
        """w_red Π c_ox − w_ox Π c_red − w₁ r of one electrode reaction."""
        log_red, log_ox = step.kinetics.log_rates(
            potential - step.formal_potential, self.temperature, step.equation.electrons
        )
        left, right = self.mechanism.orders(step)
        dilution = jnp.log(self.scales.concentration / STANDARD_CONCENTRATION)
        log_unit = jnp.log(self.scales.velocity)
        log_red = log_red + (left.sum() - 1.0) * dilution - log_unit
        log_ox = log_ox + (right.sum() - 1.0) * dilution - log_unit
        sides = (_monomial(surface, left), -_monomial(surface, right), -rate)
        logs = (log_red, log_ox, jnp.zeros(()))
        if step.kinetics.reversible:
            sides, logs = sides[:2], logs[:2]
        # A softmax, written out: it stands in every stage, and this compiles to less.
        top = jax.lax.stop_gradient(functools.reduce(jnp.maximum, logs))
        weights = [jnp.exp(log - top) for log in logs]
        total = functools.reduce(jnp.add, weights)
        parts = [weight * side for weight, side in zip(weights, sides, strict=True)]
        return functools.reduce(jnp.add, parts) / total

    def mass(self) -> Float[Array, " k"]:
        farads = self.circuit.capacitance * self.area
        lag = self.circuit.resistance * farads / self.scales.time
        lag = jnp.where((self.circuit.resistance > 0) & (lag > _LEAST_LAG), lag, 0.0)
        return jnp.zeros(len(self.mechanism.electrode) + 1).at[-1].set(lag)

    # -- the interface of the solver -----------------------------------------------------------

    def field(self, t: Scalar, state: Bordered) -> Bordered:
        numbers = self.mechanism.stoichiometry(self.mechanism.electrode)
        nodes = self.change(state.nodes, small_product(state.border[:-1], numbers))
        first = self.transport.first(state.nodes)
        return Bordered(nodes, self._border(t, first, state.border))

    def change(
        self, nodes: Float[Array, "m n"], production: Float[Array, " m"]
    ) -> Float[Array, "m n"]:
        """Of the nodes, for a production at the electrode."""
        change = self.transport.flow(nodes, production)
        if self.mechanism.chemical:
            change = change + jax.vmap(self._chemistry, -1, -1)(nodes)
        return self.piece.duration * change

    def linearise(self, t: Scalar, state: Bordered) -> tuple[AbstractBorderedMatrix, Bordered]:
        first = self.transport.first(state.nodes)
        by_time, by_node, by_border = jax.jacfwd(self._border, argnums=(0, 1, 2))(
            t, first, state.border
        )
        numbers = self.mechanism.stoichiometry(self.mechanism.electrode)
        production = jnp.asarray(np.pad(numbers.T, ((0, 0), (0, 1))))
        matrix = self.matrix(state.nodes, Couplings(production, by_node, by_border))
        return matrix, Bordered(jnp.zeros_like(state.nodes), by_time)

    def matrix(self, nodes: Float[Array, "m n"], couplings: Couplings) -> AbstractBorderedMatrix:
        """The Jacobian of `change`, with its borders."""
        chemistry = None
        if self.mechanism.chemical:
            chemistry = jax.vmap(jax.jacfwd(self._chemistry), -1, -1)(nodes)
        return self.transport.matrix(self.piece.duration, chemistry, couplings)

    def enter(self, t: Scalar, state: Bordered, jumped: BoolScalar) -> Bordered:
        return jax.lax.cond(jumped, lambda: self._enter(t, state, jumped), lambda: state)

    def _enter(self, t: Scalar, state: Bordered, jumped: BoolScalar) -> Bordered:
        # Through a jump of the potential the interface keeps its charge, so the current rises
        # by ΔE/R; what is algebraic follows from its equations.
        mass = self.mass()
        charged = mass[-1] > 0
        previous = piece_at(self.pieces, self.piece.number - 0.5)
        jump = jnp.where(self.piece.number > 0, self.piece.start - previous.end, 0.0)
        ohmic = jnp.where(charged, self.circuit.resistance * self.unit_current, 1.0)
        rise = jnp.where(jumped & charged, jump / ohmic, 0.0)
        border = state.border.at[-1].add(rise)
        first = self.transport.first(state.nodes)
        border = self._consistent(t, first, border, charged, jumped)
        return Bordered(state.nodes, border)

    def _consistent(self, t, first, border, charged, wanted) -> Float[Array, " k"]:
        """Solve the algebraic border equations where `wanted`; NaN where that does not converge.

        The iterations are not differentiated: one more Newton step from their end is, which
        has the derivative of the implicit function.
        """
        fixed = jax.lax.stop_gradient((self, t, first))
        z, converged = _solve_border(*fixed, jax.lax.stop_gradient(border), charged, wanted)
        held = jnp.zeros(border.shape, bool).at[-1].set(charged)
        z = jnp.where(held, border, z)
        residual, jacobian = _linearised(lambda z: self._border(t, first, z), z)
        z = z - _newton_step(residual, jacobian, held)
        return jnp.where(wanted, jnp.where(converged, z, jnp.nan), border)


class AbstractExtendedCellSystem(AbstractCellSystem):
    """A cell with more at its electrode than its reactions: what is the cell's own stays so.

    **Fields:** `cell`, the equations of the electrode reactions and of the waveform.
    """

    cell: eqx.AbstractVar[CellSystem]

    @property
    def transport(self) -> AbstractNodes:  # pyright: ignore
        return self.cell.transport

    @property
    def waveform(self) -> AbstractWaveform:  # pyright: ignore
        return self.cell.waveform

    @property
    def temperature(self) -> Scalar:  # pyright: ignore
        return self.cell.temperature

    @property
    def circuit(self) -> Circuit:
        return self.cell.circuit

    @property
    def piece(self) -> Piece:
        return self.cell.piece

    def during(self, t: Scalar) -> "AbstractExtendedCellSystem":
        return eqx.tree_at(lambda s: s.cell, self, self.cell.during(t))


def _linearised(balance, z: Array) -> tuple[Array, Array]:
    """Residual and Jacobian of a small system."""

    def twice(z):
        residual = balance(z)
        return residual, residual

    jacobian, residual = jax.jacfwd(twice, has_aux=True)(z)
    return residual, jacobian


def _newton_step(residual: Array, jacobian: Array, held: Array | bool = False) -> Array:
    """J⁻¹ times the residual, with the `held` unknowns left alone."""
    held = jnp.broadcast_to(held, residual.shape)
    jacobian = jnp.where(held[:, None], jnp.eye(residual.size), jacobian)
    return small_product(small_inverse(jacobian), jnp.where(held, 0.0, residual))


class _Search(NamedTuple):
    """State of `_solve_border`: the unknowns, the bracket of the current, and counts."""

    z: Float[Array, " k"]
    low: Scalar
    high: Scalar
    rounds: Scalar
    steps: Scalar
    done: BoolScalar
    good: BoolScalar


def _solve_border(system, t, first, border, charged, wanted):
    """The algebraic border unknowns, and whether they were found.

    For a given current the potential of the interface is known, and Newton's method for the
    rates starts from zero, from where it converges monotonically for powers of concentrations.
    What is left is one equation for the current, G(I) = I_F(E − R I) − I. As I_F rises with the
    potential, G falls for R ≥ 0, and its zero lies between 0 and G(0): bisection never loses
    it, Newton's method finishes it. (Newton's method on all unknowns at once jumps for ever
    between the two plateaus of a steep wave.)

    Both iterations are one loop, each turn of which takes either a step of the rates or, once
    they have settled, a step of the current: nested loops would be compiled twice over.
    """
    is_current = jnp.arange(border.size) == border.size - 1
    ratio = system.piece.duration / system.circuit.capacitance_ratio(system._applied(t)[0])

    def unfinished(search: _Search):
        return wanted & ~search.done & search.good

    def body(search: _Search):
        z = search.z
        residual, jacobian = _linearised(lambda z: system._border(t, first, z), z)
        step = _newton_step(residual, jacobian, is_current)
        change = jnp.max(jnp.abs(step) / (1.0 + jnp.abs(z)))
        settled = (change <= 1e-13) | (search.steps >= NEWTON_STEPS)
        moved = search._replace(z=z - step, steps=search.steps + 1)
        onward = next_current(search, residual, jacobian)
        onward = onward._replace(good=onward.good & (change < 1e-6))
        return jax.tree.map(lambda a, b: jnp.where(settled, a, b), onward, moved)

    def next_current(search: _Search, residual, jacobian):
        current, value = search.z[-1], residual[-1]
        # A margin, since C(φ) and negative resistances bend the line.
        far = 1.5 * value / ratio
        begun = search.rounds > 0
        low = jnp.where(begun, search.low, jnp.minimum(far, 0.0) - 1e-9)
        high = jnp.where(begun, search.high, jnp.maximum(far, 0.0) + 1e-9)
        low = jnp.where(begun & (value > 0), current, low)
        high = jnp.where(begun & (value <= 0), current, high)
        step = _newton_step(residual, jacobian)[-1]
        inside = (current - step >= low) & (current - step <= high)
        # Every third step bisects: safe progress where Newton's creeps.
        new = jnp.where(inside & (search.rounds % 3 != 2), current - step, 0.5 * (low + high))
        change = jnp.minimum(jnp.abs(step), high - low) / (1.0 + jnp.abs(current))
        done = charged | (change <= 1e-12) | (search.rounds >= BRACKET_STEPS)
        found = charged | (change <= 1e-6)
        z = jnp.where(is_current & ~done, new, search.z)
        zero = jnp.zeros_like(search.steps)
        return _Search(z, low, high, search.rounds + 1, zero, done & found, found | ~done)

    begin = jnp.where(is_current & charged, border, 0.0)
    number, flag = jnp.asarray(0.0), jnp.asarray(False)
    start = _Search(begin, number, number, number, number, flag, ~flag)
    end = jax.lax.while_loop(unfinished, body, start)
    return end.z, end.done & end.good


def pieces_of(waveform: AbstractWaveform) -> Float[Array, "s 5"]:
    """The segments of a waveform, each as the numbers of a `Piece`."""
    segments = waveform.segments()
    duration = segments.duration / jnp.sum(segments.duration)
    number = jnp.arange(duration.size, dtype=float)
    begin = jnp.cumsum(duration) - duration
    return jnp.stack([number, duration, segments.start, segments.end, begin], axis=1)


def piece_at(pieces: Float[Array, "s 5"], t: Scalar) -> Piece:
    """The segment that holds at clock time `t`."""
    k = jnp.floor(jax.lax.stop_gradient(t)).astype(int)
    row = pieces[jnp.clip(k, 0, pieces.shape[0] - 1)]
    return Piece(*row)


def _monomial(c: Float[Array, " m"], orders: np.ndarray) -> Scalar:
    """Π cᵢ^oᵢ for whole orders, without powers of negative round-off."""
    product = jnp.ones(())
    for i in np.flatnonzero(orders):
        for _ in range(int(orders[i])):
            product = product * c[i]
    return product
