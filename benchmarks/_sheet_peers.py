"""A sheet that swings down from one side, in newton's and MuJoCo's solvers, on the CPU.

A square metre of side² vertices, level and at rest at first, one row of them pinned.
"""

import itertools
import time
from typing import NamedTuple

import numpy as np

# Of newton's solver the longest that is stable (with 1.5e-4 s the sheet flies apart); MuJoCo's.
NEWTON_STEP, MUJOCO_STEP = 1e-4, 2e-3


class Peer(NamedTuple):
    """CPU ms of a step, warm; of its way back, None without one; and where the middle of the free
    side is at the end, the mean of the middle vertices, (3,) in m from the pinned side."""

    forward_ms: float
    backward_ms: float | None
    tip: np.ndarray


def middle(positions: np.ndarray, side: int) -> np.ndarray:
    """The middle of the free side, (3,), of vertices (side², 3) in any order of the grid, from
    their rest places of a level grid whose pinned side is at the least x."""
    rest = positions[0]
    free = np.flatnonzero(rest[:, 0] > rest[:, 0].max() - 0.5 / (side - 1))
    order = free[np.argsort(rest[free, 1])]
    half = side // 2
    chosen = order[half - 1 : half + 1] if side % 2 == 0 else order[half : half + 1]
    origin = np.array([rest[:, 0].min(), 0.5 * (rest[:, 1].min() + rest[:, 1].max()), 0.0])
    return positions[-1][chosen].mean(axis=0) - origin


def newton_sheet(
    side: int,
    young: float,
    poisson: float,
    thickness: float,
    density: float,
    *,
    seconds: float,
    step: float = NEWTON_STEP,
    backward_steps: int = 100,
) -> Peer:
    """By newton's SolverSemiImplicit, the differentiable one; float32.

    Stretching by its neo-Hookean triangles with Lamé's constants of plane stress times the
    thickness, bending by its edges with the stiffness of the plate. The way back is that of
    `backward_steps` steps on Warp's tape.

    **Raises:** `ImportError` without newton, `RuntimeError` if the motion is not finite.
    """
    import newton
    import warp as wp

    wp.config.quiet = True
    cell = 1.0 / (side - 1)
    builder = newton.ModelBuilder()
    builder.add_cloth_grid(
        pos=wp.vec3(0.0, 0.0, 0.0),
        rot=wp.quat_identity(),
        vel=wp.vec3(0.0, 0.0, 0.0),
        dim_x=side - 1,
        dim_y=side - 1,
        cell_x=cell,
        cell_y=cell,
        mass=density * thickness * cell**2,
        fix_left=True,
        tri_ke=thickness * young / (2.0 * (1.0 + poisson)),
        tri_ka=thickness * young * poisson / (1.0 - poisson**2),
        tri_kd=0.0,
        edge_ke=young * thickness**3 / (12.0 * (1.0 - poisson**2)),
        edge_kd=0.0,
        # Larger than the cells by default: the vertices would push each other away.
        particle_radius=0.1 * cell,
    )
    with wp.ScopedDevice("cpu"):
        model = builder.finalize(requires_grad=True)
        solver = newton.solvers.SolverSemiImplicit(model)
        solver.enable_tri_contact = False
        control = model.control()

        def advance(one, two) -> None:
            one.clear_forces()
            solver.step(one, two, control, None, step)

        def run(count: int):
            states = [model.state(), model.state()]
            for _ in range(count):
                advance(*states)
                states.reverse()
            return states[0].particle_q.numpy()

        rest = run(2)  # compiles
        start = time.process_time()
        count = round(seconds / step)
        end = run(count)
        forward = (time.process_time() - start) / count
        if not np.isfinite(end).all():
            raise RuntimeError("newton's sheet did not stay finite")

        kept = [model.state() for _ in range(backward_steps + 1)]
        tape = wp.Tape()
        with tape:
            for one, two in itertools.pairwise(kept):
                advance(one, two)
        seed = wp.ones(model.particle_count, dtype=wp.vec3)
        spent = []
        for _ in range(2):  # the first time compiles
            tape.zero()
            start = time.process_time()
            tape.backward(grads={kept[-1].particle_q: seed})
            spent.append((time.process_time() - start) / backward_steps)
    return Peer(1e3 * forward, 1e3 * spent[-1], middle(np.stack([rest, end]), side))


def mujoco_sheet(
    side: int,
    young: float,
    poisson: float,
    thickness: float,
    density: float,
    *,
    seconds: float,
    step: float = MUJOCO_STEP,
) -> Peer:
    """By MuJoCo's flex with stretching and bending, integrator "discrete". It has no way back.

    **Raises:** `ImportError` without MuJoCo, `RuntimeError` if the motion is not finite.
    """
    import mujoco

    cell = 1.0 / (side - 1)
    model = mujoco.MjModel.from_xml_string(f"""
        <mujoco><option timestep="{step}" integrator="discrete"/><worldbody>
        <flexcomp name="sheet" type="grid" dim="2" count="{side} {side} 1" radius="5e-4"
            spacing="{cell} {cell} 1" mass="{density * thickness}">
        <contact contype="0" conaffinity="0" selfcollide="none"/>
        <elasticity young="{young}" poisson="{poisson}" thickness="{thickness}" elastic2d="both"/>
        <pin gridrange="0 0 0 {side - 1}"/>
        </flexcomp></worldbody></mujoco>""")
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    rest, count = data.flexvert_xpos.copy(), round(seconds / step)
    start = time.process_time()
    for _ in range(count):
        mujoco.mj_step(model, data)
    forward = (time.process_time() - start) / count
    end = data.flexvert_xpos.copy()
    if not np.isfinite(end).all():
        raise RuntimeError("MuJoCo's sheet did not stay finite")
    return Peer(1e3 * forward, None, middle(np.stack([rest, end]), side))
