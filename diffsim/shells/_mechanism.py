"""Do the supports hold a sheet as a rigid body?"""

import numpy as np

from ._shell import Shell

_NAMES = (
    "moving along x", "moving along y", "moving along z",
    "turning about x", "turning about y", "turning about z",
)  # fmt: skip


def check_supported(shell: Shell) -> None:
    """Refuse supports that leave a rigid motion free.

    **Raises:** `ValueError` naming the motion that comes nearest, and the vertices that are held.
    """
    mesh = shell.mesh
    places = np.asarray(mesh.positions)
    centre = places.mean(axis=0)
    size = max(float(np.abs(places - centre).max()), np.finfo(float).tiny)
    rows = [_held_rows((places - centre) / size, hold) for hold in shell.holds]
    rows += [_guided_rows(mesh, hold) for hold in shell.holds]
    constraints = np.concatenate([np.zeros((1, 6)), *rows])
    _, values, modes = np.linalg.svd(constraints, full_matrices=True)
    rank = int(np.sum(values > 1e-8 * max(1.0, values.max(initial=0.0))))
    if rank < 6:
        # A turn about a point away from the middle moves it, too: the turn is what is named.
        weight = np.abs(modes[rank])
        turns = weight[3:].max() > 0.1
        motion = _NAMES[3 + int(np.argmax(weight[3:])) if turns else int(np.argmax(weight[:3]))]
        held = sorted({int(v) for hold in shell.holds for v in np.asarray(hold.vertices)})
        shown = ", ".join(map(str, held[:8])) + (" ..." if len(held) > 8 else "")
        raise ValueError(
            f"the supports must hold the sheet, but leave {6 - rank} rigid motion(s) free, such as "
            f"{motion}; held are vertices {shown or 'none'}."
        )


def _held_rows(places: np.ndarray, hold) -> np.ndarray:
    """Displacements along the held axes, of unit translations and of unit turns."""
    vertices, axes = np.asarray(hold.vertices), np.asarray(hold.axes)
    x = places[vertices]
    turns = np.stack([np.cross(axis, x) for axis in np.eye(3)], axis=2)  # (k, 3, 3 turns)
    moves = np.broadcast_to(np.eye(3), (len(x), 3, 3))
    return np.concatenate([moves, turns], axis=2)[axes]


def _guided_rows(mesh, hold) -> np.ndarray:
    """Turns about guided edges."""
    ends = np.asarray(mesh.positions)[np.asarray(mesh.edges)[np.asarray(hold.edges)]]
    along = ends[:, 1] - ends[:, 0]
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    return np.concatenate([np.zeros_like(along), along], axis=1)
