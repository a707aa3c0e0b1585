"""Static equilibrium along a path of loads."""

from functools import partial
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._observables import Observables, observe
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._status import RESULTS, code, from_code, is_successful
from .._types import IntScalar, Scalar
from ..solvers import Potential, differentiable, minimise, mixed_newton
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
    from the last shape; where that fails, too, by going halfway first (from no load, at the first
    one), and so on up to ten times. Derivatives, forward or reverse, come from the
    implicit-function theorem: one factorisation and one solve a load.

    **Raises:** `ValueError` if the supports leave a rigid motion free, the start lies in a body, or
    there is contact with friction (whose forces depend on the way there) or of the sheet with
    itself: let `Dynamics` bring these to rest.

    **Limits:** limit points (snap-through) under a given load have no neighbouring equilibrium: the
    minimiser then jumps to another one, or the result is `RESULTS.diverged`, and
    `stats["failed_load"]` and `["failed_residual"]` say at which load (1 is the first) and with
    which largest force that is left, N. Take an `EquilibriumPath` there.
    """

    shell: Shell
    start: Float[Array, "v 3"]
    tolerance: float = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)

    adjoints: ClassVar = ("implicit",)
    batches: ClassVar = "in turn"

    def __init__(self, shell: Shell, start=None, *, tolerance: float = 1e-9, max_steps: int = 200):
        self.start = check_statics(shell, start, tolerance)
        self.shell = shell
        self.tolerance = tolerance
        self.max_steps = max_steps

    def lenses(self) -> dict[str, AbstractLens]:
        return {name: Leaf(f"shell.{path}") for name, path in self.shell.numbers().items()}

    def __call__(self, inputs: Float[Array, " t"] | None = None) -> Observables:
        factors = jnp.ones(1) if inputs is None else jnp.asarray(inputs, float)

        def load(carry, factor):
            start, last, memory, alive = carry
            found = self._search(start, last, factor, memory, alive)
            potential = self._potential(self.shell, factor, memory)
            q = differentiable(potential, found.q)
            memory = self.shell.remembered(q, factor, memory)
            arrived = found.reached == 1.0
            carry = (jax.lax.stop_gradient(q), factor, memory, arrived)
            return carry, (q, memory, arrived, found)

        start = jax.lax.stop_gradient(self.shell.unknowns(self.start))
        begun = (start, jnp.zeros(()), self.shell.fresh(), jnp.asarray(True))
        _, (q, memory, arrived, found) = jax.lax.scan(load, begun, factors)
        values = jax.vmap(partial(at_rest_under, self.shell))(q, factors, memory)
        failed = jnp.argmin(arrived)
        stats = {
            "newton_steps": jnp.sum(found.steps),
            "halvings": jnp.sum(found.halvings),
            "failed_load": jnp.where(jnp.all(arrived), 0, failed + 1),
            "failed_residual": jnp.where(jnp.all(arrived), 0.0, found.residual[failed]),
        }
        arrival = jnp.where(jnp.all(arrived), code(RESULTS.successful), code(RESULTS.diverged))
        return observe(values, from_code(arrival), stats)

    def _potential(self, shell: Shell, factor, memory) -> Potential:
        return shell.unslanted(shell.potential(factor, factor, memory=memory))

    def _search(self, q0, last, factor, memory, alive) -> "_Search":
        """From equilibrium at the `last` factor to one at this; not differentiated."""
        shell, last, factor, memory = jax.lax.stop_gradient((self.shell, last, factor, memory))
        settings = shell.settings(self.tolerance, self.max_steps)

        def cond(state: _Search):
            return alive & (state.reached < 1.0) & (state.halvings <= _HALVINGS)

        def body(state: _Search) -> _Search:
            to = jnp.minimum(state.reached + state.part, 1.0)
            now = jnp.where(to == 1.0, factor, last + to * (factor - last))
            potential = self._potential(shell, now, memory)
            quick = mixed_newton(potential, state.q, settings)
            easy = is_successful(quick.result)
            end = jax.lax.cond(easy, lambda: quick, lambda: minimise(potential, state.q, settings))
            fine = is_successful(end.result)
            return _Search(
                q=jnp.where(fine, end.q, state.q),
                reached=jnp.where(fine, to, state.reached),
                part=jnp.where(fine, 1.0, 0.5) * state.part,
                halvings=state.halvings + ~fine,
                steps=state.steps + quick.steps + jnp.where(easy, 0, end.steps),
                residual=end.residual,
            )

        zero, one = jnp.zeros(()), jnp.ones(())
        start = _Search(q0, zero, one, jnp.asarray(0), jnp.asarray(0), jnp.asarray(jnp.inf))
        return jax.lax.while_loop(cond, body, start)


class _Search(NamedTuple):
    """How far towards a load, as a part of the way, and with which part next."""

    q: Float[Array, " n"]
    reached: Scalar
    part: Scalar
    halvings: IntScalar
    steps: IntScalar
    residual: Scalar


# Steps of load are not made shorter than a thousandth of what was asked for.
_HALVINGS = 10


def at_rest_under(
    shell: Shell, q: Float[Array, " n"], factor: Scalar, memory: PyTree
) -> dict[str, Array]:
    """What is observed of an equilibrium `q` (n,) at a load factor."""
    potential = shell.potential(factor, factor, memory=memory)
    reactions = jnp.where(potential.free, 0.0, potential.full_gradient(q))
    return {
        "positions": shell.positions(q),
        "unknowns": q,
        "factor": factor,
        "reactions": shell.positions(reactions),
        **shell.energies(q, factor, memory),
        **shell.touched(shell.positions(q), factor),
    }


def check_statics(shell: Shell, start, tolerance: float) -> Float[Array, "v 3"]:
    """The positions to begin with, the rest shape if `start` is None.

    **Raises:** `ValueError` as `Equilibrium` says.
    """
    if not 1e-14 <= tolerance <= 1e-3:
        raise ValueError(f"tolerance must be between 1e-14 and 1e-3, but is {tolerance!r}.")
    check_supported(shell)
    _check_smooth(shell)
    start = shell.mesh.positions if start is None else jnp.asarray(start, float)
    if start.shape != shell.mesh.positions.shape or not np.isfinite(start).all():
        raise ValueError(
            f"start must be finite, of shape {shell.mesh.positions.shape}, but has {start.shape}."
        )
    check_apart(shell.contacts, start)
    return start


def _check_smooth(shell: Shell) -> None:
    if shell.rubs or shell.self_contact is not None:
        raise ValueError(
            "contacts must be with bodies and without friction for Equilibrium, but the shell has "
            "friction or touches itself: let Dynamics with a long step bring it to rest."
        )
