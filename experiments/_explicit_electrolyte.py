"""The peer of the concentrated electrolyte: explicit Euler on the same finite volumes.

Written for this comparison from a description of the published scheme (arXiv 2511.11631, code
at BattModels/DiffEC): 50 equal cells, centred differences, mean concentrations at the faces, the
velocity of the solvent summed up from the left wall and one step behind. It shares no line with
`diffsim.electrochem.concentrated`, is in the source's units (cm, mol/L, s), and so is a witness.

Favourable to the peer: one compiled loop, whole arrays at once, a cumulative sum in place of a
loop over faces, the current tabulated beforehand at every step, and no history kept (the
published program stores all 660 000 states). float64 on both sides.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffsim.problems import PolarisationRecord

_FARADAY = 96485.33212331001
_SALT, _SOLVENT = 287.09, 44.05  # g/mol
_LENGTH, _CELLS, _AVERAGE = 0.3, 50, 1.87  # cm, -, mol/L


def explicit_euler(record: PolarisationRecord, minutes: tuple[int, ...], step: float):
    """A function of (p₀, p₁) that gives the profiles (t, n) in mol/m³ at whole minutes.

    **Arguments:** `minutes`: increasing; `step`: in s, a divisor of 60.
    """
    counts = np.diff([0, *minutes]) * round(60.0 / step)
    clock = step * np.arange(int(np.sum(counts)))
    current = np.interp(clock, record.current[:, 0], 0.1 * record.current[:, 1])  # mA/cm²
    table = record.relation * np.array([1e-3, 1e4])  # mol/L, cm²/s
    segments = np.split(1e-3 * current, np.cumsum(counts)[:-1])
    arrays = (tuple(jnp.asarray(s) for s in segments), jnp.asarray(table))

    def profiles(p0: float, p1: float) -> Float[Array, "t n"]:
        return _march(jnp.asarray([p0, p1]), *arrays, step)

    return profiles


@partial(jax.jit, static_argnames="step")
def _march(p, segments, table, step):
    c = jnp.full(_CELLS, _AVERAGE)
    first = segments[0][0] / _FARADAY
    velocity = jnp.full(_CELLS - 1, _volume(c)[0] * (1.0 - p[0]) * first)
    kept = []
    for currents in segments:
        (c, velocity), _ = jax.lax.scan(
            lambda state, current: (_step(p, table, step, *state, current), None),
            (c, velocity),
            currents,
        )
        kept.append(1e3 * c)
    return jnp.stack(kept)


def _step(p, table, step, c, velocity, current):
    """One step; `velocity` (n − 1,) in cm/s at the inner faces."""
    width = _LENGTH / _CELLS
    flux = _flux(p, table, c, velocity, current)
    c = c - 1e3 * step / width * jnp.diff(flux)
    at_rest = _flux(p, table, c, jnp.zeros_like(velocity), current)
    return c, -jnp.cumsum(_volume(c) * jnp.diff(at_rest))[:-1]


def _flux(p, table, c, velocity, current):
    """mol/(cm² s) at all faces."""
    face = 0.5 * (c[:-1] + c[1:])
    transference = p[0] + p[1] * (face - _AVERAGE) / _AVERAGE
    relation = jnp.interp(face, table[:, 0], table[:, 1])
    slope = 1e-3 * jnp.diff(c) / (_LENGTH / _CELLS)
    inner = -(1.0 - transference) * relation * slope + current / _FARADAY * transference
    wall = (current / _FARADAY)[None]
    return jnp.concatenate([wall, inner + 1e-3 * face * velocity, wall])


def _volume(c):
    """Partial molar volume of the salt, cm³/mol."""
    density = 1.123276 + 0.106822 * c + 0.007606 * c**2
    slope = 0.106822 + 2 * 0.007606 * c
    return (_SALT - 1e3 * slope) / (density - c * slope)
