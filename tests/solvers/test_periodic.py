"""Oscillations of a bordered system: against dense complex algebra, and their derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim.solvers import Bordered, DecoupledMatrix, oscillation

M, N, K = 2, 3, 1
RANDOM = np.random.default_rng(0)


def matrix():
    """J of two species on three nodes, the first of which meet one border variable."""
    bands = [jnp.asarray(RANDOM.normal(size=(M, N))) for _ in range(3)]
    bands[1] = bands[1] - 6.0
    border = [jnp.asarray(RANDOM.normal(size=s)) for s in ((M, K), (K, M), (K, K))]
    return DecoupledMatrix(*bands, *border)


def columns(j):
    """The dense columns of J, by multiplication with unit vectors."""
    size = M * N + K
    found = []
    for unit in np.eye(size):
        image = j.multiply(
            Bordered(jnp.asarray(unit[: M * N].reshape(M, N)), jnp.asarray(unit[M * N :]))
        )
        found.append(np.concatenate([np.ravel(image.nodes), image.border]))
    return np.array(found).T


RIGHT = Bordered(jnp.asarray(RANDOM.normal(size=(M, N))), jnp.asarray(RANDOM.normal(size=K)))
NONE = Bordered(jnp.zeros((M, N)), jnp.zeros(K))


def test_it_is_the_complex_solution():
    j, mass, frequency = matrix(), np.array([0.3]), 1.7
    real, imaginary = oscillation(j, jnp.asarray(mass), jnp.asarray(frequency), RIGHT, NONE)
    scale = np.diag(np.concatenate([np.ones(M * N), mass]))
    whole = 1j * frequency * scale - columns(j)
    exact = np.linalg.solve(whole, np.concatenate([np.ravel(RIGHT.nodes), RIGHT.border]))
    found = np.concatenate([np.ravel(real.nodes), real.border]) + 1j * np.concatenate(
        [np.ravel(imaginary.nodes), imaginary.border]
    )
    np.testing.assert_allclose(found, exact, rtol=1e-10)


@pytest.mark.parametrize("part", ["border", "border_node", "diagonal"])
def test_reverse_mode_by_one_part_of_the_matrix_alone(part):
    """The nodes know nothing of k0: JAX refuses to transpose a solve with such a part."""
    j = matrix()

    def size(scale):
        scaled = eqx.tree_at(lambda m: getattr(m, part), j, scale * getattr(j, part))
        real, imaginary = oscillation(scaled, jnp.ones(K), jnp.asarray(0.8), RIGHT, NONE)
        return jnp.sum(real.border**2 + imaginary.border**2)

    reverse, forward = jax.grad(size)(1.0), jax.jacfwd(size)(1.0)
    assert float(reverse) == pytest.approx(float(forward), rel=1e-10)
    difference = (size(1.0 + 1e-5) - size(1.0 - 1e-5)) / 2e-5
    assert float(reverse) == pytest.approx(float(difference), rel=1e-6)
    assert float(reverse) != 0.0
