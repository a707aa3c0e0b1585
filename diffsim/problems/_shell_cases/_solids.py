"""Solids: hanging, resting, sliding."""

from functools import partial

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...shells import (
    Barrier,
    BodyContact,
    Dynamics,
    Friction,
    Gravity,
    Pin,
    Plane,
    Solid,
    SolidMaterial,
    block,
)
from ._case import ShellCase

_GRAVITY = 9.80665
_run = eqx.filter_jit(lambda dynamics: dynamics(None))
_DENSITY, _SPEED = 1000.0, 1e-2
_TILT = 0.3


def block_on_incline(friction: float, speed: float, steps: int) -> Dynamics:
    """A rubber block of 40 × 30 × 20 mm, for 0.2 s on an incline that goes down along x."""
    mesh = block([0.04, 0.03, 0.02], [2, 2, 1])
    law = Barrier(300.0, 1e-3)
    plane = BodyContact(Plane([0.0, 0.0, -0.0105]), law, friction=Friction(friction, _SPEED))
    weight = Gravity(_GRAVITY * np.array([np.sin(_TILT), 0.0, -np.cos(_TILT)]))
    solid = Solid(mesh, SolidMaterial(1e6, 0.3, _DENSITY), loads=[weight], contacts=[plane])
    along = jnp.ones_like(mesh.positions) * jnp.array([speed, 0.0, 0.0])
    return Dynamics(solid, step=0.2 / steps, steps=steps, scheme="implicit_euler", velocities=along)


def _slide(friction: float, speed: float, steps: int) -> dict[str, float]:
    found = _run(block_on_incline(friction, speed, steps)).checked().values
    mass = _DENSITY * 0.04 * 0.03 * 0.02
    gained = np.asarray(found["momentum"][-1] - found["momentum"][0]) / mass
    return {
        "acceleration": float(gained[0]) / 0.2,
        "last_speed": float(found["momentum"][-1, 0]) / mass,
        "normal_force": float(found["contact_force"][-1, 0, 2]),
    }


def _hanging(steps: int) -> dict[str, float]:
    """A bar pinned at its top, brought to rest under its weight by long damped steps."""
    mesh = block([0.1, 0.1, 1.0], [1, 1, 8])
    solid = Solid(
        mesh,
        SolidMaterial(1e7, 0.0, _DENSITY),
        loads=[Gravity()],
        supports=[Pin(lambda x, y, z: z > 0.5 - 1e-9)],
    )
    dynamics = Dynamics(solid, step=0.2, steps=steps, scheme="implicit_euler")
    ends = np.asarray(_run(dynamics).checked().values["positions"][-1])
    lowest = mesh.select(lambda x, y, z: z < -0.5 + 1e-9)
    return {"elongation": -0.5 - ends[lowest, 2].mean()}


def solid_cases() -> tuple[ShellCase, ...]:
    """Cases of solids, whose resolution is a number of time steps."""
    threshold = np.tan(_TILT)
    weight = _DENSITY * 0.04 * 0.03 * 0.02 * _GRAVITY * np.cos(_TILT)
    slid = _GRAVITY * (np.sin(_TILT) - 0.5 * threshold * np.cos(_TILT))
    creep = _SPEED * (1.0 - np.sqrt(1.0 - 1.0 / 1.5))
    rows = [
        ("block_slides", partial(_slide, 0.5 * threshold, 0.05),
         {"acceleration": slid, "normal_force": weight}, "Coulomb", 40, 1e-2, "contact"),
        ("block_sticks", partial(_slide, 1.5 * threshold, 0.0),
         {"last_speed": creep, "normal_force": weight}, "smooth law", 40, 1e-2, "contact"),
        ("hanging_bar", _hanging, {"elongation": _DENSITY * _GRAVITY / 2e7}, "ρgL²/(2E)", 20,
         1e-2, "statics"),
    ]  # fmt: skip
    return tuple(
        ShellCase(name, measure, truth, source, resolution, tolerance, frozenset({tag, "solid"}))
        for name, measure, truth, source, resolution, tolerance, tag in rows
    )
