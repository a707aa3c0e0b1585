"""Sheets that nothing holds: sliding, throwing, bouncing."""

import jax.numpy as jnp
import numpy as np

from ..._problem import Problem
from ..._simulator import Leaf
from ..._space import DesignSpace, Linear, Log
from ...shells import (
    Barrier,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    Shell,
    TriangleMesh,
    strip,
)
from ._design import Launch
from ._marks import Mark, Marks
from ._sheets import bent, row, table
from ._task import ShellTask


def _card(mesh: TriangleMesh, young: float, thickness: float, friction: Friction) -> Shell:
    material = IsotropicMaterial(young, 0.3, thickness, 800.0)
    on_table = table(0.0, Barrier(5.0, 1e-3), friction)
    return Shell(mesh, material, loads=[Gravity()], contacts=[on_table])


def sliding() -> Problem:
    """Push a card such that it has gone 30 mm after 0.1 s and rests at 40 mm, within 1 mm.

    A card of 60 × 40 × 0.3 mm on a table. Variables: the speed of the push, 0.1-1 m/s, and the
    coefficient of friction, 0.05-1. A point mass says v²/(2μg) = 40 mm: 0.4 m/s and μ = 0.204
    stop it after 0.2 s.
    """
    mesh = strip(0.06, 0.04, (2, 1))
    shell = _card(mesh, 1e9, 3e-4, Friction(0.5, 2e-3))
    # The gap at which the barrier carries the weight.
    above = mesh.positions + jnp.array([0.0, 0.0, 6.6e-4])
    pushed = jnp.zeros_like(above).at[:, 0].set(0.8)
    dynamics = Dynamics(shell, step=5e-3, steps=60, positions=above, velocities=pushed)
    every = range(mesh.num_vertices)
    marks = [Mark(20, every, 0, 0.06, 1e-3), Mark(60, every, 0, 0.07, 1e-3)]
    space = DesignSpace(
        speed=Linear(0.1, 1.0, unit="m/s", where=Launch(0)),
        friction=Log(0.05, 1.0, where=Leaf("shell.contacts.0.friction.coefficient")),
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_sliding")


def throwing() -> Problem:
    """Throw a card such that it turns over once, and lies 150 mm further, within 2 mm.

    A card of 60 × 40 × 0.3 mm, 30 mm above a table with friction 0.4. Variables: speed forwards
    0-1.5 m/s and upwards 0-1.5 m/s, and spin 0-30 rad/s. Half a turn about y in flight; it then
    slides. What counts is where its middle is, and that its ends have changed places, 0.35 s
    after the throw, and that its middle was there 50 ms before.
    """
    mesh = strip(0.06, 0.04, (2, 1))
    shell = _card(mesh, 1e9, 3e-4, Friction(0.4, 1e-2))
    above = mesh.positions + jnp.array([0.0, 0.0, 0.03])
    dynamics = Dynamics(
        shell, step=5e-3, steps=70, scheme="implicit_euler", positions=above, tolerance=1e-7
    )
    every, first, last = range(mesh.num_vertices), row(mesh, 0.0), row(mesh, 0.06)
    marks = [
        Mark(60, every, 0, 0.18, 2e-3),
        Mark(70, every, 0, 0.18, 2e-3),
        Mark(70, first, 0, 0.06, 2e-3, less=last),
    ]
    space = DesignSpace(
        forwards=Linear(0.0, 1.5, unit="m/s", where=Launch(0)),
        upwards=Linear(0.0, 1.5, unit="m/s", where=Launch(2)),
        spin=Linear(0.0, 30.0, unit="rad/s", where=Launch(4)),
    )
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_throwing")


def _arch(s: np.ndarray) -> np.ndarray:
    """A circular arc of 80 mm and 1.6 rad, ends down."""
    angle = 1.6 * (s / 0.08 - 0.5)
    radius = 0.08 / 1.6
    return radius * np.stack([np.sin(angle), np.cos(angle) - np.cos(0.8)], axis=1)


def bouncing() -> Problem:
    """How stiff must an arch be that falls on its feet, to be 5.5 mm high in the middle when it is
    pressed flat and back at 37 mm?

    An arch of 80 × 20 mm comes down at 1 m/s from 15 mm above a table. Variables: Young's
    modulus 1e8-1e10 Pa and thickness 0.1-0.6 mm. Heights of the middle after 25 and 90 ms, within
    0.5 mm.
    """
    mesh = bent(strip(0.08, 0.02, (8, 1)), _arch)
    shell = _card(mesh, 1e9, 3e-4, Friction(0.2, 1e-2))
    above = mesh.positions + jnp.array([0.0, 0.0, 0.015])
    falls = jnp.zeros_like(above).at[:, 2].set(-1.0)
    dynamics = Dynamics(
        shell, step=2.5e-3, steps=36, positions=above, velocities=falls, tolerance=1e-7
    )
    middle = row(mesh, 0.0)
    marks = [Mark(10, middle, 2, 5.5e-3, 5e-4), Mark(36, middle, 2, 0.037, 5e-4)]
    space = DesignSpace(young=Log(1e8, 1e10, unit="Pa"), thickness=Log(1e-4, 6e-4, unit="m"))
    return Problem(dynamics, None, space, Marks(mesh, marks), name="shell_bouncing")


TASKS = (
    ShellTask("sliding", "push a card so that it passes one mark and stops at another", sliding),
    ShellTask("throwing", "throw a card over so that it comes to lie at a mark", throwing),
    ShellTask("bouncing", "how stiff must an arch be to bounce to a height", bouncing),
)
