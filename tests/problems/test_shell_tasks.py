"""Tasks for sheets: found by themselves, exact gradients, objectives that mean what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import RESULTS, LevenbergMarquardt, observe, shells, solve
from diffsim.problems import shell_tasks
from diffsim.problems.shell_tasks import (
    Kink,
    Kinked,
    Launch,
    Mark,
    Marks,
    Recorded,
    Waypoint,
)
from diffsim.problems.shell_tasks._estimation import TRUTH


def test_the_tasks_of_the_package_are_found():
    known = shell_tasks.shell_tasks()
    assert {"lifting", "following", "forming", "folding_l", "sliding", "card"} <= set(known)
    for name, task in known.items():
        assert task.name == name
        assert task.line
        assert task.is_solved(task.solved)
        assert not task.is_solved(np.nan)


def test_a_misspelt_task():
    with pytest.raises(ValueError, match="did you mean 'folding_u'"):
        shell_tasks.shell_task("folding-u")


def test_marks_measure_misses_in_tolerances():
    mesh = shells.strip(0.06, 0.04, (2, 1))
    marks = Marks(mesh, [Mark(1, [0, 1], 0, 0.01, 1e-3), Mark(0, [5], 2, -0.02, 5e-4, less=[2, 3])])
    positions = jnp.arange(2.0 * 18).reshape(2, 6, 3) * 1e-3
    found = marks.residuals(observe({"positions": positions}, RESULTS.successful, {}))
    first = (np.mean([18e-3, 21e-3]) - 0.01) / 1e-3
    second = (17e-3 - np.mean([8e-3, 11e-3]) + 0.02) / 5e-4
    np.testing.assert_allclose(found, [first, second], rtol=1e-12)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (Mark(0, [6], 0, 0.0, 1e-3), r"vertices of a Mark must be in 0\.\.\.5"),
        (Mark(0, [], 0, 0.0, 1e-3), "vertices of a Mark"),
        (Mark(0, [1], 3, 0.0, 1e-3), "axis of a Mark must be 0, 1 or 2"),
        (Mark(0, [1], 0, 0.0, 0.0), "tolerance of a Mark must be positive"),
    ],
)
def test_marks_are_checked(mark, message):
    with pytest.raises(ValueError, match=message):
        Marks(shells.strip(0.06, 0.04, (2, 1)), [mark])


def test_recorded_forces_count_beside_the_markers():
    mesh = shells.strip(0.06, 0.04, (2, 1))
    marks = Marks(mesh, [Mark(1, [0], 0, 0.001, 1e-3)])
    recorded = Recorded(marks, [1, 2], [2, 0], 1, np.array([[4.0, 5.0], [6.0, 7.0]]), 0.5)
    forces = jnp.arange(3.0 * 3 * 3).reshape(3, 3, 3)
    values = {"positions": jnp.zeros((3, 6, 3)), "contact_force": forces}
    found = recorded.residuals(observe(values, RESULTS.successful, {}))
    np.testing.assert_allclose(found, [-1.0, 24.0, 10.0, 38.0, 24.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("forces", "tolerance", "message"),
    [
        (np.ones((1, 2)), 0.5, r"forces must have shape \(2, 2\)"),
        (np.zeros((2, 2)), 0.0, "positive"),
    ],
)
def test_recorded_forces_are_checked(forces, tolerance, message):
    marks = Marks(shells.strip(0.06, 0.04, (2, 1)), [Mark(0, [1], 0, 0.0, 1e-3)])
    with pytest.raises(ValueError, match=message):
        Recorded(marks, [1, 2], [2, 0], 1, forces, tolerance)


def test_a_launch_is_a_rigid_motion_of_its_own():
    moving = shell_tasks.shell_task("throwing").build().simulator
    spun = Launch(0).set(Launch(4).set(moving, jnp.asarray(7.0)), jnp.asarray(0.5))
    assert np.isclose(Launch(0).get(spun), 0.5)
    assert np.isclose(Launch(4).get(spun), 7.0)
    assert np.isclose(Launch(2).get(spun), 0.0, atol=1e-12)
    # About +y: what lies ahead goes down.
    ahead = int(np.argmax(moving.positions[:, 0]))
    np.testing.assert_allclose(spun.velocities[ahead], [0.5, 0.0, -7.0 * 0.03], atol=1e-12)


def test_a_waypoint_ties_its_poses():
    moving = shell_tasks.shell_task("lifting").build().simulator
    moved = Waypoint("holds", 1, (1, 2), 4).set(moving, jnp.asarray(0.3))
    expected = np.asarray(moving.shell.holds[1].schedule.poses).copy()
    expected[1:, 4] = 0.3
    np.testing.assert_array_equal(moved.shell.holds[1].schedule.poses, expected)
    np.testing.assert_array_equal(
        moved.shell.holds[0].schedule.poses, moving.shell.holds[0].schedule.poses
    )


def test_sliding_is_solved_where_a_point_mass_says_and_its_jacobian_is_exact():
    problem = shell_tasks.shell_task("sliding").build()
    assert problem.forward_mode
    program = jax.jit(lambda x: problem.evaluate(x, "jacobian"))
    at = problem.space.unit_cube({"speed": 0.4, "friction": 0.2039})
    # Backward differences of first order at the start, and creep at the end: not quite.
    assert float(program(at).value) < 4.0
    _compare(program, np.array([0.4, 0.55]))


@pytest.mark.slow
def test_the_parameters_of_a_finer_recording_are_found_from_several_starts():
    task = shell_tasks.shell_task("estimation")
    problem = task.build()
    found = []
    for x0 in ([0.52, 0.24], [0.15, 0.5], [0.65, 0.17]):
        run = solve(problem, LevenbergMarquardt(), budget=12, x0=np.array(x0), progress=False)
        assert task.is_solved(run.best_value)
        found.append(problem.space.physical(jnp.asarray(run.best_x)))
    # The coarser model's own error: +1.9 % and +2.8 %.
    for parameters in found:
        assert float(parameters["young"]) == pytest.approx(TRUTH["young"], rel=0.04)
        assert float(parameters["friction"]) == pytest.approx(TRUTH["friction"], rel=0.06)
        assert float(parameters["young"]) == pytest.approx(float(found[0]["young"]), rel=0.01)
    # Nearly the lowest values on the four sides of the box of 10 % and 20 % around the truth.
    program = jax.jit(lambda x: problem.evaluate(x, "value").value)
    for young, friction in ((1.0, 1.2), (1.04, 0.8), (1.1, 0.8), (0.9, 1.2)):
        beside = {"young": young * TRUTH["young"], "friction": friction * TRUTH["friction"]}
        assert not task.is_solved(float(program(problem.space.unit_cube(beside))))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["separating", "separating_cloth"])
def test_a_rod_that_presses_takes_the_upper_sheet_along_and_leaves_the_lower_one(name):
    task = shell_tasks.shell_task(name)
    problem = task.build()
    program = jax.jit(lambda x: problem.evaluate(x, "jacobian"))
    found = program(problem.space.unit_cube({"down": -1.4e-3, "along": 0.0149}))
    assert task.is_solved(float(found.value))
    # What is found is what the rod does, and a rod that hardly presses takes nothing along.
    upper = np.asarray(found.jacobian)[0, 1] * 5e-4
    assert upper == pytest.approx(0.03, rel=0.1)
    slipping = program(problem.space.unit_cube({"down": -5.5e-4, "along": 0.0149}))
    assert float(slipping.residuals[0]) * 5e-4 < -0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "x", "tolerance"),
    [
        # Yielding under a finger; stiffness and a fast release; friction.
        ("forming", [0.55, 0.65, 0.6, 0.7], 2e-5),
        ("card", [0.55, 0.4], 2e-6),
        ("throwing", [0.45, 0.6, 0.5], 2e-6),
    ],
)
def test_tasks_have_exact_jacobians(name, x, tolerance):
    problem = shell_tasks.shell_task(name).build()
    program = jax.jit(lambda x: problem.evaluate(x, "jacobian"))
    _compare(program, np.array(x), tolerance)


def _compare(program, x, tolerance=2e-6):
    """The forward-mode Jacobian against central differences of the residuals, the better of two
    steps: a long one has curvature in it, a short one the tolerance of Newton's method."""
    jacobian = np.asarray(program(jnp.asarray(x)).jacobian)
    errors = [np.abs(_differences(program, x, h) - jacobian).max() for h in (1e-5, 1e-6)]
    assert np.abs(jacobian).max() > 1.0
    assert min(errors) < tolerance * np.abs(jacobian).max()


