"""One method from many starts, with a report per start."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._problem import Evaluation
from .._types import Vector
from ._interface import REASONS, AbstractOptimiser, AnyArray, Need, Request, Traits, reason_code


class _AbstractMultistart(AbstractOptimiser):
    """What both kinds share: the starts."""

    optimiser: AbstractOptimiser
    starts: int | Float[AnyArray, "s d"]

    @property
    def count(self) -> int:
        """Number of starts."""
        return self.starts if isinstance(self.starts, int) else self.starts.shape[0]

    def begun(self) -> AbstractOptimiser:
        return dataclasses.replace(self, optimiser=self.optimiser.begun())

    def points(self, x0: Vector, key: Array, traits: Traits) -> Float[Array, "s d"]:
        """Where each start begins."""
        if not isinstance(self.starts, int):
            return jnp.asarray(self.starts)
        random = jax.random.uniform(key, (self.starts - 1, traits.size))
        return jnp.concatenate([x0[None], random])


class _ParallelStarts(_AbstractMultistart):
    """All starts abreast: their states stacked, their points one batch."""

    vmappable: ClassVar[bool] = True

    @property
    def needs(self) -> Need:
        return self.optimiser.needs

    @property
    def handles_constraints(self) -> bool:
        return self.optimiser.handles_constraints

    def init(self, x0: Vector, key: Array, traits: Traits) -> Any:
        starting, inner = jax.random.split(key)
        points = self.points(x0, starting, traits)
        keys = jax.random.split(inner, self.count)
        return jax.vmap(lambda x, k: self.optimiser.init(x, k, traits))(points, keys)

    def ask(self, state: Any) -> Request:
        request = jax.vmap(self.optimiser.ask)(state)
        s, b, d = request.points.shape
        active = request.active & (self.status(state) == reason_code(REASONS.running))[:, None]
        starts = jnp.repeat(jnp.arange(s), b)
        return Request(request.points.reshape(s * b, d), starts, active.ravel(), request.order)

    def tell(self, state: Any, request: Request, evaluation: Evaluation) -> Any:
        b = request.points.shape[0] // self.count

        def lanes(tree):
            return jax.tree.map(lambda leaf: leaf.reshape(self.count, b, *leaf.shape[1:]), tree)

        told = jax.vmap(self.optimiser.tell)(state, lanes(request), lanes(evaluation))
        running = self.status(state) == reason_code(REASONS.running)

        def keep(new, old):
            return jnp.where(running.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)

        return jax.tree.map(keep, told, state)

    def status(self, state: Any) -> Int[Array, " s"]:
        return jnp.ravel(jnp.asarray(jax.vmap(self.optimiser.status)(state)))


class _Sequence(eqx.Module):
    """State of starts one after another."""

    points: Float[Array, "s d"]
    keys: Array
    traits: Traits
    reasons: tuple[int, ...]
    inner: Any


class _SequentialStarts(_AbstractMultistart):
    """One start after another, for methods that cannot be stacked."""

    vmappable: ClassVar[bool] = False

    @property
    def needs(self) -> Need:
        return self.optimiser.needs

    @property
    def handles_constraints(self) -> bool:
        return self.optimiser.handles_constraints

    def init(self, x0: Vector, key: Array, traits: Traits) -> _Sequence:
        starting, inner = jax.random.split(key)
        points = self.points(x0, starting, traits)
        keys = jax.random.split(inner, self.count)
        first = self.optimiser.init(points[0], keys[0], traits)
        return self._skip_finished(_Sequence(points, keys, traits, (), first))

    def ask(self, state: _Sequence) -> Request:
        request = self.optimiser.ask(state.inner)
        starts = np.full(np.shape(request.starts), len(state.reasons))
        return Request(request.points, starts, request.active, request.order)

    def tell(self, state: _Sequence, request: Request, evaluation: Evaluation) -> _Sequence:
        inner = self.optimiser.tell(state.inner, request, evaluation)
        return self._skip_finished(
            _Sequence(state.points, state.keys, state.traits, state.reasons, inner)
        )

    def status(self, state: _Sequence) -> Int[np.ndarray, " s"]:
        reasons = np.full(self.count, int(reason_code(REASONS.running)))
        reasons[: len(state.reasons)] = state.reasons
        return reasons

    def close(self, state: _Sequence) -> None:
        if len(state.reasons) < self.count:
            self.optimiser.close(state.inner)

    def _skip_finished(self, state: _Sequence) -> _Sequence:
        """Go on to the next start once the present one has ended."""
        reasons, inner = state.reasons, state.inner
        while len(reasons) < self.count:
            reason = int(np.asarray(self.optimiser.status(inner))[0])
            if reason == int(reason_code(REASONS.running)):
                break
            self.optimiser.close(inner)
            reasons = (*reasons, reason)
            if len(reasons) < self.count:
                i = len(reasons)
                inner = self.optimiser.init(state.points[i], state.keys[i], state.traits)
        return _Sequence(state.points, state.keys, state.traits, reasons, inner)


def Multistart(
    optimiser: AbstractOptimiser, starts: int | np.integer | Float[AnyArray, "..."] = 30
) -> AbstractOptimiser:
    """`optimiser` from many starts; the run's `starts` table tells how each ended.

    Methods that are pure JAX run abreast: one batch of evaluations at a time for all the
    starts. A start that has ended is frozen; its place in the batch is still computed (the
    shape is what the program was compiled for) but neither counted nor recorded as an
    evaluation: such points are the `idle` of the counts. Other methods run one start
    after another.

    **Arguments:**

    - `optimiser`: any method but a multistart.
    - `starts`: points of the unit cube (s, d), or how many: then the problem's own start is
      the first, and the others are uniform in the unit cube, drawn from the key.

    **Raises:** `ValueError` for points outside the unit cube or no start at all.
    """
    if isinstance(starts, int | np.integer):
        starts = int(starts)
        if starts < 1:
            raise ValueError(f"starts must be at least 1, but is {starts}.")
    else:
        starts = jnp.asarray(starts, float)
        if starts.ndim != 2 or not bool(jnp.all((starts >= 0) & (starts <= 1))):
            raise ValueError(
                "starts must be points of the unit cube with shape (s, d), but have shape "
                f"{starts.shape} and range [{float(starts.min()):.3g}, {float(starts.max()):.3g}]."
            )
    kind = _ParallelStarts if optimiser.vmappable else _SequentialStarts
    return kind(optimiser, starts)
