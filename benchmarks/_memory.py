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


def _status_mb(name: str) -> float | None:
    """An entry of this process's status, where the system has one."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith(name):
            return float(line.split()[1]) / 1024
    return None


def library_mb() -> float:
    """What of the resident set is pages of files, shared with other processes: libraries."""
    return _status_mb("RssFile") or 0.0


def peak_mb() -> float:
    """Largest resident set of this program so far."""
    # Not `getrusage` where there is another way: across exec it keeps the parent's peak.
    peak = _status_mb("VmHWM")
    if peak is not None:
        return peak
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def value(simulator, sweep):
    """A sum of squares of the whole voltammogram."""
    return jnp.sum((1e3 * simulator(sweep).values["current"]) ** 2)


def gradient(simulator, sweep):
    """Of `value`, by every number of the simulator."""
    return eqx.filter_grad(value)(simulator, sweep)


def print_peaks(problem) -> None:
    """After the imports, and after a run of a problem made for an adjoint; and how much of that is
    libraries. The run is a voltammogram ("forward") or it and its gradient ("checkpointed"), as
    the command line says."""
    adjoint = sys.argv[1]
    function = value if adjoint == "forward" else eqx.filter_value_and_grad(value)
    imports = peak_mb()
    jax.block_until_ready(jax.tree.leaves(eqx.filter_jit(function)(*problem(adjoint))))
    print(imports, peak_mb(), library_mb())


if __name__ == "__main__":
    peaks = [peak_mb()]
    for step in (_couples.run_forward, _couples.run_gradient):
        step()
        peaks.append(peak_mb())
    print(*peaks)
