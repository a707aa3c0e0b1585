"""Motion, contact and friction, and creases."""

from functools import partial

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from ...shells import (
    Barrier,
    BodyContact,
    Dynamics,
    Friction,
    Gravity,
    IsotropicMaterial,
    Penalty,
    Plane,
    PlasticBending,
    Shell,
    strip,
)
from ._case import ShellCase

_GRAVITY = 9.80665
_run = eqx.filter_jit(lambda dynamics: dynamics(None))

# A card of 0.1 kg/m² on a plane; the barrier, and the speed below which friction sticks.
_CARD = IsotropicMaterial(1e7, 0.3, 2e-4, 500.0)
_LOAD = 500.0 * 2e-4 * _GRAVITY
_KAPPA, _DISTANCE, _SPEED, _DURATION = 5.0, 1e-3, 1e-2, 0.2


def _rest_gap(tilt: float) -> float:
    """Where the barrier's pressure, from its formula, carries the weight."""
    pressure = lambda s: _KAPPA * (-2.0 * (1.0 - s) * np.log(s) + (1.0 - s) ** 2 / s)
    return _DISTANCE * brentq(lambda s: pressure(s) - _LOAD * np.cos(tilt), 1e-9, 1.0 - 1e-9)  # pyright: ignore


def on_incline(
    steps: int, tilt: float, friction: float, speed: float = 0.0, scheme: str = "implicit_euler"
) -> dict[str, np.ndarray]:
    """What a card does in 0.2 s that begins on an incline at the gap of rest, moving down."""
    mesh = strip(0.1, 0.06, (2, 2))
    law = Barrier(_KAPPA, _DISTANCE)
    plane = BodyContact(Plane(), law, friction=Friction(friction, _SPEED))
    weight = Gravity(_GRAVITY * np.array([np.sin(tilt), 0.0, -np.cos(tilt)]))
    start = mesh.positions + jnp.array([0.0, 0.0, _rest_gap(tilt)])
    dynamics = Dynamics(
        Shell(mesh, _CARD, loads=[weight], contacts=[plane]),
        step=_DURATION / steps,
        steps=steps,
        scheme=scheme,
        positions=start,
        velocities=jnp.ones_like(start) * jnp.array([speed, 0.0, 0.0]),
    )
    return {name: np.asarray(v) for name, v in _run(dynamics).checked().values.items()}


def _creep(tilt: float, friction: float, steps: int) -> dict[str, float]:
    values = on_incline(steps, tilt, friction)
    force = values["contact_force"][-1, 0, 2]
    return {
        "speed": float(values["velocities"][-1, 0, 0]),
        "gap": float(values["gap"][-1, 0]),
        "normal_force": float(force),
    }


def _creeping(tilt: float, friction: float) -> dict[str, float]:
    return {
        "speed": _SPEED * (1.0 - np.sqrt(1.0 - np.tan(tilt) / friction)),
        "gap": _rest_gap(tilt),
        "normal_force": 0.006 * _LOAD * np.cos(tilt),
    }


def _slide(tilt: float, friction: float, steps: int) -> dict[str, float]:
    speeds = on_incline(steps, tilt, friction, 3e-2)["velocities"][:, 0, 0]
    return {"acceleration": float(speeds[-1] - speeds[0]) / _DURATION}


def _stop(steps: int) -> dict[str, float]:
    values = on_incline(steps, 0.0, 0.3, 0.5, "bdf2")
    return {"distance": float(np.ptp(values["positions"][:, 0, 0]))}


def _penalty(steps: int) -> dict[str, float]:
    """The depth at which a card comes to rest, by long damped steps."""
    mesh, law = strip(0.1, 0.06, (2, 2)), Penalty(1e4, _DISTANCE)
    shell = Shell(mesh, _CARD, loads=[Gravity()], contacts=[BodyContact(Plane(), law)])
    above = mesh.positions + jnp.array([0.0, 0.0, _DISTANCE])
    dynamics = Dynamics(shell, step=0.1, steps=steps, scheme="implicit_euler", positions=above)
    return {"depth": _DISTANCE - float(_run(dynamics).checked().values["gap"][-1, 0])}


def _free_fall(steps: int) -> dict[str, float]:
    """A thrown, spinning sheet, after 0.04 s: its middle, momentum, angular momentum."""
    mesh = strip(0.3, 0.2, (4, 3), "unstructured")
    shell = Shell(mesh, IsotropicMaterial(1e7, 0.3, 1e-3, 200.0), loads=[Gravity()])
    rest = np.asarray(mesh.positions)
    masses = np.asarray(shell.mass())[: rest.size : 3]
    start = np.cross([0.5, -1.0, 2.0], rest) + np.array([0.3, 0.0, 1.0])
    dynamics = Dynamics(
        shell,
        step=0.04 / steps,
        steps=steps,
        scheme="implicit_midpoint",
        velocities=start,
    )
    found = {name: np.asarray(v) for name, v in _run(dynamics).checked().values.items()}
    time, mass = found["time"][-1], masses.sum()
    middle = np.einsum("v,tvi->ti", masses, found["positions"]) / mass
    begun, weight = found["momentum"][0], mass * _GRAVITY * np.array([0.0, 0.0, -1.0])
    fallen = middle[0] + time * begun / mass + 0.5 * time**2 * weight / mass
    about = found["angular_momentum"] - np.cross(middle, found["momentum"])
    relative = lambda one, other: 1.0 + np.abs(one - other).max() / np.abs(other).max()
    return {
        "middle": float(relative(middle[-1], fallen)),
        "momentum": float(relative(found["momentum"][-1], begun + time * weight)),
        "angular_momentum": float(relative(about[-1], about[0])),
    }


