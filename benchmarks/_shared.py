"""What the scripts share: CPU seconds, compilation apart, the machine, one flat JSON object."""

import argparse
import json
import math
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

# What a script measured: numbers and short texts by name; None where the measurement failed.
Figures = dict[str, float | int | str | None]


def log(text: str) -> None:
    """A line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def no_compilation_cache() -> None:
    """Compile anew, whatever the user's environment keeps between runs."""
    jax.config.update("jax_enable_compilation_cache", False)


def compiled(function: Callable, *args: Any) -> tuple[Callable[[], Any], float]:
    """`function(*args)` as a program that waits for its result, and CPU seconds of making it.

    The arrays in `args` are arguments of the program, not constants that XLA could fold.
    """
    dynamic, static = eqx.partition(args, eqx.is_array)

    def flat(dynamic):
        return eqx.filter(function(*eqx.combine(dynamic, static)), eqx.is_array)

    start = time.process_time()
    program = jax.jit(flat).lower(dynamic).compile()
    spent = time.process_time() - start
    return (lambda: jax.block_until_ready(program(dynamic))), spent


def cpu_seconds(call: Callable[[], Any], *, repeats: int = 9, least: float = 0.1) -> float:
    """CPU seconds of one warm call: the best of `repeats` means.

    Each mean is over as many calls as last `least` CPU seconds together. The best, because
    what disturbs a measurement (caches, other processes) only ever adds.
    """
    call()
    start = time.process_time()
    call()
    once = max(time.process_time() - start, 1e-7)
    calls = max(1, math.ceil(least / once))
    means = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            call()
        means.append((time.process_time() - start) / calls)
    return min(means)


def cpu_seconds_in_turn(*calls: Callable[[], Any], repeats: int = 9) -> list[float]:
    """CPU seconds of each warm call, the best of `repeats`; taken in turn, so that what disturbs
    one disturbs the others, too, and their ratios are good to more than either."""
    for call in calls:
        call()
    best = [math.inf] * len(calls)
    for _ in range(repeats):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            best[i] = min(best[i], time.process_time() - start)
    return best


def attempt(figures: Figures, names: Sequence[str], measure: Callable[[], Mapping]) -> None:
    """Add what `measure()` returns; a failure is recorded under the same names, not dropped."""
    try:
        figures.update(measure())
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        figures.update(dict.fromkeys(names))
        figures[f"{names[0]}_failure"] = f"{type(error).__name__}: {error}"[:300]


def machine() -> Figures:
    """The hardware, the versions, and how busy the machine was when asked."""
    packages = ("jax", "equinox", "diffrax", "optimistix", "numpy", "scipy")
    return {
        "hardware": f"{_processor()}, {os.cpu_count()} logical cores, {platform.system()}",
        "versions": ", ".join(
            [f"python {platform.python_version()}"]
            + [f"{name} {metadata.version(name)}" for name in packages]
        ),
        "load_average": os.getloadavg()[0],
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def command_line(name: str, text: str | None) -> argparse.ArgumentParser:
    """The parser of `python -m benchmarks.NAME`, with the options that all scripts have."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one flat JSON object at the end")
    return parser


def print_json(figures: Mapping[str, Any]) -> None:
    """One flat JSON object, the last thing on standard output; what is not finite is null.

    **Raises:** `TypeError` for a value that is no number, text or None.
    """
    print(json.dumps({name: _plain(name, value) for name, value in figures.items()}), flush=True)


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value
    raise TypeError(f"figure {name!r} must be a number, a text or None, but is {value!r}.")


def write_beside(path: Path, text: str) -> None:
    """Write a file that is either whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    os.replace(partial, path)
