"""Random cells end right or in a result code; `benchmarks.electrochemistry` draws a thousand."""

import numpy as np
import pytest

from benchmarks._draws import Tally, derivatives, draw, tally
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
    found = tally(FAMILIES[name], 16, refined=4)
    assert isinstance(found, Tally)
    assert found.silent == 0, found
    assert found.successful >= 12
    assert found.compared == 4


def test_a_wrong_run_is_found():
    """The count of silent failures does count: a reference that is off by one per cent."""
    family = FAMILIES["metal_electrode"]
    assert family.reference is not None
    exact = family.reference
    wrong = family._replace(reference=lambda p: 1.01 * exact(p))
    found = tally(wrong, 3, refined=3)
    assert found.silent == 3
    assert found.worst == pytest.approx(0.01 / 1.01, rel=1e-3)


def test_derivatives_at_random_draws():
    found = derivatives(FAMILIES["metal_electrode"], 3)
    assert found.checked == 3
    assert found.modes < 1e-12
    assert found.differences < 1e-6
