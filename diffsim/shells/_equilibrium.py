"""Static equilibrium along a path of loads."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._observables import Observables, observe
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._status import code, from_code, is_successful, worst
from ..solvers import differentiable, minimise, mixed_newton
from ._mechanism import check_supported
from ._shell import Shell
from .contact import check_apart


class Equilibrium(AbstractSimulator):
    """The shapes in which a sheet is at rest, ∂Π/∂q = 0, as its load grows.

    **Arguments:**

    - `shell`: a `Shell`.
    - `start`: (v, 3) positions to begin with; the rest shape by default. Beyond a buckling load it
      decides which way the sheet goes.
    - `tolerance`: of the last Newton step, relative to the size of the sheet.
    - `max_steps`: of Newton's method at each load.

    **Call:** `equilibrium(factors)` with load factors (t,), which multiply the loads and are the
    times of the supports' schedules; None is the whole load at once, `[1.0]`. Each shape is the
    start of the next. The `Observables` are "positions" (t, v, 3), "unknowns" (t, n), "factor"
    (t,), "membrane_energy", "bending_energy" (t,) in J and "reactions" (t, v, 3), the forces in N
    that the supports exert; with bodies that are touched also "gap" (t, c), the smallest to each,
    and "contact_force" (t, c, 3), what each exerts on the sheet, N.

    Found by Newton's method with extrapolated stresses; where that fails, by minimising the energy
    from the last shape. Derivatives, forward or reverse, come from the implicit-function theorem:
    one factorisation and one solve a load.

    **Raises:** `ValueError` if the supports leave a rigid motion free, the start lies in a body, or
    there is contact with friction (whose forces depend on the way there) or of the sheet with
    itself: let `Dynamics` bring these to rest.

    **Limits:** limit points (snap-through) under a given load have no neighbouring equilibrium: the
    minimiser then jumps to another one, or the result is `RESULTS.diverged`. Prescribe the motion
    of a support there.
    """

    shell: Shell
    start: Float[Array, "v 3"]
    tolerance: float = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)

    adjoints: ClassVar = ("implicit",)
    batches: ClassVar = "in turn"

    def __init__(self, shell: Shell, start=None, *, tolerance: float = 1e-9, max_steps: int = 200):
        if not 1e-14 <= tolerance <= 1e-3:
            raise ValueError(f"tolerance must be between 1e-14 and 1e-3, but is {tolerance!r}.")
        check_supported(shell)
        _check_smooth(shell)
        start = shell.mesh.positions if start is None else jnp.asarray(start, float)
        if start.shape != shell.mesh.positions.shape or not np.isfinite(start).all():
            raise ValueError(
                f"start must be finite, of shape {shell.mesh.positions.shape}, but has "
                f"{start.shape}."
            )
        check_apart(shell.contacts, start)
        self.shell = shell
        self.start = start
        self.tolerance = tolerance
        self.max_steps = max_steps

    def lenses(self) -> dict[str, AbstractLens]:
        return {name: Leaf(f"shell.{path}") for name, path in self.shell.numbers().items()}

    def __call__(self, inputs: Float[Array, " t"] | None = None) -> Observables:
        factors = jnp.ones(1) if inputs is None else jnp.asarray(inputs, float)

        def load(carry, factor):
            start, memory = carry
            q, result, steps = self._solve(start, factor, memory)
            memory = self.shell.remembered(q, factor, memory)
            return (jax.lax.stop_gradient(q), memory), (q, memory, code(result), steps)

        start = jax.lax.stop_gradient(self.shell.unknowns(self.start))
        _, found = jax.lax.scan(load, (start, self.shell.fresh()), factors)
        q, memory, codes, steps = found
        values = jax.vmap(self._values)(q, factors, memory)
        result = worst(*(from_code(codes[i]) for i in range(factors.size)))
        return observe(values, result, {"newton_steps": jnp.sum(steps)})

    def _solve(self, q0, factor, memory):
        potential = self.shell.unslanted(self.shell.potential(factor, factor, memory=memory))
        fixed = jax.lax.stop_gradient(potential)
        settings = self.shell.settings(self.tolerance, self.max_steps)
        quick = mixed_newton(fixed, q0, settings)
        found = jax.lax.cond(
            is_successful(quick.result), lambda: quick, lambda: minimise(fixed, q0, settings)
        )
        return differentiable(potential, found.q), found.result, quick.steps + found.steps

    def _values(self, q, factor, memory):
        potential = self.shell.potential(factor, factor, memory=memory)
        reactions = jnp.where(potential.free, 0.0, potential.full_gradient(q))
        return {
            "positions": self.shell.positions(q),
            "unknowns": q,
            "factor": factor,
            "reactions": self.shell.positions(reactions),
            **self.shell.energies(q, factor, memory),
            **self.shell.touched(self.shell.positions(q), factor),
        }


def _check_smooth(shell: Shell) -> None:
    if shell.rubs or shell.self_contact is not None:
        raise ValueError(
            "contacts must be with bodies and without friction for Equilibrium, but the shell has "
            "friction or touches itself: let Dynamics with a long step bring it to rest."
        )
