"""Meshes and their data in files, and what surfaces say of themselves."""

import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from diffsim import shells
from diffsim.shells.mesh import Skin

meshio = pytest.importorskip("meshio")

MESH = shells.strip(1.0, 0.5, (2, 1))


def test_data_and_places_are_written_as_given(tmp_path):
    random = np.random.default_rng(0)
    places, speeds = random.normal(size=(2, MESH.num_vertices, 3))
    stress = random.normal(size=MESH.num_faces)
    path = tmp_path / "moved.vtu"
    shells.write_mesh(
        MESH, path, places, vertex_data={"speed": speeds}, face_data={"stress": stress}
    )
    found = meshio.read(path)
    np.testing.assert_array_equal(found.points, places)
    np.testing.assert_array_equal(found.cells[0].data, MESH.faces)
    np.testing.assert_array_equal(found.point_data["speed"], speeds)
    np.testing.assert_array_equal(found.cell_data["stress"][0], stress)


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    """What is interrupted leaves the old one as it was."""
    path = tmp_path / "sheet.vtu"
    shells.write_mesh(MESH, path)
    before = path.read_bytes()

    def interrupted(partial, content):
        partial.write_text("half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(meshio, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shells.write_mesh(shells.disc(1.0, 2), path)
    assert path.read_bytes() == before


def test_a_series_keeps_times_and_displacements(tmp_path):
    times = np.array([0.0, 1e-7, 1 / 3])
    rest = np.asarray(MESH.positions)
    moving = rest + np.random.default_rng(1).normal(size=(3, *rest.shape))
    listed = shells.write_series(MESH, tmp_path / "new" / "folder", times, moving, name="flag")
    assert listed == tmp_path / "new" / "folder" / "flag.pvd"
    entries = ET.parse(listed).getroot().findall("Collection/DataSet")
    assert [float(e.attrib["timestep"]) for e in entries] == times.tolist()
    for entry, placed in zip(entries, moving, strict=True):
        assert entry.attrib["file"].startswith("flag")  # beside other series
        found = meshio.read(listed.parent / entry.attrib["file"])
        np.testing.assert_array_equal(found.points, placed)
        np.testing.assert_allclose(found.point_data["displacement"], placed - rest, atol=1e-15)


def test_several_blocks_of_triangles_are_one_mesh(tmp_path):
    points = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    blocks = [("triangle", [[0, 1, 2]]), ("line", [[0, 1]]), ("triangle", [[0, 2, 3]])]
    path = tmp_path / "flat.vtu"
    meshio.write(path, meshio.Mesh(points, blocks))
    np.testing.assert_array_equal(shells.read_mesh(path).faces, [[0, 1, 2], [0, 2, 3]])


def test_points_of_a_plane_get_a_height_of_zero(monkeypatch):
    flat = meshio.Mesh(np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 2.0]]), [("triangle", [[0, 1, 2]])])
    monkeypatch.setattr(meshio, "read", lambda path: flat)
    np.testing.assert_array_equal(
        shells.read_mesh("flat").positions, [[0, 0, 0], [1, 0, 0], [0.5, 2, 0]]
    )


def test_the_extra_is_named_where_it_is_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "meshio", None)
    with pytest.raises(ImportError, match=r"pip install \"diffsim\[mesh\]\""):
        shells.write_mesh(MESH, tmp_path / "sheet.vtu")


def test_what_is_wrong_is_listed_up_to_eight():
    faces = np.asarray(MESH.faces)
    positions = np.concatenate([np.asarray(MESH.positions), np.ones((11, 3))])
    with pytest.raises(ValueError, match=r"unreferenced are vertices 6, 7, .*, 13 and 3 more\."):
        shells.TriangleMesh(positions, faces)