YIELD, HARDENING = 4.0, 0.25


def hinge_path(points: int) -> np.ndarray:
    """Curvatures (1/m) to 10, back through to −12, and to flat."""
    parts = [np.linspace(0, 10, points), np.linspace(10, -12, points), np.linspace(-12, 0, points)]
    return np.concatenate(parts)


def hinge_loop(path: np.ndarray, limit: float, hardening: float) -> np.ndarray:
    """(elastic, plastic, hardened) after each point of a path of curvatures: the textbook's bar."""
    plastic = hardened = 0.0
    rows = []
    for curvature in path:
        elastic = curvature - plastic
        more = max(abs(elastic) - limit - hardening * hardened, 0.0) / (1.0 + hardening)
        plastic += more * np.sign(elastic)
        hardened += more
        rows.append((curvature - plastic, plastic, hardened))
    return np.array(rows)


# Bending about the diagonal of a square of 0.1 m only: κ = ξ l/A, and the sum of both faces is D A.
_AREA = 0.5e-2
_PER_ANGLE = np.sqrt(2.0) * 0.1 / _AREA
_WEIGHT = 2.0 * _AREA * 1e7 * 1e-9 / 12.0


def measured_loop(path: np.ndarray, hardening: float) -> dict[str, np.ndarray]:
    """Moment about the diagonal of a square (N m), elastic energy and plastic work (J) after each
    point, and at the end how far it is creased (1/m)."""
    mesh = strip(0.1, 0.1, (1, 1))
    inner = int(np.flatnonzero(~mesh.border)[0])
    material = IsotropicMaterial(1e7, 0.0, 1e-3, 500.0)
    shell = Shell(mesh, material, bending=PlasticBending(YIELD, hardening))
    unknown = 3 * mesh.num_vertices + inner

    @eqx.filter_jit
    def step(shell, angle, memory):
        q = shell.rest().at[unknown].set(angle)
        moment = shell.potential(0.0, memory=memory).full_gradient(q)[unknown]
        memory = shell.remembered(q, 0.0, memory)
        return moment, memory, shell.energies(q, 0.0, memory)

    memory, rows = shell.fresh(), []
    for curvature in path:
        moment, memory, energy = step(shell, jnp.asarray(curvature / _PER_ANGLE), memory)
        rows.append([float(v) for v in (moment, energy["bending_energy"], energy["plastic_work"])])
    moments, stored, work = np.array(rows).T
    crease = np.abs(memory.angles).max() * _PER_ANGLE
    return {"moment": moments, "stored": stored, "work": work, "crease": crease}


def expected_loop(path: np.ndarray, hardening: float) -> dict[str, np.ndarray]:
    """The same from the textbook's bar."""
    elastic, plastic, hardened = hinge_loop(path, YIELD, hardening).T
    return {
        "moment": _WEIGHT * _PER_ANGLE * elastic,
        "stored": 0.5 * _WEIGHT * elastic**2,
        "work": _WEIGHT * (YIELD * hardened + 0.5 * hardening * hardened**2),
        "crease": np.abs(plastic[-1]),
    }


def _points(loop: dict[str, np.ndarray], points: int) -> dict[str, float]:
    """A loop at its turning points."""
    return {
        "first_moment": float(loop["moment"][points - 1]),
        "second_moment": float(loop["moment"][2 * points - 1]),
        "last_moment": float(loop["moment"][-1]),
        "stored": float(loop["stored"][-1]),
        "dissipation": float(loop["work"][-1]),
        "crease": float(loop["crease"]),
    }


def _hinge(points: int) -> dict[str, float]:
    return _points(measured_loop(hinge_path(points), HARDENING), points)


def moving_cases() -> tuple[ShellCase, ...]:
    """Cases of motion, whose resolution is a number of time steps (or points of a loop)."""
    steep, threshold = 0.3, np.tan(0.3)
    loose = 0.98 * threshold
    slid = _GRAVITY * (np.sin(steep) - loose * np.cos(steep))
    exact = dict.fromkeys(("middle", "momentum", "angular_momentum"), 1.0)
    hinge = _points(expected_loop(hinge_path(9), HARDENING), 9)
    rows = [
        ("incline_creep", partial(_creep, 0.2, 0.3), _creeping(0.2, 0.3), "smooth law", 40, 1e-5,
         "contact"),
        ("incline_sticks_above_threshold", partial(_creep, steep, 1.02 * threshold),
         _creeping(steep, 1.02 * threshold), "smooth law", 40, 1e-4, "contact"),
        ("incline_slides_below_threshold", partial(_slide, steep, loose), {"acceleration": slid},
         "Coulomb", 40, 1e-4, "contact"),
        ("stopping_distance", _stop, {"distance": 0.5**2 / (2.0 * 0.3 * _GRAVITY)}, "Coulomb", 40,
         1e-2, "contact"),
        ("penalty_depth", _penalty, {"depth": _LOAD / 1e4}, "pressure over stiffness", 40, 1e-5,
         "contact"),
        ("free_fall", _free_fall, exact, "Newton's laws", 8, 1e-7, "dynamics"),
        ("plastic_hinge", _hinge, hinge, "return mapping of a bar", 9, 1e-10, "plastic"),
    ]  # fmt: skip
    return tuple(
        ShellCase(name, measure, truth, source, resolution, tolerance, frozenset({tag}))
        for name, measure, truth, source, resolution, tolerance, tag in rows
    )
