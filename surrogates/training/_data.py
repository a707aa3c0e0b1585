"""What a model is trained on."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


class TrainingData(eqx.Module):
    """Designs of the unit cube and their scores; a batch of them is the same thing.

    **Fields:**

    - `x` (n, d); `y` (n, m), larger is better.
    - `gradients` (n, m, d): true derivatives of the scores, if they are known.
    """

    x: Float[Array, "n d"]
    y: Float[Array, "n m"]
    gradients: Float[Array, "n m d"] | None = None

    def at(self, index: Int[Array, " b"]) -> "TrainingData":
        """The rows of an index."""
        gradients = None if self.gradients is None else self.gradients[index]
        return TrainingData(self.x[index], self.y[index], gradients)


def training_data(x, y, gradients=None) -> TrainingData:
    """Checked `TrainingData` from arrays; scores (n,) are taken as (n, 1).

    **Raises:** `ValueError` naming the array if it is empty, of the wrong shape, not finite, or
    if a design lies outside the unit cube.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    y = y[:, None] if y.ndim == 1 else y
    if x.ndim != 2 or len(x) == 0:
        raise ValueError(f"x must have shape (n, d) with n > 0, but has {x.shape}.")
    if y.ndim != 2 or len(y) != len(x):
        raise ValueError(f"y must have {len(x)} rows as x has, but has shape {y.shape}.")
    if not np.all(np.isfinite(y)):
        raise ValueError(f"y must be finite, but {int(np.sum(~np.isfinite(y)))} scores are not.")
    outside = ~((x >= -1e-9) & (x <= 1 + 1e-9))
    if np.any(outside):
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"x must lie in the unit cube, but {int(outside.any(axis=1).sum())} rows do not: "
            f"x[{row}, {column}] is {x[row, column]:g}."
        )
    if gradients is not None:
        gradients = np.asarray(gradients, float).reshape(len(gradients), -1, x.shape[1])
        if gradients.shape != (*y.shape, x.shape[1]) or not np.all(np.isfinite(gradients)):
            raise ValueError(
                f"gradients must be finite with shape {(*y.shape, x.shape[1])}, but are not "
                f"(shape {gradients.shape})."
            )
        gradients = jnp.asarray(gradients)
    return TrainingData(jnp.asarray(x), jnp.asarray(y), gradients)
