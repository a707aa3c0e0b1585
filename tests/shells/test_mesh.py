"""Meshes: generators, topology, files, and errors that name the elements."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])


@pytest.mark.parametrize("pattern", ["aligned", "alternating", "equilateral", "unstructured"])
def test_a_strip_is_covered_once(pattern):
    mesh = shells.strip(2.0, 0.5, (12, 5), pattern)
    assert float(mesh.areas().sum()) == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(
        mesh.normals(), np.tile([0.0, 0, 1], (mesh.num_faces, 1)), atol=1e-12
    )
    # Euler's formula for a disc.
    assert mesh.num_vertices - mesh.num_edges + mesh.num_faces == 1
    assert float(mesh.vertex_areas().sum()) == pytest.approx(1.0)
    assert set(mesh.select(lambda x, y, z: x < 1e-9)) <= set(range(mesh.num_vertices))


def test_closed_shapes():
    tube = shells.cylinder(1.0, 2.0, (40, 10))
    assert tube.num_vertices - tube.num_edges + tube.num_faces == 0
    assert float(tube.areas().sum()) == pytest.approx(4 * np.pi, rel=2e-3)
    middles = np.asarray(tube.positions)[np.asarray(tube.faces)].mean(axis=1)
    assert np.all(np.sum(middles * np.asarray(tube.normals()), axis=1) > 0.9)
    disc = shells.disc(2.0, 12)
    assert float(disc.areas().sum()) == pytest.approx(4 * np.pi, rel=5e-3)
    bowl = shells.hemisphere(1.0, 16)
    assert float(bowl.areas().sum()) == pytest.approx(2 * np.pi, rel=5e-3)
    assert np.all(
        np.sum(
            np.asarray(bowl.positions)[np.asarray(bowl.faces[:, 0])] * np.asarray(bowl.normals()),
            axis=1,
        )
        > 0.9
    )


def test_neighbours_are_mutual():
    mesh = shells.strip(1.0, 1.0, (5, 4), "unstructured")
    faces, edges = np.asarray(mesh.faces), np.asarray(mesh.edges)
    for f in range(mesh.num_faces):
        for i in range(3):
            edge = mesh.face_edges[f, i]
            ends = {int(faces[f, (i + 1) % 3]), int(faces[f, (i + 2) % 3])}
            assert ends == set(edges[edge].tolist())
            side = 0 if mesh.edge_sides[f, i] > 0 else 1
            assert mesh.edge_opposites[edge, side] == faces[f, i]
            assert mesh.edge_opposites[edge, 1 - side] == mesh.neighbours[f, i]


@pytest.mark.parametrize(
    ("points", "faces", "message"),
    [
        (SQUARE, [[0, 1, 1], [0, 2, 3]], r"degenerate are faces 0"),
        (
            [[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]],
            [[0, 1, 2], [0, 2, 3]],
            "degenerate are faces 0",
        ),
        (np.concatenate([SQUARE, [[5, 5, 5]]]), FACES, r"unreferenced are vertices 4"),
        (
            np.concatenate([SQUARE, SQUARE[:1]]),
            [[0, 1, 2], [4, 2, 3]],
            r"duplicates are vertices 0, 4",
        ),
        (SQUARE, [[0, 1, 2], [0, 3, 2]], r"same way along edges|run the same way along edges"),
        (SQUARE, [[0, 1, 2], [0, 2, 9]], r"vertices 0 to 3, but do not in faces 1"),
        (SQUARE * np.nan, FACES, r"finite, but are not at vertices 0, 1, 2, 3"),
        (SQUARE, np.array(FACES, float), r"faces must be integers"),
        (SQUARE[:, :2], FACES, r"shape \(v, 3\)"),
        (
            np.concatenate([SQUARE, [[0.5, 0.5, 1.0]]]),
            [[0, 1, 2], [2, 3, 0], [0, 2, 4]],
            r"one or two faces, but more have edges \(0, 2\)",
        ),
        (
            [[0, 0, 0], [1, 0, 0], [1, 1, 0], [-1, 0, 0], [-1, -1, 0]],
            [[0, 1, 2], [0, 3, 4]],
            r"one fan, but do not at vertices 0",
        ),
        # Vertex 3 on the wrong side of the diagonal: its face is turned over.
        (
            [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0.8, 0.3, 0]],
            FACES,
            r"must not lie on each other \(is one inverted\?\), but do faces \(0, 1\)",
        ),
    ],
)
def test_bad_meshes_are_refused_by_element(points, faces, message):
    with pytest.raises(ValueError, match=message):
        shells.TriangleMesh(points, faces)


def test_bad_arguments_of_generators():
    with pytest.raises(ValueError, match="width must be positive"):
        shells.strip(1.0, -1.0, (2, 2))
    with pytest.raises(ValueError, match="cells must be whole numbers"):
        shells.strip(1.0, 1.0, (2, 0))
    with pytest.raises(ValueError, match="pattern must be aligned"):
        shells.strip(1.0, 1.0, (2, 2), "hexagonal")  # pyright: ignore
    with pytest.raises(ValueError, match="angles must increase"):
        shells.cylinder(1.0, 1.0, (2, 2), (1.0, 0.0))
    mesh = shells.strip(1.0, 1.0, (2, 2))
    with pytest.raises(ValueError, match="selects none"):
        mesh.select(lambda x, y, z: x > 7)
    with pytest.raises(ValueError, match="among 0 to 8"):
        mesh.select([11])


@pytest.mark.parametrize("suffix", ["obj", "ply", "vtk", "vtu"])
def test_files_keep_the_mesh(tmp_path, suffix):
    mesh = shells.disc(1.0, 3)
    path = tmp_path / f"disc.{suffix}"
    shells.write_mesh(mesh, path)
    again = shells.read_mesh(path)
    np.testing.assert_allclose(again.positions, mesh.positions, atol=1e-6)
    np.testing.assert_array_equal(again.faces, mesh.faces)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_series_and_its_errors(tmp_path):
    mesh = shells.strip(1.0, 1.0, (2, 2))
    moving = jnp.stack([mesh.positions + i for i in range(3)])
    listed = shells.write_series(mesh, tmp_path, jnp.arange(3.0), moving)
    text = listed.read_text()
    assert text.count("<DataSet") == 3
    last = shells.read_mesh(tmp_path / "shell_00002.vtu")
    np.testing.assert_allclose(last.positions, moving[2])
    with pytest.raises(ValueError, match="2 times and 3 sets"):
        shells.write_series(mesh, tmp_path, jnp.arange(2.0), moving)
    with pytest.raises(ValueError, match="suffix must be one of"):
        shells.write_mesh(mesh, tmp_path / "mesh.nothing")


def test_a_file_without_triangles(tmp_path):
    path = tmp_path / "line.vtk"
    path.write_text(
        "# vtk DataFile Version 2.0\nline\nASCII\nDATASET UNSTRUCTURED_GRID\n"
        "POINTS 2 float\n0 0 0\n1 0 0\nCELLS 1 3\n2 0 1\nCELL_TYPES 1\n3\n"
    )
    with pytest.raises(ValueError, match="must contain triangles, but contains"):
        shells.read_mesh(path)
