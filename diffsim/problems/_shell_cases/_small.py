"""Small motions: buckling loads, plates, vibrations, curved shells of linear theory."""

from functools import partial

import jax.numpy as jnp
import numpy as np

from ...shells import (
    Clamp,
    Gravity,
    IsotropicMaterial,
    Pin,
    PointLoad,
    Shell,
    Symmetry,
    Traction,
    TriangleMesh,
    analytic,
    buckling_factors,
    cylinder,
    disc,
    linear_response,
    natural_frequencies,
    strip,
)
from ._case import ShellCase
from ._strips import (
    _LENGTH,
    _STIFFNESS,
    _THICKNESS,
    _WIDTH,
    _YOUNG,
    mesh_of_strip,
    root,
    sheet,
    tip,
)

_POISSON = 0.3


def _buckling(force, supports, factor: float, cells: int) -> dict[str, float]:
    """The critical load in units of `factor`."""
    mesh = mesh_of_strip(cells, "alternating")
    shell = Shell(mesh, sheet(), loads=[PointLoad(force, tip)], supports=supports)
    return {"load": float(buckling_factors(shell)[0][0]) / factor}


def _euler_clamped(cells: int) -> dict[str, float]:
    return _buckling((-1.0, 0.0, 0.0), [Clamp(root)], _STIFFNESS / _LENGTH**2, cells)


def _euler_pinned(cells: int) -> dict[str, float]:
    supports = [Pin(root), Pin(tip, "yz")]
    return _buckling((-1.0, 0.0, 0.0), supports, _STIFFNESS / _LENGTH**2, cells)


def _greenhill(cells: int) -> dict[str, float]:
    mesh = mesh_of_strip(cells, "alternating")
    loads = [Gravity((-1.0, 0.0, 0.0))]
    shell = Shell(mesh, sheet(1.0), loads=loads, supports=[Clamp(root)])
    weight = 1.0 * _THICKNESS * _WIDTH
    return {"load": float(buckling_factors(shell)[0][0]) * weight * _LENGTH**3 / _STIFFNESS}


# A ribbon for tipping sideways, narrow since beam theory leaves out how the clamp hinders
# warping. Its stiffnesses are EI = E h³ b/12 and GJ = G h³ b/3 (less 0.63 h/b, which a plate
# theory does not have).
_RIBBON_WIDTH, _RIBBON_THICKNESS = 0.02, 2e-4
_RIBBON_BENDING = _YOUNG * _RIBBON_THICKNESS**3 * _RIBBON_WIDTH / 12.0
_RIBBON = np.sqrt(_RIBBON_BENDING * 2.0 * _RIBBON_BENDING / (1.0 + _POISSON))


def _lateral(load, cells: int) -> float:
    material = IsotropicMaterial(_YOUNG, _POISSON, _RIBBON_THICKNESS, 1.0)
    mesh = strip(_LENGTH, _RIBBON_WIDTH, (cells, 4), "alternating")
    shell = Shell(mesh, material, loads=[load], supports=[Clamp(root)])
    return float(buckling_factors(shell)[0][0])


def _lateral_tip(cells: int) -> dict[str, float]:
    middle = lambda x, y, z: (x > _LENGTH - 1e-9) & (np.abs(y) < 1e-9)
    load = _lateral(PointLoad((0.0, -1.0, 0.0), middle), cells)
    return {"load": load * _LENGTH**2 / _RIBBON}


def _lateral_weight(cells: int) -> dict[str, float]:
    weight = 1.0 * _RIBBON_THICKNESS * _RIBBON_WIDTH
    return {"load": _lateral(Gravity((0.0, -1.0, 0.0)), cells) * weight * _LENGTH**3 / _RIBBON}


# Plates of 1 m (side or radius) and 1 mm under 1 Pa.
_PLATE = IsotropicMaterial(_YOUNG, _POISSON, _THICKNESS, 1000.0)
_RIGIDITY = float(_PLATE.bending_stiffness())


def _round(x, y, z):
    return np.hypot(x, y) > 1.0 - 1e-9


def _square_border(x, y, z):
    return (x < 1e-9) | (x > 1.0 - 1e-9) | (np.abs(y) > 0.5 - 1e-9)


def _square(cells: int, pattern="unstructured") -> TriangleMesh:
    return strip(1.0, 1.0, (cells, round(cells / np.sqrt(0.75))), pattern)


def _plate(mesh_of, support, cells: int) -> dict[str, float]:
    """The deflection of the middle in units of q a⁴/D."""
    mesh = mesh_of(cells)
    shell = Shell(mesh, _PLATE, loads=[Traction((0.0, 0.0, 1.0))], supports=[support])
    height = shell.positions(jnp.asarray(linear_response(shell)))[:, 2]
    return {"deflection": float(np.max(height)) * _RIGIDITY}


def _cantilever_vibration(cells: int) -> dict[str, float]:
    shell = Shell(mesh_of_strip(cells, "alternating"), sheet(1000.0), supports=[Clamp(root)])
    frequencies, modes = natural_frequencies(shell, 4)
    unit = np.sqrt(_STIFFNESS / (1000.0 * _THICKNESS * _WIDTH)) / _LENGTH**2
    # Twisting lies between: bending modes move the middle of the tip.
    middle = shell.mesh.select(tip)
    moved = np.abs(shell.positions(jnp.asarray(modes))[:, middle, 2].mean(axis=1))
    bending = frequencies[moved > 0.1 * moved.max()]
    return {"first": bending[0] / unit, "second": bending[1] / unit}


