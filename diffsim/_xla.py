"""The one setting of XLA that simulators of small systems want."""

import os

import jax

_FLAG = "xla_cpu_enable_concurrency_optimized_scheduler"
# XLA ends the process at a flag it does not know: only where it was seen to know it.
_KNOWN_TO = "0.10."


def run_small_programs_in_sequence() -> None:
    """Have the CPU run the operations of a program one after the other.

    A voltammogram is thousands of operations of microseconds; handing them to threads costs more
    than it gains (measured: half the CPU time and two thirds of the wall time without). Programs
    already compiled keep what they have. A user's own word in XLA_FLAGS stands.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if jax.__version__.startswith(_KNOWN_TO) and _FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{_FLAG}=false".strip()
