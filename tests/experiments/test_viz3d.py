"""Pictures in three dimensions, drawn off screen."""

import builtins
import subprocess
import sys
from ctypes.util import find_library

import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import shells
from diffsim._status import RESULTS
from experiments import _viz3d

MESH = shells.strip(0.06, 0.04, (3, 2))


def lifted(count=3):
    """A strip that rises, as a simulator would return it."""
    positions = np.tile(MESH.positions, (count, 1, 1))
    positions[:, :, 2] += 0.02 * np.arange(count)[:, None]
    return made({"time": 0.1 * np.arange(count), "positions": positions})


def made(values, result=RESULTS.successful) -> ds.Observables:
    return ds.Observables({k: jnp.asarray(v) for k, v in values.items()}, result, {})


def test_series_of_observables():
    series = _viz3d.series_of(MESH, lifted())
    np.testing.assert_array_equal(series.faces, MESH.faces)
    assert series.positions.shape == (3, MESH.num_vertices, 3)
    assert [series.nearest(time) for time in (-1.0, 0.14, 9.0)] == [0, 1, 2]
    statics = made({"positions": series.positions})
    np.testing.assert_array_equal(_viz3d.series_of(MESH, statics).times, [0, 1, 2])
    nothing = made({"time": np.zeros(1)})
    with pytest.raises(ValueError, match="must have positions, but have time"):
        _viz3d.series_of(MESH, nothing)
    with pytest.raises(ds.SimulationError, match="diverged"):
        _viz3d.series_of(MESH, made(lifted().values, RESULTS.diverged))


def test_pieces_have_colours_of_their_own():
    np.testing.assert_array_equal(
        _viz3d._pieces(np.array([[0, 1, 2], [5, 6, 7], [2, 1, 3], [7, 6, 8]])), [0, 1, 0, 1]
    )


def test_files_are_read_as_they_were_written(tmp_path):
    pytest.importorskip("pyvista")
    pytest.importorskip("meshio")
    known = _viz3d.series_of(MESH, lifted())
    listed = shells.write_series(MESH, tmp_path, known.times, known.positions)
    read = _viz3d.read_series(listed)
    np.testing.assert_array_equal(read.faces, known.faces)
    np.testing.assert_allclose(read.positions, known.positions)
    np.testing.assert_allclose(read.times, known.times)
    one = _viz3d.read_series(tmp_path / "shell_00002.vtu")
    np.testing.assert_allclose(one.positions, known.positions[2:])
    (tmp_path / "empty.pvd").write_text("<VTKFile><Collection/></VTKFile>")
    with pytest.raises(ValueError, match="must list files of a series, but lists none"):
        _viz3d.read_series(tmp_path / "empty.pvd")
    with pytest.raises(FileNotFoundError, match="must be a file"):
        _viz3d.read_series(tmp_path / "nowhere.pvd")
    (tmp_path / "shell_00001.vtu").unlink()
    with pytest.raises(FileNotFoundError, match=r"shell_00001\.vtu must be a file of the series"):
        _viz3d.read_series(listed)


def test_a_picture_and_a_film(tmp_path):
    """In a process of its own: a library that is missing crashes it."""
    pytest.importorskip("pyvista")
    if sys.platform == "linux" and not (find_library("EGL") or find_library("OSMesa")):
        pytest.skip("no library to draw with")
    from PIL import Image

    series = _viz3d.series_of(MESH, lifted())
    known = tmp_path / "known.npz"
    np.savez(known, times=series.times, faces=series.faces, positions=series.positions)
    script = (
        "import sys, numpy; from experiments import _viz3d; known = numpy.load(sys.argv[1]);"
        "series = _viz3d.Series(known['times'], known['faces'], known['positions']);"
        "_viz3d.draw(series, sys.argv[2], frame=0); _viz3d.film(series, sys.argv[3])"
    )
    files = [str(tmp_path / name) for name in ("known.npz", "sheet.png", "sheet.gif")]
    subprocess.run([sys.executable, "-c", script, *files], check=True)
    known.unlink()
    assert _coloured(Image.open(tmp_path / "sheet.png")) > 0.02
    with Image.open(tmp_path / "sheet.gif") as made:
        assert made.n_frames == 3
        heights = []
        for frame in range(3):
            made.seek(frame)
            heights.append(_mean_row(made.convert("RGB")))
    # It rises in the picture, too.
    assert heights[0] > heights[1] > heights[2]
    assert {file.name for file in tmp_path.iterdir()} == {"sheet.png", "sheet.gif"}


def test_the_libraries_are_named_where_they_are_missing(monkeypatch):
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(RuntimeError, match="libegl1 or libosmesa6"):
        _viz3d._without_display()
    monkeypatch.setattr("ctypes.util.find_library", lambda name: "x" if name == "OSMesa" else None)
    assert _viz3d._without_display() == "vtkOSOpenGLRenderWindow"


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "pyvista":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "diffsim\[viz3d\]"'):
        _viz3d._Scene(_viz3d.series_of(MESH, lifted()))


def _sheet(image) -> np.ndarray:
    """Pixels about the colour of the sheet, whatever its shade."""
    colours = np.asarray(image.convert("RGB"), float)
    blue, red = colours[..., 2], colours[..., 0]
    return (blue > 60) & (blue > 2.0 * red)


def _coloured(image) -> float:
    return float(_sheet(image).mean())


def _mean_row(image) -> float:
    return float(np.nonzero(_sheet(image))[0].mean())
