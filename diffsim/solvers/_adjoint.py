"""Integration in time, and its reverse mode: back over the steps that were taken."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ._matrix import Bordered
from ._rosenbrock import Rosenbrock
from ._system import AbstractBorderedSystem


class Integration(eqx.Module):
    """How a bordered system is integrated, from time 0 to `end`.

    **Fields:** `solver`; `controller` of the steps; `end`; `first`, the first step; `max_steps`;
    `saveat`, either of the steps or dense: what is kept; `event`, which ends it early, or None.
    """

    solver: Rosenbrock
    controller: diffrax.AbstractStepSizeController
    end: float | Array
    first: float | Array
    max_steps: int = eqx.field(static=True)
    saveat: diffrax.SaveAt
    event: diffrax.Event | None = None

    def __call__(
        self, system: AbstractBorderedSystem, start: Bordered, *, reverse: bool
    ) -> diffrax.Solution:
        """Integrate from `start`; to be differentiated in reverse or, without, in forward mode.

        Reverse mode gives the derivative of the discrete solution for the steps as they were
        taken: one pull-back for each step that was kept, from its own beginning. Nothing is
        decided again on the way back. (Diffrax repeats whole turns of its loop there, step control
        included; near the tolerance of 1e-8 a step that had been kept was then rejected now and
        then, by round-off, and its share of the gradient lost.) States of all steps are kept,
        some kilobytes each.
        """
        if reverse:
            return _reversible((system, start), self)
        return self._solve(system, start, self.saveat)

    def _solve(self, system, start, saveat: diffrax.SaveAt) -> diffrax.Solution:
        return diffrax.diffeqsolve(
            _TERM,
            self.solver,
            t0=0.0,
            t1=self.end,
            dt0=self.first,
            y0=start,
            args=system,
            stepsize_controller=self.controller,
            saveat=saveat,
            event=self.event,
            max_steps=self.max_steps,
            adjoint=diffrax.ForwardMode(),
            throw=False,
        )


def _derivative(t, y: Bordered, system: AbstractBorderedSystem) -> Bordered:
    return system.during(t).field(t, y)


_TERM = diffrax.ODETerm(_derivative)


@eqx.filter_custom_vjp
def _reversible(given: tuple[AbstractBorderedSystem, Bordered], run: Integration):
    return _recorded(given, run)


@_reversible.def_fwd
def _forward(perturbed, given, run):
    solution = _recorded(given, run)
    return solution, solution


def _recorded(given, run: Integration) -> diffrax.Solution:
    """With the state after every step and, for its interpolation, the step itself."""
    system, start = given
    return run._solve(system, start, diffrax.SaveAt(steps=True, dense=True))


@_reversible.def_bwd
def _backward(solution: Any, cotangent: Any, perturbed, given, run: Integration):
    system, start = given
    moving, still = eqx.partition(system, perturbed[0])
    steps: Any = solution.interpolation

    def begun(k) -> Bordered:
        """The state before step `k`."""
        return jax.tree.map(
            lambda after, first: jnp.where(k > 0, after[jnp.maximum(k - 1, 0)], first),
            solution.ys,
            start,
        )

    def back(carry):
        k, state, total = carry
        kept = jax.tree.map(lambda leaf: leaf[k], steps.infos)

        def step(moving, y):
            whole = eqx.combine(moving, still)
            y1, _, dense, _, _ = run.solver.step(
                _TERM, kept["begin"], steps.ts[k + 1], y, whole, False, kept["jumped"]
            )
            return y1, {name: dense[name] for name in _SHOWN}

        (after, shown), pull = jax.vjp(step, moving, begun(k))
        asked = {name: cotangent.interpolation.infos[name] for name in _SHOWN}
        state = jax.tree.map(jnp.add, state, _row(cotangent.ys, after, k))
        change, state = pull((state, _row(asked, shown, k)))
        return k - 1, state, jax.tree.map(jnp.add, total, change)

    last = solution.stats["num_accepted_steps"] - 1
    nothing = jax.tree.map(jnp.zeros_like, (start, moving))
    _, state, total = jax.lax.while_loop(lambda carry: carry[0] >= 0, back, (last, *nothing))
    return total, state


# What the interpolation within a step shows.
_SHOWN = ("y0", "y1", "k")


def _row(cotangent: PyTree, like: PyTree, k) -> PyTree:
    """Row `k` of a cotangent, in which None stands for zeros."""

    def row(like, leaf):
        return jnp.zeros_like(like) if leaf is None else leaf[k]

    return jax.tree.map(row, like, cotangent)
