"""Parameters of a sheet from a recorded motion."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._problem import Problem
from ..._simulator import Leaf
from ..._space import DesignSpace, Log
from ...shells import (
    Barrier,
    Clamp,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    Schedule,
    Shell,
    TriangleMesh,
    strip,
)
from ._marks import Mark, Marks
from ._sheets import row, table
from ._task import ShellTask

# What the recording was made with, and its noise.
TRUTH = {"young": 5e6, "friction": 0.25}
NOISE = 5e-4
# What the coarser model misses at the true parameters, noise included, is 1.05 mm.
_TOLERANCE = 1.25e-3
_SEED = 20240400
_DURATION, _SAMPLES = 0.3, 10
# Of the strip, m: where the markers are.
_MARKERS = (0.05, 0.075, 0.1)


def _dragged(cells: int, steps: int, young: float, friction: float) -> Dynamics:
    """A sheet on a table, one end of which a gripper lifts by 20 mm and pushes by 40 mm."""
    mesh = strip(0.1, 0.02, (cells, cells // 8))
    times = [0.0, 0.1, 0.3]
    poses = jnp.zeros((3, 6)).at[1:, 2].set([0.02, 0.02]).at[2, 0].set(0.04)
    shell = Shell(
        mesh,
        IsotropicMaterial(young, 0.3, 5e-4, 1000.0),
        loads=[Gravity()],
        supports=[Clamp(row(mesh, 0.0), schedule=Schedule(times, poses))],
        contacts=[table(-6e-4, Barrier(10.0, 1e-3), Friction(friction, 1e-2))],
    )
    return Dynamics(shell, step=_DURATION / steps, steps=steps, tolerance=1e-7)


def _mesh(motion: Dynamics) -> TriangleMesh:
    assert isinstance(motion.shell, Shell)
    return motion.shell.mesh


def _marks(mesh: TriangleMesh, steps: int, data: Float[np.ndarray, "s m 2"]) -> list[Mark]:
    every = steps // _SAMPLES
    return [
        Mark(every * (k + 1), row(mesh, s), axis, data[k, m, i], _TOLERANCE)
        for k in range(_SAMPLES)
        for m, s in enumerate(_MARKERS)
        for i, axis in enumerate((0, 2))
    ]


@functools.cache
def recording() -> Float[np.ndarray, "s m 2"]:
    """x and z (m) of three markers at ten times, of a sheet twice as finely resolved in space and
    time as the model that is fitted, with normal noise of 0.5 mm."""
    fine = _dragged(16, 120, **TRUTH)
    mesh = _mesh(fine)
    clean = Marks(mesh, _marks(mesh, 120, np.zeros((_SAMPLES, len(_MARKERS), 2))))
    scaled = jax.jit(lambda d: clean.residuals(d(None).checked()))(fine)
    places = _TOLERANCE * np.asarray(scaled).reshape(_SAMPLES, len(_MARKERS), 2)
    return places + NOISE * np.random.default_rng(_SEED).standard_normal(places.shape)


def estimation() -> Problem:
    """Young's modulus of a sheet and its friction with a table, from the motion of three markers.

    A rubber-like sheet of 100 × 20 × 0.5 mm is lifted at one end by 20 mm and pushed over a table,
    on which it makes a bulge that grows until its far part slides. The recording (`recording`) was
    made with 5 MPa and 0.25. Variables: Young's modulus 1e5-1e8 Pa, friction 0.05-1. Solved where
    the markers miss by at most 1.25 mm, root mean square over 60 numbers: at the true parameters
    the coarser model misses by 0.92 mm (it slips at other moments), to which the noise comes. With
    half the modulus it misses by 5.6 mm, with twice the friction by 2.6 mm; twice the modulus or
    half the friction cannot be told from the truth by this model.
    """
    coarse = _dragged(8, 60, 1e7, 0.5)
    mesh = _mesh(coarse)
    space = DesignSpace(
        young=Log(1e5, 1e8, unit="Pa"),
        friction=Log(0.05, 1.0, where=Leaf("shell.contacts.0.friction.coefficient")),
    )
    objective = Marks(mesh, _marks(mesh, 60, recording()))
    return Problem(coarse, None, space, objective, name="shell_estimation")


TASKS = (
    ShellTask(
        "estimation",
        "stiffness and friction of a sheet from a recorded motion",
        estimation,
        solved=0.5 * 60,
    ),
)
