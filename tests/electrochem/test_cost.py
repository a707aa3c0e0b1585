"""What keeps a step cheap, seen in the traced program; nothing is run."""

import jax
import numpy as np
import pytest

from benchmarks import _draws
from benchmarks._families import FAMILIES, Numerics


def _parts(equation):
    for value in jax.tree.leaves(equation.params, is_leaf=lambda v: hasattr(v, "eqns")):
        inner = getattr(value, "jaxpr", value)
        if hasattr(inner, "eqns"):
            yield inner


def _stepping(program, inside=False):
    """Equations within loops, but for the branches that are taken at corners only."""
    for equation in program.eqns:
        name = equation.primitive.name
        if inside:
            yield equation
        if name != "cond" or not inside:
            for part in _parts(equation):
                yield from _stepping(part, inside or name == "while")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adsorption", "migration_poisson", "weak_acid", "concentrated"])
def test_no_library_product_within_the_steps(name):
    """With many tangents XLA would call a library for it, and the loop be no longer one function:
    a Jacobian of adsorption took four times as long."""
    family = FAMILIES[name]
    middle = _draws.physical(family, np.full(len(family.ranges), 0.5))
    jacobian = jax.jacfwd(lambda v: _draws.simulate(family, Numerics(), v)[0])
    names = {e.primitive.name for e in _stepping(jax.make_jaxpr(jacobian)(middle).jaxpr)}
    assert "scan" in names  # the stages are looked at
    assert "dot_general" not in names
