"""Calls whose compilation is timed apart, and shared by all arguments of the same shape."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

import jax
import numpy as np

# Compiled programs are small beside the arrays they work on, but not free.
_CAPACITY = 256
_ARRAYS = (jax.Array, np.ndarray, np.generic)
_programs: OrderedDict[Any, tuple[Any, Any]] = OrderedDict()


class Timed(NamedTuple):
    """A result and what it cost: wall and CPU seconds of the run, seconds of compilation."""

    value: Any
    seconds: float
    cpu_seconds: float
    compile_seconds: float


class _Split(NamedTuple):
    """A PyTree taken apart: its arrays, and all else, which is hashed."""

    arrays: list
    rest: "_Rest"


class _Rest(NamedTuple):
    """What of a PyTree is static: its structure, which leaves are arrays, and the others."""

    treedef: Any
    traced: tuple[bool, ...]
    others: tuple[Any, ...]

    def joined(self, arrays: Iterable[Any]) -> Any:
        """The PyTree with these arrays."""
        those, others = iter(arrays), iter(self.others)
        leaves = [next(those) if traced else next(others) for traced in self.traced]
        return jax.tree.unflatten(self.treedef, leaves)


class Prepared:
    """`function(*fixed, *varying)`, compiled ahead of time where no program fits yet.

    Arrays among the leaves of the arguments are traced, everything else is static, as in
    `equinox.filter_jit`; programs are shared across the process. The fixed arguments are
    taken apart once. A call waits until the result is there.
    """

    def __init__(self, function: Callable, *fixed: Any):
        self._function = function
        self._fixed = _split(fixed)
        self._known: dict[Hashable, tuple[Any, _Rest]] = {}

    def __call__(self, *varying: Any) -> Timed:
        args, spent = _split(varying), 0.0
        key = _key(args)
        if key not in self._known:
            self._known[key], spent = _program(self._function, self._fixed, args)
        program, rest = self._known[key]
        wall, cpu = time.perf_counter(), time.process_time()
        result = jax.block_until_ready(program(self._fixed.arrays, args.arrays))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return Timed(rest.joined(result), wall, cpu, spent)


def timed_call(function: Callable, *args: Any) -> Timed:
    """One call of `Prepared(function)`."""
    return Prepared(function)(*args)


def _split(tree: Any) -> _Split:
    # By hand: `equinox.partition` takes longer than many a simulation.
    leaves, treedef = jax.tree.flatten(tree)
    traced = tuple(isinstance(leaf, _ARRAYS) for leaf in leaves)
    arrays = [leaf for leaf, is_array in zip(leaves, traced, strict=True) if is_array]
    others = tuple(leaf for leaf, is_array in zip(leaves, traced, strict=True) if not is_array)
    return _Split(arrays, _Rest(treedef, traced, others))


def _key(split: _Split) -> Hashable:
    return split.rest, tuple((array.shape, array.dtype) for array in split.arrays)


def _program(function: Callable, fixed: _Split, varying: _Split) -> tuple[tuple[Any, _Rest], float]:
    """The compiled program with the static part of its result; the seconds it took to make."""
    key = (function, _key(fixed), _key(varying))
    if key in _programs:
        _programs.move_to_end(key)
        return _programs[key], 0.0
    static_results: list[_Rest] = []

    def flat(fixed_arrays, varying_arrays):
        args = *fixed.rest.joined(fixed_arrays), *varying.rest.joined(varying_arrays)
        result = _split(function(*args))
        static_results.append(result.rest)
        return result.arrays

    start = time.perf_counter()
    program = jax.jit(flat).lower(fixed.arrays, varying.arrays).compile()
    spent = time.perf_counter() - start
    _programs[key] = (program, static_results[0])
    while len(_programs) > _CAPACITY:
        _programs.popitem(last=False)
    return _programs[key], spent
