"""The scales a model works on: inputs and outputs by their z-scores."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Normalisation(eqx.Module):
    """Affine maps x -> (x - x_shift)/x_scale and y -> (y - y_shift)/y_scale, part of a model.

    They are fixed when the model is made and never trained.
    """

    x_shift: Float[Array, " d"]
    x_scale: Float[Array, " d"]
    y_shift: Float[Array, " m"]
    y_scale: Float[Array, " m"]

    @staticmethod
    def identity(size: int, outputs: int = 1) -> "Normalisation":
        """Leaves everything as it is."""
        return Normalisation(jnp.zeros(size), jnp.ones(size), jnp.zeros(outputs), jnp.ones(outputs))

    @staticmethod
    def of(x: Float[np.ndarray | Array, "n d"], y: Float[np.ndarray | Array, "n m"]):
        """The z-scores of a data set. An input that is constant keeps its unit.

        **Raises:** `ValueError` if the data are empty or not finite, or an output is constant.
        """
        x, y = np.asarray(x, float), np.asarray(y, float)
        if len(x) == 0 or len(x) != len(y):
            raise ValueError(
                f"x and y must have the same positive number of rows, but have {len(x)} and "
                f"{len(y)}."
            )
        if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
            raise ValueError("x and y must be finite, but are not throughout.")
        deviation = y.std(axis=0)
        if np.any(deviation <= 1e-14 * np.maximum(1.0, np.abs(y).max(axis=0))):
            constant = int(np.argmin(deviation))
            raise ValueError(
                f"scores must differ, but output {constant} is {y[0, constant]:g} throughout."
            )
        spread = x.std(axis=0)
        return Normalisation(
            jnp.asarray(x.mean(axis=0)),
            jnp.asarray(np.where(spread > 1e-12, spread, 1.0)),
            jnp.asarray(y.mean(axis=0)),
            jnp.asarray(deviation),
        )

    def inputs(self, x: Float[Array, " d"]) -> Float[Array, " d"]:
        """What the model sees of a design."""
        return (x - self.x_shift) / self.x_scale

    def scores(self, standardised: Float[Array, "... m"]) -> Float[Array, "... m"]:
        """From the model's scale to that of the data."""
        return self.y_shift + self.y_scale * standardised

    def standardise(self, y: Float[Array, "... m"]) -> Float[Array, "... m"]:
        """From the scale of the data to the model's."""
        return (y - self.y_shift) / self.y_scale
