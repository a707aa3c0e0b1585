"""The settings of XLA that simulators of small systems want."""

import os

import jax

# XLA ends the process at a flag it does not know: only where it was seen to know them.
_KNOWN_TO = "0.10."

# A voltammogram is thousands of operations of microseconds. What each flag is there for, measured
# (`docs/benchmarks.md`): handing such operations to threads doubles the CPU time; summing with the
# kernels of YNNPACK doubles that of a Jacobian; calling them one by one from a loop is half of a
# run and four fifths of its reverse gradient, where the loop may be one compiled function; and
# the newer emitters of fused operations take twice the time and memory to compile, for no gain.
_FLAGS = {
    "xla_cpu_enable_concurrency_optimized_scheduler": "false",
    "xla_cpu_experimental_ynn_fusion_type": "-reduce",
    "xla_cpu_use_fusion_emitters": "false",
    "xla_backend_extra_options": "xla_cpu_small_while_loop_byte_threshold=1000000000",
}


def tune_for_small_programs() -> None:
    """Have the CPU run the small operations of a program without ceremony between them.

    Programs already compiled keep what they have. A user's own word in XLA_FLAGS stands.
    """
    given = os.environ.get("XLA_FLAGS", "")
    if jax.__version__.startswith(_KNOWN_TO):
        ours = [f"--{name}={value}" for name, value in _FLAGS.items() if name not in given]
        os.environ["XLA_FLAGS"] = " ".join([given, *ours]).strip()
