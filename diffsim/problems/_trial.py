"""The trial family for constrained search: random, seeded, a few active constraints."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._objective import Constraint, Maximise
from .._observables import Observables, observe
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._space import DesignSpace, Linear
from .._status import RESULTS
from .._types import Scalar

Variant = Literal["smooth", "rounded", "relu"]

_OUTPUTS, _BOX, _SAMPLES = 6, 2.0, 4096
_ROUNDED_TO = 0.05


class TrialSimulator(AbstractSimulator):
    """y_k = tanh(a_k·x) + 0.5 sin(2 b_k·x + p_k) + 0.3 (c_k·x)², k = 1...6; a, b, c random.

    "rounded" rounds y to multiples of 0.05 (its derivative is zero almost everywhere); "relu" is
    the piecewise linear max(a_k·x, 0) - 0.5 max(2 b_k·x + p_k, 0) + 0.3 |c_k·x|.
    """

    x: Float[Array, " d"]
    weights: Float[Array, "3 m d"]
    phases: Float[Array, " m"]
    variant: Variant = eqx.field(static=True)

    def __call__(self, inputs) -> Observables:
        first, second, third = jnp.einsum("kmd,d->km", self.weights, self.x)
        if self.variant == "relu":
            kinks = jnp.maximum(2 * second + self.phases, 0.0)
            y = jnp.maximum(first, 0.0) - 0.5 * kinks + 0.3 * jnp.abs(third)
        else:
            y = jnp.tanh(first) + 0.5 * jnp.sin(2 * second + self.phases) + 0.3 * third**2
        if self.variant == "rounded":
            y = _ROUNDED_TO * jnp.round(y / _ROUNDED_TO)
        return observe({"y": y}, RESULTS.successful, {})

    def lenses(self) -> dict[str, AbstractLens]:
        return {f"x{i}": Leaf("x", index=i) for i in range(self.x.size)}


class _Score(eqx.Module):
    """-Σ_{k<=4} (y_k - t_k)² + 0.5 y_5."""

    targets: Float[Array, " 4"]

    def __call__(self, observables: Observables) -> Scalar:
        y = observables.values["y"]
        return -jnp.sum((y[:4] - self.targets) ** 2) + 0.5 * y[4]


class _Slacks(eqx.Module):
    """(y_6 - its 40 % quantile, ‖y‖² - its 90 % quantile)."""

    limits: Float[Array, " 2"]

    def __call__(self, observables: Observables) -> Array:
        y = observables.values["y"]
        return jnp.stack([y[5], jnp.sum(y**2)]) - self.limits


def trial(seed: int = 0, size: int = 20, variant: Variant = "smooth") -> Problem:
    """A random problem with six outputs and two constraints, most often both active.

    The box is ±2. Targets stand 0.1 above the 90 % quantiles of their outputs over 4096 uniform
    points, so that they cannot all be met. The start is the first feasible one of these points.

    **Raises:** `ValueError` for another variant or fewer than two variables.
    """
    if variant not in ("smooth", "rounded", "relu"):
        raise ValueError(f"variant must be 'smooth', 'rounded' or 'relu', but is {variant!r}.")
    if size < 2:
        raise ValueError(f"size must be at least 2, but is {size}.")
    random = np.random.default_rng([seed, size])
    weights = random.standard_normal((3, _OUTPUTS, size)) / np.sqrt(size)
    phases = random.uniform(0.0, 2 * np.pi, _OUTPUTS)
    points = random.uniform(-_BOX, _BOX, (_SAMPLES, size))
    simulator = TrialSimulator(jnp.zeros(size), jnp.asarray(weights), jnp.asarray(phases), variant)
    y = np.asarray(_outputs(simulator, jnp.asarray(points)))
    limits = np.array([np.quantile(y[:, 5], 0.4), np.quantile(np.sum(y**2, axis=1), 0.9)])
    targets = np.quantile(y[:, :4], 0.9, axis=0) + 0.1
    feasible = (y[:, 5] < limits[0]) & (np.sum(y**2, axis=1) < limits[1])
    start = points[np.flatnonzero(feasible)[0]]
    simulator = TrialSimulator(jnp.asarray(start), simulator.weights, simulator.phases, variant)
    space = DesignSpace({f"x{i}": Linear(-_BOX, _BOX) for i in range(size)})
    return Problem(
        simulator,
        None,
        space,
        Maximise(_Score(jnp.asarray(targets))),
        (Constraint(_Slacks(jnp.asarray(limits)), "quantiles"),),
        name=f"trial_{variant}",  # without the seed: names are static, and programs are shared
    )


@eqx.filter_jit
def _outputs(simulator: TrialSimulator, points: Float[Array, "n d"]) -> Float[Array, "n m"]:
    return jax.vmap(lambda x: eqx.tree_at(lambda s: s.x, simulator, x)(None).values["y"])(points)
