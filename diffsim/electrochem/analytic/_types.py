"""Aliases: arrays of any shape, broadcast, for what JAX computes; numbers for what NumPy does."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Array, Real

RealLike: TypeAlias = (
    float | int | np.integer | np.floating | Real[Array, "..."] | Real[np.ndarray, "..."]
)
Number: TypeAlias = float | int
