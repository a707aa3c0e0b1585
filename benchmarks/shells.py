"""What a time step of a sheet costs, with and without contact, and its gradient; nothing passes.

    python -m benchmarks.shells [--quick] [--drops 200] [--only cost drops ...] [--json]

CPU seconds of one core, warm, compilation apart. A step of the hanging sheet is 5 ms by BDF2; the
folding scene is a strip above a table that a finger presses and pulls, with friction and yielding,
2 ms by implicit Euler. `ratio_newton_semi_implicit` is what newton's differentiable SemiImplicit
solver (float32) takes for a simulated second of a hanging sheet of 1024 vertices, held along one
side, over what ours takes with steps of 5 ms; None where newton does not install.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffsim import shells

from . import _newton_sheet as newton_sheet
from ._shared import (
    Figures,
    attempt,
    command_line,
    compiled,
    cpu_seconds,
    log,
    machine,
    print_json,
    write_beside,
)

_NAMES = {
    "cost": ["sheet_step_cpu_ms", "backward_over_forward", "cost_exponent"],
    "folding": ["folding_step_cpu_ms"],
    "gradient": ["gradient_error_max"],
    "drops": ["interpenetrations", "drops"],
    "newton": ["ratio_newton_semi_implicit"],
}
_STEP = 5e-3
_SHEET = {"young": 1e7, "poisson": 0.3, "thickness": 1e-3, "density": 200.0}


def hanging(side: int, steps: int) -> shells.Dynamics:
    """A square metre of paper-like sheet, held along one side, side² vertices."""
    mesh = shells.strip(1.0, 1.0, (side - 1, side - 1))
    material = shells.IsotropicMaterial(**_SHEET)
    held = [shells.Clamp(lambda x, y, z: x < 1e-9)]
    shell = shells.Shell(mesh, material, loads=[shells.Gravity()], supports=held)
    return shells.Dynamics(shell, step=_STEP, steps=steps, tolerance=1e-7)


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
    vertices = dynamics.shell.mesh.num_vertices
    seconds = cpu_seconds(program, repeats=3) if vertices < 2000 else _once(program)
    log(
        f"{vertices} vertices: {count:.0f} Newton steps, {seconds:.3f} s, compiled in {spent:.0f} s"
    )
    if not np.isfinite(value):
        raise RuntimeError(f"the scene of {vertices} vertices did not come to its end")
    return 1e3 * seconds / dynamics.steps


def _once(program) -> float:
    start = time.process_time()
    program()
    return time.process_time() - start


def cost(sides: tuple[int, ...], steps: int) -> Mapping:
    """Of the hanging sheet (`sheet_step_cpu_ms`: the second size), the exponent over vertices, and
    of a gradient in the material at the second size."""
    # Of large sheets three steps, timed once.
    each = [_forward_ms(hanging(side, steps if side < 40 else 3)) for side in sides]
    vertices = [side**2 for side in sides]
    dynamics = hanging(sides[1], steps)

    def gradient(young, dynamics):
        changed = eqx.tree_at(lambda d: d.shell.material.young, dynamics, young)
        return _end(changed)[0]

    young = jnp.asarray(_SHEET["young"])
    program, _ = compiled(jax.value_and_grad(gradient), young, dynamics)
    whole = 1e3 * cpu_seconds(program, repeats=3) / steps
    slope = np.polyfit(np.log(vertices), np.log(each), 1)[0]
    figures = {f"sheet_{n}_step_cpu_ms": ms for n, ms in zip(vertices, each, strict=True)}
    return figures | {
        "sheet_step_cpu_ms": each[1],
        "backward_over_forward": whole / each[1] - 1.0,
        "cost_exponent": float(slope),
    }


def newton(side: int, ours_ms: float) -> Mapping:
    """CPU seconds of a simulated second, newton's over ours."""
    theirs = newton_sheet.cpu_ms_per_step(side, **_SHEET) / newton_sheet.STEP
    return {
        "newton_cpu_s_per_simulated_s": 1e-3 * theirs,
        "sheet_cpu_s_per_simulated_s": 1e-3 * ours_ms / _STEP,
        "ratio_newton_semi_implicit": theirs / (ours_ms / _STEP),
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


def two_sheets() -> shells.Dynamics:
    """Two sheets of 60 mm, one above the other, over a ball on a table."""
    one = shells.strip(0.06, 0.06, (3, 3))
    two = shells.strip(0.06, 0.06, (3, 3), "aligned")
    lifted = np.asarray(two.positions + jnp.array([0.0, 0.0, 0.01]))
    faces = np.concatenate([np.asarray(one.faces), np.asarray(two.faces) + one.num_vertices])
    mesh = shells.TriangleMesh(np.concatenate([np.asarray(one.positions), lifted]), faces)
    law = shells.Barrier(1e3, 1e-3)
    bodies = [shells.Sphere([0.0, 0.0, -0.07], 0.02), shells.Plane([0.0, 0.0, -0.09])]
    shell = shells.Shell(
        mesh,
        shells.IsotropicMaterial(1e7, 0.3, 2e-4, 500.0),
        loads=[shells.Gravity()],
        contacts=[shells.BodyContact(body, law) for body in bodies],
        self_contact=shells.SelfContact(law, capacity=600),
    )
    return shells.Dynamics(shell, step=5e-3, steps=8, scheme="implicit_euler", tolerance=1e-6)


def drops(count: int, kept: Path) -> Mapping:
    """Pairs of sheets at 5 m/s, turned at random: in how many anything passes through anything.

    What is done is kept in a file, and not done again.
    """
    dynamics = two_sheets()
    state = lambda d: (d.positions, d.velocities)

    def motion(x, v, dynamics):
        found = eqx.tree_at(state, dynamics, (x, v))(None)
        return found.values["positions"], found.values["gap"], found.values["self_gap"]

    run = eqx.filter_jit(motion)
    done = json.loads(kept.read_text()) if kept.exists() else []
    for seed in range(len(done), count):
        positions, gap, own = (np.asarray(a) for a in run(*_thrown(dynamics, seed), dynamics))
        if not np.isfinite(positions).all():
            done.append("failed")
        elif (gap <= 0).any() or (own <= 0).any() or _crossed(dynamics, positions):
            done.append("inside")
        else:
            touched = (gap < 1e-3).any() and (own < 1e-3).any()
            done.append("touched" if touched else "apart")
        write_beside(kept, json.dumps(done))
        log(f"drop {seed}: {done[-1]}")
    done = done[:count]
    return {
        "interpenetrations": done.count("inside"),
        "drops": len(done),
        "drops_failed": done.count("failed"),
        "drops_touched": done.count("touched"),
    }


def _thrown(dynamics: shells.Dynamics, seed: int):
    """Positions and velocities, downwards at 5 m/s and a little in any direction."""
    random = np.random.default_rng(seed)
    rest = np.asarray(dynamics.shell.mesh.positions)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    velocity = np.array([0.0, 0.0, -5.0]) + random.normal(size=3)
    turned = (rest - rest.mean(axis=0)) @ turn
    return jnp.asarray(turned), jnp.asarray(np.tile(velocity, (len(rest), 1)))


def _crossed(dynamics: shells.Dynamics, positions: np.ndarray) -> bool:
    """Whether an edge pierces a face at any time."""
    own, mesh = dynamics.shell.self_contact, dynamics.shell.mesh
    assert own is not None
    assert isinstance(mesh, shells.TriangleMesh)
    try:
        for at in positions:
            own.check_apart(mesh, jnp.asarray(at))
    except ValueError:
        return True
    return False


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = command_line("shells", __doc__)
    parser.add_argument("--quick", action="store_true", help="few vertices, few drops")
    parser.add_argument("--drops", type=int, default=200, help="pairs of sheets dropped")
    parser.add_argument("--only", nargs="+", choices=list(_NAMES), default=list(_NAMES))
    parser.add_argument("--output", type=Path, default=Path("results/shells"), help="drops done")
    options = parser.parse_args(arguments)
    quick = options.quick
    sides = (8, 12) if quick else (23, 32, 50, 71, 100)
    count = min(options.drops, 2) if quick else options.drops
    figures: Figures = dict(machine())
    parts = {
        "cost": lambda: cost(sides, 10),
        "folding": lambda: folding_cost((12, 4) if quick else (45, 10), 10),
        "gradient": gradient_error,
        "drops": lambda: drops(count, options.output / "drops.json"),
        "newton": lambda: newton(sides[1], _forward_ms(hanging(sides[1], 10))),
    }
    for name in options.only:
        attempt(figures, _NAMES[name], parts[name])
    for name, value in figures.items():
        log(f"{name}: {value}")
    if options.json:
        print_json(figures)


if __name__ == "__main__":
    main()
