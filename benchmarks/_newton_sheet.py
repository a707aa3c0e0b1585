"""A hanging sheet in newton's differentiable SemiImplicit solver, on the CPU."""

import time

import numpy as np

# The longest step of which the published trial found this solver to be stable.
STEP = 1e-4


def cpu_ms_per_step(
    side: int, young: float, poisson: float, thickness: float, density: float, steps: int = 100
) -> float:
    """CPU ms of a step of `STEP` seconds, warm, of a square metre held along one side.

    Stretching by newton's neo-Hookean triangles with Lamé's constants of plane stress times the
    thickness, bending by its edges with the stiffness of the plate. float32.

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
    )
    with wp.ScopedDevice("cpu"):
        model = builder.finalize(requires_grad=True)
        solver = newton.solvers.SolverSemiImplicit(model)
        solver.enable_tri_contact = False
        states = [model.state(), model.state()]
        control = model.control()

        def run(count: int) -> None:
            for _ in range(count):
                states[0].clear_forces()
                solver.step(states[0], states[1], control, None, STEP)
                states.reverse()

        run(2)  # compiles
        start = time.process_time()
        run(steps)
        spent = time.process_time() - start
        if not np.isfinite(states[0].particle_q.numpy()).all():
            raise RuntimeError("newton's sheet did not stay finite")
    return 1e3 * spent / steps
