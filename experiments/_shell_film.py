"""The motion of a sheet among rigid bodies, from the side, as a GIF."""

import os
from pathlib import Path

import jax
import numpy as np

import diffsim as ds
from diffsim import shells


def film(problem: ds.Problem, x: np.ndarray, path: Path, *, frames: int = 40) -> Path:
    """Draw x and z of the edges of the sheet and of the bodies; written beside and renamed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import animation, pyplot as plt
    from matplotlib.collections import LineCollection

    moving = problem.space.apply(problem.simulator, x)
    assert isinstance(moving, shells.Dynamics)
    values = jax.jit(lambda x: problem.observe(x).values)(x)
    positions, times = np.asarray(values["positions"])[..., [0, 2]], np.asarray(values["time"])
    edges = np.asarray(moving.shell.mesh.edges)
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    low, high = positions.reshape(-1, 2).min(axis=0), positions.reshape(-1, 2).max(axis=0)
    axes.set(xlim=(low[0] - 0.01, high[0] + 0.01), ylim=(low[1] - 0.02, high[1] + 0.03))
    axes.set(xlabel="x / m", ylabel="z / m", aspect="equal")
    lines = axes.add_collection(LineCollection([], colors="C0"))
    bodies = LineCollection([], colors="C1")
    axes.add_collection(bodies)

    def draw(k: int):
        lines.set_segments(list(positions[k][edges]))
        outlines = [_outline(c.placed(times[k]), axes.get_xlim()) for c in moving.shell.contacts]
        bodies.set_segments(outlines)
        axes.set_title(f"{problem.name}, t = {times[k]:.3f} s")
        return lines, bodies

    chosen = np.unique(np.linspace(0, len(times) - 1, frames).astype(int)).tolist()
    made = animation.FuncAnimation(figure, draw, frames=chosen)
    beside = path.with_suffix(".part.gif")
    made.save(beside, writer=animation.PillowWriter(fps=15))
    plt.close(figure)
    os.replace(beside, path)
    return path


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
