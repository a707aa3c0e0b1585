"""Calls whose compilation is timed apart, and shared by all arguments of the same shape."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

# Compiled programs are small beside the arrays they work on, but not free.
_CAPACITY = 256
_programs: OrderedDict[Any, tuple[Any, list]] = OrderedDict()


class Timed(NamedTuple):
    """A result and what it cost: wall and CPU seconds of the run, seconds of compilation."""

    value: Any
    seconds: float
    cpu_seconds: float
    compile_seconds: float


def timed_call(function: Callable, *args: Any) -> Timed:
    """`function(*args)`, jitted: compiled ahead of time where no program fits yet.

    Arrays among the leaves of `args` are traced, everything else is static, as in
    `equinox.filter_jit`. Waits until the result is there.
    """
    dynamic, static = eqx.partition(args, _traced)
    leaves, treedef = jax.tree.flatten(dynamic)
    program, out_static, spent = _program(function, leaves, treedef, static)
    wall, cpu = time.perf_counter(), time.process_time()
    result = jax.block_until_ready(program(leaves))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Timed(eqx.combine(result, out_static), wall, cpu, spent)


def _traced(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


def _program(function: Callable, leaves: list, treedef: Any, static: Any):
    """The compiled program, the static part of its result, and the seconds it took to make."""
    static_leaves, static_treedef = jax.tree.flatten(static)
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
    key = (function, treedef, static_treedef, tuple(static_leaves), shapes)
    if key in _programs:
        _programs.move_to_end(key)
        return *_programs[key], 0.0
    box = []

    def flat(leaves):
        out = function(*eqx.combine(jax.tree.unflatten(treedef, leaves), static))
        dynamic, rest = eqx.partition(out, eqx.is_array)
        box.append(rest)
        return dynamic

    start = time.perf_counter()
    program = jax.jit(flat).lower(leaves).compile()
    spent = time.perf_counter() - start
    _programs[key] = (program, box[0])
    while len(_programs) > _CAPACITY:
        _programs.popitem(last=False)
    return program, box[0], spent
