"""Where a sheet should be, and when: the objective of the tasks."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._objective import AbstractResidualObjective
from ..._observables import Observables
from ..._types import Residuals
from ...shells.mesh import AbstractMesh


@dataclass(frozen=True)
class Mark:
    """The mean of a coordinate of some vertices, less that of `less`, should be `target` (m).

    **Fields:** `at`: the time step; `vertices`, `less`: indices; `axis`: 0, 1 or 2; `tolerance` in
    m.
    """

    at: int
    vertices: Sequence[int]
    axis: int
    target: float
    tolerance: float
    less: Sequence[int] = ()


class Marks(AbstractResidualObjective):
    """Misses over tolerances, one for each `Mark`.

    **Raises:** `ValueError` for a vertex that the mesh lacks, or a tolerance that is not positive.
    """

    weights: Float[Array, "p v 3"]
    at: Int[Array, " p"]
    target: Float[Array, " p"]
    tolerance: Float[Array, " p"]

    def __init__(self, mesh: AbstractMesh, marks: Sequence[Mark]):
        for mark in marks:
            _check(mark, mesh.num_vertices)
        self.weights = jnp.asarray(np.stack([_weights(m, mesh.num_vertices) for m in marks]))
        self.at = jnp.asarray([mark.at for mark in marks])
        self.target = jnp.asarray([mark.target for mark in marks], float)
        self.tolerance = jnp.asarray([mark.tolerance for mark in marks], float)

    def residuals(self, observables: Observables) -> Residuals:
        positions = observables.values["positions"][self.at]
        return (jnp.sum(self.weights * positions, axis=(1, 2)) - self.target) / self.tolerance


def _weights(mark: Mark, vertices: int) -> Float[np.ndarray, "v 3"]:
    weights = np.zeros((vertices, 3))
    weights[list(mark.vertices), mark.axis] += 1.0 / len(mark.vertices)
    if mark.less:
        weights[list(mark.less), mark.axis] -= 1.0 / len(mark.less)
    return weights


def _check(mark: Mark, vertices: int) -> None:
    chosen = [*mark.vertices, *mark.less]
    if not mark.vertices or min(chosen) < 0 or max(chosen) >= vertices:
        raise ValueError(f"vertices of a Mark must be in 0...{vertices - 1}, but are {chosen}.")
    if mark.axis not in (0, 1, 2):
        raise ValueError(f"axis of a Mark must be 0, 1 or 2, but is {mark.axis!r}.")
    if not mark.tolerance > 0:
        raise ValueError(f"tolerance of a Mark must be positive, in m, but is {mark.tolerance!r}.")
