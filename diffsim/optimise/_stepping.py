"""The steps of a method, timed: jitted together if they are pure JAX."""

import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._problem import Evaluation
from ._compiled import Prepared, Timed
from ._interface import REASONS, AbstractOptimiser, Request, Traits, reason_code
from ._ledger import Ledger

RUNNING = int(reason_code(REASONS.running))


def _begin(optimiser: AbstractOptimiser, x0, key, traits: Traits):
    """State, first request and reasons."""
    return _outlook(optimiser, optimiser.init(x0, key, traits))


def _advance(optimiser: AbstractOptimiser, state, request: Request, evaluation: Evaluation):
    """State, next request and reasons after an answer."""
    return _outlook(optimiser, type(optimiser).tell(optimiser, state, request, evaluation))


def _outlook(optimiser: AbstractOptimiser, state):
    # By the class: a method bound to an Equinox module is a new object at each access (40 µs).
    kind = type(optimiser)
    reasons = kind.status(optimiser, state)
    # Methods that are not pure JAX are not asked once they have ended.
    ended = not optimiser.vmappable and np.all(np.asarray(reasons) != RUNNING)
    return state, None if ended else kind.ask(optimiser, state), reasons


class Stepper:
    """The steps of a method: jitted if they are pure JAX; timed either way."""

    def __init__(self, optimiser: AbstractOptimiser, ledger: Ledger):
        self._ledger = ledger
        self.begin = self._counted(_begin, optimiser)
        self.advance = self._counted(_advance, optimiser.begun())

    def _counted(self, step: Callable, optimiser: AbstractOptimiser) -> Callable:
        prepare = Prepared if optimiser.vmappable else _Plain
        timed = prepare(step, _with_arrays(optimiser) if optimiser.vmappable else optimiser)

        def call(*args: Any):
            outcome = timed(*args)
            self._ledger.spend_on_method(outcome)
            state, request, reasons = outcome.value
            self._ledger.note_surrogate(*type(optimiser).surrogate_calls(optimiser, state))
            return state, request, np.atleast_1d(np.asarray(reasons))

        return call


class _Plain:
    """As `Prepared`, for functions that are not JAX."""

    def __init__(self, function: Callable, *fixed: Any):
        self._call = functools.partial(function, *fixed)

    def __call__(self, *varying: Any) -> Timed:
        wall, cpu = time.perf_counter(), time.process_time()
        value = self._call(*varying)
        return Timed(value, time.perf_counter() - wall, time.process_time() - cpu, 0.0)


def _with_arrays(optimiser: AbstractOptimiser) -> AbstractOptimiser:
    """Settings as arrays, so that a new tolerance does not recompile."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, optimiser
    )
