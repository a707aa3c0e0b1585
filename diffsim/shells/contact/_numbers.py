"""Checks of numbers at the door."""

import equinox as eqx
import numpy as np
from jax.core import Tracer


def positive(module: eqx.Module, **units: str) -> None:
    """**Raises:** `ValueError` naming the field whose value is not positive and finite."""
    for name, unit in units.items():
        value = getattr(module, name)
        if isinstance(value, Tracer):
            continue
        value = np.asarray(value)
        if not (np.isfinite(value) & (value > 0)).all():
            raise ValueError(
                f"{name} of {type(module).__name__} must be positive, in {unit}, but "
                f"{name}={value}."
            )
