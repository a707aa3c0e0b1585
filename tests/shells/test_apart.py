"""What touches, what pierces, what lies inside: on the host, before anything moves."""

import numpy as np
import pytest

from diffsim import shells
from diffsim.shells.contact import crossings, touching, winding_numbers

SHEET = shells.strip(1.0, 1.0, (2, 2))


def triangles(mesh):
    return np.asarray(mesh.positions)[np.asarray(mesh.faces)]


def stacked(*meshes):
    positions = np.concatenate([np.asarray(mesh.positions) for mesh in meshes])
    firsts = np.cumsum([0, *[mesh.num_vertices for mesh in meshes]])
    faces = [np.asarray(mesh.faces) + first for mesh, first in zip(meshes, firsts, strict=False)]
    return positions, np.concatenate(faces)


@pytest.mark.parametrize("cells", [1, 3])
def test_winding_numbers_of_a_block(cells):
    block = shells.block([1.0, 2.0, 3.0], [cells] * 3).skin()
    low, high = (f(np.asarray(block.positions), axis=0) for f in (np.min, np.max))
    points = np.random.default_rng(0).uniform(low - 0.5, high + 0.5, (400, 3))
    inside = ((points > low) & (points < high)).all(axis=1)
    assert 20 < inside.sum() < 380
    np.testing.assert_allclose(winding_numbers(points, triangles(block)), inside, atol=1e-9)
    turned_in = triangles(block)[:, ::-1]
    np.testing.assert_allclose(winding_numbers(points, turned_in), -1.0 * inside, atol=1e-9)


def test_winding_numbers_around_a_hole():
    """In the hole of a ring there is nothing, in its tube there is."""
    around, tube = np.meshgrid(np.arange(12), np.arange(8), indexing="ij")
    phi, psi = 2 * np.pi * around / 12, 2 * np.pi * tube / 8
    far = 1.0 + 0.3 * np.cos(psi)
    points = np.stack([far * np.cos(phi), far * np.sin(phi), 0.3 * np.sin(psi)], -1).reshape(-1, 3)
    name = lambda i, j: (i % 12) * 8 + j % 8
    faces = []
    for i in range(12):
        for j in range(8):
            a, b, c, d = name(i, j), name(i + 1, j), name(i + 1, j + 1), name(i, j + 1)
            faces += [[a, b, c], [a, c, d]]
    ring = shells.TriangleMesh(points, faces)
    assert not ring.border.any()
    asked = np.array([[0.0, 0, 0], [1.0, 0, 0], [0, -0.95, 0.1], [1.0, 0, 0.5], [2.0, 0, 0]])
    np.testing.assert_allclose(winding_numbers(asked, triangles(ring)), [0, 1, 1, 0, 0], atol=1e-9)


def test_two_around_one_another_are_counted():
    small, large = shells.ball(0.3, cells=2).skin(), shells.ball(1.0, cells=2).skin()
    both = np.concatenate([triangles(small), triangles(large)])
    asked = np.array([[0.0, 0.05, 0.0], [0.5, 0.0, 0.1], [1.5, 0.0, 0.0]])
    np.testing.assert_allclose(winding_numbers(asked, both), [2, 1, 0], atol=1e-9)


@pytest.mark.parametrize(("height", "count"), [(0.0, 9), (1e-9, 0), (-1e-9, 0), (0.5, 0)])
def test_vertices_that_lie_on_faces(height, count):
    shifted = np.asarray(SHEET.positions) * 0.5 + [0.21, 0.03, height]
    positions, faces = stacked(SHEET, shells.TriangleMesh(shifted, SHEET.faces))
    found = touching(positions, faces, np.full(len(positions), -1))
    assert len({int(vertex) for vertex in found[:, 0] if vertex >= 9}) == count
    # Two vertices of one solid do not meet.
    assert touching(positions, faces, np.zeros(len(positions), int)).size == 0


def test_a_mesh_does_not_touch_itself():
    for mesh in (SHEET, shells.ball(0.4, cells=3).skin(), shells.cylinder(1.0, 1.0, (12, 3))):
        numbers = np.full(mesh.num_vertices, -1)
        positions, faces = np.asarray(mesh.positions), np.asarray(mesh.faces)
        assert touching(positions, faces, numbers).size == 0
        assert crossings(positions, np.asarray(mesh.edges), faces).size == 0


def test_an_edge_that_pierces_is_found_wherever_it_is():
    needle = [[0.3, 0.1, -0.4], [0.3, 0.12, 0.6], [5.0, 5.0, 0.1]]
    positions = np.concatenate([np.asarray(SHEET.positions), needle])
    faces = np.concatenate([np.asarray(SHEET.faces), [[9, 10, 11]]])
    edges = np.array([[9, 10], [10, 11], [9, 11]])
    for shift in (np.zeros(3), np.array([100.0, -30.0, 7.0])):
        found = crossings(positions + shift, edges, faces)
        assert found[:, 0].tolist() == [0]
        corners = positions[faces[found[0, 1]], :2]
        spans = np.linalg.det(np.array([corners[1] - corners[0], corners[2] - corners[0]]))
        assert spans != 0
        share = np.linalg.solve(
            np.array([corners[1] - corners[0], corners[2] - corners[0]]).T,
            np.array([0.3, 0.108]) - corners[0],
        )
        assert share.min() > 0
        assert share.sum() < 1
