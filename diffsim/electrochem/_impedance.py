"""Impedance of a voltammetric cell: the same equations, linearised about a held potential."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Complex, Float

from .._objective import LeastSquares
from .._observables import Observables, observe
from .._precision import require_x64
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from .._space import DesignSpace
from .._status import RESULTS
from ..solvers import BlockMatrix, Bordered, DecoupledMatrix, Integration, Rosenbrock, oscillation
from ._cell_system import CellSystem
from ._checks import check_positive
from ._nodes import NodesInSpace
from ._voltammetry import Voltammetry
from .kinetics._base import parameter
from .waveforms import PiecewiseLinear

Number = Float[Array, "..."]

# The first step of the hold, in parts of it; a step below the second number is given up.
_FIRST_STEP, _SMALLEST_STEP = 1e-9, 1e-14


class Impedance(AbstractSimulator):
    """Electrochemical impedance of a cell that has been held at a potential.

    The cell starts with its bulk concentrations everywhere, is held at `potential` for `hold`
    seconds by the integrator of `Voltammetry`, and is linearised about the state it then has:

        (iω M − J) x = ∂f/∂E + iω ∂f/∂Ė,      Z(ω) = 1/I(x)

    with J, M the Jacobian and mass matrix of the discrete equations. Every mechanism, geometry,
    domain and circuit that the cell can have has its impedance. The state is taken as frozen: right
    if it is at equilibrium or steady (a finite diffusion layer, a sphere, held long enough), or
    if ω·hold is large.

    **Arguments:**

    - `cell`: a `Voltammetry`; its baseline is left out.
    - `potential`: of the bias, in V; differentiable.
    - `hold`: in s, at least the longest period asked for. In a semi-infinite domain it sets the
      depth of the grid, 6 √(D hold).

    **Call:** `impedance(frequencies)` with f (f,) in Hz returns "impedance" (f, 2), real and
    imaginary part in ohm (capacitive: imaginary part negative), "frequency" (f,) and "current" of
    the bias in A.

    **Raises:** `ValueError` for a hold that is not positive, frequencies that are no column of
    positive numbers, or a frequency below 1/hold.

    **Limits:** linear response. The default grid resolves diffusion over five decades of depth:
    where nothing else stands before it (a Nernst law, no double layer) it is right to 1e-3 up to
    6e4/hold and to 3 % up to 2e6/hold, beyond which `Grid(first=...)` must be smaller. A current
    that vanishes at a frequency has no impedance (`RESULTS.nonfinite`).

    Source: M. E. Orazem, B. Tribollet, Electrochemical Impedance Spectroscopy, 2nd ed. (2017).
    """

    cell: Voltammetry
    potential: Number = eqx.field(converter=parameter("potential", "V"))
    hold: Number = eqx.field(converter=parameter("hold", "s"))

    adjoints: ClassVar[tuple[AdjointName, ...]] = ("forward", "checkpointed")

    def __check_init__(self):
        check_positive(self, "hold", "s")

    def with_adjoint(self, adjoint: AdjointName) -> "Impedance":
        return dataclasses.replace(self, cell=self.cell.with_adjoint(adjoint))  # pyright: ignore

    def lenses(self) -> Mapping[str, AbstractLens]:
        """Those of the cell, and `potential`."""
        inner = {
            name: Leaf(*(f"cell.{path}" for path in lens.paths), index=lens.index)
            for name, lens in self.cell.lenses().items()
            if isinstance(lens, Leaf)
        }
        return inner | {"potential": Leaf("potential")}

    def __call__(self, inputs) -> Observables:
        require_x64()
        frequencies = _frequencies(inputs, self.hold)
        held = jnp.stack([self.potential, self.potential])
        waveform = PiecewiseLinear(jnp.reshape(self.hold, 1), held, samples=2)
        system, start = self.cell._system(waveform, NodesInSpace)
        state, result, steps = self._settled(system, start)
        respond = jax.vmap(lambda f: _response(system, state, f * self.hold))
        real, imaginary = respond(frequencies)
        size = real**2 + imaginary**2
        values = {
            "impedance": jnp.stack([real / size, -imaginary / size], axis=-1),
            "frequency": frequencies,
            "current": system.unit_current * state.border[-1],
        }
        return observe(values, result, {"num_steps": steps})

    def _settled(self, system: CellSystem, start: Bordered):
        """The state at the end of the hold, how the integration ended, and its steps."""
        integrator = self.cell.integrator
        integration = Integration(
            Rosenbrock(integrator.tableau),
            diffrax.PIDController(
                rtol=0.1 * integrator.tolerance,
                atol=0.01 * integrator.tolerance,
                dtmin=_SMALLEST_STEP,
                force_dtmin=False,
            ),
            1.0,
            _FIRST_STEP,
            integrator.decided_steps(system.waveform),
            diffrax.SaveAt(steps=True),
        )
        solution = integration(system, start, reverse=self.cell.adjoint == "checkpointed")
        limit = solution.result == diffrax.RESULTS.max_steps_reached
        failed = RESULTS.where(limit, RESULTS.step_limit, RESULTS.diverged)
        fine = solution.result == diffrax.RESULTS.successful
        result = RESULTS.where(fine, RESULTS.successful, failed)
        steps = solution.stats["num_accepted_steps"]
        state = jax.tree.map(lambda leaf: leaf[steps - 1], solution.ys)
        return state, result, steps


def _response(system: CellSystem, state: Bordered, periods: Array) -> tuple[Array, Array]:
    """Admittance (1/ohm) for one frequency, given in periods in the hold."""
    angular, t = 2.0 * jnp.pi * periods, jnp.asarray(1.0)
    system = system.during(t)
    matrix, _ = system.linearise(t, state)
    assert isinstance(matrix, DecoupledMatrix | BlockMatrix)  # the nodes are in space

    def balance(shift: Array) -> Array:
        moved = eqx.tree_at(lambda s: s.circuit.reference_shift, system, shift)
        return moved._border(t, moved.transport.first(state.nodes), state.border)

    shift = jnp.asarray(system.circuit.reference_shift)
    _, by_potential = jax.jvp(balance, (shift,), (jnp.ones_like(shift),))
    # A changing potential charges the double layer; through a resistance, with a lag.
    farads = system.circuit.capacitance * system.area / system.scales.time
    last = jnp.zeros_like(state.border).at[-1].set(1.0)
    none = jnp.zeros_like(state.nodes)
    real, imaginary = oscillation(
        matrix,
        system.circuit.resistance * farads * last,
        angular,
        Bordered(none, by_potential),
        Bordered(none, angular * farads / system.unit_current * last),
    )
    return system.unit_current * real.border[-1], system.unit_current * imaginary.border[-1]


def _frequencies(inputs, hold) -> Float[Array, " f"]:
    if np.ndim(inputs) != 1 or np.size(inputs) == 0:
        raise ValueError(
            f"frequencies must be a column of numbers, but have the shape {np.shape(inputs)}."
        )
    if not isinstance(inputs, Tracer):
        lowest = float(np.min(np.asarray(inputs)))
        if not (lowest > 0 and np.all(np.isfinite(np.asarray(inputs)))):
            raise ValueError(f"frequencies must be positive and finite, but one is {lowest:g} Hz.")
        if not isinstance(hold, Tracer) and lowest * float(hold) < 1.0 - 1e-9:
            raise ValueError(
                f"frequencies must be at least 1/hold = {1 / float(hold):g} Hz, but one is "
                f"{lowest:g} Hz. Hold longer."
            )
    return jnp.asarray(inputs, float)


def SpectrumFit(
    impedance: Impedance,
    frequencies: Float[np.ndarray, " f"],
    measured: Complex[np.ndarray, " g"],
    space: DesignSpace,
    *,
    scale: float | Float[np.ndarray, " f"] | None = None,
    name: str = "spectrum",
) -> Problem:
    """Complex nonlinear least squares: real and imaginary parts of Z at once.

    **Arguments:**

    - `measured`: Z in ohm.
    - `scale`: standard deviation of both parts; by default |Z|, so that every frequency counts by
      its relative error.

    **Raises:** `ValueError` for names the cell does not have, or Z of another length.
    """
    if np.shape(frequencies) != np.shape(measured):
        raise ValueError(
            "frequencies and measured must have one length, but have the shapes "
            f"{np.shape(frequencies)} and {np.shape(measured)}."
        )
    parts = np.stack([np.real(measured), np.imag(measured)], axis=-1)
    modulus = np.abs(measured) if scale is None else np.broadcast_to(scale, measured.shape)
    objective = LeastSquares(parts, modulus[:, None], observable="impedance")
    return Problem(impedance, jnp.asarray(frequencies), space, objective, name=name)
