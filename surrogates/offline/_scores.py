"""From the value of a problem, which is minimised, to a score, which is maximised."""

import abc

import equinox as eqx
import numpy as np
from jaxtyping import Float


class AbstractScore(eqx.Module):
    """A falling function of the value, and its derivative."""

    @abc.abstractmethod
    def __call__(self, value: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """The score of a value."""

    @abc.abstractmethod
    def slope(self, value: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """The derivative of the score in the value."""


class Negative(AbstractScore):
    """-value."""

    def __call__(self, value: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return -value

    def slope(self, value: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return -np.ones_like(value)


class NegativeLog(AbstractScore):
    """-log10(value + floor): for misfits, whose few largest would decide every z-score."""

    floor: float = 1e-3

    def __check_init__(self):
        if not self.floor > 0:
            raise ValueError(f"floor must be positive, but is {self.floor:g}.")

    def __call__(self, value: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return -np.log10(value + self.floor)

    def slope(self, value: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return -1.0 / (np.log(10.0) * (value + self.floor))
