"""What a mesh must satisfy, in errors that name the elements."""

import numpy as np

# Twice the area of a face relative to the square of its longest edge: below this it is a line.
_FLATTEST = 1e-10
# Cosine of the angle between the normals of neighbours: below this one lies on the other.
_SHARPEST = -1.0 + 1e-6
# Vertices nearer than this part of the mesh's size are at the same place.
_NEAREST = 1e-12


def check_mesh(positions: np.ndarray, faces: np.ndarray) -> None:
    """Refuse what is no oriented manifold of triangles.

    **Raises:** `ValueError` naming the vertices, edges or faces.
    """
    if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) < 3:
        raise ValueError(f"positions must have shape (v, 3), v >= 3, but have {positions.shape}.")
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces) or faces.dtype.kind not in "iu":
        raise ValueError(
            f"faces must be integers of shape (f, 3), f >= 1, but are {faces.dtype} of shape "
            f"{faces.shape}."
        )
    bad = np.asarray(~np.isfinite(positions).all(axis=1))
    refuse(bad, "positions must be finite, but are not at vertices")
    outside = np.asarray(((faces < 0) | (faces >= len(positions))).any(axis=1))
    refuse(outside, f"faces must refer to vertices 0 to {len(positions) - 1}, but do not in faces")
    _check_faces(positions, faces)
    _check_vertices(positions, faces)
    _check_edges(faces)
    _check_folds(positions, faces)


def _check_faces(positions: np.ndarray, faces: np.ndarray) -> None:
    corners = positions[faces]
    sides = corners - np.roll(corners, 1, axis=1)
    longest = np.max(np.sum(sides**2, axis=2), axis=1)
    doubled = np.linalg.norm(np.cross(sides[:, 1], sides[:, 2]), axis=1)
    refuse(doubled <= _FLATTEST * longest, "faces must have an area, but degenerate are faces")


def _check_vertices(positions: np.ndarray, faces: np.ndarray) -> None:
    unused = np.ones(len(positions), bool)
    unused[faces.ravel()] = False
    refuse(unused, "every vertex must belong to a face, but unreferenced are vertices")
    size = max(float(np.ptp(positions, axis=0).max()), np.finfo(float).tiny)
    cells = np.round((positions - positions.min(axis=0)) / (_NEAREST * size)).astype(np.int64)
    _, first, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    twice = counts[first.reshape(-1)] > 1
    refuse(twice, "vertices must be at different places, but duplicates are vertices")


def _check_edges(faces: np.ndarray) -> None:
    directed = faces[:, [[1, 2], [2, 0], [0, 1]]].reshape(-1, 2)
    edges, counts = np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)
    _refuse_edges(edges[counts > 2], "an edge must have one or two faces, but more have edges")
    ways, counts = np.unique(directed, axis=0, return_counts=True)
    _refuse_edges(
        ways[counts > 1],
        "neighbouring faces must be oriented alike, but run the same way along edges",
    )
    _check_fans(faces)


def _check_folds(positions: np.ndarray, faces: np.ndarray) -> None:
    """A face turned over between its neighbours: the fold of π has no sign."""
    directed = faces[:, [[1, 2], [2, 0], [0, 1]]].reshape(-1, 2)
    _, which = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    same = np.flatnonzero(np.diff(which.reshape(-1)[order]) == 0)
    one, other = order[same] // 3, order[same + 1] // 3
    a, b, c = (positions[faces[:, i]] for i in range(3))
    crossed = np.cross(b - a, c - a)
    normals = crossed / np.linalg.norm(crossed, axis=1, keepdims=True)
    back = np.sum(normals[one] * normals[other], axis=1) < _SHARPEST
    pairs = list(zip(one[back].tolist(), other[back].tolist(), strict=True))
    if pairs:
        raise ValueError(
            "neighbouring faces must not lie on each other (is one inverted?), but do faces "
            f"{_listed(pairs)}."
        )


def _check_fans(faces: np.ndarray) -> None:
    """A vertex at which two surfaces touch in a point has more border edges than two."""
    directed = np.sort(faces[:, [[1, 2], [2, 0], [0, 1]]].reshape(-1, 2), axis=1)
    edges, counts = np.unique(directed, axis=0, return_counts=True)
    ends = np.bincount(edges[counts == 1].ravel(), minlength=int(faces.max()) + 1)
    refuse(ends > 2, "the faces around a vertex must form one fan, but do not at vertices")


def refuse(wrong: np.ndarray, text: str) -> None:
    """**Raises:** `ValueError` naming the elements where `wrong` is true."""
    found = np.flatnonzero(wrong)
    if found.size:
        raise ValueError(f"{text} {_listed(found.tolist())}.")


def _refuse_edges(edges: np.ndarray, text: str) -> None:
    if len(edges):
        raise ValueError(f"{text} {_listed([tuple(edge) for edge in edges.tolist()])}.")


def _listed(items: list) -> str:
    more = f" and {len(items) - 8} more" if len(items) > 8 else ""
    return ", ".join(str(item) for item in items[:8]) + more
