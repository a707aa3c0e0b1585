"""Meshes from files and to files, and series of them for ParaView and Blender (extra `mesh`)."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Array, Float

from ._mesh import TriangleMesh
from ._surface import AbstractSurface


def read_mesh(path: str | os.PathLike) -> TriangleMesh:
    """A mesh from OBJ, PLY, STL, VTK, VTU or whatever else meshio reads; metres are assumed.

    **Raises:** `ValueError` if there are no triangles, or the mesh is not valid; `ImportError`
    naming the extra if meshio is missing.
    """
    content = _meshio().read(path)
    faces = [block.data for block in content.cells if block.type == "triangle"]
    if not faces:
        kinds = sorted({block.type for block in content.cells})
        raise ValueError(f"{path} must contain triangles, but contains {kinds or 'no cells'}.")
    points = np.asarray(content.points, float)
    if points.shape[1] == 2:
        points = np.pad(points, ((0, 0), (0, 1)))
    return TriangleMesh(points, np.concatenate(faces).astype(int))


def write_mesh(
    mesh: AbstractSurface,
    path: str | os.PathLike,
    positions: Float[Array, "v 3"] | Float[np.ndarray, "v 3"] | None = None,
    *,
    vertex_data: Mapping[str, np.ndarray] | None = None,
    face_data: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write the mesh, at `positions` (rest positions by default), in the format of the suffix.

    The file is written beside its place and renamed. Data are arrays (v, ...) and (f, ...).

    **Raises:** `ValueError` for an unknown suffix; `ImportError` if meshio is missing.
    """
    meshio = _meshio()
    path = Path(path)
    content = meshio.Mesh(
        np.asarray(mesh.positions if positions is None else positions),
        [("triangle", np.asarray(mesh.faces))],
        point_data={name: np.asarray(data) for name, data in (vertex_data or {}).items()},
        cell_data={name: [np.asarray(data)] for name, data in (face_data or {}).items()},
    )
    if path.suffix.lower() not in meshio.extension_to_filetypes:
        known = ", ".join(sorted(meshio.extension_to_filetypes))
        raise ValueError(f"the suffix must be one of {known}, but is {path.suffix!r}.")
    partial = path.with_name(f".partial-{path.name}")
    meshio.write(partial, content)
    os.replace(partial, path)


def write_series(
    mesh: AbstractSurface,
    directory: str | os.PathLike,
    times: Float[Array, " _"] | Float[np.ndarray, " _"],
    positions: Float[Array, "t v 3"] | Float[np.ndarray, "t v 3"],
    *,
    name: str = "shell",
) -> Path:
    """One VTU file a time and the list of them (`name.pvd`), which ParaView opens as an animation.

    Returns the path of the list.

    **Raises:** `ValueError` if times and positions differ in number.
    """
    times, positions = np.asarray(times), np.asarray(positions)
    if len(times) != len(positions):
        raise ValueError(
            f"there must be one time for each set of positions, but there are {len(times)} times "
            f"and {len(positions)} sets."
        )
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    rest = np.asarray(mesh.positions)
    lines = []
    for step, (time, placed) in enumerate(zip(times, positions, strict=True)):
        file = f"{name}_{step:05d}.vtu"
        write_mesh(mesh, directory / file, placed, vertex_data={"displacement": placed - rest})
        lines.append(f'    <DataSet timestep="{float(time)!r}" file="{file}"/>')
    text = "\n".join(
        [
            '<?xml version="1.0"?>',
            '<VTKFile type="Collection" version="0.1">',
            "  <Collection>",
            *lines,
            "  </Collection>",
            "</VTKFile>",
            "",
        ]
    )
    target = directory / f"{name}.pvd"
    partial = target.with_name(f".partial-{target.name}")
    partial.write_text(text)
    os.replace(partial, target)
    return target


def _meshio():
    try:
        import meshio
    except ModuleNotFoundError as error:
        raise ImportError(
            'reading and writing meshes needs meshio: pip install "diffsim[mesh]"'
        ) from error
    return meshio
