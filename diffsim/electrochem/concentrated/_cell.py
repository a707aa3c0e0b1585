"""A cell of two metal electrodes and a concentrated electrolyte between them."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from ..._observables import Observables, observe
from ..._precision import require_x64
from ..._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from ..._status import RESULTS
from ...solvers import (
    RODAS4P,
    STAGE_FAILED,
    Bordered,
    Integration,
    Rosenbrock,
    RosenbrockTableau,
    RoundedSteps,
)
from .._checks import check_at_least, check_positive, check_value
from ..kinetics._base import parameter
from ._electrolyte import BinaryElectrolyte
from ._programme import CurrentProgramme
from ._system import PolarisationSystem

Number = Float[Array, "..."]

# The first step, in parts of the time to the last observation.
_FIRST_STEP = 1e-6
# A step below this part of the whole is given up.
_SMALLEST_STEP = 1e-13


class Stepping(eqx.Module):
    """How the cell is integrated in time.

    **Arguments:**

    - `tolerance`: of the concentration in one step, relative to the initial one; 1e-10 to 1e-2.
    - `tableau`: the Rosenbrock method, `RODAS4P` or `RODAS5P`.
    - `max_steps`: limit of attempted steps, to which every corner of the current adds one; reaching
      it is `RESULTS.step_limit`.
    """

    tolerance: float = eqx.field(static=True, default=1e-5)
    tableau: RosenbrockTableau = eqx.field(static=True, default=RODAS4P)
    max_steps: int = eqx.field(static=True, default=1024)

    def __check_init__(self):
        check_value(
            "Stepping",
            "tolerance",
            self.tolerance,
            "between 1e-10 and 1e-2",
            lambda v: (v >= 1e-10) & (v <= 1e-2),
        )
        check_at_least(self, "max_steps", 16)


class PolarisationCell(AbstractSimulator):
    """Metal | binary electrolyte | metal under a current: salt and velocity of the solvent.

        ∂c/∂t  = −∂(J + c v)/∂x                0 < x < L
        J      = −D χ ∂c/∂x + (i/F) t₊⁰        J + c v = i/F at both electrodes
        ∂v/∂x  = −V̄ ∂J/∂x                      v = 0 at both electrodes

    Concentrated-solution theory of a salt of monovalent ions (z₊ = 1), of which the cation reacts,
    in the frame of the electrodes. The velocity is what the solvent must do so that
    c V̄ + c₀ V̄₀ = 1 everywhere. At x = L it can be prescribed only if V̄ is constant; it is set to
    zero there, and what the volume of mixing asks for instead comes out as "wall_velocity".

    **Arguments** (SI; array leaves are differentiable):

    - `electrolyte`: a `BinaryElectrolyte`.
    - `length`: L in m.
    - `concentration`: uniform initial concentration, mol/m³.
    - `cells`: number of finite volumes of equal width.
    - `stepping`: numerics in time.

    **Call:** `cell(programme)` with a `CurrentProgramme` returns `Observables` with "concentration"
    (t, n) in mol/m³ and "velocity" (t, n) in m/s at the centres, "position" (n,) of these in m,
    "time" (t,) in s, "wall_velocity" (t,) in m/s, and "adjustable", the numbers of t₊⁰(c) (for a
    regulariser). The result is `out_of_range` where a concentration leaves the range of a law, the
    solvent is used up, or D is not positive (t₊⁰ > 1 with `TiedDiffusivity`).

    **Raises:** `ValueError` for a length or concentration that is not positive, fewer than 4 cells,
    or an initial concentration outside the laws.

    **Starting values:** polymer electrolytes D 1e-12 m²/s, t₊⁰ between -0.5 and 0.5; liquid ones
    3e-10 m²/s and 0.3.

    **Limits:** one dimension, isothermal, no ion pairs beyond what D and t₊⁰ absorb, no side
    reactions; the profile must be resolved by the cells (second order in their width).

    Source: J. Newman, K. Thomas-Alyea, Electrochemical Systems, 3rd ed. (2004), chapters 12 and 14;
    H.-G. Steinrück et al., Energy Environ. Sci. 13 (2020) 4312 for measurements and the velocity.
    """

    electrolyte: BinaryElectrolyte
    length: Number = eqx.field(converter=parameter("length", "m"))
    concentration: Number = eqx.field(converter=parameter("concentration", "mol/m3"))
    cells: int = eqx.field(static=True, default=50)
    stepping: Stepping = Stepping()
    adjoint: AdjointName = eqx.field(static=True, default="forward")

    adjoints: ClassVar[tuple[AdjointName, ...]] = ("forward", "checkpointed")

    def __check_init__(self):
        require_x64()
        check_positive(self, "length", "m")
        check_positive(self, "concentration", "mol/m3")
        check_at_least(self, "cells", 4)
        low, high = self.electrolyte.limits
        if any(isinstance(v, Tracer) for v in (low, high, self.concentration)):
            return
        check_value(
            "PolarisationCell",
            "concentration",
            self.concentration,
            f"between {float(low):g} and {float(high):g} mol/m3, where the laws are known",
            lambda v: (v >= low) & (v <= high),
        )

    def with_adjoint(self, adjoint: AdjointName) -> "PolarisationCell":
        return dataclasses.replace(self, adjoint=adjoint)  # pyright: ignore

    def lenses(self) -> Mapping[str, AbstractLens]:
        """`length`, `concentration`, the molar masses, and the numbers of t₊⁰ one by one as
        `transference[0]`, ... where the law has a column of them."""
        lenses: dict[str, AbstractLens] = {
            "length": Leaf("length"),
            "concentration": Leaf("concentration"),
            "salt_molar_mass": Leaf("electrolyte.salt_molar_mass"),
            "solvent_molar_mass": Leaf("electrolyte.solvent_molar_mass"),
        }
        law = self.electrolyte.transference
        for column in ("coefficients", "values"):
            if hasattr(law, column):
                path = f"electrolyte.transference.{column}"
                size = getattr(law, column).size
                lenses |= {f"transference[{k}]": Leaf(path, index=k) for k in range(size)}
        return lenses

    @property
    def positions(self) -> Float[Array, " n"]:
        """Centres of the finite volumes in m."""
        return self.length * (jnp.arange(self.cells) + 0.5) / self.cells

    def __call__(self, inputs: CurrentProgramme) -> Observables:
        require_x64()
        system = PolarisationSystem(
            self.electrolyte,
            inputs,
            self.length / self.cells,
            jax.lax.stop_gradient(self.concentration),
        )
        start = self.concentration / system.unit
        solution = self._integrate(system, start)
        assert solution.ts is not None
        assert solution.ys is not None
        # Steps land on the observations; a little slack, since Diffrax lands to the last bit only
        # where the clock allows it.
        times = inputs.observed
        reached = jnp.searchsorted(solution.ts, times * (1.0 - 1e-12))
        nodes = solution.ys.nodes[jnp.minimum(reached, solution.ts.size - 1), 0]
        c = nodes * system.unit
        faces = jax.vmap(system.velocity)(times, c)
        inner = faces.at[:, -1].set(0.0)
        values = {
            "concentration": c,
            "velocity": 0.5 * (inner[:, :-1] + inner[:, 1:]),
            "wall_velocity": faces[:, -1],
            "time": times,
            "position": self.positions,
            "adjustable": self.electrolyte.transference.adjustable(),
        }
        stats = {
            "num_steps": solution.stats["num_accepted_steps"],
            "num_rejected_steps": solution.stats["num_rejected_steps"],
        }
        return observe(values, _result(solution.result), stats)

    def _integrate(self, system: PolarisationSystem, start: Array) -> diffrax.Solution:
        observed = jax.lax.stop_gradient(system.programme.observed)
        end = observed[-1]
        rtol = self.stepping.tolerance
        controller = diffrax.PIDController(
            rtol=rtol,
            atol=rtol,
            norm=_error_norm,
            dtmin=_SMALLEST_STEP * end,
            force_dtmin=False,
        )
        controller = diffrax.ClipStepSizeController(
            RoundedSteps(controller),
            step_ts=observed,
            jump_ts=jax.lax.stop_gradient(system.programme.corners),
        )
        integration = Integration(
            Rosenbrock(self.stepping.tableau),
            controller,
            end,
            _FIRST_STEP * end,
            self.stepping.max_steps + system.programme.corners.size,
            diffrax.SaveAt(steps=True),
            diffrax.Event(_left_range),
        )
        rest = Bordered(jnp.full((1, self.cells), start), jnp.zeros(0))
        return integration(system, rest, reverse=self.adjoint == "checkpointed")


def _left_range(t, y: Bordered, args: PolarisationSystem, **_) -> Array:
    """Whether some cell is where the electrolyte is not defined."""
    return ~jnp.all(args.electrolyte.is_defined(y.nodes[0] * args.unit))


def _error_norm(error: Bordered) -> Array:
    """Largest over the cells; infinite for NaN."""
    norm = jnp.max(jnp.abs(error.nodes))
    return jnp.where(jnp.isnan(norm), jnp.inf, norm)


def _result(result: diffrax.RESULTS) -> RESULTS:
    """Diffrax's result code as ours."""
    ended = RESULTS.where(
        result == diffrax.RESULTS.max_steps_reached, RESULTS.step_limit, RESULTS.step_underflow
    )
    ended = RESULTS.where(result == STAGE_FAILED, RESULTS.diverged, ended)
    ended = RESULTS.where(result == diffrax.RESULTS.event_occurred, RESULTS.out_of_range, ended)
    return RESULTS.where(result == diffrax.RESULTS.successful, RESULTS.successful, ended)
