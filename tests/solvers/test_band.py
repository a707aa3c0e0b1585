"""Band matrices and their sums with scattered blocks, against dense algebra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from diffsim.solvers._band import assemble

from diffsim.solvers import (
    AbstractSlant,
    BandMatrix,
    CoupledMatrix,
    SlantedMatrix,
    band_pattern,
    cholesky_solve,
    factorise,
)

SIZE = 12


def elements(seed=0, count=9, size=3):
    """Unknowns of elements along a line, in a shuffled order, and symmetric positive blocks."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(SIZE)
    starts = rng.integers(0, SIZE - size + 1, count)
    indices = names[starts[:, None] + np.arange(size)]
    roots = rng.standard_normal((count, size, size))
    return indices, roots @ roots.transpose(0, 2, 1)


def summed(indices, blocks, diagonal):
    whole = np.diag(np.asarray(diagonal, float))
    for place, block in zip(indices, blocks, strict=True):
        whole[np.ix_(place, place)] += block
    return whole


def assembled(shift=1.0, free=None, orders=()):
    indices, blocks = elements()
    free = np.ones(SIZE, bool) if free is None else free
    masked = blocks * (free[indices][:, :, None] & free[indices][:, None, :])
    diagonal = np.full(SIZE, shift)
    pattern = band_pattern(SIZE, (indices,), orders=orders)
    matrix = assemble(pattern, (jnp.asarray(masked),), jnp.asarray(free), jnp.asarray(diagonal))
    return matrix, summed(indices, masked, np.where(free, diagonal, 1.0))


RIGHT = np.random.default_rng(1).standard_normal((4, SIZE))


@pytest.mark.parametrize("shift", [1.0, -2.0])
def test_definite_and_indefinite_matrices_are_solved(shift):
    matrix, dense = assembled(shift)
    exact = np.linalg.solve(dense, RIGHT.T).T
    definite = bool(np.linalg.eigvalsh(dense).min() > 0)
    factor = factorise(matrix)
    assert bool(factor.definite) == definite == (shift > 0)
    np.testing.assert_allclose(factor.solve(jnp.asarray(RIGHT[0])), exact[0], rtol=1e-9)
    np.testing.assert_allclose(jax.vmap(factor.solve)(jnp.asarray(RIGHT)), exact, rtol=1e-9)
    found, fine = cholesky_solve(matrix, jnp.asarray(RIGHT[1]))
    assert bool(fine) == definite
    expected = exact[1] if definite else np.full(SIZE, np.nan)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_batch_of_matrices_some_definite():
    pairs = [assembled(shift) for shift in (1.0, -2.0, 3.0)]
    lower = jnp.stack([matrix.lower for matrix, _ in pairs])
    pattern = pairs[0][0].pattern
    right = jnp.asarray(RIGHT[:3])
    solve = lambda lower, b: factorise(BandMatrix(lower, pattern)).solve(b)
    exact = np.stack([np.linalg.solve(d, b) for (_, d), b in zip(pairs, RIGHT[:3], strict=True)])
    np.testing.assert_allclose(jax.vmap(solve)(lower, right), exact, rtol=1e-9)
    quick = lambda lower, b: cholesky_solve(BandMatrix(lower, pattern), b)
    found, definite = jax.vmap(quick)(lower, right)
    assert definite.tolist() == [True, False, True]
    np.testing.assert_allclose(found[::2], exact[::2], rtol=1e-9)
    # One matrix for many right sides, and one right side for many matrices.
    each = jax.vmap(lambda lower: solve(lower, right[0]))(lower)
    expected = np.stack([np.linalg.solve(d, RIGHT[0]) for _, d in pairs])
    np.testing.assert_allclose(each, expected, rtol=1e-9)


def test_held_unknowns_are_the_identity():
    free = np.arange(SIZE) % 3 > 0
    matrix, dense = assembled(free=free)
    found = np.asarray(factorise(matrix).solve(jnp.asarray(RIGHT[0])))
    np.testing.assert_allclose(found, np.linalg.solve(dense, RIGHT[0]), rtol=1e-9)
    np.testing.assert_allclose(found[~free], RIGHT[0][~free])


def test_a_shift_is_relative_to_the_largest_diagonal_entry():
    matrix, dense = assembled()
    shifted = dense + 0.3 * dense.diagonal().max() * np.eye(SIZE)
    found = factorise(matrix.shifted(jnp.asarray(0.3))).solve(jnp.asarray(RIGHT[0]))
    np.testing.assert_allclose(found, np.linalg.solve(shifted, RIGHT[0]), rtol=1e-9)


def test_singular_and_not_finite_matrices_give_no_number():
    matrix, _ = assembled()
    nothing = BandMatrix(jnp.zeros_like(matrix.lower), matrix.pattern)
    broken = BandMatrix(matrix.lower.at[2, 0].set(jnp.nan), matrix.pattern)
    for bad in (nothing, broken):
        assert not bool(cholesky_solve(bad, jnp.asarray(RIGHT[0]))[1])
        assert np.isnan(bad.solver()(jnp.asarray(RIGHT[0]))).any()


