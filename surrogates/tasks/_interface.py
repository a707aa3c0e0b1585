"""What an offline task is: data for the method, the truth for its judge."""

import abc
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from ..offline import OfflineDataset


class AbstractTask(abc.ABC):
    """A question whose truth we own.

    **Attributes:** `name`, `size` (number of variables of the unit cube), `differentiable` (whether
    `true_gradient` is there).
    """

    name: str
    size: int
    differentiable: ClassVar[bool] = False

    @abc.abstractmethod
    def dataset(self, seed: int = 0) -> OfflineDataset:
        """The offline set of a seed."""

    @abc.abstractmethod
    def true_score(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " k"]:
        """The oracle, for the evaluator only; NaN where the simulation fails.

        **Raises:** `ValueError` for designs outside the unit cube.
        """

    def true_gradient(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Derivatives of the score, where `differentiable`."""
        raise TypeError(f"{self.name} has no gradient.")


def check_designs(x: Float[np.ndarray, "..."], size: int) -> Float[np.ndarray, "k d"]:
    """Designs (k, d) of the unit cube.

    **Raises:** `ValueError` naming the first that is none.
    """
    x = np.asarray(x, float)
    if x.ndim != 2 or x.shape[1] != size:
        raise ValueError(f"designs must have shape (k, {size}), but have {x.shape}.")
    outside = ~((x >= -1e-9) & (x <= 1 + 1e-9))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"designs must lie in the unit cube, but [{row}, {column}] is {x[row, column]:g}."
        )
    return np.clip(x, 0.0, 1.0)
