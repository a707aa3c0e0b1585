"""Checks at the public door, for values that are known (a tracer passes unchecked)."""

import dataclasses

import equinox as eqx
import jax
import numpy as np


def check_value(owner: str, field: str, value, allowed: str, accept) -> None:
    """Refuse a value outside its range.

    **Raises:** `ValueError` with the field, its value and what is allowed.
    """
    if value is None or isinstance(value, jax.core.Tracer):
        return
    if not eqx.is_array_like(value):
        return
    value = np.asarray(value)
    wrong = ~(np.isfinite(value) & accept(value))
    if wrong.any():
        raise ValueError(
            f"{field} of {owner} must be {allowed}, but {field}={np.ravel(value[wrong])[0]:g}."
        )


def check_positive_fields(module: eqx.Module) -> None:
    """Refuse a module any of whose numeric fields is not positive and finite."""
    for field in dataclasses.fields(module):  # pyright: ignore
        value = getattr(module, field.name)
        check_value(
            type(module).__name__, field.name, value, "positive and finite", lambda v: v > 0
        )
