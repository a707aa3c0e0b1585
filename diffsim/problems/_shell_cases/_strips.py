"""Strips: large deflections, rolling up, beyond buckling."""

from functools import partial

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...shells import (
    ByDisplacement,
    Clamp,
    Equilibrium,
    EquilibriumPath,
    Gravity,
    Guide,
    IsotropicMaterial,
    Pin,
    PointLoad,
    Schedule,
    Shell,
    TriangleMesh,
    analytic,
    strip,
)
from ._case import ShellCase

# A strip of 1 m by 0.1 m and 1 mm, ν = 0: its stiffness is B = E h³ b/12.
_LENGTH, _WIDTH, _THICKNESS, _YOUNG = 1.0, 0.1, 1e-3, 1e9
_STIFFNESS = _YOUNG * _THICKNESS**3 * _WIDTH / 12.0

_solve = eqx.filter_jit(lambda equilibrium, factors: equilibrium(factors))


def mesh_of_strip(cells: int, pattern) -> TriangleMesh:
    """About square cells (equilateral where the pattern is)."""
    height = np.sqrt(0.75) if pattern in ("equilateral", "unstructured") else 1.0
    across = max(2, round(cells * _WIDTH / _LENGTH / height))
    return strip(_LENGTH, _WIDTH, (cells, across), pattern)


def sheet(density: float = 0.0) -> IsotropicMaterial:
    """The strip's material, without Poisson's effect."""
    return IsotropicMaterial(_YOUNG, 0.0, _THICKNESS, density)


def root(x, y, z):
    """The clamped end."""
    return x < 1e-9


def tip(x, y, z):
    """The other end."""
    return x > _LENGTH - 1e-9


def _end(shell: Shell, observables) -> np.ndarray:
    positions = np.asarray(observables.checked().values["positions"][-1])
    return positions[shell.mesh.select(tip)].mean(axis=0)


def _heavy(gamma: float, pattern: str, cells: int) -> dict[str, float]:
    # Γ = w L³/B with w = ρ g h b.
    density = gamma * _STIFFNESS / (9.80665 * _THICKNESS * _WIDTH * _LENGTH**3)
    mesh = mesh_of_strip(cells, pattern)
    shell = Shell(mesh, sheet(density), loads=[Gravity()], supports=[Clamp(root)])
    x, _, z = _end(shell, _solve(Equilibrium(shell), None))
    return {"x": x, "droop": -z}


def _tip_loaded(load: float, cells: int) -> dict[str, float]:
    force = PointLoad((0.0, 0.0, -load * _STIFFNESS / _LENGTH**2), tip)
    mesh = mesh_of_strip(cells, "alternating")
    shell = Shell(mesh, sheet(), loads=[force], supports=[Clamp(root)])
    x, _, z = _end(shell, _solve(Equilibrium(shell), None))
    return {"x": x, "droop": -z}


def _roll_up(cells: int) -> dict[str, float]:
    """The far edge is turned by 3/4 of a turn; that it is free to move makes this a pure moment."""
    angle = 1.5 * np.pi
    turn = Schedule([0.0, 1.0], [[0.0] * 6, [0.0, 0.0, 0.0, 0.0, -angle, 0.0]])
    mesh = mesh_of_strip(cells, "alternating")
    shell = Shell(mesh, sheet(), supports=[Clamp(root), Guide(tip, turn)])
    found = _solve(Equilibrium(shell), jnp.linspace(0.1, 1.0, 10)).checked()
    x, _, z = _end(shell, found)
    energy = float(found.values["bending_energy"][-1] + found.values["membrane_energy"][-1])
    return {"x": x, "z": z, "energy": energy}


def _rolled(angle: float) -> dict[str, float]:
    x, z = np.sin(angle) / angle, (1.0 - np.cos(angle)) / angle
    return {"x": x, "z": z, "energy": 0.5 * _STIFFNESS * angle**2 / _LENGTH}


