"""The voltammetric cell: mechanism, species, electrode, circuit and numerics in one simulator."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from .._observables import Observables, observe
from .._precision import require_x64
from .._simulator import AbstractLens, AbstractSimulator, AdjointName
from .._status import RESULTS
from ..constants import faraday, gas_constant
from ..solvers import (
    RODAS5P,
    STAGE_FAILED,
    Bordered,
    Integration,
    Rosenbrock,
    RosenbrockTableau,
    RoundedSteps,
)
from ._cell_system import (
    STANDARD_CONCENTRATION,
    AbstractCellSystem,
    CellSystem,
    Scales,
    piece_at,
    pieces_of,
)
from ._checks import check_value
from ._circuit import Baseline, Circuit
from ._convection import convection
from ._lenses import cell_lenses
from ._nodes import AbstractNodes, NodesInModes, NodesInSpace, diffusion
from .kinetics._base import parameter
from .mechanism import Mechanism, Species
from .transport import AbstractDomain, AbstractGeometry, Grid, SemiInfinite
from .waveforms import AbstractWaveform

Number = Float[Array, "..."]

# The steps are controlled by the local error, the promise is about the current between the
# steps too, where it is two to three times less accurate: measured over the tagged cases of the
# tests, the error of the current stays below the tolerance.
_RTOL_OVER_TOLERANCE = 0.5

# Kinetics that allow less than this part of the diffusion-limited current count as allowing it.
_LEAST_SHARE = 1e-6

# No step is longer than this in units of RT/F of the straight pieces: exponentials of the
# potential that rise from nothing are invisible to the error estimate of a longer step.
_LONGEST_STEP = 1.5

# The first step, in segments: short enough for the first instants of a potential step.
_FIRST_STEP = 1e-5


# The limit of steps at a tolerance of 1e-4, and what every further segment adds to it.
_STEPS = 4096
_STEPS_PER_CORNER = 64

# A step below this, in segments, is given up: it is near the resolution of the clock.
_SMALLEST_STEP = 1e-14


class Integrator(eqx.Module):
    """How the cell is integrated in time.

    **Arguments:**

    - `tolerance`: of the current, relative to its largest value in the experiment; from 1e-9,
      where round-off begins to be what the step control sees, to 0.1.
    - `tableau`: the Rosenbrock method, `RODAS5P` (order 5) or `RODAS4P` (order 4, two
      stages fewer; pays off above 1e-3).
    - `max_steps`: limit of attempted steps, to which every segment of the waveform after the
      first adds 64; reaching it is `RESULTS.step_limit`. Left out, it is 4096 at a tolerance of
      1e-4, ten times what an ordinary voltammogram takes, and grows as the tolerance falls.
    """

    tolerance: float = eqx.field(static=True, default=1e-4)
    tableau: RosenbrockTableau = eqx.field(static=True, default=RODAS5P)
    max_steps: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        check_value(
            "Integrator",
            "tolerance",
            self.tolerance,
            "between 1e-9 and 0.1",
            lambda v: (v >= 1e-9) & (v <= 0.1),
        )
        if self.max_steps is not None and self.max_steps < 16:
            raise ValueError(
                f"max_steps of Integrator must be at least 16, but max_steps={self.max_steps}."
            )

    def decided_steps(self, waveform: AbstractWaveform) -> int:
        """The limit of attempted steps for a waveform."""
        corners = _STEPS_PER_CORNER * (waveform.number_of_segments - 1)
        if self.max_steps is not None:
            return self.max_steps + corners
        # Measured: a decade costs up to 2.1 times the steps.
        return round(_STEPS * max(1.0, (1e-4 / self.tolerance) ** 0.32)) + corners


class Voltammetry(AbstractSimulator):
    """A voltammetric cell: the current that a potential programme draws.

        ∂c_j/∂t = D_j a⁻¹ ∂/∂x (a ∂c_j/∂x) + Σ chemistry        0 < x < L
        −D_j ∂c_j/∂x = Σ_k ν_kj r_k                              at the electrode
        c_j = c_j* , or no flux                                  far away
        I = −F A Σ_k n_k r_k + A C dφ/dt,   φ = E − R I

    Oxidation currents are positive (IUPAC). The state is spatially uniform at t = 0.

    **Arguments** (all numbers SI, all array leaves, all differentiable):

    - `mechanism`: the reactions; see `Mechanism`.
    - `species`: `Species` by name, exactly those of the mechanism.
    - `electrode`: a geometry, which has the area and the shape of the diffusion field.
    - `domain`: `SemiInfinite()`, `DiffusionLayer(depth)`, `ThinLayer(depth)`; or a flow that
      adds −v ∂c_j/∂x: `Levich(rotation_rate, kinematic_viscosity)`, `VonKarman(...)`.
    - `temperature`: in K.
    - `circuit`, `baseline`: resistance, double layer, reference shift; instrument line.
    - `grid`, `integrator`: numerics. The defaults keep the current within 1e-4.

    **Call:** `cell(waveform)` or `cell((waveform, times))` returns `Observables` with the
    arrays (t,) "current" in A, "potential" (applied, V) and "time" (s).

    **Raises:** `ValueError` for unknown or missing species, unbalanced charge, all bulk
    concentrations zero, a temperature outside 150-1500 K, or float32 mode (`RuntimeError`).

    **Starting values:** D 1e-9 m²/s in water, 2e-9 in acetonitrile, 1e-11 in ionic liquids;
    k⁰ 1e-5 m/s; α 0.5; C 0.2 F/m².

    **Limits:** supporting electrolyte in excess (no migration), no adsorption;
    semi-infinite domains must not be longer than the experiment can reach.

    Source: A. J. Bard, L. R. Faulkner, Electrochemical Methods, 2nd ed. (2001), chapters
    5, 6, 12 and appendix B; discretisation in `docs/maths.md`.
    """

    mechanism: Mechanism
    species: dict[str, Species]
    electrode: AbstractGeometry
    domain: AbstractDomain = SemiInfinite()
    temperature: Number = eqx.field(converter=parameter("temperature"), default=298.15)
    circuit: Circuit = Circuit()
    baseline: Baseline = Baseline()
    grid: Grid = Grid()
    integrator: Integrator = Integrator()
    adjoint: AdjointName = eqx.field(static=True, default="forward")

    adjoints: ClassVar[tuple[AdjointName, ...]] = ("forward", "checkpointed")

    def __check_init__(self):
        require_x64()
        self.mechanism.check_species(self.species)
        self.domain.check_electrode(self.electrode)
        check_value(
            "Voltammetry",
            "temperature",
            self.temperature,
            "between 150 and 1500 K",
            lambda v: (v >= 150) & (v <= 1500),
        )
        bulk = [s.concentration for s in self.species.values()]
        if not any(isinstance(c, Tracer) for c in bulk):
            total = sum(float(np.max(np.asarray(c))) for c in bulk)
            if not total > 0:
                raise ValueError(
                    "the bulk concentration of at least one species must be positive, but all "
                    f"of {list(self.species)} are zero."
                )

    def with_adjoint(self, adjoint: AdjointName) -> "Voltammetry":
        return dataclasses.replace(self, adjoint=adjoint)  # pyright: ignore

    def lenses(self) -> Mapping[str, AbstractLens]:
        return cell_lenses(self)

    def __call__(self, inputs) -> Observables:
        require_x64()
        waveform, times = inputs if isinstance(inputs, tuple) else (inputs, inputs.times())
        system, state = self._system(waveform)
        solution = self._integrate(system, state)
        # A little before the corner for what is sampled at a corner.
        segment, fraction = waveform.locate(times)
        clock = segment + fraction * (1.0 - 1e-11)
        border = jax.vmap(lambda t: solution.evaluate(t).border)(clock)
        potential = waveform.potential(times)
        current = system.unit_current * border[:, -1] + self.baseline(potential)
        values = {"current": current, "potential": potential, "time": times}
        stats = {
            "num_steps": solution.stats["num_accepted_steps"],
            "num_rejected_steps": solution.stats["num_rejected_steps"],
        }
        return observe(values, _result(solution.result, _all_finite(system)), stats)

    def decided_grid(self) -> Grid:
        """The grid with the number of cells that this cell and its tolerance ask for."""
        return self.grid.decided(
            self.electrode,
            self.domain,
            chemistry=bool(self.mechanism.chemical),
            tolerance=self.integrator.tolerance,
        )

    def _system(
        self, waveform: AbstractWaveform, form: type[NodesInSpace | NodesInModes] | None = None
    ) -> tuple[CellSystem, Bordered]:
        """The dimensionless equations and their state at rest; the nodes in the `form` asked
        for, or the cheapest that the chemistry allows."""
        names = self.mechanism.species
        diffusivity = jnp.stack([self.species[n].diffusivity for n in names])
        bulk = jnp.stack([self.species[n].concentration for n in names])
        duration = waveform.duration
        layer = self._reaction_layer(diffusivity, bulk)
        thickness = self.domain.thickness(diffusivity, duration)
        reach = SemiInfinite().thickness(diffusivity, duration)
        grid = self.decided_grid()
        # Scales only set the units of the tolerance; they carry no derivative.
        fixed = jax.lax.stop_gradient
        length = fixed(jnp.sqrt(jnp.max(diffusivity) * duration))
        depth = jnp.minimum(length, fixed(thickness)) if self.domain.sealed else length
        unit = fixed(self._limiting_rate(waveform, bulk, depth / duration))
        scales = Scales(unit * duration / length, length, duration)
        start = bulk / scales.concentration
        volumes = grid.volumes(self.electrode, self.domain, thickness, layer, reach)
        parts = (
            volumes.volumes / length,
            volumes.conductances * length,
            diffusivity * duration / length**2,
            start,
        )
        if self.domain.moving:
            points = volumes.points(thickness)
            transport = convection(*parts, points, lambda x: self.domain.drift(x, diffusivity))
        else:
            transport = diffusion(*parts)
        pieces = pieces_of(waveform)
        form = form or (NodesInSpace if self.mechanism.chemical else NodesInModes)
        system = CellSystem(
            transport=form(transport, start),
            mechanism=self.mechanism,
            circuit=self.circuit,
            waveform=waveform,
            temperature=self.temperature,
            scales=scales,
            area=self.electrode.area,
            pieces=pieces,
            piece=piece_at(pieces, jnp.asarray(0.0)),
        )
        border = jnp.zeros(len(self.mechanism.electrode) + 1)
        return system, Bordered(system.transport.at_rest(), border)

    def _limiting_rate(self, waveform: AbstractWaveform, bulk: Array, velocity: Array) -> Array:
        """Rate in mol/(m² s) that the largest current is expected to reach.

        Diffusion of the scarcest reactant, or what the kinetics allow at the extremes of the
        potential if that is less; it sets the absolute tolerance.
        """
        segments = waveform.segments()
        extremes = jnp.concatenate([segments.start, segments.end])
        extremes = jnp.stack([jnp.min(extremes), jnp.max(extremes)])
        extremes = extremes + self.circuit.reference_shift
        rates = []
        for step in self.mechanism.electrode:
            sides = self.mechanism.orders(step)
            scarce = [
                jnp.min(jnp.stack([bulk[i] / side[i] for i in np.flatnonzero(side)]))
                for side in sides
            ]
            logs = step.kinetics.log_rates(
                extremes - step.formal_potential, self.temperature, step.equation.electrons
            )
            for side, few, log in zip(sides, scarce, logs, strict=True):
                log = jnp.max(log) + (side.sum() - 1.0) * jnp.log(few / STANDARD_CONCENTRATION)
                share = 1.0 if step.kinetics.reversible else jnp.exp(log) / velocity
                rates.append(few * jnp.clip(share, _LEAST_SHARE, 1.0))
        # A reactant that only chemistry supplies: bounded by what there is.
        largest = jnp.max(jnp.stack(rates))
        return velocity * jnp.where(largest > 0, largest, jnp.max(bulk))

    def _reaction_layer(self, diffusivity: Array, bulk: Array) -> Array:
        """Depth √(D/k) in m of the fastest homogeneous reaction, infinite without one.

        k is the pseudo-first-order constant at the total bulk concentration.
        """
        rate = jnp.zeros(())
        total = jnp.sum(bulk)
        for step in self.mechanism.chemical:
            left, right = self.mechanism.orders(step)
            rate = rate + step.forward * total ** (left.sum() - 1.0)
            rate = rate + step.backward * total ** (right.sum() - 1.0)
        if not self.mechanism.chemical:
            return jnp.asarray(jnp.inf)
        return jnp.sqrt(jnp.min(diffusivity) / (rate + 1e-12))

    def _integrate(self, system: AbstractCellSystem, state: Bordered) -> diffrax.Solution:
        segments = system.waveform.number_of_segments
        rtol = _RTOL_OVER_TOLERANCE * self.integrator.tolerance
        # Measured: this controller rejects half as many steps as Diffrax's default.
        controller = diffrax.PIDController(
            rtol=rtol,
            atol=0.1 * rtol,
            icoeff=0.7,
            factormax=5.0,
            safety=0.85,
            norm=_error_norm(type(system.transport)),
            dtmax=_longest_step(system),
            dtmin=_SMALLEST_STEP * segments,
            force_dtmin=False,
        )
        controller = RoundedSteps(controller)
        if segments > 1:
            corners = jnp.arange(1, segments, dtype=float)
            controller = diffrax.ClipStepSizeController(controller, jump_ts=corners)
        integration = Integration(
            Rosenbrock(self.integrator.tableau),
            controller,
            float(segments),
            _FIRST_STEP,
            self.integrator.decided_steps(system.waveform),
            diffrax.SaveAt(dense=True),
        )
        return integration(system, state, reverse=self.adjoint == "checkpointed")


def _longest_step(system: AbstractCellSystem) -> Array:
    """In segments: all of one, or what the steepest piece allows."""
    segments = system.waveform.segments()
    thermal = gas_constant * system.temperature / faraday
    rise = jnp.max(jnp.abs(segments.end - segments.start)) / thermal
    return jax.lax.stop_gradient(1.0 / jnp.maximum(rise / _LONGEST_STEP, 1.0))


# Made once: a new function for each call would be compiled anew.
@functools.cache
def _error_norm(nodes: type[AbstractNodes]) -> Callable[[Bordered], Array]:
    """Of the nodes and the largest of the border; infinite for NaN."""

    def norm(error: Bordered) -> Array:
        size = jnp.maximum(nodes.size(error.nodes), jnp.max(jnp.abs(error.border)))
        return jnp.where(jnp.isnan(size), jnp.inf, size)

    return norm


def _result(result: diffrax.RESULTS, given: Array) -> RESULTS:
    """Diffrax's result code as ours; `given` tells whether the system was finite."""
    ended = RESULTS.where(
        result == diffrax.RESULTS.max_steps_reached, RESULTS.step_limit, RESULTS.step_underflow
    )
    ended = RESULTS.where(result == STAGE_FAILED, RESULTS.diverged, ended)
    ended = RESULTS.where(given, ended, RESULTS.nonfinite)
    return RESULTS.where(result == diffrax.RESULTS.successful, RESULTS.successful, ended)


def _all_finite(tree) -> Array:
    """Whether every number of a tree is finite."""
    leaves = jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array))
    return jnp.all(jnp.isfinite(jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])))
