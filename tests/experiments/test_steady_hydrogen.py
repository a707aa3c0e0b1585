"""The closed form that judges the hydrogen study."""

import numpy as np
import pytest

from experiments._steady_hydrogen import steady_current, steady_fit

THERMAL = 8.314462618 * 298.0 / 96485.33212
POTENTIAL = np.linspace(0.02, -0.056, 60)


def test_it_solves_its_equation():
    j = -steady_current(POTENTIAL, 1.8, 2.4, 0.19, 300.0, THERMAL)
    right = 1.8 * np.exp(-2.4 * (POTENTIAL + 0.19e-3 * j) / THERMAL) * (1.0 - j / 300.0)
    np.testing.assert_allclose(j, right, rtol=1e-10)
    assert j[-1] > 50.0


def test_limits():
    free = -steady_current(POTENTIAL, 1.8, 1.0, 0.0, 1e9, THERMAL)
    np.testing.assert_allclose(free, 1.8 * np.exp(-POTENTIAL / THERMAL), rtol=1e-7)
    near = -steady_current(np.array([-0.2]), 1.8, 1.0, 0.0, 300.0, THERMAL)
    kinetic = 1.8 * np.exp(0.2 / THERMAL)
    assert near[0] == pytest.approx(kinetic / (1.0 + kinetic / 300.0), rel=1e-9)
    assert near[0] > 270.0


def test_what_was_put_in_comes_back():
    truth = steady_current(POTENTIAL, 1.8, 2.4, 0.19, 4000.0, THERMAL)
    rms, found = steady_fit(POTENTIAL, truth, limit=4000.0, temperature=298.0)
    assert rms < 1e-6
    assert found["alpha"] == pytest.approx(2.4, rel=1e-6)
    assert found["resistance"] == pytest.approx(0.19, rel=1e-5)
