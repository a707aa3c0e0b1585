"""Calls whose compilation is timed apart, and shared by all arguments of the same shape."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

# Compiled programs are small beside the arrays they work on, but not free.
_CAPACITY = 256
_programs: OrderedDict[Any, tuple[Any, Any]] = OrderedDict()


class Timed(NamedTuple):
    """A result and what it cost: wall and CPU seconds of the run, seconds of compilation."""

    value: Any
    seconds: float
    cpu_seconds: float
    compile_seconds: float


class _Split(NamedTuple):
    """Arguments taken apart: traced leaves, how to put them back, and all that is hashed."""

    leaves: list
    treedef: Any
    static: Any
    key: Hashable


class Prepared:
    """`function(*fixed, *varying)`, compiled ahead of time where no program fits yet.

    Arrays among the leaves of the arguments are traced, everything else is static, as in
    `equinox.filter_jit`; programs are shared across the process. The fixed arguments are
    taken apart once. A call waits until the result is there.
    """

    def __init__(self, function: Callable, *fixed: Any):
        self._function = function
        self._fixed = _split(fixed)
        self._known: dict[Hashable, tuple[Any, Any]] = {}

    def __call__(self, *varying: Any) -> Timed:
        args, spent = _split(varying), 0.0
        if args.key not in self._known:
            self._known[args.key], spent = _program(self._function, self._fixed, args)
        program, static = self._known[args.key]
        wall, cpu = time.perf_counter(), time.process_time()
        result = jax.block_until_ready(program(self._fixed.leaves, args.leaves))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return Timed(eqx.combine(result, static), wall, cpu, spent)


def timed_call(function: Callable, *args: Any) -> Timed:
    """One call of `Prepared(function)`."""
    return Prepared(function)(*args)


def _split(args: tuple) -> _Split:
    dynamic, static = eqx.partition(args, _traced)
    leaves, treedef = jax.tree.flatten(dynamic)
    rest, rest_treedef = jax.tree.flatten(static)
    shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
    return _Split(leaves, treedef, static, (treedef, rest_treedef, tuple(rest), shapes))


def _traced(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


def _program(function: Callable, fixed: _Split, varying: _Split) -> tuple[tuple[Any, Any], float]:
    """The compiled program with the static part of its result; the seconds it took to make."""
    key = (function, fixed.key, varying.key)
    if key in _programs:
        _programs.move_to_end(key)
        return _programs[key], 0.0
    static_results = []

    def together(split: _Split, leaves: list) -> tuple:
        return eqx.combine(jax.tree.unflatten(split.treedef, leaves), split.static)

    def flat(fixed_leaves, varying_leaves):
        result = function(*together(fixed, fixed_leaves), *together(varying, varying_leaves))
        dynamic, static = eqx.partition(result, eqx.is_array)
        static_results.append(static)
        return dynamic

    start = time.perf_counter()
    program = jax.jit(flat).lower(fixed.leaves, varying.leaves).compile()
    spent = time.perf_counter() - start
    _programs[key] = (program, static_results[0])
    while len(_programs) > _CAPACITY:
        _programs.popitem(last=False)
    return _programs[key], spent
