"""Sums of element matrices against dense NumPy: patterns, held unknowns, contacts' blocks, slants;
by factors and by conjugate gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from diffsim.solvers import (
    AbstractSlant,
    ConjugateGradients,
    Factorised,
    SlantedMatrix,
    SparseMatrix,
    _cholesky,
    _sparse,
    sparse_pattern,
)
from diffsim.solvers._cholesky import make_plan
from diffsim.solvers._pattern import pairs_of

SIZE = 11
RANDOM = np.random.default_rng(0)
# Of two kinds, of which some name an unknown twice, as hinges at a border do.
INDICES = (
    np.array([[0, 1, 2], [2, 4, 3], [5, 4, 10], [9, 9, 6]]),
    np.array([[10, 7], [8, 7], [6, 6], [0, 5]]),
    # Those of the first begin with these, and with the last as well.
    np.array([[0, 1], [2, 4], [5, 4], [9, 9]]),
    np.array([[0], [2], [5], [9]]),
)
LOOSE = np.array([[1, 8, 3, 9], [7, 2, 0, 4], [5, 6, 1, 1]])
FREE = np.isin(np.arange(SIZE), [3, 7], invert=True)


def symmetric(indices, definite=True):
    parts = RANDOM.normal(size=(*indices.shape, indices.shape[1]))
    return parts @ parts.swapaxes(1, 2) if definite else parts + parts.swapaxes(1, 2)


ELEMENTS = tuple(symmetric(i) for i in INDICES)
CONTACTS = symmetric(LOOSE) * np.array([0.0, 1.0, 2.0])[:, None, None]
DIAGONAL = RANDOM.uniform(0.5, 1.0, SIZE)


def summed(batches, size=SIZE):
    """Entry by entry, as one would by hand."""
    whole = np.zeros((size, size))
    for indices, blocks in batches:
        for place, block in zip(indices, blocks, strict=True):
            for i, row in enumerate(place):
                for j, column in enumerate(place):
                    whole[row, column] += block[i, j]
    return whole


def expected(contacts=CONTACTS, scale=1.0):
    whole = summed([*zip(INDICES, ELEMENTS, strict=True), (LOOSE, contacts)])
    whole = scale * whole + np.diag(DIAGONAL)
    held = ~FREE
    whole[held] = whole[:, held] = 0.0
    whole[held, held] = 1.0
    return whole


PATTERN = sparse_pattern(SIZE, INDICES)


def matrix(algebra, contacts=CONTACTS, scale=1.0):
    pair = lambda i, b: (jnp.asarray(i), scale * jnp.asarray(b))
    elements = tuple(pair(i, b) for i, b in zip(INDICES, ELEMENTS, strict=True))
    loose = (pair(LOOSE, contacts),)
    return algebra.matrix(PATTERN, elements, loose, jnp.asarray(FREE), jnp.asarray(DIAGONAL))


ALGEBRAS = (Factorised(), ConjugateGradients(1e-12))


def test_a_pattern_holds_every_entry_once():
    rows, columns = np.asarray(PATTERN.rows), np.asarray(PATTERN.columns)
    there = summed((i, np.ones((*i.shape, i.shape[1]))) for i in INDICES) + np.eye(SIZE)
    low = np.argwhere(np.tril(there).T)[:, ::-1]  # sorted by columns, then rows
    np.testing.assert_array_equal(np.stack([rows, columns], axis=1), low)
    np.testing.assert_array_equal(rows[PATTERN.diagonal], np.arange(SIZE))
    np.testing.assert_array_equal(columns[PATTERN.diagonal], np.arange(SIZE))
    assert PATTERN.size == SIZE
    assert sorted(np.asarray(PATTERN.order).tolist()) == list(range(SIZE))


def test_elements_that_others_begin_with_are_added_to_the_largest():
    assert PATTERN.within == (None, None, 0, 0)
    assert [slots.size > 0 for slots in PATTERN.slots] == [True, True, False, False]
    twice = sparse_pattern(SIZE, (INDICES[2], INDICES[1], INDICES[2]))
    assert twice.within == (None, None, 0)
    shorter = sparse_pattern(SIZE, (INDICES[0], INDICES[2][:3], INDICES[2][::-1]))
    assert shorter.within == (None, None, None)


def test_entries_of_elements_are_by_row_and_column():
    rows, columns = pairs_of(INDICES[0])
    flat = ELEMENTS[0].ravel()
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        element, i, j = np.unravel_index(number, ELEMENTS[0].shape)
        assert (row, column) == (INDICES[0][element, i], INDICES[0][element, j])
        assert flat[number] == ELEMENTS[0][element, i, j]


def test_the_narrowest_order_is_taken_and_names_the_pattern():
    """Of a chain whose unknowns are numbered by chance."""
    number = np.random.default_rng(4).permutation(30)
    chain = np.stack([number[:-1], number[1:]], axis=1)
    width = lambda order: np.ptp(np.argsort(order)[chain], axis=1).max()
    for others in ((), (np.arange(30),), (np.arange(30), number)):
        assert width(np.asarray(sparse_pattern(30, (chain,), others).order)) == 1
    # Of a grid, from side to side; Cuthill-McKee's begins at a corner.
    place = np.arange(40).reshape(8, 5)
    grid = np.stack([place[:-1, :-1], place[1:, :-1], place[:-1, 1:], place[1:, 1:]], -1)
    grid = grid.reshape(-1, 4)
    rows, columns = np.arange(40), place.T.ravel()
    width = lambda order: np.ptp(np.argsort(order)[grid], axis=1).max()
    for others in ((rows,), (columns, rows)):
        assert width(np.asarray(sparse_pattern(40, (grid,), others).order)) == width(rows) == 6
    assert width(np.asarray(sparse_pattern(40, (grid,), (columns,)).order)) > 6
    hosts = [
        sparse_pattern(40, (cells,), orders).host
        for cells, orders in ((grid, ()), (grid, ()), (grid, (rows,)), (grid[1:], ()))
    ]
    assert hosts[0] == hosts[1]
    assert len(set(hosts)) == 3
    assert hosts[0] != hosts[0].key


def test_the_sum_is_that_of_its_parts():
    found = matrix(Factorised())
    assert isinstance(found, SparseMatrix)
    whole = np.zeros((SIZE, SIZE))
    rows, columns = np.asarray(PATTERN.rows), np.asarray(PATTERN.columns)
    whole[rows, columns] = whole[columns, rows] = np.asarray(found.values)
    pieces = zip(found.indices, found.blocks, strict=True)
    whole = whole + summed((np.asarray(i), np.asarray(b)) for i, b in pieces)
    np.testing.assert_allclose(whole, expected(), atol=1e-13)


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("host", ["cholmod", "band"])
def test_solutions_are_those_of_dense_algebra(algebra, host, monkeypatch):
    """Of the size 11, which is no multiple of three."""
    if host == "band":
        monkeypatch.setattr(_cholesky, "cholmod", lambda: None)
    monkeypatch.setattr(_sparse, "_PLANS", type(_sparse._PLANS)())
    rights = RANDOM.normal(size=(3, SIZE))
    made, whole = matrix(algebra), expected()
    found, definite = made.cholesky_solve(jnp.asarray(rights[0]))
    assert definite
    np.testing.assert_allclose(found, np.linalg.solve(whole, rights[0]), rtol=1e-8, atol=1e-9)
    together = jax.vmap(made.solver())(jnp.asarray(rights))
    np.testing.assert_allclose(together, np.linalg.solve(whole, rights.T).T, atol=1e-8)
    # Held unknowns are as given, whatever the rest.
    np.testing.assert_allclose(together[:, ~FREE], rights[:, ~FREE], atol=1e-10)


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=lambda a: type(a).__name__)
def test_a_shift_is_relative_to_the_largest_diagonal_entry(algebra):
    """Of the pattern, where contacts stand beside it; entries off the diagonal may be larger."""
    places, blocks = jnp.asarray([[0, 1], [3, 2]]), jnp.asarray([[[1.0, 3.0], [3.0, 2.0]]] * 2)
    pattern = sparse_pattern(4, (np.asarray(places),))
    ones = jnp.ones(4)
    made = algebra.matrix(pattern, ((places, blocks),), (), ones > 0, 0.5 * ones)
    right = jnp.asarray(RANDOM.normal(size=4))
    assert not made.cholesky_solve(right)[1]
    found, definite = made.shifted(jnp.asarray(2.0)).cholesky_solve(right)
    assert definite
    whole = summed([(np.asarray(places), np.asarray(blocks))], 4) + (0.5 + 2.0 * 2.5) * np.eye(4)
    np.testing.assert_allclose(found, np.linalg.solve(whole, right), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("where", ["elements", "contacts"])
def test_what_is_not_definite_is_said_to_be_so(algebra, where):
    """By contacts alone, too, whose blocks are in no pattern; conjugate gradients stop there, and
    factors give way to LU with pivoting."""
    scale, contacts = (-1.0, 0 * CONTACTS) if where == "elements" else (1.0, -50.0 * CONTACTS)
    right = RANDOM.normal(size=SIZE)
    made, whole = matrix(algebra, contacts, scale), expected(contacts, scale)
    assert np.linalg.eigvalsh(whole)[0] < -1.0
    found, definite = made.cholesky_solve(jnp.asarray(right))
    assert not definite
    assert np.isnan(found).all()
    any_ = made.solver()(jnp.asarray(right))
    if isinstance(algebra, Factorised):
        np.testing.assert_allclose(any_, np.linalg.solve(whole, right), rtol=1e-8, atol=1e-10)
    else:
        assert np.isnan(any_).all()


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("where", ["elements", "contacts", "right"])
def test_no_number_in_is_no_number_out(algebra, where):
    bad = {"elements": (CONTACTS, np.nan), "contacts": (np.nan * CONTACTS, 1.0)}
    made = matrix(algebra, *bad.get(where, (CONTACTS, 1.0)))
    right = jnp.full(SIZE, np.nan if where == "right" else 1.0)
    found, definite = made.cholesky_solve(right)
    assert not definite
    assert np.isnan(found).all()
    assert np.isnan(made.solver()(right)).any()


def test_batches_of_matrices_and_of_right_sides():
    """Each with its own contacts, in one call of the host."""
    scales, rights = jnp.asarray([0.5, 1.0, 2.0]), jnp.asarray(RANDOM.normal(size=(3, SIZE)))
    solve = lambda scale, right: matrix(Factorised(), scale * CONTACTS, 1.0).solver()(right)
    both = jax.vmap(solve)(scales, rights)
    one_right = jax.vmap(lambda scale: solve(scale, rights[0]))(scales)
    nested = jax.vmap(lambda scale: jax.vmap(lambda right: solve(scale, right))(rights))(scales)
    for i, scale in enumerate(scales):
        whole = expected(float(scale) * CONTACTS)
        np.testing.assert_allclose(both[i], np.linalg.solve(whole, rights[i]), rtol=1e-9)
        np.testing.assert_allclose(one_right[i], np.linalg.solve(whole, rights[0]), rtol=1e-9)
        np.testing.assert_allclose(nested[i], np.linalg.solve(whole, rights.T).T, rtol=1e-9)


def test_plans_are_kept_by_contact_and_the_oldest_forgotten(monkeypatch):
    made = []

    def counted(*arguments):
        made.append(1)
        return make_plan(*arguments)

    monkeypatch.setattr(_sparse, "make_plan", counted)
    monkeypatch.setattr(_sparse, "_PLANS", type(_sparse._PLANS)())
    monkeypatch.setattr(_sparse, "_KEPT", 2)
    right = jnp.ones(SIZE)
    alive = [np.array(a)[:, None, None] * CONTACTS for a in ([0, 1, 0], [0, 0, 1], [0, 1, 1])]
    for number, count in ((0, 1), (0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (1, 4)):
        found, _ = matrix(Factorised(), alive[number]).cholesky_solve(right)
        np.testing.assert_allclose(expected(alive[number]) @ found, right, atol=1e-10)
        assert len(made) == count
    assert len(_sparse._PLANS) == 2


def test_the_order_of_contacts_does_not_matter(monkeypatch):
    """The same pairs found in another order are the same matrix: one plan, one factorisation."""
    monkeypatch.setattr(_sparse, "_PLANS", type(_sparse._PLANS)())
    right, order = jnp.asarray(RANDOM.normal(size=SIZE)), np.array([2, 0, 1])
    data = matrix(Factorised())
    turned = eqx.tree_at(
        lambda m: (m.indices[0], m.blocks[0]), data, (data.indices[0][order], data.blocks[0][order])
    )
    np.testing.assert_array_equal(data.cholesky_solve(right)[0], turned.cholesky_solve(right)[0])
    assert len(_sparse._PLANS) == 1


class Leaning(AbstractSlant):
    """dq = dη + a·dq′ for two unknowns."""

    dependent: Int[Array, " m"]
    arguments: Int[Array, "m k"]
    weights: Float[Array, "m k"]

    def coefficients(self, q):
        return self.weights


def test_slanted_systems_are_congruent():
    """Also where what leans, or what it leans on, is held; an unknown may be leant on twice."""
    dependent, arguments = np.array([8, 10]), np.array([[0, 3, 1], [1, 1, 2]])
    weights = RANDOM.normal(size=(2, 3))
    for held in ([3, 7], [10], [0, 8]):
        free = np.isin(np.arange(SIZE), held, invert=True)
        plain = RANDOM.normal(size=(SIZE, SIZE))
        plain = plain @ plain.T + np.eye(SIZE)
        plain[held] = plain[:, held] = 0.0
        plain[held, held] = 1.0
        change = np.eye(SIZE)
        for row, places, parts in zip(dependent, arguments, weights, strict=True):
            for place, part in zip(places, parts, strict=True):
                change[row, place] += part * (free[row] and free[place])
        inner = change.T @ plain @ change
        whole = np.arange(SIZE)[None]
        pattern = sparse_pattern(SIZE, (whole,))
        nothing, all_ = jnp.zeros(SIZE), jnp.ones(SIZE, bool)
        elements = ((jnp.asarray(whole), jnp.asarray(inner)[None]),)
        made = SlantedMatrix(
            Factorised().matrix(pattern, elements, (), all_, nothing),
            Leaning(jnp.asarray(dependent), jnp.asarray(arguments), jnp.asarray(weights)),
            jnp.asarray(weights),
            jnp.asarray(free),
        )
        right = jnp.asarray(RANDOM.normal(size=SIZE))
        found, definite = made.cholesky_solve(right)
        assert definite
        for ours in (found, made.solver()(right)):
            np.testing.assert_allclose(ours, np.linalg.solve(plain, right), rtol=1e-8, atol=1e-9)
        lifted = inner + 0.5 * inner.diagonal().max() * np.eye(SIZE)
        back = np.linalg.inv(change)
        np.testing.assert_allclose(
            made.shifted(jnp.asarray(0.5)).solver()(right),
            np.linalg.solve(back.T @ lifted @ back, right),
            rtol=1e-8,
            atol=1e-9,
        )
