"""How far edges have yielded: the objective of folding with published springs."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._objective import AbstractResidualObjective
from ..._observables import Observables
from ..._types import Residuals
from ...shells import TriangleMesh, hinge_angle


@dataclass(frozen=True)
class Kink:
    """The mean rest angle of some edges should be `target` (radian) at the end.

    **Fields:** `edges`: pairs of vertices; `tolerance` in radian.
    """

    edges: Sequence[tuple[int, int]]
    target: float
    tolerance: float


class Kinked(AbstractResidualObjective):
    """Misses over tolerances, one for each `Kink`, of a sheet whose `SpringBending` has a
    `yield_angle` (radian).

    Rest angles θ̄ are not observed; they follow from the positions at every step, as in the bending
    itself: θ̄ ← θ − clip(θ − θ̄, ±yield_angle).

    **Raises:** `ValueError` for an edge that is not inside the mesh, or a tolerance that is not
    positive.
    """

    corners: Int[Array, "e 4"]
    share: Float[Array, "p e"]
    rest: Float[Array, " e"]
    limit: Float[Array, ""]
    target: Float[Array, " p"]
    tolerance: Float[Array, " p"]

    def __init__(self, mesh: TriangleMesh, kinks: Sequence[Kink], yield_angle: float):
        edges = [edge for kink in kinks for edge in kink.edges]
        self.corners = jnp.asarray([_corners(mesh, edge) for edge in edges])
        share = np.zeros((len(kinks), len(edges)))
        last = 0
        for row, kink in zip(share, kinks, strict=True):
            if not kink.tolerance > 0:
                raise ValueError(
                    f"tolerance of a Kink must be positive, in radian, but is {kink.tolerance!r}."
                )
            row[last : last + len(kink.edges)] = 1.0 / len(kink.edges)
            last += len(kink.edges)
        self.share, self.limit = jnp.asarray(share), jnp.asarray(yield_angle, float)
        self.rest = self._angles(mesh.positions)
        self.target = jnp.asarray([kink.target for kink in kinks], float)
        self.tolerance = jnp.asarray([kink.tolerance for kink in kinks], float)

    def rest_angles(self, positions: Float[Array, "t v 3"]) -> Float[Array, " p"]:
        """The mean rest angles at the end of a motion, radian."""

        def follow(rest, angles):
            return angles - jnp.clip(angles - rest, -self.limit, self.limit), None

        # Nothing yields before the first step has ended.
        angles = jax.vmap(self._angles)(positions[1:])
        return self.share @ jax.lax.scan(follow, self.rest, angles)[0]

    def residuals(self, observables: Observables) -> Residuals:
        found = self.rest_angles(observables.values["positions"])
        return (found - self.target) / self.tolerance

    def _angles(self, positions: Float[Array, "v 3"]) -> Float[Array, " e"]:
        return jax.vmap(lambda corners: hinge_angle(*positions[corners]))(self.corners)


def _corners(mesh: TriangleMesh, edge: tuple[int, int]) -> tuple[int, int, int, int]:
    """Start, end, near and far vertex of an inner edge, as its first face sees it."""
    faces = np.asarray(mesh.faces)
    for face in faces:
        for i in range(3):
            start, end = int(face[(i + 1) % 3]), int(face[(i + 2) % 3])
            if {start, end} == set(edge):
                other = [f for f in faces if {start, end} < set(f) and set(f) != set(face)]
                if other:
                    far = next(v for v in other[0] if v not in (start, end))
                    return start, end, int(face[i]), int(far)
    raise ValueError(f"edges of a Kink must be between two faces, but {edge} is not.")
