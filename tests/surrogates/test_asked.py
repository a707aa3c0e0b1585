"""What the methods that ask in batches share."""

import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim._status import from_code
from surrogates import _asked

SEED = np.asarray([3, 5])


@pytest.mark.parametrize("others", [1, 5, 8])
def test_the_first_batch_is_the_start_and_an_even_choice(others):
    start = jnp.asarray([0.25, 0.5, 0.75])
    batch = _asked.first_batch(start, others, SEED)
    assert batch.shape == (1 + others, 3)
    np.testing.assert_array_equal(batch[0], start)
    assert 0.0 <= batch.min() <= batch.max() <= 1.0
    assert len(np.unique(batch, axis=0)) == len(batch)
    np.testing.assert_array_equal(_asked.first_batch(start, others, SEED), batch)
    assert np.all(_asked.first_batch(start, others, SEED + 1)[1:] != batch[1:])
    if others == 8:  # one in each half of every variable, four and four
        np.testing.assert_array_equal(np.sum(batch[1:] < 0.5, axis=0), [4, 4, 4])


def test_answers_are_values_and_slacks_or_nothing_at_all():
    values = jnp.asarray([1.0, 2.0, 3.0, jnp.inf])
    slacks = jnp.asarray([[-0.5], [0.25], [jnp.nan], [0.0]])
    codes = from_code(jnp.asarray([0, 1, 0, 0], jnp.int32))
    found = _asked.answers_of(ds.Evaluation(values, slacks, codes, None))
    expected = [[1.0, -0.5], *(3 * [[np.nan, np.nan]])]
    np.testing.assert_array_equal(found, expected)


def test_without_constraints_an_answer_is_the_value():
    codes = from_code(jnp.zeros(2, jnp.int32))
    evaluation = ds.Evaluation(jnp.asarray([1.0, 2.0]), jnp.zeros((2, 0)), codes, None)
    np.testing.assert_array_equal(_asked.answers_of(evaluation), [[1.0], [2.0]])
