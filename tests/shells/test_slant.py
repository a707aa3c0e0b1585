"""Edge rotations counted in space: the same linear systems, with a narrower band."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffsim import shells
from diffsim.shells.energies._angle import curvature_of_face, hinge_angle, turn_of_face
from diffsim.solvers import SlantedMatrix


def test_both_triangles_of_a_fold_make_its_derivatives():
    points = jax.random.normal(jax.random.key(1), (12,))
    start, end, near, far = points.reshape(4, 3)
    gradient, hessian = np.zeros((4, 3)), np.zeros((4, 3, 4, 3))
    for corners, places in (((start, end, near), (0, 1, 2)), ((end, start, far), (1, 0, 3))):
        gradient[list(places)] += turn_of_face(*corners)
        for i, blocks in zip(places, curvature_of_face(*corners), strict=True):
            for j, block in zip(places, blocks, strict=True):
                hessian[i, :, j] += block
    fold = lambda x: hinge_angle(*x.reshape(4, 3))
    np.testing.assert_allclose(gradient.ravel(), jax.grad(fold)(points), atol=1e-13)
    np.testing.assert_allclose(hessian.reshape(12, 12), jax.hessian(fold)(points), atol=1e-12)


def test_slanted_systems_are_the_hessian():
    """Far from equilibrium, with a clamp and a plane of symmetry, whose border folds too."""
    mesh = shells.strip(0.3, 0.2, (4, 3), "unstructured")
    supports = [
        shells.Clamp(lambda x, y, z: x < 1e-9),
        shells.Symmetry(lambda x, y, z: x > 0.3 - 1e-9, "x"),
    ]
    material = shells.IsotropicMaterial(1e7, 0.3, 1e-3, 200.0)
    shell = shells.Shell(mesh, material, supports=supports)
    q = shell.rest() + 5e-3 * jax.random.normal(jax.random.key(0), (shell.size,))

    @eqx.filter_jit
    def solved(shell, q):
        potential = shell.potential(0.0)
        weight = (1e3 * shell.mass(), q)
        potential = eqx.tree_at(lambda p: (p.inertia, p.centre), potential, weight)
        matrix = potential.hessian(q)
        assert isinstance(matrix, SlantedMatrix)
        right = jnp.where(potential.free, jnp.sin(1.0 * jnp.arange(q.size)), 0.0)
        found = matrix.solver()(right)
        return right, jax.jvp(potential.gradient, (q,), (found,))[1], found, potential.free

    right, product, found, free = solved(shell, q)
    np.testing.assert_allclose(product, right, atol=1e-9)
    np.testing.assert_array_equal(np.asarray(found)[~np.asarray(free)], 0.0)
    assert shell.pattern.rows.size < 0.6 * shell.plain_pattern.rows.size
