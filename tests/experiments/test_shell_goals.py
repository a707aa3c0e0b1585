"""Ticks of the films, by hand."""

import numpy as np

from diffsim import shells
from diffsim.problems.shell_tasks import Mark, Marks
from experiments._shell_goals import ticks


def test_ticks_are_where_the_marks_want_the_sheet():
    mesh = shells.strip(0.06, 0.04, (2, 1))
    marks = Marks(
        mesh,
        [
            Mark(1, [0, 1], 0, 0.5, 1e-3),
            Mark(1, [0], 1, 0.7, 1e-3),
            Mark(3, [5], 2, -0.2, 1e-3, less=[2, 3]),
        ],
    )
    positions = np.random.default_rng(0).normal(size=(5, 6, 3))
    found = ticks(marks, positions, [0, 1, 2, 4])
    assert [len(f) for f in found] == [1, 1, 1, 1]
    height = positions[1, [0, 1], 2].mean()
    np.testing.assert_allclose(found[1][0], [[0.5, height - 4e-3], [0.5, height + 4e-3]])
    # Past the last mark, and relative to where the other vertices are then.
    x, z = positions[4, 5, 0], positions[4, [2, 3], 2].mean() - 0.2
    np.testing.assert_allclose(found[3][0], [[x - 4e-3, z], [x + 4e-3, z]])
