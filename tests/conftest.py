"""Set-up of the test run: everything here must happen before JAX and the packages are imported.

- Array annotations of our packages are checked at run time: jaxtyping's import hook with beartype.
- Compiled programs are kept between runs, in the user's own cache folder (JAX's cache is trusted
  on reading, so that a folder others can write to will not do).
- Linear algebra has one thread.
"""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diffsim" / "tests"


def _one_thread() -> None:
    # NumPy may be loaded already in this process; workers inherit the variables and load it later.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_cache_folder()))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
_one_thread()

install_import_hook(["diffsim", "surrogates", "experiments"], "beartype.beartype")

# Compilation makes the first example slow; what is slow is measured in benchmarks/, not here.
settings.register_profile("diffsim", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("diffsim")


# Each compiled program takes some memory maps of the process, of which Linux allows 65530; XLA
# dies without a word when they are used up.
_MOST_MAPS = 30_000


@pytest.fixture(autouse=True)
def _programs_are_dropped_in_time():
    yield
    maps = Path("/proc/self/maps")
    if maps.is_file() and maps.read_bytes().count(b"\n") > _MOST_MAPS:
        import jax

        jax.clear_caches()
        gc.collect()
