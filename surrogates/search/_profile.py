"""How far the derivative of a surrogate can be trusted: the success profile of its attacks."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffsim import Problem, evaluate_batch
from diffsim.optimise._interface import merit

from ._attack import AbstractAttack
from ._landscape import AbstractLandscape, check_size


class SuccessProfile(NamedTuple):
    """S(r): `success` (k, p) says where the attack at radius r (k,) improves the oracle."""

    radii: Float[np.ndarray, " k"]
    success: Bool[np.ndarray, "k p"]

    @property
    def share(self) -> Float[np.ndarray, " k"]:
        """S(r), the share of points."""
        return self.success.mean(axis=1)

    def radius_at(self, share: float) -> float:
        """The largest radius up to which S stays at or above a share (logarithmic interpolation);
        the smallest radius where it never does."""
        below = np.flatnonzero(self.share < share)
        if not below.size:
            return float(self.radii[-1])
        i = int(below[0])
        if i == 0:
            return float(self.radii[0])
        fraction = (self.share[i - 1] - share) / (self.share[i - 1] - self.share[i])
        logs = np.log(self.radii)
        return float(np.exp(logs[i - 1] + fraction * (logs[i] - logs[i - 1])))


def success_profile(
    attack: AbstractAttack,
    surrogate: AbstractLandscape,
    oracle: Problem,
    points: Float[np.ndarray, "p d"],
    radii: Float[np.ndarray, " k"],
) -> SuccessProfile:
    """S(r) of a surrogate: from each point, does the attack at radius r improve the oracle?

    Improves: less violation, or the same and a lower value. p·(1 + k) evaluations of the oracle.

    **Raises:** `ValueError` for a surrogate of another size, or radii that do not increase.
    """
    radii = np.asarray(radii, float)
    if radii.ndim != 1 or not radii.size or np.any(np.diff(radii, prepend=0.0) <= 0):
        raise ValueError(f"radii must be positive and increase, but are {radii}.")
    start = evaluate_batch(oracle, jnp.asarray(points), "value")
    check_size(surrogate, oracle.space.size, start.constraints.shape[1])
    attacked = _attacked(attack, surrogate, jnp.asarray(points), jnp.asarray(radii))
    flat = attacked.reshape(-1, attacked.shape[-1])
    ends = evaluate_batch(oracle, flat, "value")
    before = [np.asarray(m)[:, None] for m in merit(start)]
    after = [np.asarray(m).reshape(len(points), -1) for m in merit(ends)]
    better = (after[0] < before[0]) | ((after[0] == before[0]) & (after[1] < before[1]))
    return SuccessProfile(radii, better.T)


@eqx.filter_jit
def _attacked(attack, surrogate, points, radii):
    return jax.vmap(lambda x: attack(surrogate, x, radii).points)(points)
