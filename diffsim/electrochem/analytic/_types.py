"""Aliases: arrays of any shape, broadcast, for what JAX computes; numbers for what NumPy does."""

from typing import TypeAlias

from jaxtyping import ArrayLike, Real

RealLike: TypeAlias = Real[ArrayLike, "..."]
Number: TypeAlias = float | int
