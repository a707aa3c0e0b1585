"""What a time step of a sheet costs, with and without contact, and its gradient; nothing passes.

    python -m benchmarks.shells [--quick] [--drops 200] [--only cost drops ...] [--json]

CPU seconds, warm, compilation apart, on one core: the script keeps itself to one. A step of the
hanging sheet is 5 ms by BDF2; the folding scene is a strip above a table that a finger presses and
pulls, with friction and yielding, 2 ms by implicit Euler.

`ratio_newton_semi_implicit` is what newton's differentiable SemiImplicit solver (float32) takes for
a simulated second of a sheet of 1024 vertices that swings down from a pinned side, over what ours
takes with steps of 5 ms; `ratio_newton_same_accuracy` is with the longest of our steps that is not
less accurate. None where newton does not install (`pip install newton mujoco`). The `_tip_error`s
are those of the middle of the free side after 0.1 s, over the way that it has gone: of ours with
that step against a tenth of it; of a peer's against ours with the tenth, which another
discretisation of the sheet keeps from zero.
"""

import functools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffsim import shells
from diffsim.solvers._cholesky import cholmod

from . import _sheet_peers as peers
from ._shared import (
    Figures,
    attempt,
    command_line,
    compiled,
    cpu_seconds,
    cpu_seconds_in_turn,
    log,
    machine,
    print_json,
    write_beside,
)