def test_the_narrowest_order_is_taken_and_zero_couplings_are_left_out():
    indices, _ = elements()
    plain = band_pattern(SIZE, (indices,))
    worse = np.argsort(np.random.default_rng(5).standard_normal(SIZE))
    assert band_pattern(SIZE, (indices,), orders=(worse,)).width == plain.width
    # A chain whose own order is given: bandwidth 1.
    ends = np.stack([np.arange(SIZE - 1), np.arange(1, SIZE)], axis=1)
    assert band_pattern(SIZE, (ends,), orders=(np.arange(SIZE),)).width == 1
    alone = np.eye(3, dtype=bool)
    assert band_pattern(SIZE, (indices,), (alone,)).width == 0


def far():
    """Blocks between unknowns that are far apart; the second is not in contact."""
    indices = np.array([[0, 7, 11, 3], [1, 2, 9, 10]])
    root = np.random.default_rng(3).standard_normal((4, 4))
    return indices, np.stack([root @ root.T, np.zeros((4, 4))])


@pytest.mark.parametrize("shift", [1.0, -2.0])
def test_a_sum_with_scattered_blocks_is_solved(shift):
    band, dense = assembled(shift)
    indices, blocks = far()
    whole = dense + summed(indices, blocks, np.zeros(SIZE))
    matrix = CoupledMatrix(band, (jnp.asarray(indices),), (jnp.asarray(blocks),))
    definite = bool(np.linalg.eigvalsh(whole).min() > 0)
    exact = np.linalg.solve(whole, RIGHT.T).T
    found, fine = matrix.cholesky_solve(jnp.asarray(RIGHT[0]))
    assert bool(fine) == definite
    if definite:
        np.testing.assert_allclose(found, exact[0], rtol=1e-9)
    np.testing.assert_allclose(matrix.solver()(jnp.asarray(RIGHT[0])), exact[0], rtol=1e-9)
    many = jax.vmap(matrix.solver())(jnp.asarray(RIGHT))
    np.testing.assert_allclose(many, exact, rtol=1e-9)
    # Blocks that are all zero leave the band.
    alone = CoupledMatrix(band, (jnp.asarray(indices),), (jnp.zeros((2, 4, 4)),))
    np.testing.assert_allclose(
        alone.solver()(jnp.asarray(RIGHT[0])), np.linalg.solve(dense, RIGHT[0]), rtol=1e-9
    )


_UNBATCHED = pytest.mark.xfail(
    strict=True, reason="CoupledMatrix takes blocks for one matrix where the band is one"
)


@pytest.mark.parametrize("bands", ["many", pytest.param("one", marks=_UNBATCHED)])
def test_a_batch_of_sums(bands):
    band, dense = assembled()
    indices, blocks = far()
    scales = np.array([0.5, 1.0, 2.0])

    def solve(scale, right):
        factor = scale if bands == "many" else 1.0
        scaled = BandMatrix(factor * band.lower, band.pattern)
        return CoupledMatrix(
            scaled, (jnp.asarray(indices),), (scale * jnp.asarray(blocks),)
        ).solver()(right)

    found = jax.vmap(solve)(jnp.asarray(scales), jnp.asarray(RIGHT[:3]))
    for i, scale in enumerate(scales):
        factor = scale if bands == "many" else 1.0
        whole = factor * dense + scale * summed(indices, blocks, np.zeros(SIZE))
        np.testing.assert_allclose(found[i], np.linalg.solve(whole, RIGHT[i]), rtol=1e-9)


class Carried(AbstractSlant):
    """dq₅ = dη₅ + 0.7 dq₁ − 0.2 dq₂ and dq₈ = dη₈ + 1.5 dq₃ + 0.1 dq₄."""

    dependent: jax.Array
    arguments: jax.Array

    def coefficients(self, q):
        return jnp.array([[0.7, -0.2], [1.5, 0.1]])


@pytest.mark.parametrize("free", [np.ones(SIZE, bool), np.arange(SIZE) != 1])
def test_a_slanted_matrix_is_congruent(free):
    """CᵀHC is given, H is solved for; what is held carries nothing."""
    inner, dense = assembled(free=free)
    slant = Carried(jnp.array([5, 8]), jnp.array([[1, 2], [3, 4]]))
    matrix = SlantedMatrix(inner, slant, slant.coefficients(None), jnp.asarray(free))
    change = np.eye(SIZE)
    change[5, [1, 2]], change[8, [3, 4]] = (0.7, -0.2), (1.5, 0.1)
    both = free[:, None] & free[None]
    change = np.where(both | np.eye(SIZE, dtype=bool), change, 0.0)
    inverse = np.linalg.inv(change)
    whole = inverse.T @ dense @ inverse
    right = np.where(free, RIGHT[0], 0.0)
    exact = np.linalg.solve(whole, right)
    np.testing.assert_allclose(matrix.solver()(jnp.asarray(right)), exact, atol=1e-10)
    found, definite = matrix.cholesky_solve(jnp.asarray(right))
    assert bool(definite)
    np.testing.assert_allclose(found, exact, atol=1e-10)
