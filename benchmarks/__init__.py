"""Measurements with the comparator named. Read `README.md` before believing any of them.

Linear algebra has one thread. XLA keeps a pool of its own, in which batched solves of ours may
run: CPU seconds count all of its threads, their waiting too, which is to our disadvantage. The
variables must be set before NumPy or JAX is imported.
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
