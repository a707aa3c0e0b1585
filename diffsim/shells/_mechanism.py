"""Do the supports hold a sheet as a rigid body?"""

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from ._shell import Shell

_NAMES = (
    "moving along x", "moving along y", "moving along z",
    "turning about x", "turning about y", "turning about z",
)  # fmt: skip


def check_supported(shell: Shell) -> None:
    """Refuse supports that leave a rigid motion free, of the sheet or of one of several in a mesh.

    **Raises:** `ValueError` naming the motion that comes nearest, and the vertices that are held.
    """
    pieces = _pieces(shell.mesh)
    for number, vertices in enumerate(pieces):
        which = "the sheet"
        if len(pieces) > 1:
            which = f"piece {number} of the mesh (vertices {_listed(vertices)})"
        _check_piece(shell, vertices, which)


def _check_piece(shell: Shell, vertices: np.ndarray, which: str) -> None:
    mesh = shell.mesh
    places = np.asarray(mesh.positions)
    own = np.zeros(mesh.num_vertices, bool)
    own[vertices] = True
    centre = places[own].mean(axis=0)
    size = max(float(np.abs(places[own] - centre).max()), np.finfo(float).tiny)
    rows = [_held_rows((places - centre) / size, hold, own) for hold in shell.holds]
    rows += [_guided_rows(mesh, hold, own) for hold in shell.holds]
    constraints = np.concatenate([np.zeros((1, 6)), *rows])
    _, values, modes = np.linalg.svd(constraints, full_matrices=True)
    rank = int(np.sum(values > 1e-8 * max(1.0, values.max(initial=0.0))))
    if rank < 6:
        # A turn about a point away from the middle moves it, too: the turn is what is named.
        weight = np.abs(modes[rank])
        turns = weight[3:].max() > 0.1
        motion = _NAMES[3 + int(np.argmax(weight[3:])) if turns else int(np.argmax(weight[:3]))]
        held = np.unique(
            np.concatenate([np.zeros(0, int), *[hold.vertices for hold in shell.holds]])
        )
        raise ValueError(
            f"the supports must hold {which}, but leave {6 - rank} rigid motion(s) free, such as "
            f"{motion}; held are vertices {_listed(held[own[held]]) or 'none'}."
        )


def _pieces(mesh) -> list[np.ndarray]:
    """The vertices of each connected piece."""
    edges, count = np.asarray(mesh.edges), mesh.num_vertices
    ones = np.ones(len(edges))
    graph = scipy.sparse.coo_array((ones, (edges[:, 0], edges[:, 1])), (count, count))
    number, names = scipy.sparse.csgraph.connected_components(graph, directed=False)
    return [np.flatnonzero(names == i) for i in range(number)]


def _listed(vertices: np.ndarray) -> str:
    return ", ".join(map(str, vertices[:8].tolist())) + (" ..." if len(vertices) > 8 else "")


def _held_rows(places: np.ndarray, hold, own: np.ndarray) -> np.ndarray:
    """Displacements of `own` vertices along the held axes, of unit translations and turns."""
    vertices, axes = np.asarray(hold.vertices), np.asarray(hold.axes)
    vertices, axes = vertices[own[vertices]], axes[own[vertices]]
    x = places[vertices]
    turns = np.stack([np.cross(axis, x) for axis in np.eye(3)], axis=2)  # (k, 3, 3 turns)
    moves = np.broadcast_to(np.eye(3), (len(x), 3, 3))
    return np.concatenate([moves, turns], axis=2)[axes]


def _guided_rows(mesh, hold, own: np.ndarray) -> np.ndarray:
    """Turns about guided edges."""
    edges = np.asarray(mesh.edges)[np.asarray(hold.edges)]
    ends = np.asarray(mesh.positions)[edges[own[edges[:, 0]]]]
    along = ends[:, 1] - ends[:, 0]
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    return np.concatenate([np.zeros_like(along), along], axis=1)
