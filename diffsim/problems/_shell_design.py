"""Inverse design of a shell: rest curvatures and thicknesses for a shape under load."""

from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._objective import Constraint, Minimise
from .._observables import Observables, observe
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._space import DesignSpace, Linear
from .._types import Scalar
from ..shells import (
    AbstractBending,
    Barrier,
    BodyContact,
    Clamp,
    Equilibrium,
    Gravity,
    IsotropicMaterial,
    MidEdgeBending,
    Plane,
    Shell,
    TriangleMesh,
    strip,
)

_LENGTH, _WIDTH = 0.2, 0.04
_YOUNG, _POISSON, _DENSITY = 3e9, 0.3, 1000.0
_THICKNESS = 2e-4
# The table, and the pressure of its barrier beyond the range of contact.
_TABLE, _RANGE, _BARRIER = -4e-3, 2e-3, 100.0
# How high the arch is that is asked for and where its foot ends, and the limits.
_HEIGHT, _FOOT = 0.02, -2.5e-3
_STRAIN, _MASS, _PRESS = 1.6e-3, 1.8e-3, 5e-3
_START = 12.0


class CurvedBending(AbstractBending):
    """`MidEdgeBending` of a flat sheet that wants to be bent.

    W = ½ A (h³/12) (κ − κ̄):Q:(κ − κ̄) with κ̄ = curvature · x⊗x in each face. `curvature` (f,) is in
    1/m, positive where the sheet wants to turn towards its normal;
    `shape` (f, 3) are the angles of the edges that make up a unit of x⊗x.
    """

    curvature: Float[Array, " f"]
    shape: Float[Array, "f 3"]
    rotates_edges: ClassVar[bool] = True

    def elements(self, mesh, material, guides, memory=None):
        faces = MidEdgeBending().elements(mesh, material, guides)
        bent = faces.rest + self.curvature[:, None] * self.shape  # pyright: ignore
        return eqx.tree_at(lambda f: f.rest, faces, bent)


def unit_curvature(mesh: TriangleMesh) -> Float[np.ndarray, "f 3"]:
    """Angles φᵢ of the edges with Σ (φᵢ lᵢ/A) tᵢ⊗tᵢ = −x⊗x, face by face, of a mesh in the plane
    z = 0: angles are positive where the sheet turns away from its normal, curvatures here towards
    it."""
    positions, faces = np.asarray(mesh.positions), np.asarray(mesh.faces)
    corners = positions[faces][..., :2]
    edges = np.roll(corners, 1, axis=1) - np.roll(corners, -1, axis=1)  # i+1 to i+2
    lengths = np.linalg.norm(edges, axis=2)
    t1, t2 = edges[..., 1] / lengths, -edges[..., 0] / lengths
    weights = lengths / np.asarray(mesh.areas())[:, None]
    tensors = np.stack([t1**2, t2**2, t1 * t2], axis=1) * weights[:, None]
    wanted = np.broadcast_to(np.array([-1.0, 0.0, 0.0]), (len(faces), 3))
    return np.linalg.solve(tensors, wanted[..., None])[..., 0]


class ShellDesign(AbstractSimulator):
    """A strip, clamped at x = 0 above a table, at rest under its weight: what its zones' rest
    curvatures and thicknesses make of it.

    200 × 40 mm, E = 3 GPa, ν = 0.3, 1000 kg/m³; equal zones along x. The table is smooth and 4 mm
    below the clamp, its barrier 2 mm deep. Static equilibrium (`shells.Equilibrium`), derivatives
    by the implicit-function theorem.

    **Parameters:** `curvature1`, ... 1/m (positive: upwards) and `thickness1`, ... m of the zones.

    **Observables:** `centreline` (s, 2): x and z of the middle of the strip, m; `strain`, the
    largest elastic bending strain at the surface, ½h√(Δκ:Q:Δκ/Q₁₁) over the faces; `mass` kg;
    `press` N, what the table carries.
    """

    curvatures: Float[Array, " k"]
    thicknesses: Float[Array, " k"]
    equilibrium: Equilibrium
    zones: Int[Array, " f"]
    middle: Int[Array, " s"]

    adjoints: ClassVar = ("implicit",)
    batches: ClassVar = "in turn"

    def lenses(self) -> Mapping[str, AbstractLens]:
        numbers = range(self.curvatures.size)
        curvatures = {f"curvature{i + 1}": Leaf("curvatures", index=i) for i in numbers}
        return curvatures | {f"thickness{i + 1}": Leaf("thicknesses", index=i) for i in numbers}

    def __call__(self, inputs) -> Observables:
        equilibrium = eqx.tree_at(
            lambda e: (e.shell.bending.curvature, e.shell.material.thickness),
            self.equilibrium,
            (self.curvatures[self.zones], self.thicknesses[self.zones]),
        )
        shell = equilibrium.shell
        answer = equilibrium(jnp.linspace(0.25, 1.0, 4))
        positions = answer.values["positions"][-1]
        values = {
            "centreline": positions[self.middle][:, ::2],
            "strain": _largest_strain(shell, answer.values["unknowns"][-1]),
            "mass": jnp.sum(shell.mesh.areas() * shell.material.surface_density()),
            "press": answer.values["contact_force"][-1, 0, 2],
        }
        return observe(values, answer.result, answer.stats)