def _square_vibration(cells: int) -> dict[str, float]:
    shell = Shell(_square(cells), _PLATE, supports=[Pin(_square_border)])
    frequencies, _ = natural_frequencies(shell, 1)
    return {"first": frequencies[0] / np.sqrt(_RIGIDITY / (1000.0 * _THICKNESS))}


def _scordelis_lo(pattern: str, cells: int) -> dict[str, float]:
    """A quarter of the roof; the diaphragm is at y = 0, the middle of the length at y = 25."""
    half, radius = np.deg2rad(40.0), 25.0
    mesh = cylinder(radius, 25.0, (cells, cells), (0.0, half), pattern)
    shell = Shell(
        mesh,
        IsotropicMaterial(young=4.32e8, poisson=0.0, thickness=0.25),
        loads=[Traction((0.0, 0.0, -90.0))],
        supports=[
            Pin(lambda x, y, z: y < 1e-9, "xz"),
            Symmetry(lambda x, y, z: y > 25.0 - 1e-9, "y"),
            Symmetry(lambda x, y, z: x < 1e-9, "x"),
        ],
    )
    (corner,) = mesh.select(lambda x, y, z: (y > 25.0 - 1e-9) & (x > radius * np.sin(half) - 1e-9))
    return {"deflection": -float(shell.positions(jnp.asarray(linear_response(shell)))[corner, 2])}


def _pinched(pattern: str, cells: int) -> dict[str, float]:
    """An eighth of the cylinder, whose diaphragm is at y = 0; a quarter of the load at
    the corner."""
    radius, half = 300.0, 300.0
    mesh = cylinder(radius, half, (cells, cells), (0.0, 0.5 * np.pi), pattern)
    top = lambda x, y, z: (x < 1e-6) & (y > half - 1e-6)
    shell = Shell(
        mesh,
        IsotropicMaterial(young=3e6, poisson=0.3, thickness=3.0),
        loads=[PointLoad((0.0, 0.0, -0.25), top)],
        supports=[
            Pin(lambda x, y, z: y < 1e-6, "xz"),
            Symmetry(lambda x, y, z: y > half - 1e-6, "y"),
            Symmetry(lambda x, y, z: x < 1e-6, "x"),
            Symmetry(lambda x, y, z: z < 1e-6, "z"),
        ],
    )
    (loaded,) = mesh.select(top)
    return {"deflection": -float(shell.positions(jnp.asarray(linear_response(shell)))[loaded, 2])}


def small_cases() -> tuple[ShellCase, ...]:
    """Cases of linear theory and of classical buckling."""
    clamped_disc, pinned_disc = 1 / 64, (5 + _POISSON) / (1 + _POISSON) / 64
    first, second = analytic.cantilever_frequencies(2)
    rows = [
        ("euler_clamped", _euler_clamped, {"load": np.pi**2 / 4}, "closed form", 40, "buckling"),
        ("euler_pinned", _euler_pinned, {"load": np.pi**2}, "closed form", 40, "buckling"),
        ("greenhill", _greenhill, {"load": analytic.greenhill()}, "Bessel zero", 40, "buckling"),
        ("lateral_tip", _lateral_tip, {"load": analytic.lateral_tip_load()}, "Bessel zero", 40,
         "buckling"),
        ("lateral_weight", _lateral_weight, {"load": analytic.lateral_self_weight()},
         "Bessel zero", 40, "buckling"),
        ("clamped_disc", partial(_plate, partial(disc, 1.0), Clamp(_round)),
         {"deflection": clamped_disc}, "Timoshenko", 24, "plate"),
        ("pinned_disc", partial(_plate, partial(disc, 1.0), Pin(_round)),
         {"deflection": pinned_disc}, "Timoshenko", 16, "plate"),
        ("clamped_square", partial(_plate, _square, Clamp(_square_border)),
         {"deflection": 0.00126532}, "Timoshenko, more digits", 44, "plate"),
        ("pinned_square", partial(_plate, _square, Pin(_square_border)),
         {"deflection": 0.00406235}, "Navier series", 24, "plate"),
        ("cantilever_vibration", _cantilever_vibration, {"first": first, "second": second},
         "cos β cosh β = −1", 40, "vibration"),
        ("square_vibration", _square_vibration, {"first": 2 * np.pi**2}, "closed form", 24,
         "vibration"),
        ("scordelis_lo_structured", partial(_scordelis_lo, "alternating"), {"deflection": 0.3024},
         "MacNeal & Harder 1985", 32, "curved"),
        ("scordelis_lo_unstructured", partial(_scordelis_lo, "unstructured"),
         {"deflection": 0.3024}, "MacNeal & Harder 1985", 32, "curved"),
        ("pinched_cylinder_structured", partial(_pinched, "alternating"),
         {"deflection": 1.8248e-5}, "MacNeal & Harder 1985", 80, "curved"),
        ("pinched_cylinder_unstructured", partial(_pinched, "unstructured"),
         {"deflection": 1.8248e-5}, "MacNeal & Harder 1985", 80, "curved"),
    ]  # fmt: skip
    return tuple(
        ShellCase(
            name,
            measure,
            truth,
            source,
            resolution,
            tolerance=3e-2 if tag == "curved" else 1e-2,
            tags=frozenset({tag}),
        )
        for name, measure, truth, source, resolution, tag in rows
    )
