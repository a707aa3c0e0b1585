"""What markers and gauges have recorded of a sheet: the objective of estimation."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._objective import AbstractResidualObjective
from ..._observables import Observables
from ..._types import Residuals
from ._marks import Marks


class Recorded(AbstractResidualObjective):
    """Misses of markers, and of the forces that bodies exert on the sheet, over tolerances.

    **Arguments:**

    - `marks`: where markers were.
    - `at`: (s,) time steps; `contacts`: the bodies whose force was read, `axis`: along which.
    - `forces`: (s, c) N; `tolerance`: in N.

    **Raises:** `ValueError` for forces of another shape, or a tolerance that is not positive.
    """

    marks: Marks
    at: Int[Array, " s"]
    forces: Float[Array, "s c"]
    tolerance: Float[Array, ""]
    contacts: tuple[int, ...] = eqx.field(static=True)
    axis: int = eqx.field(static=True)

    def __init__(
        self,
        marks: Marks,
        at: Sequence[int],
        contacts: Sequence[int],
        axis: int,
        forces: Float[np.ndarray, "s c"],
        tolerance: float,
    ):
        if forces.shape != (len(at), len(contacts)):
            raise ValueError(
                f"forces must have shape ({len(at)}, {len(contacts)}), one row for each time and "
                f"one column for each body, but have {forces.shape}."
            )
        if not tolerance > 0:
            raise ValueError(f"tolerance of forces must be positive, in N, but is {tolerance!r}.")
        self.marks, self.contacts, self.axis = marks, tuple(contacts), axis
        self.at, self.forces = jnp.asarray(at), jnp.asarray(forces, float)
        self.tolerance = jnp.asarray(tolerance, float)

    def residuals(self, observables: Observables) -> Residuals:
        every = observables.values["contact_force"][self.at]
        misses = every[:, jnp.asarray(self.contacts), self.axis] - self.forces
        return jnp.concatenate([self.marks.residuals(observables), misses.ravel() / self.tolerance])