def _largest_strain(shell: Shell, q: Float[Array, " n"]) -> Scalar:
    """From the bending energy of each face, W = ½ A (h³/12) Δκ:Q:Δκ."""
    bending = shell.potential(1.0, 1.0).elements[1]
    energies = jax.vmap(lambda face, local: face.density(face.measures(local)))(
        bending, q[bending.indices]
    )
    scale = shell.mesh.areas() * shell.material.thickness * shell.material.stiffness()[0, 0]
    # The root has no slope at zero, where a face is as it wants to be.
    return jnp.sqrt(jnp.max(6.0 * energies / scale) + 1e-20)


class _Miss(eqx.Module):
    """Root mean square distance of the centreline from the target, over the length."""

    target: Float[Array, "s 2"]

    def __call__(self, observables: Observables) -> Scalar:
        away = observables.values["centreline"] - self.target
        return jnp.sqrt(jnp.mean(jnp.sum(away**2, axis=1)) + 1e-16) / _LENGTH


def _limits(observables: Observables) -> Array:
    values = observables.values
    limits = {"strain": _STRAIN, "mass": _MASS, "press": _PRESS}
    return jnp.stack([values[name] / limit - 1.0 for name, limit in limits.items()])


def _arch(arc: Float[np.ndarray, " s"]) -> Float[np.ndarray, "s 2"]:
    """The points at these lengths of the wanted line z(x), level at both ends."""
    x = np.linspace(0.0, _LENGTH, 2001)
    share = x / _LENGTH
    z = 0.5 * _HEIGHT * (1.0 - np.cos(2.0 * np.pi * share)) + _FOOT * share**2 * (3.0 - 2.0 * share)
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    return np.stack([np.interp(arc, lengths, x), np.interp(arc, lengths, z)], axis=1)


def shell_design(zones: int = 10) -> Problem:
    """Zones of a strip above a table, so that it stands as an arch with its foot there.

    Rest curvatures within ±15 1/m and thicknesses of 0.1-0.4 mm, one of each for every zone (20
    variables). The arch is 20 mm high and its foot touches the table. Subject to a bending strain
    of at most 0.16 %, a mass of at most 1.8 g and a force on the table of at most 5 mN. The start
    is a sheet of 0.2 mm that is curled up by 12 1/m, off the table, which is feasible.

    **Raises:** `ValueError` for fewer than two zones.
    """
    if zones < 2:
        raise ValueError(f"zones must be at least 2, but are {zones}.")
    mesh = strip(_LENGTH, _WIDTH, (zones, 2), "alternating")
    centres = np.asarray(mesh.positions)[np.asarray(mesh.faces)].mean(axis=1)
    zone = np.clip((centres[:, 0] / _LENGTH * zones).astype(int), 0, zones - 1)
    shell = Shell(
        mesh,
        IsotropicMaterial(_YOUNG, _POISSON, np.full(mesh.num_faces, _THICKNESS), _DENSITY),
        bending=CurvedBending(jnp.zeros(mesh.num_faces), jnp.asarray(unit_curvature(mesh))),
        loads=[Gravity()],
        supports=[Clamp(lambda x, y, z: x < 1e-9)],
        contacts=[BodyContact(Plane((0.0, 0.0, _TABLE)), Barrier(_BARRIER, _RANGE))],
    )
    x, y, _ = np.asarray(mesh.positions).T
    middle = np.flatnonzero((np.abs(y) < 1e-9) & (x > 1e-9))
    middle = middle[np.argsort(x[middle])]
    simulator = ShellDesign(
        jnp.full(zones, _START),
        jnp.full(zones, _THICKNESS),
        Equilibrium(shell),
        jnp.asarray(zone),
        jnp.asarray(middle),
    )
    target = _arch(x[middle])
    names = range(1, zones + 1)
    space = DesignSpace(
        {f"curvature{i}": Linear(-15.0, 15.0, unit="1/m") for i in names}
        | {f"thickness{i}": Linear(1e-4, 4e-4, unit="m") for i in names}
    )
    limits = Constraint(_limits, "strain and mass")
    objective = Minimise(_Miss(jnp.asarray(target)))
    return Problem(simulator, None, space, objective, (limits,), name="shell_design")
