"""The table of cases with known answers; the study `shell_validation` runs all of them."""

import numpy as np
import pytest

from diffsim import problems
from diffsim.problems._shell_cases._moving import expected_loop, hinge_path, measured_loop

CASES = {case.name: case for case in problems.shell_cases()}

# Those that are cheap.
CHEAP = (
    "euler_clamped",
    "greenhill",
    "cantilever_vibration",
    "pinned_disc",
    "curvature_modes_aligned",
    "curvature_modes_unstructured",
    "incline_creep",
    "incline_sticks_above_threshold",
    "incline_slides_below_threshold",
    "free_fall",
    "plastic_hinge",
    "block_slides",
    "block_sticks",
    "hanging_bar",
)
SLOW = ("stopping_distance", "penalty_depth", "buckling_path")


@pytest.mark.parametrize(
    "name", [*CHEAP, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_known_answers(name):
    case = CASES[name]
    assert case.error() <= case.tolerance, case.errors()


def test_the_table_of_cases():
    assert len(CASES) == len(problems.shell_cases())
    tags = {"statics", "buckling", "plate", "vibration", "curved", "path", "dynamics", "contact"}
    for case in CASES.values():
        assert case.truth
        assert all(np.isfinite(value) and value for value in case.truth.values())
        assert case.tags <= tags | {"plastic", "solid"}


@pytest.mark.parametrize("hardening", [0.0, 0.25])
def test_every_point_of_a_plastic_loop(hardening):
    path = hinge_path(8)
    found, expected = measured_loop(path, hardening), expected_loop(path, hardening)
    for name, value in expected.items():
        np.testing.assert_allclose(
            found[name], value, rtol=1e-9, atol=1e-10 * np.abs(expected[name]).max(), err_msg=name
        )
    assert np.all(np.diff(found["work"]) >= 0)
