"""Set-up of JAX for the commands: compiled programs are kept between runs."""

import os
from pathlib import Path

# Programs that compile faster than this are not worth a file.
_MINIMUM_SECONDS = 0.5


def cache_directory() -> Path:
    """The user's own folder of compiled programs.

    JAX trusts what it reads there, so that a folder which others can write to will not do.
    """
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "diffsim" / "jax"


def prepare_jax() -> None:
    """Import JAX with the persistent cache on; what the user's environment says goes before."""
    import jax

    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    directory = cache_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return  # a home that cannot be written: every run compiles, and that is all
    jax.config.update("jax_compilation_cache_dir", str(directory))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _MINIMUM_SECONDS)