def _differences(program, x, step):
    columns = [
        (program(jnp.asarray(x + h)).residuals - program(jnp.asarray(x - h)).residuals) / (2 * step)
        for h in step * np.eye(x.size)
    ]
    return np.stack(columns, axis=1)


def test_rest_angles_follow_from_the_positions_as_the_bending_remembers_them():
    mesh, limit = shells.strip(0.06, 0.04, (3, 2)), 0.2
    material = shells.IsotropicMaterial(1e6, 0.0, 1e-3, 1e3)
    sheet = shells.Shell(mesh, material, bending=shells.SpringBending(100.0, limit))
    inner = np.flatnonzero(np.asarray(mesh.edge_opposites)[:, 1] >= 0)
    pairs = [tuple(edge) for edge in np.asarray(mesh.edges)[inner].tolist()]
    goal = Kinked(mesh, [Kink(pairs[:4], 0.1, 0.02), Kink(pairs[4:5], 0.3, 0.5)], limit)
    noise = 6e-3 * jax.random.normal(jax.random.key(3), (5, *mesh.positions.shape))
    positions = mesh.positions + noise.at[0].set(0.0)
    memory = sheet.fresh()
    for place in positions[1:]:
        memory = sheet.remembered(sheet.unknowns(place), 0.0, memory)
    expected = np.asarray(memory.angles)[inner]
    assert np.abs(expected[:5]).min() > 0.0
    found = goal.residuals(observe({"positions": positions}, RESULTS.successful, {}))
    misses = [(expected[:4].mean() - 0.1) / 0.02, (expected[4] - 0.3) / 0.5]
    np.testing.assert_allclose(found, misses, rtol=1e-9)


