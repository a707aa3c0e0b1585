"""Random cells end right or in a result code; `benchmarks.electrochemistry` draws a thousand."""

import numpy as np
import pytest

from benchmarks._draws import Tally, draw, tally
from benchmarks._families import FAMILIES


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_fill_their_ranges(name):
    family = FAMILIES[name]
    drawn = draw(family, 64)
    for column, (low, high) in zip(drawn.T, family.ranges.values(), strict=True):
        assert low <= column.min() < column.max() <= high
        position = np.log(column / low) / np.log(high / low) if low > 0 else None
        if position is not None:
            assert np.all(np.histogram(position, 8, (0, 1))[0] == 8)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_no_draw_fails_in_silence(name):
    found = tally(FAMILIES[name], 24, refined=6)
    assert isinstance(found, Tally)
    assert found.silent == 0, found
    assert found.successful >= 18
