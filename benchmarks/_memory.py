"""Run as a process of its own: one voltammogram and its gradient; prints peaks in MB.

Three numbers: after the imports, after the forward run, after the gradient; compilation counts.
"""

import resource
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

from benchmarks import _couples


def peak_mb() -> float:
    """Largest resident set of this program so far."""
    # Not `getrusage` where there is another way: across exec it keeps the parent's peak.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return float(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def value(simulator, sweep):
    """A sum of squares of the whole voltammogram."""
    return jnp.sum((1e3 * simulator(sweep).values["current"]) ** 2)


def gradient(simulator, sweep):
    """Of `value`, by every number of the simulator."""
    return eqx.filter_grad(value)(simulator, sweep)


def print_peaks(problem) -> None:
    """After imports, forward run and reverse gradient of a problem, made for an adjoint."""
    peaks = [peak_mb()]
    for function, adjoint in ((value, "forward"), (gradient, "checkpointed")):
        jax.block_until_ready(jax.tree.leaves(eqx.filter_jit(function)(*problem(adjoint))))
        peaks.append(peak_mb())
    print(*peaks)


if __name__ == "__main__":
    peaks = [peak_mb()]
    for step in (_couples.run_forward, _couples.run_gradient):
        step()
        peaks.append(peak_mb())
    print(*peaks)
