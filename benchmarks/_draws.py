"""Random cells over the documented ranges: does every one end right, or in a result code?

And are its derivatives those of what it computes?
"""

from collections import Counter
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import qmc

from diffsim._status import code, name_of

from ._families import Family, Numerics

# A curve that differs by more than this from a refined one, in parts of its largest value, is
# wrong without saying so: ten times what is promised.
SILENT = 1e-3

TOLERANCE = 1e-4
# Of the differences with which derivatives are compared, in the unit cube; the changes of the
# discrete scheme with the parameters must not show, hence `Family.fine`.
_STEP = 2e-3


class Tally(NamedTuple):
    """What came of the draws; `worst` is the largest deviation of those that succeeded, `where`
    the number of that draw, `ended` how many ended in which way."""

    draws: int
    successful: int
    silent: int
    worst: float
    where: int
    compared: int
    ended: dict[str, int]


class Derivatives(NamedTuple):
    """Largest and median disagreement over the draws: forward with reverse mode, and with central
    differences, in parts of the derivative's size."""

    checked: int
    modes: float
    differences: float
    median: float


def draw(family: Family, count: int, seed: int = 0) -> Float[np.ndarray, "count d"]:
    """A Latin hypercube over the ranges."""
    unit = qmc.LatinHypercube(len(family.ranges), rng=seed).random(count)
    return np.stack([np.asarray(physical(family, u)) for u in unit])


def physical(family: Family, unit: Float[Array, " d"] | np.ndarray) -> Float[Array, " d"]:
    """From the unit cube to the ranges."""
    low, high = np.array(list(family.ranges.values())).T
    logarithmic = low > 0
    safe = np.where(logarithmic, low, 1.0), np.where(logarithmic, high, 2.0)
    power = safe[0] * (safe[1] / safe[0]) ** jnp.asarray(unit)
    return jnp.where(logarithmic, power, low + (high - low) * jnp.asarray(unit))


def simulate(family: Family, how: Numerics, vector: Float[Array, " d"]):
    """The column of numbers, and the result code."""
    p = {name: vector[i] for i, name in enumerate(family.ranges)}
    values, observed = family.run(p, how)
    return values, code(observed.result)


def program(family: Family, how: Numerics):
    """`simulate`, compiled."""
    return eqx.filter_jit(lambda vector: simulate(family, how, vector))


def tally(family: Family, count: int, *, refined: int, seed: int = 0) -> Tally:
    """Simulate `count` draws, and the first `refined` of those that succeed once more, finer."""
    coarse = program(family, Numerics(TOLERANCE))
    fine = _refined(family)
    silent, errors, ended = 0, {}, Counter()
    for i, vector in enumerate(draw(family, count, seed)):
        values, how = (np.asarray(a) for a in coarse(jnp.asarray(vector)))
        ended[name_of(int(how))] += 1
        finite = bool(np.all(np.isfinite(values)))
        if how != 0:
            silent += int(np.any(np.isfinite(values)))
            continue
        silent += int(not finite)
        if finite and len(errors) < refined:
            exact, also = fine(vector)
            if also == 0:
                errors[i] = float(np.max(np.abs(values - exact)) / np.max(np.abs(exact)))
    silent += sum(error > SILENT for error in errors.values())
    where = max(errors, key=errors.__getitem__, default=-1)
    worst = errors.get(where, 0.0)
    return Tally(count, ended["successful"], silent, worst, where, len(errors), dict(ended))


def _refined(family: Family):
    """From a draw to what it should have given, and a result code."""
    if family.reference is not None:
        reference = family.reference
        return lambda vector: (reference(dict(zip(family.ranges, vector, strict=True))), 0)
    fine = program(family, Numerics(0.1 * TOLERANCE, family.cells, 16384))
    return lambda vector: tuple(np.asarray(a) for a in fine(jnp.asarray(vector)))


def derivatives(family: Family, count: int, *, seed: int = 1) -> Derivatives:
    """Along a random direction of the unit cube at each of `count` draws that succeed."""
    generator = np.random.default_rng(seed)
    weigh = _weighted(family, generator)
    value = eqx.filter_jit(lambda unit: weigh("forward", unit))
    along = eqx.filter_jit(lambda unit, v: jax.jvp(lambda u: weigh("forward", u), (unit,), (v,)))
    slope = eqx.filter_jit(jax.value_and_grad(lambda unit: weigh("checkpointed", unit)))
    modes, differences = [], []
    units = qmc.LatinHypercube(len(family.ranges), rng=seed).random(count)
    for unit in 0.01 + 0.98 * units:
        v = generator.standard_normal(unit.size)
        v /= np.linalg.norm(v)
        _, forward = along(jnp.asarray(unit), jnp.asarray(v))
        here, gradient = (np.asarray(part) for part in slope(jnp.asarray(unit)))
        near = [float(value(jnp.asarray(unit + h * _STEP * v))) for h in (-2, -1, 1, 2)]
        if not np.all(np.isfinite([here, *near])):  # a failed run has no derivative
            continue
        central = (near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * _STEP)
        # The gradient's length, not the derivative along v, which may happen to vanish.
        size = max(float(np.linalg.norm(gradient)) / np.sqrt(unit.size), 1e-300)
        modes.append(abs(gradient @ v - float(forward)) / size)
        differences.append(abs(central - float(forward)) / size)
    worst = float(np.max(modes)), float(np.max(differences))  # NaN stays NaN
    return Derivatives(len(modes), *worst, float(np.median(differences)))


def _weighted(family: Family, generator: np.random.Generator):
    """A weighted sum of all that a draw gives; NaN where the draw fails."""

    def weigh(adjoint, unit):
        how = Numerics(family.fine, None, 16384, adjoint)
        values, ended = simulate(family, how, physical(family, unit))
        weights = jnp.asarray(np.cos(phase * np.arange(values.size)))
        return jnp.where(ended == 0, weights @ values, jnp.nan)

    phase = generator.uniform(0.1, 1.0)
    return weigh
