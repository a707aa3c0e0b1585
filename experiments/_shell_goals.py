"""Where the marks of a task want a sheet, as ticks in a picture from the side."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffsim.problems.shell_tasks import Marks

# Half the length of a tick, m.
_TICK = 4e-3
# Columns of the picture: x and z.
_SIDE = [0, 2]


def ticks(
    marks: Marks, positions: Float[np.ndarray, "t v 3"], steps: Sequence[int]
) -> list[Float[np.ndarray, "k 2 2"]]:
    """Of each of some time steps: the marks that are due next (after the last, that one).

    A mark is a tick across its axis, at its target and where the vertices are that it is about;
    with `less`, the target goes along with those vertices. Marks along y are not drawn.
    """
    weights, target = np.asarray(marks.weights), np.asarray(marks.target)
    at = np.asarray(marks.at)
    drawn = np.flatnonzero(np.abs(weights[..., _SIDE]).sum(axis=(1, 2)) > 0)
    return [
        np.array(
            [_tick(weights[m], target[m], positions[k]) for m in drawn if at[m] == _due(at, int(k))]
        ).reshape(-1, 2, 2)
        for k in steps
    ]


def _due(at: np.ndarray, step: int) -> int:
    coming = at[at >= step]
    return int(coming.min() if coming.size else at.max())


def _tick(weights: np.ndarray, target: float, positions: np.ndarray) -> np.ndarray:
    vertices, axes = np.nonzero(weights > 0)
    axis = axes[0]
    base = -np.sum(np.minimum(weights, 0.0) * positions)
    ends = np.tile(positions[vertices].mean(axis=0), (2, 1))
    ends[:, axis] = target + base
    ends[:, 2 - axis] += [-_TICK, _TICK]
    return ends[:, _SIDE]