_NAMES = {
    "cost": ["sheet_step_cpu_ms", "backward_over_forward", "cost_exponent"],
    "folding": ["folding_step_cpu_ms", "folding_backward_over_forward"],
    "gradient": ["gradient_error_max"],
    "drops": ["interpenetrations", "drops"],
    "newton": ["ratio_newton_semi_implicit"],
    "mujoco": ["ratio_mujoco_flex"],
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
    motion = shells.Schedule([0.0, 2e-3 * steps], jnp.asarray([[0.0] * 6, _PULL]))
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


_PULL = (-2e-3, 0.0, -4e-3, 0.0, 0.0, 0.0)


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
    ratio = _backward(hanging(sides[1], steps), _SHEET["young"])
    slope = np.polyfit(np.log(vertices), np.log(each), 1)[0]
    figures = {f"sheet_{n}_step_cpu_ms": ms for n, ms in zip(vertices, each, strict=True)}
    return figures | {
        "sheet_step_cpu_ms": each[1],
        "backward_over_forward": ratio,
        "cost_exponent": float(slope),
    }


def _backward(dynamics: shells.Dynamics, young: float) -> float:
    """What a gradient in the material costs beside the run, over the run."""

    def gradient(young, dynamics):
        changed = eqx.tree_at(lambda d: d.shell.material.young, dynamics, young)
        return _end(changed)[0]

    both = (_end, dynamics), (jax.value_and_grad(gradient), jnp.asarray(young), dynamics)
    forward, whole = cpu_seconds_in_turn(*(compiled(*each)[0] for each in both))
    return whole / forward - 1.0


def swinging(side: int, step: float) -> shells.Dynamics:
    """What the peers simulate, for `_SWING` seconds."""
    mesh = shells.strip(1.0, 1.0, (side - 1, side - 1))
    material = shells.IsotropicMaterial(**_SHEET)
    held = [shells.Pin(lambda x, y, z: x < 1e-9)]
    shell = shells.Shell(mesh, material, loads=[shells.Gravity()], supports=held)
    return shells.Dynamics(shell, step=step, steps=round(_SWING / step), tolerance=1e-7)


_SWING = 0.1


class Swings:
    """Our swing at `_STEP` and its gradient, and how far off its tip is; computed once."""

    def __init__(self, side: int):
        self.side = side

    @functools.cached_property
    def ours(self) -> tuple[peers.Peer, np.ndarray, float]:
        """As of a peer; the tip with a tenth of the step; and the error over the way gone."""
        dynamics, young = swinging(self.side, _STEP), jnp.asarray(_SHEET["young"])
        forward, tip = self.forward(_STEP)
        gradient, _ = compiled(jax.value_and_grad(self.end, has_aux=True), young, dynamics)
        whole = 1e3 * cpu_seconds(gradient, repeats=3) / dynamics.steps
        _, fine = self.forward(0.1 * _STEP, repeats=1)
        return peers.Peer(forward, whole - forward, tip), fine, self.error(tip, fine)

    @staticmethod
    def end(young, dynamics: shells.Dynamics):
        """Of the last positions one number, and all."""
        changed = eqx.tree_at(lambda d: d.shell.material.young, dynamics, young)
        positions = changed(None).values["positions"][-1]
        return jnp.sum(positions[:, 2]), positions

    def forward(self, step: float, repeats: int = 3) -> tuple[float, np.ndarray]:
        """CPU ms of a step, and the tip at the end."""
        dynamics = swinging(self.side, step)
        program, _ = compiled(self.end, jnp.asarray(_SHEET["young"]), dynamics)
        spent = 1e3 * cpu_seconds(program, repeats=repeats) / dynamics.steps
        ends = np.stack([np.asarray(dynamics.positions), np.asarray(program()[1])])
        return spent, peers.middle(ends, self.side)

    def as_accurate(self, error: float) -> float:
        """CPU ms of a simulated second with the longest step that is off by `error` at most."""
        _, reference, _ = self.ours
        for step in (20e-3, 10e-3):
            spent, tip = self.forward(step)
            log(f"step of {1e3 * step:g} ms: off by {self.error(tip, reference):.2g}")
            if self.error(tip, reference) <= error:
                return spent / step
        return self.ours[0].forward_ms / _STEP

    def error(self, tip: np.ndarray, reference: np.ndarray) -> float:
        """The distance of two tips over the way gone from (1, 0, 0)."""
        return float(np.linalg.norm(tip - reference) / np.linalg.norm(reference - [1.0, 0.0, 0.0]))

    def newton(self) -> Mapping:
        """CPU seconds of a simulated second, newton's over ours, forward and with the way back."""
        ours, reference, error = self.ours
        theirs = peers.newton_sheet(self.side, **_SHEET, seconds=_SWING)
        assert theirs.backward_ms is not None
        assert ours.backward_ms is not None
        scale = _STEP / peers.NEWTON_STEP
        off = self.error(theirs.tip, reference)
        both = (theirs.forward_ms + theirs.backward_ms) / (ours.forward_ms + ours.backward_ms)
        return {
            "newton_cpu_s_per_simulated_s": 1e-3 * theirs.forward_ms / peers.NEWTON_STEP,
            "newton_backward_cpu_s_per_simulated_s": 1e-3 * theirs.backward_ms / peers.NEWTON_STEP,
            "newton_tip_error": off,
            "sheet_cpu_s_per_simulated_s": 1e-3 * ours.forward_ms / _STEP,
            "sheet_backward_cpu_s_per_simulated_s": 1e-3 * ours.backward_ms / _STEP,
            "sheet_tip_error": error,
            "ratio_newton_semi_implicit": scale * theirs.forward_ms / ours.forward_ms,
            "ratio_newton_with_gradient": scale * both,
            "ratio_newton_same_accuracy": theirs.forward_ms
            / peers.NEWTON_STEP
            / self.as_accurate(off),
        }

    def mujoco(self) -> Mapping:
        """The same, forward, of MuJoCo, which has no derivatives."""
        ours, reference, _ = self.ours
        theirs = peers.mujoco_sheet(self.side, **_SHEET, seconds=_SWING)
        return {
            "mujoco_cpu_s_per_simulated_s": 1e-3 * theirs.forward_ms / peers.MUJOCO_STEP,
            "mujoco_tip_error": self.error(theirs.tip, reference),
            "ratio_mujoco_flex": _STEP / peers.MUJOCO_STEP * theirs.forward_ms / ours.forward_ms,
        }


def folding_cost(cells: tuple[int, int], steps: int) -> Mapping:
    """Of the scene with contact, friction and yielding; lags included."""
    dynamics = folding(cells, steps)
    return {
        "folding_step_cpu_ms": _forward_ms(dynamics),
        "folding_backward_over_forward": _backward(dynamics, 1e9),
    }


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


def _one_core() -> bool:
    """Keep to one core, before JAX makes its threads; whether the system can."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return True


def _cholesky() -> str:
    """What factorises."""
    return "LAPACK, bands" if cholmod() is None else "CHOLMOD"


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = command_line("shells", __doc__)
    parser.add_argument("--quick", action="store_true", help="few vertices, few drops")
    parser.add_argument("--drops", type=int, default=200, help="pairs of sheets dropped")
    parser.add_argument("--only", nargs="+", choices=list(_NAMES), default=list(_NAMES))
    parser.add_argument("--output", type=Path, default=Path("results/shells"), help="drops done")
    options = parser.parse_args(arguments)
    quick, alone = options.quick, _one_core()
    sides = (8, 12) if quick else (23, 32, 50, 71, 100)
    count = min(options.drops, 2) if quick else options.drops
    figures: Figures = {**machine(), "one_core": alone, "cholesky": _cholesky()}
    swings = Swings(sides[1])
    parts = {
        "cost": lambda: cost(sides, 10),
        "folding": lambda: folding_cost((12, 4) if quick else (45, 10), 10),
        "gradient": gradient_error,
        "drops": lambda: drops(count, options.output / "drops.json"),
        "newton": swings.newton,
        "mujoco": swings.mujoco,
    }
    for name in options.only:
        attempt(figures, _NAMES[name], parts[name])
    for name, value in figures.items():
        log(f"{name}: {value}")
    if options.json:
        print_json(figures)


if __name__ == "__main__":
    main()