def test_how_near_and_how_flat_is_too_much():
    """Relative to the size of the mesh, wherever it lies."""
    faces = [[0, 1, 2], [0, 2, 3]]
    for scale, shift in ((1.0, 0.0), (1e-6, 0.0), (1e3, -500.0)):
        corners = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
        shells.TriangleMesh(scale * corners + shift, faces)
        thin = corners * [1.0, 1e-11, 1.0]
        with pytest.raises(ValueError, match="degenerate are faces 0, 1"):
            shells.TriangleMesh(scale * thin + shift, faces)
        shells.TriangleMesh(scale * corners * [1.0, 1e-8, 1.0], faces)
    folded = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0.0, 0, 0]])
    for angle, fine in ((1e-2, True), (1e-4, False)):
        # The second face turned about the diagonal until it nearly lies on the first.
        way = np.array([1.0, -1.0, 0.0]) * np.cos(angle) + [0, 0, np.sqrt(2) * np.sin(angle)]
        folded[3] = [0.5, 0.5, 0.0] + 0.5 * way
        if fine:
            shells.TriangleMesh(folded, faces)
        else:
            with pytest.raises(ValueError, match=r"lie on each other .* but do faces \(0, 1\)"):
                shells.TriangleMesh(folded, faces)


def test_vertices_are_chosen_by_place_index_or_mask():
    assert MESH.select(lambda x, y, z: x > 0.9).tolist() == [4, 5]
    assert MESH.select([3, 1]).tolist() == [3, 1]
    assert MESH.select(2).tolist() == [2]
    assert MESH.select(np.array([True, False, False, True, False, False])).tolist() == [0, 3]
    for nothing in ([], np.zeros(6, bool), [-1]):
        with pytest.raises(ValueError, match="among 0 to 5"):
            MESH.select(nothing)


def test_masses_are_those_of_the_faces_around():
    density = np.array([1.0, 2.0, 3.0, 4.0])
    thickness = np.array([0.1, 0.2, 0.1, 0.3])
    material = shells.IsotropicMaterial(1.0, 0.3, thickness, density)
    mesh = shells.TriangleMesh(
        np.asarray(MESH.positions) * [1.0, 3.0, 1.0] + [0.3, 0.2, 0.1], MESH.faces
    )
    expected = np.zeros(6)
    corners = np.asarray(mesh.positions)[np.asarray(mesh.faces)]
    areas = 0.5 * np.abs(np.linalg.det(corners[:, 1:, :2] - corners[:, :1, :2]))
    np.add.at(expected, np.asarray(mesh.faces), (areas * density * thickness)[:, None] / 3)
    np.testing.assert_allclose(mesh.vertex_masses(material), expected, rtol=1e-12)
    block = shells.block([1.0, 2.0, 3.0], [1, 1, 2])
    expected = np.zeros(block.num_vertices)
    np.add.at(expected, np.asarray(block.cells), 7.0 * np.asarray(block.volumes())[:, None] / 4)
    rubber = shells.SolidMaterial(1.0, 0.3, 7.0)
    np.testing.assert_allclose(block.vertex_masses(rubber), expected, rtol=1e-12)
    np.testing.assert_allclose(block.vertex_areas()[block.surface()].sum(), 22.0, rtol=1e-12)
    assert float(block.longest()) == 3.0


def test_skins_count_what_they_cover():
    """A ball, one vertex of which lies inside, and a sheet."""
    ball = shells.ball(0.5, 2)
    skin = Skin(ball.positions, np.asarray(ball.faces), np.zeros(ball.num_vertices, int))
    inner = np.setdiff1d(np.arange(ball.num_vertices), skin.surface())
    assert inner.size == 1
    assert float(skin.vertex_areas()[inner[0]]) == 0.0
    np.testing.assert_allclose(skin.vertex_areas(), ball.vertex_areas(), rtol=1e-12)
    assert skin.num_edges == 3 * skin.num_faces // 2
    ends = np.asarray(skin.edges)[np.asarray(skin.face_edges)]
    for i in range(3):
        others = np.sort(np.delete(np.asarray(skin.faces), i, axis=1), axis=1)
        np.testing.assert_array_equal(ends[:, i], others)
    np.testing.assert_array_equal(MESH.bodies(), -1)
