"""What solids and rigid bodies refuse."""

from collections.abc import Callable, Sequence

import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from .._material import AbstractSubstance


def check_kinds(owner: str, name: str, given: Sequence, kind: type) -> None:
    """**Raises:** `ValueError` if one of `given` is of another kind."""
    for item in given:
        if not isinstance(item, kind):
            raise ValueError(
                f"{name} of a {owner} must be of kind {kind.__name__}, but one is of kind "
                f"{type(item).__name__}."
            )


def checked_number(
    material: AbstractSubstance, name: str, allowed: str, accept: Callable[[Array], Array]
) -> None:
    """**Raises:** `ValueError` unless the field is one finite number that is accepted."""
    value = getattr(material, name)
    if isinstance(value, Tracer):
        return
    if value.shape or not bool(np.isfinite(value) & accept(value)):
        owner = type(material).__name__
        raise ValueError(f"{name} of {owner} must be one number, {allowed}, but is {value}.")
