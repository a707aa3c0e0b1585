"""Sheets and assemblies in three dimensions: a picture, a film, a window (extra `viz3d`).

Reads the series that `shells.write_series` has written, or the observables of a simulation.
Pictures and films are drawn off screen; VTK falls back to software where there is no display.
"""

import ctypes.util
import os
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from diffsim import Observables
from diffsim.shells import AbstractSurface

_SIZE = (960, 720)
_FRAMES = 60
# Milliseconds of each frame of a film.
_PAUSE = 80


@dataclass(frozen=True)
class Series:
    """A surface that moves.

    **Fields:** `times`: (t,) in s, or load factors; `faces`: (f, 3) vertices; `positions`:
    (t, v, 3) in m.
    """

    times: np.ndarray
    faces: np.ndarray
    positions: np.ndarray

    def nearest(self, time: float) -> int:
        """The number of the frame nearest to a time."""
        return int(np.argmin(np.abs(self.times - time)))


def series_of(mesh: AbstractSurface, observables: Observables) -> Series:
    """The motion (or, in statics, the load path) in what a simulator of shells has returned.

    **Raises:** `SimulationError` if the simulation failed; `ValueError` if there are no positions.
    """
    values = observables.checked().values
    if "positions" not in values:
        raise ValueError(f"observables must have positions, but have {', '.join(values)}.")
    positions = np.asarray(values["positions"])
    times = values.get("time", values.get("factor"))
    times = np.arange(len(positions)) if times is None else np.asarray(times)
    return Series(times, np.asarray(mesh.faces), positions)


def read_series(path: str | os.PathLike) -> Series:
    """A list of VTU files (`.pvd`), or one file of triangles.

    **Raises:** `ValueError` for a list without files, or files without or with other faces;
    `FileNotFoundError` for files that are not there; `ImportError` if pyvista is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} must be a file, but there is none.")
    listed = _listed(path) if path.suffix.lower() == ".pvd" else [(0.0, path)]
    if not listed:
        raise ValueError(f"{path} must list files of a series, but lists none.")
    read = [_triangles(file) for _, file in listed]
    faces = read[0][1]
    for (_, file), (_, other) in zip(listed, read, strict=True):
        if not np.array_equal(other, faces):
            raise ValueError(f"the files of a series must have the same faces, but {file} has not.")
    times = np.array([time for time, _ in listed])
    return Series(times, faces, np.stack([points for points, _ in read]))


def draw(series: Series, path: str | os.PathLike, frame: int = -1) -> Path:
    """One frame as a picture (PNG), written beside its place and renamed."""
    scene = _Scene(series)
    scene.show(frame)
    path = Path(path)
    _saved(path, lambda beside: _image(scene).save(beside, format="PNG"))
    scene.close()
    return path


def film(series: Series, path: str | os.PathLike) -> Path:
    """Up to 60 frames as a GIF, written beside its place and renamed."""
    scene, images = _Scene(series), []
    count = len(series.times)
    for frame in np.unique(np.linspace(0, count - 1, min(count, _FRAMES)).round().astype(int)):
        scene.show(int(frame))
        images.append(_image(scene))
    scene.close()
    rest = dict(save_all=True, append_images=images[1:], duration=_PAUSE, loop=0)
    path = Path(path)
    _saved(path, lambda beside: images[0].save(beside, format="GIF", **rest))
    return path


def window(series: Series) -> None:
    """A scene to turn and zoom, with a slider for the time; needs a display."""
    scene = _Scene(series, off_screen=False)
    low, high = float(series.times.min()), float(series.times.max())
    if high > low:
        scene.plotter.add_slider_widget(
            lambda time: scene.show(series.nearest(time)), (low, high), low, title="time"
        )
    scene.plotter.show()


class _Scene:
    """The surface in colours by piece, seen from a corner of the box that holds the motion."""

    def __init__(self, series: Series, *, off_screen: bool = True):
        pyvista = _pyvista()
        if off_screen and sys.platform == "linux" and not os.environ.get("DISPLAY"):
            os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", _without_display())
        self.series = series
        cells = np.pad(series.faces, ((0, 0), (1, 0)), constant_values=3)
        self.surface = pyvista.PolyData(series.positions[0].copy(), cells.ravel())
        self.plotter = pyvista.Plotter(off_screen=off_screen, window_size=list(_SIZE))
        self.plotter.set_background("white")
        self.surface.cell_data["piece"] = _pieces(series.faces) % 10
        self.plotter.add_mesh(
            self.surface,
            scalars="piece",
            cmap="tab10",
            clim=(0, 9),
            show_edges=True,
            line_width=0.5,
            show_scalar_bar=False,
        )
        self.plotter.add_axes(color="black")
        low, high = (reduce(series.positions, axis=(0, 1)) for reduce in (np.min, np.max))
        bounds = np.stack([low, high], axis=1).ravel().tolist()
        self.plotter.view_isometric()
        self.plotter.reset_camera(bounds=bounds)

    def show(self, frame: int) -> None:
        self.surface.points = self.series.positions[frame]
        text = f"{float(self.series.times[frame]):.4g}"
        self.plotter.add_text(text, name="time", font_size=10, color="black")

    def close(self) -> None:
        self.plotter.close()


def _without_display() -> str:
    """The kind of window in which VTK draws unseen: where its library is missing, it crashes.

    **Raises:** `RuntimeError` naming the libraries if there is none.
    """
    for library, window in (("EGL", "vtkEGLRenderWindow"), ("OSMesa", "vtkOSOpenGLRenderWindow")):
        if ctypes.util.find_library(library):
            return window
    raise RuntimeError(
        "drawing without a display needs the library EGL or OSMesa, but there is neither: install "
        "libegl1 or libosmesa6 (names of Debian)."
    )


def _pieces(faces: np.ndarray) -> np.ndarray:
    """Which connected piece each face belongs to, (f,)."""
    ends = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    size = int(faces.max()) + 1
    graph = scipy.sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (size, size))
    _, names = scipy.sparse.csgraph.connected_components(graph, directed=False)
    return np.unique(names[faces[:, 0]], return_inverse=True)[1]


def _image(scene: _Scene):
    from PIL import Image

    return Image.fromarray(np.asarray(scene.plotter.screenshot(return_img=True)))


def _saved(path: Path, write) -> None:
    beside = path.with_name(f".partial-{path.name}")
    write(beside)
    os.replace(beside, path)


def _listed(path: Path) -> list[tuple[float, Path]]:
    sets = ElementTree.parse(path).getroot().iter("DataSet")
    return [(float(one.get("timestep", "0")), path.parent / str(one.get("file"))) for one in sets]


def _triangles(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} must be a file of the series, but there is none.")
    pyvista = _pyvista()
    # All points are kept: those inside solids have no face.
    read = pyvista.read(path).cast_to_unstructured_grid()
    faces = read.cells_dict.get(pyvista.CellType.TRIANGLE)
    if faces is None:
        raise ValueError(f"{path} must contain triangles, but contains none.")
    return np.asarray(read.points, float), np.asarray(faces, int)


def _pyvista() -> Any:
    try:
        import pyvista  # pyright: ignore
    except ModuleNotFoundError as error:
        raise ImportError(
            'scenes in three dimensions need pyvista: pip install "diffsim[viz3d]"'
        ) from error
    return pyvista
