"""TF-Bind-8: DNA sequences of length 8 and the measured binding of a transcription factor."""

import functools
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..offline import OfflineDataset, Pool, keep_bottom
from ._interface import AbstractTask, check_designs

LETTERS, LENGTH = "ACGT", 8
FILE = "six6_ref_r1.csv.gz"
# A letter is log(0.7/0.1) ahead of the others: 0.6 of one-hot and 0.4 of uniform, as design-bench.
_LEAD = float(np.log(7.0))
_REACH = 4.0  # the box: so many times the range of the data


class TFBind8(AbstractTask):
    """Maximise the measured binding score of SIX6_REF_R1, an exact table of all 65 536 sequences.

    The design is a relaxation: for each place the logits of C, G and T over that of A, which at a
    sequence are ±log 7 or 0 (design-bench's soft one-hot code), put linearly into the unit cube,
    whose box is four times as wide as the data: in a narrower one searches end in corners, where
    letters tie. The oracle takes the letter with the largest logit.

    Offline are the sequences at or below the median. Data: L. Barrera et al., Science 351 (2016)
    1450; the task is that of design-bench.

    **Raises:** `FileNotFoundError` if the table is not in `folder`.
    """

    differentiable: ClassVar[bool] = False

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.name, self.size = "tf_bind_8", LENGTH * (len(LETTERS) - 1)
        if not (self.folder / FILE).is_file():
            raise FileNotFoundError(
                f"the table of TF-Bind-8 must be at {self.folder / FILE}, but is not there."
            )

    @functools.cached_property
    def table(self) -> Float[np.ndarray, " n"]:
        """The score of every sequence, by its number in base 4."""
        columns = np.loadtxt(self.folder / FILE, delimiter=",", skiprows=1, dtype=str)
        letters = np.array([[LETTERS.index(c) for c in text] for text in columns[:, 0]])
        table = np.full(4**LENGTH, np.nan)
        table[numbers(letters)] = columns[:, 1].astype(float)
        if np.isnan(table).any():
            raise ValueError(f"{FILE} must hold every sequence, but lacks some.")
        return table

    def dataset(self, seed: int = 0) -> OfflineDataset:
        """The set is the same for every seed: the table has no pool to draw."""
        pool = Pool(self.designs(), self.table, {})
        at_most = 100.0 * np.mean(self.table <= np.median(self.table))
        return keep_bottom(pool, float(at_most), name=self.name, best=float(self.table.max()))

    def designs(self) -> Float[np.ndarray, "n 24"]:
        """Every sequence as a design, by its number in base 4: what is valid, not what is good."""
        return encode((np.arange(4**LENGTH)[:, None] // _PLACES) % 4)

    def true_score(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " k"]:
        return self.table[numbers(decode(check_designs(x, self.size)))]


_PLACES = 4 ** np.arange(LENGTH)


def numbers(letters: Int[np.ndarray, "n 8"]) -> Int[np.ndarray, " n"]:
    """The number of each sequence."""
    return letters @ _PLACES


def encode(letters: Int[np.ndarray, "n 8"]) -> Float[np.ndarray, "n 24"]:
    """Letters 0-3 to designs of the unit cube."""
    chosen = _LEAD * (letters[:, :, None] == np.arange(4))
    logits = chosen[:, :, 1:] - chosen[:, :, :1]
    return (logits.reshape(len(letters), -1) / (_REACH * _LEAD) + 1.0) / 2.0


def decode(x: Float[np.ndarray, "n 24"]) -> Int[np.ndarray, "n 8"]:
    """Designs of the unit cube to the letters with the largest logits."""
    logits = (2.0 * x - 1.0).reshape(len(x), LENGTH, 3)
    return np.argmax(np.concatenate([np.zeros((len(x), LENGTH, 1)), logits], axis=2), axis=2)


def snap(x: Float[Array, " 24"]) -> Float[Array, " 24"]:
    """The design of the sequence that `x` stands for: `encode(decode(x))` for one, in JAX."""
    logits = jnp.concatenate([jnp.zeros((LENGTH, 1)), (2.0 * x - 1.0).reshape(LENGTH, 3)], axis=1)
    chosen = jax.nn.one_hot(jnp.argmax(logits, axis=1), 4)
    return ((chosen[:, 1:] - chosen[:, :1]).reshape(-1) / _REACH + 1.0) / 2.0
