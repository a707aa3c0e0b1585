"""Meshes of plain shapes: where their points lie, how they are joined, what refinement does."""

import numpy as np
import pytest

from diffsim import shells

PATTERNS = ("aligned", "alternating", "equilateral", "unstructured")


def arrays(mesh):
    return np.asarray(mesh.positions), np.asarray(mesh.faces)


def diagonals(mesh):
    """The ways of the edges along neither axis, each from low to high x."""
    positions, _ = arrays(mesh)
    ends = positions[np.asarray(mesh.edges)]
    way = ends[:, 1] - ends[:, 0]
    way = way[(np.abs(way[:, 0]) > 1e-12) & (np.abs(way[:, 1]) > 1e-12)]
    return way * np.sign(way[:, :1])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_strip_lies_where_it_should(pattern):
    """Along x from zero, about the x axis, with its cells counted along x and y."""
    length, width, cells = 3.0, 0.8, (6, 4)
    x, y, z = arrays(shells.strip(length, width, cells, pattern))[0].T
    assert (x.min(), x.max(), y.min(), y.max()) == (0.0, length, -0.5 * width, 0.5 * width)
    np.testing.assert_array_equal(z, 0.0)
    for row in (y.min(), y.max()):
        np.testing.assert_allclose(np.sort(x[y == row]), np.linspace(0, length, 7), atol=1e-12)
    if pattern == "unstructured":
        return
    counts = [7, 8, 7, 8, 7] if pattern == "equilateral" else [7] * 5
    rows, found = np.unique(np.round(y, 12), return_counts=True)
    np.testing.assert_allclose(rows, np.linspace(-0.4, 0.4, 5), atol=1e-12)
    assert found.tolist() == counts


def test_patterns_differ_in_their_diagonals():
    aligned, alternating = (
        diagonals(shells.strip(2.0, 1.0, (4, 4), pattern)) for pattern in PATTERNS[:2]
    )
    np.testing.assert_allclose(aligned, [[0.5, 0.25, 0.0]] * 16, atol=1e-12)
    rising = alternating[:, 1] > 0
    assert (rising.sum(), (~rising).sum()) == (8, 8)
    # A checkerboard: the diagonals of four cells meet in a vertex, or none does.
    mesh = shells.strip(2.0, 1.0, (4, 4), "alternating")
    inner = mesh.select(lambda x, y, z: (x > 0) & (x < 2) & (np.abs(y) < 0.5))
    degrees = np.bincount(np.asarray(mesh.edges).ravel())[inner]
    assert set(degrees.tolist()) == {4, 8}


def test_rows_of_a_half_cell_are_equilateral():
    spacing, rows = 0.1, 6
    mesh = shells.strip(8 * spacing, rows * spacing * np.sqrt(0.75), (8, rows), "equilateral")
    positions, faces = arrays(mesh)
    corners = positions[faces]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    whole = np.all(np.abs(sides - spacing) < 1e-12, axis=1)
    # The halves at the two short borders alone are others.
    assert mesh.num_faces - whole.sum() == 2 * rows
    x = corners[~whole][..., 0]
    assert np.all((x.min(axis=1) < 1e-12) | (x.max(axis=1) > 8 * spacing - 1e-12))


def test_jitter_is_drawn_from_the_seed_and_keeps_to_its_cell():
    one, again, other = (
        arrays(shells.strip(2.0, 0.5, (8, 4), "unstructured", seed=s))[0] for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, again)
    regular, _ = arrays(shells.strip(2.0, 0.5, (8, 4), "equilateral"))
    moved = np.abs(one - regular) / [2.0 / 8, 0.5 / 4, 1.0]
    inner = (np.abs(regular[:, 1]) < 0.25) & (regular[:, 0] > 0) & (regular[:, 0] < 2.0)
    np.testing.assert_allclose(moved[~inner], 0.0, atol=1e-12)
    assert moved.max() <= 0.25 + 1e-12
    assert (moved[inner, :2].max(axis=0) > 0.2).all()
    assert np.abs(one - other)[inner, :2].max() > 0.01


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("angles", [(-0.4, 0.9), (0.3, 0.3 + 2 * np.pi)])
def test_a_cylinder_goes_round_the_y_axis_from_angle_to_angle(pattern, angles):
    mesh = shells.cylinder(2.0, 3.0, (12, 4), angles, pattern)
    positions, faces = arrays(mesh)
    x, y, z = positions.T
    np.testing.assert_allclose(np.hypot(x, z), 2.0, rtol=1e-12)
    assert (y.min(), y.max()) == (0.0, 3.0)
    turn = angles[1] - angles[0] > 6
    angle = np.arctan2(x, z)
    if not turn:
        np.testing.assert_allclose((angle.min(), angle.max()), angles, rtol=1e-12)
    outward = positions[faces].mean(axis=1) * np.asarray(mesh.normals()) * [1.0, 0.0, 1.0]
    assert outward.sum(axis=1).min() > 1.8
    # A tube has two rims and no seam, a panel one border.
    assert mesh.num_vertices - mesh.num_edges + mesh.num_faces == (0 if turn else 1)
    rim = np.asarray(mesh.edges)[mesh.border]
    if turn:
        assert np.all(np.isin(y[rim], (0.0, 3.0)))
        assert len(rim) == 24


