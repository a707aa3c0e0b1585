"""What methods that ask in batches share: the first batch, and what an evaluation tells."""

import numpy as np
from jaxtyping import Float, Int

import diffsim as ds
from diffsim._types import Vector
from diffsim.optimise._interface import succeeded


def first_batch(x0: Vector, others: int, seed: Int[np.ndarray, " 2"]) -> Float[np.ndarray, "b d"]:
    """The start, and so many scrambled Sobol points."""
    from scipy.stats import qmc

    start = np.asarray(x0, float)[None]
    sobol = qmc.Sobol(start.shape[1], rng=np.random.default_rng(seed))
    drawn = sobol.random_base2(int(np.ceil(np.log2(others))))[:others]
    return np.concatenate([start, drawn])


def answers_of(evaluation: ds.Evaluation) -> Float[np.ndarray, "b a"]:
    """Value and slacks, rows of NaN where the evaluation failed."""
    answers = np.column_stack([np.asarray(evaluation.value), evaluation.constraints])
    fine = np.asarray(succeeded(evaluation)) & np.all(np.isfinite(answers), axis=1)
    return np.where(fine[:, None], answers, np.nan)
