"""Array aliases of the analytic results: numbers and arrays of any shape, broadcast."""

from typing import TypeAlias

from jaxtyping import ArrayLike, Real

RealLike: TypeAlias = Real[ArrayLike, "..."]