def test_a_disc_has_rings():
    positions, _ = arrays(shells.disc(3.0, 4))
    radii = np.hypot(*positions[:, :2].T)
    rings, counts = np.unique(np.round(radii, 9), return_counts=True)
    np.testing.assert_allclose(rings, 3.0 * np.arange(5) / 4, atol=1e-9)
    assert counts.tolist() == [1, 6, 12, 18, 24]
    np.testing.assert_array_equal(positions[:, 2], 0.0)
    assert shells.disc(1.0, 1).num_faces == 6


def test_a_hemisphere_has_rings_at_equal_angles():
    positions, _ = arrays(shells.hemisphere(0.5, 3))
    np.testing.assert_allclose(np.linalg.norm(positions, axis=1), 0.5, rtol=1e-12)
    polar = np.arccos(np.clip(positions[:, 2] / 0.5, -1, 1))
    rings, counts = np.unique(np.round(polar, 7), return_counts=True)
    np.testing.assert_allclose(rings, 0.5 * np.pi * np.arange(4) / 3, atol=1e-6)
    assert counts.tolist() == [1, 6, 12, 18]


def of_tube(n):
    return float(shells.cylinder(1.0, 1.0, (n, 2)).areas().sum()), 2 * np.pi


def of_ball(n):
    return float(shells.ball(1.0, n).volumes().sum()), 4 * np.pi / 3


@pytest.mark.parametrize(
    ("measured", "sizes"),
    [
        (of_tube, (8, 16, 32)),
        (lambda n: (float(shells.disc(1.0, n).areas().sum()), np.pi), (3, 6, 12)),
        (lambda n: (float(shells.hemisphere(1.0, n).areas().sum()), 2 * np.pi), (3, 6, 12)),
        (of_ball, (2, 4, 8)),
    ],
    ids=["tube", "disc", "hemisphere", "ball"],
)
def test_curved_shapes_are_approached_from_within_to_second_order(measured, sizes):
    missing = [1.0 - found / whole for found, whole in map(measured, sizes)]
    assert min(missing) > 0
    np.testing.assert_allclose(np.log2(np.divide(missing[:-1], missing[1:])), 2.0, atol=0.25)


def test_a_tube_has_the_area_of_its_prism():
    found, _ = of_tube(7)
    assert found == pytest.approx(14.0 * np.sin(np.pi / 7), rel=1e-12)


def test_the_cubes_of_a_block_lie_about_the_origin():
    block = shells.block([1.0, 2.0, 6.0], [2, 1, 3])
    (positions, cells) = np.asarray(block.positions), np.asarray(block.cells)
    np.testing.assert_allclose(positions.max(axis=0), [0.5, 1.0, 3.0])
    np.testing.assert_allclose(positions.min(axis=0), [-0.5, -1.0, -3.0])
    assert positions.shape == (3 * 2 * 4, 3)
    assert len(cells) == 6 * 6
    np.testing.assert_allclose(block.volumes(), 12.0 / 36, rtol=1e-12)
    # The diagonals of neighbouring cubes meet: no face but the outer ones is alone.
    assert len(block.faces) == 2 * 2 * (2 * 1 + 1 * 3 + 2 * 3)
    assert not block.skin().border.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shells.strip(np.inf, 1.0, (2, 2)), "length must be positive and finite"),
        (lambda: shells.cylinder(0.0, 1.0, (2, 2)), "radius must be positive and finite"),
        (lambda: shells.cylinder(1.0, -2.0, (2, 2)), "length must be positive .* but is -2.0"),
        (lambda: shells.cylinder(1.0, 1.0, (9, 2), (0.0, 6.3)), "increase by at most 2π"),
        (lambda: shells.disc(np.nan, 2), "radius must be positive"),
        (lambda: shells.disc(1.0, 0), "cells must be whole numbers, at least 1"),
        (lambda: shells.hemisphere(-1.0, 2), "radius must be positive"),
        (lambda: shells.hemisphere(1.0, 0), "cells must be whole numbers, at least 1"),
        (lambda: shells.block([1.0, 0.0, 1.0], [1, 1, 1]), "three positive numbers, in m"),
        (lambda: shells.block([1.0, 1.0], [1, 1, 1]), "three positive numbers, in m"),
        (lambda: shells.block([1.0] * 3, [1.0, 1.0, 1.0]), "three whole numbers"),
        (lambda: shells.ball(np.inf, 2), "radius must be positive, in m"),
        (lambda: shells.ball(1.0, 0), "three whole numbers, at least 1"),
    ],
)
def test_shapes_that_do_not_exist(make, message):
    with pytest.raises(ValueError, match=message):
        make()
