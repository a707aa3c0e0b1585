"""Checks at the public door, for values that are known (a tracer passes unchecked)."""

import dataclasses

import equinox as eqx
import numpy as np
from jax.core import Tracer

from .kinetics._base import parameter


def check_value(owner: str, field: str, value, allowed: str, accept) -> None:
    """Refuse a value outside its range.

    **Raises:** `ValueError` with the field, its value and what is allowed.
    """
    if value is None or isinstance(value, Tracer):
        return
    if not eqx.is_array_like(value):
        return
    value = np.asarray(value)
    accepted = accept(value)
    if isinstance(accepted, Tracer):
        return
    wrong = ~(np.isfinite(value) & np.asarray(accepted))
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


def check_positive(module: eqx.Module, field: str, unit: str) -> None:
    """Refuse a field that is not positive and finite; None passes."""
    owner, value = type(module).__name__, getattr(module, field)
    check_value(owner, field, value, f"positive and finite, in {unit}", lambda v: v > 0)


def check_at_least(module: eqx.Module, field: str, least: int) -> None:
    """Refuse a count below `least`."""
    value = getattr(module, field)
    if not isinstance(value, int | np.integer) or value < least:
        raise ValueError(
            f"{field} of {type(module).__name__} must be a whole number, at least {least}, but "
            f"{field}={value!r}."
        )


def check_together(module: eqx.Module, first: str, second: str) -> None:
    """Refuse one of two fields without the other."""
    if (getattr(module, first) is None) != (getattr(module, second) is None):
        raise ValueError(
            f"{first} and {second} of {type(module).__name__} must be given together, but "
            f"{first}={getattr(module, first)} and {second}={getattr(module, second)}."
        )


def optional_parameter(name: str, unit: str = ""):
    """Converter of a field that may be left out."""
    convert = parameter(name, unit)
    return lambda value: None if value is None else convert(value)
