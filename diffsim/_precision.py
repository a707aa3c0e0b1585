"""The one place where double precision is switched on.

Stiff voltammetry spans sixteen decades of rate constants; in single precision the
surface balance cancels to noise. diffsim therefore works in float64 throughout.
"""

import jax


def enable_x64() -> None:
    """Switch JAX to 64-bit floats. Called once when `diffsim` is imported."""
    jax.config.update("jax_enable_x64", True)


def require_x64() -> None:
    """Check that JAX still works in 64-bit floats.

    **Raises:**

    - `RuntimeError` if `jax_enable_x64` has been switched off since diffsim was imported.
    """
    if not jax.config.jax_enable_x64:  # pyright: ignore
        raise RuntimeError(
            "jax_enable_x64 must be True, but it is False: diffsim computes in float64 only. "
            'Remove `jax.config.update("jax_enable_x64", False)` or the environment variable '
            "JAX_ENABLE_X64=0."
        )
