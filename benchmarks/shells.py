"""What a time step of a sheet costs, with and without contact, and its gradient; nothing passes.

    python -m benchmarks.shells [--quick] [--json]

CPU seconds of one core, warm, compilation apart. A step of the hanging sheet is 5 ms by BDF2; the
folding scene is a strip that a finger presses onto a table, with friction and yielding, 2 ms by
implicit Euler. newton's SemiImplicit is not run here: `ratio_newton_semi_implicit` is None.
"""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffsim import shells

from ._shared import Figures, attempt, command_line, compiled, cpu_seconds, log, machine, print_json

_NAMES = [
    "sheet_step_cpu_ms",
    "folding_step_cpu_ms",
    "backward_over_forward",
    "cost_exponent",
    "gradient_error_max",
    "interpenetrations",
    "drops",
]


def hanging(side: int, steps: int) -> shells.Dynamics:
    """A square metre of paper-like sheet, held along one side, side² vertices."""
    mesh = shells.strip(1.0, 1.0, (side - 1, side - 1))
    material = shells.IsotropicMaterial(1e7, 0.3, 1e-3, 200.0)
    held = [shells.Clamp(lambda x, y, z: x < 1e-9)]
    shell = shells.Shell(mesh, material, loads=[shells.Gravity()], supports=held)
    return shells.Dynamics(shell, step=5e-3, steps=steps, tolerance=1e-7)


def folding(cells: tuple[int, int], steps: int) -> shells.Dynamics:
    """A strip on a table, clamped at one end, under a finger that presses and pulls."""
    mesh = shells.strip(0.1, 0.04, cells)
    motion = shells.Schedule([0.0, 2e-3 * steps], jnp.zeros((2, 6)).at[1].set(_PULL))
    law = shells.Barrier(500.0, 1e-3)
    finger = shells.BodyContact(
        shells.Capsule([0.07, -0.05, 7.0e-3], [0.07, 0.05, 7.0e-3], 5e-3),
        law,
        friction=shells.Friction(0.5, 1e-2),
        schedule=motion,
    )
    table = shells.BodyContact(
        shells.Plane([0.0, 0.0, -5e-3]), law, friction=shells.Friction(0.2, 1e-2)
    )
    shell = shells.Shell(
        mesh,
        shells.IsotropicMaterial(1e9, 0.3, 2e-4, 800.0),
        bending=shells.PlasticBending(10.0, 0.05),
        loads=[shells.Gravity()],
        supports=[shells.Clamp(lambda x, y, z: x < 1e-9)],
        contacts=[finger, table],
    )
    return shells.Dynamics(shell, step=2e-3, steps=steps, scheme="implicit_euler", tolerance=1e-7)


_PULL = jnp.array([-2e-3, 0.0, -4e-3, 0.0, 0.0, 0.0])


def _end(dynamics: shells.Dynamics):
    found = dynamics(None)
    return jnp.sum(found.values["positions"][-1, :, 2]), found.stats["newton_steps"]


def _forward_ms(dynamics: shells.Dynamics) -> float:
    program, spent = compiled(_end, dynamics)
    value, count = program()
    seconds = cpu_seconds(program, repeats=3)
    vertices = dynamics.shell.mesh.num_vertices
    log(
        f"{vertices} vertices: {count:.0f} Newton steps, {seconds:.3f} s, compiled in {spent:.0f} s"
    )
    if not np.isfinite(value):
        raise RuntimeError(f"the scene of {vertices} vertices did not come to its end")
    return 1e3 * seconds / dynamics.steps


def cost(sides: tuple[int, ...], steps: int) -> Mapping:
    """Of the hanging sheet, the exponent over vertices, and of a gradient in the material."""
    each = [_forward_ms(hanging(side, steps)) for side in sides]
    vertices = [side**2 for side in sides]
    dynamics = hanging(sides[-1], steps)

    def gradient(young, dynamics):
        changed = eqx.tree_at(lambda d: d.shell.material.young, dynamics, young)
        return _end(changed)[0]

    young = dynamics.shell.material.young
    program, _ = compiled(jax.value_and_grad(gradient), young, dynamics)
    whole = 1e3 * cpu_seconds(program, repeats=3) / steps
    slope = np.polyfit(np.log(vertices), np.log(each), 1)[0] if len(each) > 1 else np.nan
    figures = {f"sheet_{n}_step_cpu_ms": ms for n, ms in zip(vertices, each, strict=True)}
    return figures | {
        "sheet_step_cpu_ms": each[-1],
        "backward_over_forward": whole / each[-1] - 1.0,
        "cost_exponent": float(slope),
    }


