"""Meshes of plain shapes."""

import numpy as np
import scipy.spatial

from ._mesh import TriangleMesh


def strip(
    length: float,
    width: float,
    cells: tuple[int, int],
    pattern: str = "alternating",
    *,
    seed: int = 0,
) -> TriangleMesh:
    """A rectangle 0 ≤ x ≤ length, −width/2 ≤ y ≤ width/2 at z = 0, normals towards +z.

    **Arguments:**

    - `length`, `width`: in m.
    - `cells`: along x and along y.
    - `pattern`: "aligned" (all diagonals one way), "alternating" (a checkerboard), "equilateral"
      (rows shifted by half a cell; equilateral if the cells are √3/2 as high as they are long) or
      "unstructured" (Delaunay of jittered inner points, drawn from `seed`).

    **Raises:** `ValueError` for sizes that are not positive or an unknown pattern.
    """
    _check_sizes(length=length, width=width)
    _check_cells(cells)
    if pattern == "equilateral":
        points, faces = _shifted_rows(cells)
    elif pattern == "unstructured":
        points, faces = _jittered(cells, length / width * cells[1] / cells[0], seed)
    elif pattern in ("aligned", "alternating"):
        points, faces = _grid(cells, pattern == "alternating")
    else:
        raise ValueError(
            f"pattern must be aligned, alternating, equilateral or unstructured, but is "
            f"{pattern!r}."
        )
    x, y = length * points[:, 0], width * (points[:, 1] - 0.5)
    return TriangleMesh(np.stack([x, y, np.zeros_like(x)], axis=1), faces)


def cylinder(
    radius: float,
    length: float,
    cells: tuple[int, int],
    angles: tuple[float, float] = (0.0, 2.0 * np.pi),
    pattern: str = "alternating",
    *,
    seed: int = 0,
) -> TriangleMesh:
    """A cylinder about the y axis, or the panel of it between two angles.

    The point at angle φ is (radius sin φ, y, radius cos φ), 0 ≤ y ≤ length; normals point
    outwards. A full turn is closed.

    **Arguments:** `cells`: around and along; `pattern`: as in `strip`.

    **Raises:** `ValueError` for sizes that are not positive or angles that are not increasing.
    """
    _check_sizes(radius=radius, length=length)
    start, end = angles
    if not 0 < end - start <= 2 * np.pi * (1 + 1e-12):
        raise ValueError(f"angles must increase by at most 2π, but are {angles}.")
    panel = strip(radius * (end - start), length, cells, pattern, seed=seed)
    flat, faces = np.asarray(panel.positions), np.asarray(panel.faces)
    if end - start > 2 * np.pi * (1 - 1e-12):
        flat, faces = _closed(flat, faces, radius * (end - start))
    angle, y = start + flat[:, 0] / radius, flat[:, 1] + 0.5 * length
    return TriangleMesh(np.stack([radius * np.sin(angle), y, radius * np.cos(angle)], 1), faces)


def disc(radius: float, rings: int) -> TriangleMesh:
    """A disc at z = 0 about the origin: a vertex, and `rings` rings of 6, 12, 18... vertices.

    **Raises:** `ValueError` for a radius that is not positive or no ring.
    """
    _check_sizes(radius=radius)
    _check_cells((rings, 1))
    points = radius * _unit_disc(rings)
    faces = _oriented(points, scipy.spatial.Delaunay(points).simplices)
    return TriangleMesh(np.pad(points, ((0, 0), (0, 1))), faces)


def hemisphere(radius: float, rings: int) -> TriangleMesh:
    """The half z ≥ 0 of a sphere, with the pattern of `disc`; normals point outwards.

    **Raises:** `ValueError` for a radius that is not positive or no ring.
    """
    _check_sizes(radius=radius)
    _check_cells((rings, 1))
    flat = _unit_disc(rings)
    faces = _oriented(flat, scipy.spatial.Delaunay(flat).simplices)
    # Rings at equal steps of the polar angle.
    distance = np.linalg.norm(flat, axis=1)
    polar = 0.5 * np.pi * distance
    around = flat * (np.sin(polar) / np.where(distance > 0, distance, 1.0))[:, None]
    return TriangleMesh(radius * np.column_stack([around, np.cos(polar)]), faces)


