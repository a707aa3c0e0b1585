"""Linear systems without factorisations, and motions by them."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells


def _sheet():
    mesh = shells.strip(0.2, 0.1, (4, 2), "unstructured")
    material = shells.IsotropicMaterial(1e7, 0.3, 1e-3, 200.0)
    held = [shells.Clamp(lambda x, y, z: x < 1e-9)]
    return shells.Shell(mesh, material, loads=[shells.Gravity()], supports=held)


def test_the_same_solutions_as_by_factors():
    shell = _sheet()
    potential = shell.potential(0.0)
    weight = (1e4 * shell.mass(), shell.rest())
    potential = eqx.tree_at(lambda p: (p.inertia, p.centre), potential, weight)
    q = shell.rest() + 1e-4 * jax.random.normal(jax.random.key(0), (shell.size,))
    right = jnp.where(potential.free, jnp.sin(jnp.arange(q.size) * 1.0), 0.0)
    free = dataclasses.replace(potential, algebra=shells.ConjugateGradients(1e-12))
    for convex in (False, True):
        expected, definite = potential.hessian(q, None, convex).cholesky_solve(right)
        found, arrived = jax.jit(lambda c: free.hessian(q, None, c).cholesky_solve(right))(convex)
        assert bool(definite) == bool(arrived)
        if definite:
            np.testing.assert_allclose(
                found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max()
            )
    # One step is too few, and is no solution.
    few = dataclasses.replace(potential, algebra=shells.ConjugateGradients(max_steps=1))
    assert np.isnan(few.hessian(q, None, True).solver()(right)).all()
    assert not few.hessian(q, None, True).cholesky_solve(right)[1]


@pytest.mark.slow
def test_a_motion_without_factors_is_the_same_and_calls_no_host():
    young = jnp.array([0.5e7, 2e7])

    def end(motion, young):
        changed = eqx.tree_at(lambda m: m.shell.material.young, motion, young)
        return 1e3 * changed(None).values["positions"][-1, -1, 2]

    own, free = (
        shells.Dynamics(_sheet(), step=5e-3, steps=3, algebra=algebra)
        for algebra in (shells.Factorised(), shells.ConjugateGradients(1e-12))
    )
    program = jax.value_and_grad(end, argnums=1)
    together = jax.vmap(lambda y: program(free, y))
    host = ("_Cholesky(", "_Solve(")
    assert not any(name in str(jax.make_jaxpr(together)(young)) for name in host)
    assert all(name in str(jax.make_jaxpr(lambda y: program(own, y))(young[0])) for name in host)
    values, slopes = jax.jit(together)(young)
    for y, value, slope in zip(young, values, slopes, strict=True):
        expected, gradient = jax.jit(lambda y: program(own, y))(y)
        np.testing.assert_allclose(value, expected, rtol=1e-8)
        np.testing.assert_allclose(slope, gradient, rtol=1e-6)


@pytest.mark.parametrize("field", [{"tolerance": 0.5}, {"max_steps": 0}])
def test_bad_numbers_are_named(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        shells.ConjugateGradients(**field)