def folding_cost(cells: tuple[int, int], steps: int) -> Mapping:
    """Of the scene with contact, friction and yielding; lags included."""
    return {"folding_step_cpu_ms": _forward_ms(folding(cells, steps))}


def gradient_error(steps: int = 5) -> Mapping:
    """Of the folding scene on few vertices, against central differences, relative."""
    dynamics = folding((3, 1), steps)

    def value(p, dynamics):
        parts = lambda d: (
            d.shell.contacts[0].schedule.poses,
            d.shell.contacts[0].friction.coefficient,
            d.shell.bending.yield_curvature,
            d.shell.material.young,
        )
        changed = eqx.tree_at(
            parts, dynamics, (p[0] * parts(dynamics)[0], 0.5 * p[1], 10.0 * p[2], 1e9 * p[3])
        )
        return 1e3 * jnp.sum(changed(None).values["positions"][-1] @ jnp.array([1.0, 0.3, 1.0]))

    program = jax.jit(lambda p: jax.value_and_grad(value)(p, dynamics))
    gradient = np.asarray(program(jnp.ones(4))[1])
    differences = []
    for i in range(4):
        shift = jnp.zeros(4).at[i].set(1e-5)
        differences.append((program(1 + shift)[0] - program(1 - shift)[0]) / 2e-5)
    error = np.max(np.abs(gradient - np.array(differences))) / np.max(np.abs(gradient))
    return {"gradient_error_max": float(error)}


def drops(count: int) -> Mapping:
    """Sheets that fall at 5 m/s, turned at random, on a sphere above a table; how many get in."""
    mesh = shells.strip(0.1, 0.1, (4, 4), "unstructured")
    law = shells.Barrier(1e3, 1e-3)
    bodies = [shells.Sphere([0.0, 0.0, -0.03], 0.02), shells.Plane([0.0, 0.0, -0.05])]
    shell = shells.Shell(
        mesh,
        shells.IsotropicMaterial(1e7, 0.3, 2e-4, 500.0),
        loads=[shells.Gravity()],
        contacts=[shells.BodyContact(body, law) for body in bodies],
    )
    centred = np.asarray(mesh.positions) - [0.05, 0.0, 0.0]
    raised = centred + np.array([0.0, 0.0, 0.08])
    dynamics = shells.Dynamics(
        shell, step=1e-2, steps=6, scheme="implicit_euler", positions=raised, tolerance=1e-7
    )
    state = lambda d: (d.positions, d.velocities)
    run = jax.jit(lambda x, v: (lambda f: (f.values["gap"], f.result))(
        eqx.tree_at(state, dynamics, (x, v))(None)))  # fmt: skip
    random, inside, failed = np.random.default_rng(0), 0, 0
    for _ in range(count):
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
        start = centred @ turn + np.array([0.0, 0.0, 0.08])
        speed = np.tile(np.array([0.0, 0.0, -5.0]) + random.normal(size=3), (len(start), 1))
        gap = np.asarray(run(jnp.asarray(start), jnp.asarray(speed))[0])
        failed += int(not np.isfinite(gap).all())
        inside += int((gap <= 0).any())
    return {"interpenetrations": inside, "drops": count, "drops_failed": failed}


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = command_line("shells", __doc__)
    parser.add_argument("--quick", action="store_true", help="few vertices, few drops")
    options = parser.parse_args(arguments)
    quick = options.quick
    figures: Figures = dict(machine()) | {"ratio_newton_semi_implicit": None}
    attempt(figures, _NAMES[:1] + _NAMES[2:4], lambda: cost((8, 12) if quick else (23, 32, 50), 10))
    attempt(figures, _NAMES[1:2], lambda: folding_cost((12, 4) if quick else (45, 10), 10))
    attempt(figures, _NAMES[4:5], gradient_error)
    attempt(figures, _NAMES[5:], lambda: drops(10 if quick else 200))
    for name, value in figures.items():
        log(f"{name}: {value}")
    if options.json:
        print_json(figures)


if __name__ == "__main__":
    main()
