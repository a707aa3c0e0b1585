"""Which vertices and faces, and which edges, may come close: on the host, by a k-d tree."""

import numpy as np
from scipy.spatial import KDTree

# Of a volume, over the largest coordinate and the square of a length.
_ROUND_OFF = 1e-14


def near_vertex_faces(
    positions: np.ndarray, faces: np.ndarray, bodies: np.ndarray, reach: float
) -> np.ndarray:
    """(c, 4) vertex and face, without the vertex's own faces, whose boxes are within `reach`.

    `bodies` (v,): those of one number that is not negative do not meet each other.
    """
    outside, positions = np.unique(faces), _away_from_zero(positions)
    low, high = positions[faces].min(axis=1), positions[faces].max(axis=1)
    middle = 0.5 * (low + high)
    radius = 0.5 * np.linalg.norm(high - low, axis=1).max() + reach
    tree = KDTree(positions[outside])
    found = tree.sparse_distance_matrix(KDTree(middle), radius, output_type="ndarray")
    vertex, face = outside[found["i"]], found["j"]
    point = positions[vertex]
    close = ((point > low[face] - reach) & (point < high[face] + reach)).all(axis=1)
    own = (faces[face] == vertex[:, None]).any(axis=1)
    meet = close & ~own & ~_same(bodies, vertex, faces[face, 0])
    vertex, face = vertex[meet], face[meet]
    return np.concatenate([vertex[:, None], faces[face]], axis=1)


def near_edges(
    positions: np.ndarray, edges: np.ndarray, bodies: np.ndarray, reach: float
) -> np.ndarray:
    """(c, 6) ends of two edges without a common end, whose boxes are within `reach`, and which.

    `bodies`: as for `near_vertex_faces`.
    """
    positions = _away_from_zero(positions)
    low, high = positions[edges].min(axis=1), positions[edges].max(axis=1)
    middle = 0.5 * (low + high)
    radius = np.linalg.norm(high - low, axis=1).max() + reach
    one, two = KDTree(middle).query_pairs(radius, output_type="ndarray").T
    close = ((low[one] < high[two] + reach) & (low[two] < high[one] + reach)).all(axis=1)
    one, two = one[close], two[close]
    shared = (edges[one][:, :, None] == edges[two][:, None, :]).any(axis=(1, 2))
    meet = ~shared & ~_same(bodies, edges[one, 0], edges[two, 0])
    one, two = one[meet], two[meet]
    return np.concatenate([edges[one], edges[two], one[:, None], two[:, None]], axis=1)


def _away_from_zero(positions: np.ndarray) -> np.ndarray:
    """The same, shifted such that no coordinate is near zero.

    Threads of XLA take denormal numbers for zero. SciPy's tree, which may split at the number next
    to its smallest coordinate, then recurses without end where that coordinate is zero.
    """
    low = positions.min(axis=0)
    return positions - low + (float((positions.max(axis=0) - low).max()) or 1.0)


def _same(bodies: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Whether two vertices belong to one body that does not meet itself."""
    return (bodies[one] == bodies[two]) & (bodies[one] >= 0)


def crossings(positions: np.ndarray, edges: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(c, 2) edges and the faces that they pierce, those with a common vertex left out."""
    positions = _away_from_zero(positions)
    low, high = positions[faces].min(axis=1), positions[faces].max(axis=1)
    ends = positions[edges]
    half = 0.5 * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).max()
    radius = 0.5 * np.linalg.norm(high - low, axis=1).max() + half
    trees = KDTree(ends.mean(axis=1)), KDTree(0.5 * (low + high))
    found = trees[0].sparse_distance_matrix(trees[1], radius, output_type="ndarray")
    edge, face = found["i"], found["j"]
    shared = (edges[edge][:, :, None] == faces[face][:, None, :]).any(axis=(1, 2))
    edge, face = edge[~shared], face[~shared]
    (p, q), (a, b, c) = positions[edges[edge]].swapaxes(0, 1), positions[faces[face]].swapaxes(0, 1)
    volume = lambda w, x, y, z: np.sum(np.cross(x - w, y - w) * (z - w), axis=1)
    above, below = volume(a, b, c, p), volume(a, b, c, q)
    # In a flat sheet that is turned, volumes are round-off, whose sign says nothing.
    round_off = _ROUND_OFF * np.abs(positions).max() * radius**2
    sides = (above * below < 0) & (np.minimum(np.abs(above), np.abs(below)) > round_off)
    around = np.stack([volume(p, q, a, b), volume(p, q, b, c), volume(p, q, c, a)])
    through = sides & ((around > 0).all(axis=0) | (around < 0).all(axis=0))
    return np.stack([edge[through], face[through]], axis=1)


def touching(positions: np.ndarray, faces: np.ndarray, bodies: np.ndarray) -> np.ndarray:
    """(c, 4) vertices that lie on faces, to round-off; `bodies` as for `near_vertex_faces`."""
    least = 1e-12 * float(np.ptp(positions, axis=0).max())
    found = near_vertex_faces(positions, faces, bodies, least)
    p, a, b, c = positions[found].swapaxes(0, 1)
    crossed = np.cross(b - a, c - a)
    doubled = np.linalg.norm(crossed, axis=1)
    normal = crossed / doubled[:, None]
    flat = np.abs(np.sum(normal * (p - a), axis=1)) <= least
    part = lambda x, y: np.sum(np.cross(x - p, y - p) * normal, axis=1) / doubled
    inside = np.minimum(np.minimum(part(a, b), part(b, c)), part(c, a)) >= -1e-12
    return found[flat & inside]


def winding_numbers(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """How often closed triangles (f, 3, 3), turned outwards, go round each point (p, 3): one
    inside, zero outside.

    A sum of solid angles (A. van Oosterom, J. Strackee, IEEE Trans. Biomed. Eng. 30 (1983) 125).
    """
    a, b, c = (triangles[None, :, i] - points[:, None] for i in range(3))
    x, y, z = (np.linalg.norm(corner, axis=2) for corner in (a, b, c))
    dot = lambda u, v: np.sum(u * v, axis=2)
    volume = dot(a, np.cross(b, c))
    rest = x * y * z + dot(a, b) * z + dot(b, c) * x + dot(c, a) * y
    return np.sum(np.arctan2(volume, rest), axis=1) / (2.0 * np.pi)