def _grid(cells: tuple[int, int], alternating: bool) -> tuple[np.ndarray, np.ndarray]:
    m, n = cells
    x, y = np.meshgrid(np.linspace(0, 1, m + 1), np.linspace(0, 1, n + 1), indexing="ij")
    i, j = (a.ravel() for a in np.meshgrid(np.arange(m), np.arange(n), indexing="ij"))
    a, b = i * (n + 1) + j, (i + 1) * (n + 1) + j
    one_way = np.stack([[a, b, b + 1], [a, b + 1, a + 1]])
    other_way = np.stack([[a, b, a + 1], [b, b + 1, a + 1]])
    turned = alternating & ((i + j) % 2 == 1)
    faces = np.where(turned, other_way, one_way)  # (2, 3, cells)
    return np.stack([x.ravel(), y.ravel()], axis=1), faces.transpose(2, 0, 1).reshape(-1, 3)


def _shifted_rows(cells: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    m, n = cells
    even = np.linspace(0, 1, m + 1)
    odd = np.concatenate([[0.0], (np.arange(m) + 0.5) / m, [1.0]])
    rows = [odd if j % 2 else even for j in range(n + 1)]
    points = np.concatenate(
        [np.stack([row, np.full(row.size, j / n)], 1) for j, row in enumerate(rows)]
    )
    starts = np.cumsum([0, *[row.size for row in rows]]).tolist()
    faces = []
    for j in range(n):
        faces += _between(rows[j], rows[j + 1], starts[j], starts[j + 1])
    return points, np.array(faces)


def _between(low: np.ndarray, high: np.ndarray, at_low: int, at_high: int) -> list[list[int]]:
    """Triangles between two rows, advancing on the row whose next step has its middle first."""
    faces, i, j = [], 0, 0
    while i < low.size - 1 or j < high.size - 1:
        # By next points alone, those of both rows at the far end would come first together.
        first = i < low.size - 1 and low[i : i + 2].sum() <= high[j : j + 2].sum()
        if j == high.size - 1 or first:
            faces.append([at_low + i, at_low + i + 1, at_high + j])
            i += 1
        else:
            faces.append([at_low + i, at_high + j + 1, at_high + j])
            j += 1
    return faces


def _jittered(cells: tuple[int, int], aspect: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Delaunay of the equilateral points, the inner ones moved by up to a quarter of a cell.

    `aspect`: length over height of a cell, since Delaunay depends on it.
    """
    points, _ = _shifted_rows(cells)
    points = points * np.array([cells[0] * aspect, cells[1]])
    inner = ((points > 1e-9) & (points < points.max(axis=0) - 1e-9)).all(axis=1)
    jitter = np.random.default_rng(seed).uniform(-0.25, 0.25, points.shape)
    points = points + jitter * inner[:, None] * np.array([aspect, 1.0])
    faces = _oriented(points, scipy.spatial.Delaunay(points).simplices)
    return points / np.array([cells[0] * aspect, cells[1]]), faces


def _oriented(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces turned counter-clockwise; slivers of points on a straight border dropped."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    doubled = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    longest = np.maximum.reduce([np.sum(d**2, axis=1) for d in (b - a, c - a, c - b)])
    faces = np.where((doubled < 0)[:, None], faces[:, [0, 2, 1]], faces)
    return faces[np.abs(doubled) > 1e-6 * longest]


def _closed(flat: np.ndarray, faces: np.ndarray, turn: float) -> tuple[np.ndarray, np.ndarray]:
    """The two ends of a panel made one."""
    order = np.argsort(flat[:, 1])
    left = [i for i in order if abs(flat[i, 0]) < 1e-9 * turn]
    right = [i for i in order if abs(flat[i, 0] - turn) < 1e-9 * turn]
    target = np.arange(len(flat))
    target[right] = left
    kept = np.setdiff1d(np.arange(len(flat)), right)
    renumbered = np.full(len(flat), -1)
    renumbered[kept] = np.arange(kept.size)
    return flat[kept], renumbered[target[faces]]


def _unit_disc(rings: int) -> np.ndarray:
    angles = [2 * np.pi * np.arange(6 * k) / (6 * k) for k in range(1, rings + 1)]
    circles = [
        k / rings * np.stack([np.cos(a), np.sin(a)], axis=1) for k, a in enumerate(angles, start=1)
    ]
    return np.concatenate([np.zeros((1, 2)), *circles])


def _check_sizes(**sizes: float) -> None:
    for name, value in sizes.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive and finite, in m, but is {value!r}.")


def _check_cells(cells: tuple[int, int]) -> None:
    if any(not isinstance(count, int | np.integer) or count < 1 for count in cells):
        raise ValueError(f"cells must be whole numbers, at least 1, but are {cells!r}.")
