"""Run as a process of its own: one voltammogram and its gradient; prints peaks in MB.

Three numbers: after the imports, after the forward run, after the gradient; compilation counts.
"""

import resource
import sys
from pathlib import Path

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


if __name__ == "__main__":
    peaks = [peak_mb()]
    for step in (_couples.run_forward, _couples.run_gradient):
        step()
        peaks.append(peak_mb())
    print(*peaks)