@pytest.mark.parametrize(
    ("kink", "message"),
    [
        (Kink([(0, 1)], 0.0, 0.1), "edges of a Kink must be between two faces"),
        (Kink([(2, 3)], 0.0, 0.0), "tolerance of a Kink must be positive"),
    ],
)
def test_kinks_are_checked(kink, message):
    mesh = shells.strip(0.06, 0.04, (2, 1))
    with pytest.raises(ValueError, match=message):
        Kinked(mesh, [kink], 0.5)


def test_the_published_strip_begins_as_a_u_with_rest_angles_behind_by_the_yield_angle():
    problem = shell_tasks.shell_task("published_folding").build()
    start = observe({"positions": problem.simulator.positions[None]}, RESULTS.successful, {})
    angle = -(np.pi / 3 - 0.5)
    expected = [(angle + 0.8) / 0.03, (angle + 0.55) / 0.03]
    np.testing.assert_allclose(problem.objective.residuals(start), expected, rtol=1e-9)
    x, _, z = np.asarray(problem.simulator.positions).reshape(16, 4, 3).mean(axis=1).T
    # Row 15 is held on the table, row 0 lies over it, rows 6 and 9 over each other.
    np.testing.assert_allclose([x[15], x[0], x[6] - x[9]], [0.03, 0.03, 0.0], atol=1e-12)
    np.testing.assert_allclose([z[15], z[9], z[0] - z[15]], [4e-4, 4e-4, 0.04 / 3.0], atol=1e-12)


def test_a_brick_that_is_carried_all_the_way_is_at_its_marks():
    problem = shell_tasks.shell_task("lifting_block").build()
    still = jnp.broadcast_to(problem.simulator.positions, (41, *problem.simulator.positions.shape))
    carried = still + jnp.array([-0.012, -0.012, 0.01])
    thrown = carried.at[21, -8:, 2].add(0.004)
    short = np.array([12.0, 12.0, -10.0] * 2) / np.sqrt(2.0)
    for positions, expected in (
        (carried, np.zeros(12)),
        (still, [*short, *[0.0] * 6]),
        (thrown, [*[0.0] * 8, 2.0, *[0.0] * 3]),
    ):
        found = problem.objective.residuals(
            observe({"positions": positions}, RESULTS.successful, {})
        )
        np.testing.assert_allclose(found, expected, atol=1e-9)
