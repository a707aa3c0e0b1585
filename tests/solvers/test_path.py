"""Ways from one minimum to the next among obstacles that move."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from diffsim._status import RESULTS, is_successful
from diffsim.solvers import (
    AbstractElements,
    NewtonSettings,
    Potential,
    sparse_pattern,
    travel,
)


class Gate(AbstractElements):
    """A spring whose anchor may advance by no more than `pace` at a time."""

    indices: Int[Array, "*e 1"]
    anchor: Float[Array, "*e"]
    pace: Float[Array, "*e"]
    obstructs: ClassVar[bool] = True

    def measures(self, local):
        return local - self.anchor

    def density(self, measures):
        return 0.5 * measures[0] ** 2

    def convex(self, stress, stiffness):
        return stress, stiffness

    def free_path(self, local, after, moved):
        way = jnp.abs(after.anchor - self.anchor)
        return jnp.minimum(1.0, self.pace / jnp.maximum(way, 1e-12))


@pytest.mark.parametrize(("pace", "result"), [(0.1, RESULTS.successful), (1e-4, RESULTS.diverged)])
def test_a_way_of_too_many_stages_is_given_up(pace, result):
    """As between two bodies that crush what is between them: each stage is short, none too short
    by itself."""
    indices = np.arange(2)[:, None]
    pattern, ones = sparse_pattern(2, (indices,)), jnp.ones(2)

    def potential(share):
        gates = Gate(jnp.asarray(indices), share * ones, pace * ones)
        return Potential((gates,), 0 * ones, 0 * ones, 0 * ones, ones > 0, 0 * ones, pattern)

    found = travel(potential, 0 * ones, NewtonSettings(1e-12, 1e-12))
    assert found.result == result
    if is_successful(found.result):
        np.testing.assert_allclose(found.q, 1.0, atol=1e-12)
    else:
        assert 0.0 < float(found.q[0]) < 0.1
