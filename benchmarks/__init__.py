"""Measurements with the comparator named. Read `README.md` before believing any of them.

Everything here runs on one thread, ours and theirs: CPU seconds of a thread pool count its
waiting. The variables must be set before NumPy or JAX is imported.
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
