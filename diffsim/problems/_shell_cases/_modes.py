"""Plates in small curvatures: whether bending is isotropic and of the right stiffness."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg

from ...shells import IsotropicMaterial, Shell, strip, tangent_stiffness
from ...solvers import elements_energy
from ._case import ShellCase

# Curvatures κ₁₁, κ₂₂, κ₁₂.
MODES = {
    "cylinder_0": (1.0, 0.0, 0.0),
    "cylinder_90": (0.0, 1.0, 0.0),
    "cylinder_22": (np.cos(np.pi / 8) ** 2, np.sin(np.pi / 8) ** 2, np.sin(np.pi / 4) / 2),
    "sphere": (1.0, 1.0, 0.0),
    "saddle": (1.0, -1.0, 0.0),
    "twist": (0.0, 0.0, 1.0),
}
_MATERIAL = IsotropicMaterial(1e9, 0.3, 1e-3, 500.0)


def plate_energy(mode: str, rigidity: float, poisson: float) -> float:
    """J/m² of a plate in one of the modes."""
    a, b, c = MODES[mode]
    return 0.5 * rigidity * ((a + b) ** 2 - 2 * (1 - poisson) * (a * b - c**2))


def measured_modes(shell: Shell) -> dict[str, float]:
    """J/m², far from the border of a sheet about (0.5, 0), with edges relaxed."""
    x, y, _ = np.asarray(shell.mesh.positions).T
    bending = shell.potential().elements[1]
    middles = np.asarray(shell.mesh.positions)[np.asarray(shell.mesh.faces)].mean(axis=1)
    inner = np.all(np.abs(middles[:, :2] - [0.5, 0.0]) < 0.25, axis=1)
    hinges = not shell.bending.rotates_edges
    if hinges:
        ends = np.asarray(shell.mesh.positions)[np.asarray(shell.mesh.edges)].mean(axis=1)
        inner = np.all(np.abs(ends[:, :2] - [0.5 + 1e-7, 1e-7]) < 0.25, axis=1)
    count = 3 * shell.mesh.num_vertices
    part = 0.25 if hinges else float(np.asarray(shell.mesh.areas())[inner].sum())
    relaxed = None if hinges else _relaxation(shell, count)
    found = {}
    for name, (a, b, c) in MODES.items():
        q = np.zeros(shell.size)
        q[2:count:3] = 0.5 * a * (x - 0.5) ** 2 + 0.5 * b * y**2 + c * (x - 0.5) * y
        if relaxed is not None:
            q[count:] = relaxed(q[:count])
        small = 1e-5
        moved = jnp.asarray(np.asarray(shell.rest()) + small * q)
        chosen = jax.tree.map(lambda leaf: leaf[inner], bending)
        found[name] = float(elements_energy(chosen, moved)) / small**2 / part
    return found


def _relaxation(shell: Shell, count: int):
    """From small displacements to the rotations of edges that follow."""
    stiffness, _ = tangent_stiffness(shell, shell.rest())
    edges = scipy.sparse.linalg.splu(stiffness[count:, count:].tocsc())
    across = stiffness[count:, :count]
    return lambda displacements: -edges.solve(across @ displacements)


def _modes(pattern: str, cells: int) -> dict[str, float]:
    mesh = strip(1.0, 1.0, (cells, round(cells / np.sqrt(0.75))), pattern)
    return measured_modes(Shell(mesh, _MATERIAL))


def mode_cases() -> tuple[ShellCase, ...]:
    """Six curvature modes on two kinds of meshes."""
    rigidity, poisson = float(_MATERIAL.bending_stiffness()), float(_MATERIAL.poisson)
    return tuple(
        ShellCase(
            f"curvature_modes_{pattern}",
            partial(_modes, pattern),
            {mode: plate_energy(mode, rigidity, poisson) for mode in MODES},
            "energy of the plate",
            resolution=24,
            tolerance=1e-2,
            tags=frozenset({"plate"}),
        )
        for pattern in ("aligned", "unstructured")
    )
