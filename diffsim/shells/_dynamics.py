"""Motion of a sheet in time."""

import dataclasses
from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._observables import Observables, observe
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from .._status import is_successful
from ..solvers import (
    BDF2,
    AbstractAlgebra,
    AbstractIncrementalSolver,
    AbstractPotentialSystem,
    Factorised,
    ImplicitEuler,
    ImplicitMidpoint,
    Motion,
    NewtonSettings,
    Potential,
    Slip,
    ended,
)
from ._deformable import AbstractDeformable

_SCHEMES: dict[str, type[AbstractIncrementalSolver]] = {
    "implicit_euler": ImplicitEuler,
    "bdf2": BDF2,
    "implicit_midpoint": ImplicitMidpoint,
}


class Dynamics(AbstractSimulator):
    """ρh ẍ = −∂Π/∂x: a sheet or a solid that moves, by implicit steps of one size.

    **Arguments:**

    - `shell`: a `Shell` or a `Solid`, with density. Supports move by their schedules, whose times
      are seconds.
    - `step`: in s; `steps`: how many.
    - `scheme`: "implicit_euler" (first order, damps), "bdf2" (second order, damps little) or
      "implicit_midpoint" (second order, keeps the energy of vibrations, resolved or not).
    - `lags`: how many times a step with friction is solved; each time normal forces and directions
      are those of the solution before, the first time those of the start of the step.
    - `positions`, `velocities`: (v, 3) at t = 0; by default at rest in the rest shape.
    - `tolerance`: of the last Newton step, relative to the size of the sheet; `max_steps`: of
      Newton's method in each time step.
    - `algebra`: how its linear systems are solved, by sparse Cholesky factors on the host
      (`Factorised()`) or without (`ConjugateGradients()`).

    **Call:** `dynamics(None)`. The `Observables` are "time" (t,), "positions", "velocities"
    (t, v, 3), "kinetic_energy", "membrane_energy", "bending_energy" (of a solid "elastic_energy")
    (t,) in J, "momentum" and
    "angular_momentum" (t, 3), about the origin; t = steps + 1, the start included. With contacts
    also "gap" (t, c), the smallest of each contact in m, and "contact_force" (t, c, 3), the sum of
    its normal forces on the sheet in N; with self-contact "self_gap" (t,) in m, the smallest
    distance of pairs, at most that of the law.

    Each step minimises its incremental potential inside `diffrax.diffeqsolve`, and is
    differentiated by the implicit-function theorem. The steps are found in a first pass; a
    second one takes what the first has found: differentiating it costs one factorisation and
    one solve a step (and lag), and memory for one state a step (and lag).

    **Raises:** `ValueError` for numbers out of range, faces without mass, or vertices that begin
    inside a body.

    **Limits:** no damping but that of the scheme and of friction. Where Newton's method fails,
    shorter steps lead to the solution of the step; if none does, the result is
    `RESULTS.diverged`, and `stats["failed_step"]` and `["failed_residual"]` say which step (1 is
    the first) and the largest force, in N, that was left there: take a shorter one.
    `RESULTS.too_many_pairs` says that a `SelfContact` had no room.
    """

    shell: AbstractDeformable
    positions: Float[Array, "v 3"]
    velocities: Float[Array, "v 3"]
    step: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    scheme: str = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)
    lags: int = eqx.field(static=True)
    algebra: AbstractAlgebra
    adjoint: AdjointName = eqx.field(static=True)

    adjoints: ClassVar = ("forward", "checkpointed")
    batches: ClassVar = "in turn"

    def __init__(
        self,
        shell: AbstractDeformable,
        *,
        step: float,
        steps: int,
        scheme: str = "bdf2",
        positions=None,
        velocities=None,
        tolerance: float = 1e-9,
        max_steps: int = 100,
        lags: int = 2,
        algebra: AbstractAlgebra | None = None,
        adjoint: AdjointName = "checkpointed",
    ):
        _check(step, steps, scheme, tolerance, lags)
        if shell.follows and scheme == "implicit_midpoint":
            raise ValueError(
                f"scheme must be implicit_euler or bdf2 for a RigidBody, but is {scheme!r}."
            )
        rest = shell.mesh.positions
        self.shell = shell
        self.positions = rest if positions is None else _like(positions, rest, "positions")
        self.velocities = jnp.zeros_like(rest)
        if velocities is not None:
            self.velocities = _like(velocities, rest, "velocities")
        self.step, self.steps, self.scheme = float(step), int(steps), scheme
        self.tolerance, self.max_steps, self.adjoint = tolerance, max_steps, adjoint
        self.lags = int(lags)
        self.algebra = Factorised() if algebra is None else algebra
        shell.check_start(self.positions)

    def with_adjoint(self, adjoint: AdjointName) -> "Dynamics":
        return Dynamics(
            self.shell,
            step=self.step,
            steps=self.steps,
            scheme=self.scheme,
            positions=self.positions,
            velocities=self.velocities,
            tolerance=self.tolerance,
            max_steps=self.max_steps,
            lags=self.lags,
            algebra=self.algebra,
            adjoint=adjoint,
        )

    def lenses(self) -> dict[str, AbstractLens]:
        return {name: Leaf(f"shell.{path}") for name, path in self.shell.numbers().items()}

    def times(self) -> Float[Array, " t"]:
        """The times of the observables, s."""
        return self.step * jnp.arange(self.steps + 1)

    def __call__(self, inputs: None = None) -> Observables:
        sheet = _Sheet(self.shell, self.algebra, self.tolerance, self.max_steps, self._lags())
        first = self._integrate(
            jax.lax.stop_gradient(sheet), jax.lax.stop_gradient(self._start()), "forward"
        )
        assert first.ys is not None
        known = jax.lax.stop_gradient(first.ys.stages)
        solved = _SolvedSheet(sheet, self.step, known)
        second = self._integrate(solved, self._start(), self.adjoint)
        assert second.ys is not None
        result = ended(first.result)
        # Infinite where the motion has not come; a step that failed is there.
        last = jnp.sum(jnp.isfinite(first.ys.newton_steps)) - 1
        failed = ~is_successful(result)
        stats = {
            "newton_steps": first.ys.newton_steps[last],
            "failed_step": jnp.where(failed, last, 0),
            "failed_residual": jnp.where(failed, first.ys.residual[last], 0.0),
        }
        return observe(self._values(second.ys), result, stats)

    def _lags(self) -> int:
        return self.lags if self.shell.rubs else 1

    def _start(self) -> Motion:
        potential = self.shell.potential(0.0)
        q = potential.supported(self.shell.unknowns(self.positions))
        stages = jnp.zeros((self._lags(), self.shell.size))
        speed, memory = self.shell.unknowns(self.velocities), self.shell.fresh()
        return Motion(q, speed, jnp.zeros(()), memory, stages)

    def _integrate(self, system: AbstractPotentialSystem, start: Motion, adjoint: AdjointName):
        differentiated = (
            diffrax.ForwardMode()
            if adjoint == "forward"
            else diffrax.RecursiveCheckpointAdjoint(checkpoints=self.steps)
        )
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: y),
            _SCHEMES[self.scheme](),
            t0=0.0,
            t1=self.step * self.steps,
            dt0=None,
            y0=start,
            args=system,
            saveat=diffrax.SaveAt(t0=True, steps=True),
            stepsize_controller=diffrax.StepTo(ts=self.times()),
            adjoint=differentiated,
            max_steps=self.steps,
            throw=False,
        )

    def _values(self, motion: Motion) -> dict[str, Array]:
        positions = self.shell.positions(motion.q)
        momentum, turning = jax.vmap(self.shell.momenta)(motion.q, motion.velocity)
        elastic = jax.vmap(self.shell.energies)(motion.q, self.times(), motion.memory)
        return {
            "time": self.times(),
            "positions": positions,
            "velocities": self.shell.positions(motion.velocity),
            "kinetic_energy": 0.5 * jnp.sum(self.shell.mass() * motion.velocity**2, axis=1),
            "momentum": momentum,
            "angular_momentum": turning,
            **elastic,
            **jax.vmap(self.shell.touched)(positions, self.times()),
            # In turn: pairs are looked for on the host.
            **jax.lax.map(self.shell.self_gap, motion.q),
        }