def _post_buckling(end_angle: float, cells: int) -> dict[str, float]:
    ratio, _, middle = analytic.buckled_strip(end_angle)
    force = ratio * np.pi**2 * _STIFFNESS / _LENGTH**2
    mesh = mesh_of_strip(cells, "alternating")
    shell = Shell(
        mesh,
        sheet(),
        loads=[PointLoad((-force, 0.0, 0.0), tip)],
        supports=[Pin(root), Pin(tip, "yz")],
    )
    x, y, _ = np.asarray(mesh.positions).T
    bent = np.stack([x, y, middle * np.sin(np.pi * x / _LENGTH)], axis=1)
    found = _solve(Equilibrium(shell, bent), None)
    positions = np.asarray(found.checked().values["positions"][-1])
    centre = mesh.select(lambda x, y, z: np.abs(x - 0.5 * _LENGTH) < 1e-6)
    return {
        "shortening": _LENGTH - _end(shell, found)[0],
        "deflection": positions[centre, 2].mean(),
    }


# End angles, degrees, and the largest departure of the rest shape from straight, m.
_ANGLES, _BOW = (20, 60, 90), 1e-4


def _buckling_path(cells: int) -> dict[str, float]:
    """From rest through Euler's load, at the deflections of some end angles."""
    flat = mesh_of_strip(cells, "alternating")
    x, y, _ = np.asarray(flat.positions).T
    bowed = np.stack([x, y, _BOW * np.sin(np.pi * x / _LENGTH)], axis=1)
    mesh = TriangleMesh(bowed, np.asarray(flat.faces))
    euler = np.pi**2 * _STIFFNESS / _LENGTH**2
    loads = [PointLoad((-euler, 0.0, 0.0), tip)]
    shell = Shell(mesh, sheet(), loads=loads, supports=[Pin(root), Pin(tip, "yz")])
    centre = mesh.select(lambda x, y, z: np.abs(x - 0.5 * _LENGTH) < 1e-6)
    path = EquilibriumPath(shell, ByDisplacement(centre))
    deflections = [analytic.buckled_strip(np.deg2rad(angle))[2] for angle in _ANGLES]
    found = _solve(path, jnp.asarray(deflections) - _BOW).checked().values
    shortening = _LENGTH - np.asarray(found["positions"])[:, mesh.select(tip), 0].mean(axis=1)
    values = zip(np.asarray(found["factor"]), shortening, strict=True)
    return _by_angle(values)


def _by_angle(values) -> dict[str, float]:
    """Loads and shortenings under names."""
    return {
        name: float(value)
        for angle, (load, short) in zip(_ANGLES, values, strict=True)
        for name, value in ((f"load_{angle}", load), (f"shortening_{angle}", short))
    }


def _truth(solution: tuple[float, float, float]) -> dict[str, float]:
    return {"x": solution[0], "droop": solution[1]}


_BVP = "boundary-value problem solved to 1e-10"
_PATH = frozenset({"statics", "path"})


def strip_cases() -> tuple[ShellCase, ...]:
    """Cases of strips under large deflections."""
    shapes = [(10.0, "alternating"), (10.0, "unstructured"), (50.0, "alternating")]
    heavy = [
        ShellCase(
            f"heavy_elastica_{gamma:g}_{pattern}",
            partial(_heavy, gamma, pattern),
            _truth(analytic.heavy_elastica(gamma)),
            _BVP,
            resolution=40,
            tolerance=5e-3,
            tags=_PATH,
        )
        for gamma, pattern in shapes
    ]
    _, shortening, deflection = analytic.buckled_strip(np.pi / 3)
    return (
        *heavy,
        ShellCase(
            "tip_loaded_elastica_4",
            partial(_tip_loaded, 4.0),
            _truth(analytic.tip_loaded_elastica(4.0)),
            _BVP,
            resolution=40,
            tolerance=5e-3,
            tags=_PATH,
        ),
        ShellCase(
            "roll_up", _roll_up, _rolled(1.5 * np.pi), "circle", 40, tolerance=5e-3, tags=_PATH
        ),
        ShellCase(
            "post_buckling_60",
            partial(_post_buckling, np.pi / 3),
            {"shortening": shortening, "deflection": deflection},
            "elliptic integrals",
            resolution=40,
            tolerance=1e-2,
            tags=_PATH,
        ),
        ShellCase(
            "buckling_path",
            _buckling_path,
            _by_angle(analytic.buckled_strip(np.deg2rad(angle))[:2] for angle in _ANGLES),
            "elliptic integrals",
            resolution=40,
            tolerance=1e-2,
            tags=_PATH,
        ),
    )
