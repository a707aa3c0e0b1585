"""The motion of a sheet among rigid bodies, from the side, as a GIF."""

import os
from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import animation
from matplotlib.collections import LineCollection

from diffsim import shells
from diffsim.problems.shell_tasks import Marks

from ._shell_goals import ticks

_FRAMES = 40
# Around what moves, m.
_MARGIN = 0.01


def film(
    motion: shells.Dynamics,
    marks: Marks | None,
    values: Mapping[str, np.ndarray],
    title: str,
    path: Path,
) -> Path:
    """Draw x and z of the edges of the sheet (blue), of the bodies (orange), of the vertices that
    grippers hold (red) and of the marks that are due next (green); written beside and renamed."""
    assert isinstance(motion.shell.mesh, shells.AbstractSurface)
    times, positions = values["time"], values["positions"][..., [0, 2]]
    edges = np.asarray(motion.shell.mesh.edges)
    chosen = np.unique(np.linspace(0, len(times) - 1, _FRAMES).astype(int)).tolist()
    goals = {k: np.zeros((0, 2, 2)) for k in chosen}
    if marks is not None:
        goals = dict(zip(chosen, ticks(marks, values["positions"], chosen), strict=True))
    figure, axes = _canvas(np.concatenate([a.reshape(-1, 2) for a in (positions, *goals.values())]))
    lines = LineCollection([], colors="C0")
    bodies = LineCollection([], colors="C1")
    aims = LineCollection([], colors="C2", linewidths=2.5)
    for collection in (lines, bodies, aims):
        axes.add_collection(collection)
    held = motion.shell.held_vertices()
    (grips,) = axes.plot([], [], "s", color="C3", markersize=7)

    def draw(k: int):
        lines.set_segments(list(positions[k][edges]))
        outlines = [_outline(c.placed(times[k]), axes.get_xlim()) for c in motion.shell.contacts]
        bodies.set_segments(outlines)
        aims.set_segments(list(goals[k]))
        grips.set_data(*positions[k][held].T)
        axes.set_title(f"{title}, t = {times[k]:.3f} s", fontsize=10)
        return lines, bodies, aims, grips

    made = animation.FuncAnimation(figure, draw, frames=chosen)
    beside = path.with_suffix(".part.gif")
    made.save(beside, writer=animation.PillowWriter(fps=12))
    plt.close(figure)
    os.replace(beside, path)
    return path


def _canvas(points: np.ndarray):
    """Axes around all points (n, 2), in metres of equal length."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low + _MARGIN * np.array([2.0, 3.0])
    figure, axes = plt.subplots(figsize=(6.4, 1.0 + 6.0 * height / width), layout="constrained")
    axes.set(xlim=(low[0] - _MARGIN, high[0] + _MARGIN))
    axes.set(ylim=(low[1] - _MARGIN, high[1] + 2.0 * _MARGIN))
    axes.set(xlabel="x / m", ylabel="z / m", aspect="equal")
    return figure, axes


def _outline(placed, limits) -> np.ndarray:
    """A body cut by the plane of the picture: a line of a plane, else a circle about its centre."""
    shape, place = placed.shape, np.asarray(placed.place)[[0, 2]]
    if isinstance(shape, shells.Plane):
        normal = (np.asarray(placed.turn) @ np.asarray(shape.normal))[[0, 2]]
        x = np.array(limits)
        return np.stack([x, place[1] - (x - place[0]) * normal[0] / normal[1]], axis=1)
    around = np.linspace(0.0, 2.0 * np.pi, 40)
    assert isinstance(shape, shells.Sphere | shells.Capsule)
    return place + float(shape.radius) * np.stack([np.cos(around), np.sin(around)], axis=1)
