"""Do bodies begin apart from each other?"""

from typing import TYPE_CHECKING

import numpy as np

from .contact import crossings, touching, winding_numbers

if TYPE_CHECKING:
    from ._assembly import Assembly


def check_bodies_apart(assembly: "Assembly", positions: np.ndarray) -> None:
    """Refuse bodies that pierce or touch themselves or each other, or lie inside solid ones.

    **Raises:** `ValueError` naming the bodies, and vertices as they count them.
    """
    mesh = assembly.mesh
    counts = [body.mesh.num_vertices for body in assembly.bodies]
    owners = np.repeat(np.arange(len(counts)), counts)
    firsts = np.cumsum([0, *counts])

    def named(vertices: np.ndarray) -> str:
        owner = owners[vertices[0]]
        return f"of vertices {(vertices - firsts[owner]).tolist()} of {assembly.names[owner]!r}"

    edges, faces = np.asarray(mesh.edges), np.asarray(mesh.faces)
    found = crossings(positions, edges, faces)
    if found.size:
        edge, face = found[0]
        raise ValueError(
            f"bodies must begin apart, but the edge {named(edges[edge])} pierces the face "
            f"{named(faces[face])}, and {len(found) - 1} more do."
        )
    met = touching(positions, faces, np.asarray(mesh.bodies()))
    if met.size:
        owner = owners[met[0, 0]]
        raise ValueError(
            f"bodies must begin apart, but vertex {met[0, 0] - firsts[owner]} of "
            f"{assembly.names[owner]!r} lies on the face {named(met[0, 1:])}, and {len(met) - 1} "
            "more do."
        )
    _check_outside(assembly, positions, faces, owners)


def _check_outside(assembly: "Assembly", positions, faces, owners) -> None:
    """Where nothing is pierced, a surface is wholly inside another or wholly outside, so that its
    vertices may be asked one for all: all are asked, since a sheet may be in pieces."""
    used = np.unique(faces)
    for number, (name, body) in enumerate(zip(assembly.names, assembly.bodies, strict=True)):
        if body.meets_itself:
            continue  # a sheet, closed or not, has no inside that is taken
        shell = positions[faces[owners[faces[:, 0]] == number]]
        low, high = shell.min(axis=(0, 1)), shell.max(axis=(0, 1))
        near = ((positions[used] > low) & (positions[used] < high)).all(axis=1)
        others = used[near & (owners[used] != number)]
        within = others[winding_numbers(positions[others], shell) > 0.5]
        if within.size:
            other = owners[within[0]]
            raise ValueError(
                f"bodies must begin outside each other, but {assembly.names[other]!r} begins "
                f"inside {name!r}: {int(np.sum(owners[within] == other))} of its vertices do."
            )
