"""Steps projected onto the linearised constraints."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffsim._types import Slacks, Vector
from diffsim.optimise._box import box_least_squares

_WEIGHT = 1e-9
# How much heavier the coordinate that makes the cone a polyhedron is than the step itself.
_HEAVY = 1e3


def project_on_cone(step: Vector, rows: Float[Array, "q d"]) -> Vector:
    """The nearest point of {d : rows · d <= 0}, the tangent cone of active constraints.

    Its residual is a combination rowsᵀλ with λ >= 0 (J. J. Moreau, C. R. Acad. Sci. 255 (1962)
    238), found by least squares with bounds.
    """
    lengths = jnp.sqrt(jnp.sum(rows**2, axis=1))
    rows = rows / jnp.where(lengths > 0, lengths, 1.0)[:, None]
    q = rows.shape[0]
    factors = box_least_squares(
        rows.T, -step, jnp.full(q, _WEIGHT), jnp.zeros(q), jnp.full(q, jnp.inf)
    )
    return step - rows.T @ factors


def project_on_linearised(
    step: Vector, slacks: Slacks, rows: Float[Array, "q d"], radius: Float[Array, ""]
) -> Vector:
    """About the nearest d of {d : slacks + rows · d <= 0}, kept feasible to first order.

    At active constraints (slack 0) this is the tangent cone; constraints with room let the step
    use it, violated ones pull it back. The set is a slice of a cone of one dimension more,
    {(d, t) : rows · d + slacks t/ρ <= 0}, at t = ρ; the projection onto the cone is scaled to that
    slice. ρ is a thousand times the radius, so that little is lost of the nearest.
    """
    heavy = _HEAVY * radius
    lifted = jnp.concatenate([rows, (slacks / heavy)[:, None]], axis=1)
    projected = project_on_cone(jnp.append(step, heavy), lifted)
    # Where the linearised constraints contradict each other t is 0: then the cone's own step.
    scale = heavy / jnp.maximum(projected[-1], 1e-3 * heavy)
    return projected[:-1] * scale