class _Sheet(AbstractPotentialSystem):
    """A shell as what the incremental solvers step; each search starts at the state before."""

    shell: AbstractDeformable
    algebra: AbstractAlgebra
    tolerance: float = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)
    lags: int = eqx.field(static=True)

    def potential(self, time) -> Potential:
        return dataclasses.replace(self.shell.potential(time), algebra=self.algebra)

    def lag_count(self) -> int:
        return self.lags

    def potential_with(self, time, slip: Slip, memory) -> Potential:
        potential = self.shell.potential(time, slip=slip, memory=memory)
        return dataclasses.replace(potential, algebra=self.algebra)

    def remember(self, time, q: Float[Array, " n"], memory):
        return self.shell.remembered(q, time, memory)

    def mass(self) -> Float[Array, " n"]:
        return self.shell.mass()

    def settings(self) -> NewtonSettings:
        return self.shell.settings(self.tolerance, self.max_steps)

    def guess(self, time, q: Float[Array, " n"]) -> Float[Array, " n"]:
        return q


class _SolvedSheet(AbstractPotentialSystem):
    """The same, when the states are known and only their derivatives are asked for."""

    sheet: _Sheet
    step: float = eqx.field(static=True)
    known: Float[Array, "t k n"]

    def potential(self, time) -> Potential:
        return self.sheet.potential(time)

    def potential_with(self, time, slip: Slip, memory) -> Potential:
        return self.sheet.potential_with(time, slip, memory)

    def remember(self, time, q: Float[Array, " n"], memory):
        return self.sheet.remember(time, q, memory)

    def lag_count(self) -> int:
        return self.sheet.lags

    def mass(self) -> Float[Array, " n"]:
        return self.sheet.mass()

    def settings(self) -> NewtonSettings:
        return self.sheet.settings()

    def guess(self, time, q: Float[Array, " n"]) -> Float[Array, " n"]:
        return q

    def solved(self, time) -> Float[Array, "k n"]:
        # At the end of a step, or in its middle (the midpoint rule).
        return self.known[jnp.ceil(time / self.step - 0.25).astype(int)]


def _check(step: float, steps: int, scheme: str, tolerance: float, lags: int) -> None:
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step must be positive, in s, but is {step!r}.")
    if not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"steps must be a whole number, at least 1, but is {steps!r}.")
    if scheme not in _SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(_SCHEMES)}, but is {scheme!r}.")
    if not 1e-14 <= tolerance <= 1e-3:
        raise ValueError(f"tolerance must be between 1e-14 and 1e-3, but is {tolerance!r}.")
    if not isinstance(lags, int | np.integer) or lags < 1:
        raise ValueError(f"lags must be a whole number, at least 1, but is {lags!r}.")


def _like(value, rest: Array, name: str) -> Array:
    value = jnp.asarray(value, float)
    if value.shape != rest.shape:
        raise ValueError(f"{name} must have shape {rest.shape}, but have {value.shape}.")
    return value
