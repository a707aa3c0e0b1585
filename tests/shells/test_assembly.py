"""Sheets, solids and rigid bodies in one system: contact, momentum, gradients, errors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.solvers import Slip

PAPER = shells.IsotropicMaterial(1e7, 0.3, 5e-4, 1000.0)
LAW = shells.Barrier(1e3, 1e-3)


def _moved(mesh, shift):
    cells = mesh.cells if isinstance(mesh, shells.TetrahedralMesh) else mesh.faces
    return type(mesh)(np.asarray(mesh.positions) + np.asarray(shift), cells)


def _sheet(**kwargs) -> shells.Shell:
    # At a height of exactly zero: with it SciPy's tree once recursed without end.
    return shells.Shell(_moved(shells.strip(0.04, 0.02, (3, 2)), [-0.02, 0, 0]), PAPER, **kwargs)


def _pile(friction: float, weight=()) -> shells.Assembly:
    """A rigid brick on a held sheet, and a rubber block above both."""
    brick = _moved(shells.block([0.01] * 3, [1, 1, 1]).skin(), [0.001, 0.0, 0.0058])
    block = _moved(shells.block([0.008] * 3, [1, 1, 1]), [0.0, 0.001, 0.0156])
    held = [shells.Clamp(lambda x, y, z: np.abs(x) > 0.0199)] if weight else []
    bodies = {
        "sheet": _sheet(loads=weight, supports=held),
        "brick": shells.RigidBody(brick, shells.RigidMaterial(2000.0, 1e9), loads=weight),
        "block": shells.Solid(block, shells.SolidMaterial(1e6, 0.3, 1000.0), loads=weight),
    }
    rubs = shells.Friction(friction, 1e-2)
    return shells.Assembly(
        bodies, self_contact=shells.SelfContact(LAW, friction=rubs, capacity=700)
    )


@pytest.mark.slow
def test_vertices_numbers_and_matrices_are_those_of_the_bodies():
    pile = _pile(0.3)
    assert [len(pile.vertices(name)) for name in pile.names] == [12, 8, 8]
    assert pile.size == 3 * 28 + pile.bodies[0].mesh.num_edges + 12
    assert pile.numbers()["block.young"] == "bodies.2.material.young"
    rest = pile.unknowns(pile.mesh.positions)
    shifted = rest + 1e-4 * np.random.default_rng(0).normal(size=rest.size)
    right = jnp.asarray(np.random.default_rng(1).normal(size=rest.size))
    # As in a step of 1 ms; without contact, which has matrices of its own.
    parts = lambda p: (p.inertia, p.encounters)
    fixed = eqx.tree_at(parts, pile.potential(), (1e6 * pile.mass(), ()))
    found = fixed.hessian(shifted).solver()(right)
    back = jax.jvp(fixed.gradient, (shifted,), (found,))[1]
    np.testing.assert_allclose(back, right, atol=1e-6)


@pytest.mark.slow
def test_momentum_is_kept_when_bodies_collide():
    """Nothing outside: what one loses the others gain, friction included."""
    pile = _pile(0.3)
    towards = jnp.zeros_like(pile.mesh.positions)
    towards = towards.at[pile.vertices("block")].set(jnp.array([0.3, 0.0, -1.0]))
    towards = towards.at[pile.vertices("sheet"), 2].set(0.5)
    dynamics = shells.Dynamics(
        pile, step=5e-4, steps=12, scheme="implicit_euler", velocities=towards, tolerance=1e-10
    )
    found = jax.jit(lambda d: d(None))(dynamics).checked().values
    scale = float(jnp.abs(found["momentum"][0]).max())
    np.testing.assert_allclose(
        found["momentum"], found["momentum"][:1].repeat(13, 0), atol=1e-9 * scale
    )
    brick = pile.vertices("brick")
    moved = np.asarray(found["positions"][-1, brick] - found["positions"][0, brick])
    assert np.abs(moved).max() > 1e-5
    assert 0.0 < float(found["self_gap"].min()) < 1e-3
    assert float(found["kinetic_energy"][-1]) < 0.9 * float(found["kinetic_energy"][0])


@pytest.mark.slow
def test_gradients_through_contact_of_three_kinds_of_bodies():
    pile = _pile(0.3, weight=[shells.Gravity()])
    thrown = jnp.zeros_like(pile.mesh.positions)
    thrown = thrown.at[pile.vertices("block")].set(jnp.array([0.2, 0.0, -0.5]))
    dynamics = shells.Dynamics(
        pile, step=1e-3, steps=8, scheme="implicit_euler", velocities=thrown, tolerance=1e-9
    )
    parts = lambda d: (
        d.shell.bodies[0].material.young,
        d.shell.bodies[1].material.density,
        d.shell.bodies[2].material.young,
        d.shell.self_contact.friction.coefficient,
    )

    def value(p, dynamics):
        scaled = [s * part for s, part in zip(p, parts(dynamics), strict=True)]
        end = eqx.tree_at(parts, dynamics, scaled)(None).values["positions"][-1]
        return 1e3 * jnp.sum(end @ jnp.array([1.0, 0.5, 1.0]))

    program = jax.jit(lambda p: jax.value_and_grad(value)(p, dynamics))
    gradient = np.asarray(program(jnp.ones(4))[1])
    for i in range(4):
        shift = jnp.zeros(4).at[i].set(1e-5)
        difference = (program(1 + shift)[0] - program(1 - shift)[0]) / 2e-5
        assert gradient[i] == pytest.approx(float(difference), abs=1e-6 * np.abs(gradient).max())
    assert np.all(gradient != 0)


def test_bodies_answer_for_the_whole():
    """Two sheets of different size and material, each on a table of its own with friction."""
    lying = lambda below: shells.BodyContact(
        shells.Plane([0.0, 0.0, -below]), LAW, friction=shells.Friction(0.3, 1e-2)
    )
    above = _moved(shells.strip(0.03, 0.02, (2, 1)), [0.0, 0.0, 0.02])
    stiff = shells.IsotropicMaterial(1e9, 0.3, 5e-4, 1000.0)
    bodies = {
        "soft": _sheet(contacts=[lying(8e-4)], loads=[shells.Gravity()]),
        "stiff": shells.Shell(above, stiff, contacts=[lying(-0.0192)]),
    }
    both = shells.Assembly(bodies)
    assert both.rubs
    random = np.random.default_rng(5)
    q, before, lagged, velocity = (
        both.unknowns(both.mesh.positions) + 1e-5 * random.normal(size=both.size) for _ in range(4)
    )

    def each(f, *vectors):
        pieces = zip(both.bodies, both.places, strict=True)
        return [f(body, *(v[place] for v in vectors)) for body, place in pieces]

    @eqx.filter_jit
    def forces(body, q, before, lagged):
        slip = Slip(0.0, 1e-3, before, before, 1e-3, 1e-3, lagged)
        return body.potential(1e-3, slip=slip).gradient(q)

    found = forces(both, q, before, lagged)
    single = both._joined(each(forces, q, before, lagged))
    np.testing.assert_allclose(found, single, rtol=1e-12, atol=1e-15)
    assert np.abs(found - forces(both, q, before, before)).max() > 1e-6
    single = each(lambda body, *state: jnp.stack(body.momenta(*state)), q, velocity)
    np.testing.assert_allclose(jnp.stack(both.momenta(q, velocity)), sum(single), rtol=1e-12)
    single, energies = each(lambda body, q: body.energies(q), q), both.energies(q)
    assert {"membrane_energy", "bending_energy"} <= set(energies)
    for name, energy in energies.items():
        assert energy == pytest.approx(sum(float(part[name]) for part in single), rel=1e-12)
    soft, hard = each(lambda body: body.settings(1e-7, 30))
    settings = both.settings(1e-7, 30)
    assert soft.force_tolerance < settings.force_tolerance == hard.force_tolerance
    assert hard.step_tolerance < soft.step_tolerance
    assert settings.step_tolerance == hard.step_tolerance


def test_errors_name_the_body():
    sheet = _sheet()
    with pytest.raises(ValueError, match="at least one, but there are none"):
        shells.Assembly({})
    with pytest.raises(ValueError, match="'table' is a Plane"):
        shells.Assembly({"sheet": sheet, "table": shells.Plane()})  # pyright: ignore
    with pytest.raises(ValueError, match="given to the Assembly, not to its bodies, but 'sheet'"):
        shells.Assembly({"sheet": _sheet(self_contact=shells.SelfContact(LAW))})
    with pytest.raises(ValueError, match="one of sheet, but is 'ball'"):
        shells.Assembly({"sheet": sheet}).vertices("ball")
    crossing = _moved(shells.block([0.01] * 3, [1, 1, 1]).skin(), [0.001, 0.01, 0.0])
    body = shells.RigidBody(crossing, shells.RigidMaterial(1000.0))
    both = shells.Assembly({"sheet": sheet, "brick": body}, self_contact=shells.SelfContact(LAW))
    begun = r"edge of vertices \[\d, \d\] of '(sheet|brick)' pierces the face of vertices \["
    with pytest.raises(ValueError, match=begun):
        shells.Dynamics(both, step=1e-3, steps=1)


def _scene(**bodies) -> shells.Assembly:
    return shells.Assembly(bodies, self_contact=shells.SelfContact(LAW))


def _cube(size, shift=(0.0, 0.0, 0.0), density=1000.0) -> shells.RigidBody:
    skin = _moved(shells.block([size] * 3, [1, 1, 1]).skin(), shift)
    return shells.RigidBody(skin, shells.RigidMaterial(density))


def _begin(scene) -> shells.Dynamics:
    return shells.Dynamics(scene, step=1e-3, steps=1, scheme="implicit_euler")


def test_bodies_that_begin_inside_each_other_are_named():
    hull = shells.Solid(
        _moved(shells.block([0.1] * 3, [1, 1, 1]), [0.0, 0.0, 0.01]),
        shells.SolidMaterial(1e6, 0.3, 1000.0),
    )
    # Nothing is pierced.
    with pytest.raises(ValueError, match=r"'sheet' begins inside 'hull': 12 of its vertices do"):
        _begin(_scene(sheet=_sheet(), hull=hull))
    with pytest.raises(ValueError, match=r"'small' begins inside 'large': 8 of its vertices do"):
        _begin(_scene(small=_cube(0.01, [0.002, 0.001, 0.003]), large=_cube(0.03)))
    with pytest.raises(ValueError, match="'small' begins inside 'large'"):
        _begin(_scene(large=_cube(0.03), small=_cube(0.01, [0.002, 0.001, 0.003])))
    _begin(_scene(one=_cube(0.01), other=_cube(0.01, [0.02, 0.0, 0.0])))
    # A sheet that is closed is hollow: what it holds may be there.
    ball = shells.Shell(shells.ball(0.03, cells=2).skin(), PAPER)
    _begin(_scene(balloon=ball, brick=_cube(0.01)))


def test_bodies_that_touch_at_the_start_are_named():
    lying = _cube(0.01, [0.003, 0.001, 0.005])
    with pytest.raises(
        ValueError, match=r"vertex \d of 'brick' lies on the face of vertices .*'sh"
    ):
        _begin(_scene(sheet=_sheet(), brick=lying))
    one, two = shells.strip(0.04, 0.02, (3, 2)), shells.strip(0.04, 0.02, (2, 3))
    positions = np.concatenate([np.asarray(one.positions) + 0.004, np.asarray(two.positions)])
    positions[:, 2] = 0.0
    faces = np.concatenate([np.asarray(one.faces), np.asarray(two.faces) + one.num_vertices])
    mesh = shells.TriangleMesh(positions, faces)
    both = shells.Shell(mesh, PAPER, self_contact=shells.SelfContact(LAW))
    with pytest.raises(ValueError, match=r"vertex \d+ lies on the face of vertices \["):
        shells.Dynamics(both, step=1e-3, steps=1)


def test_a_body_without_mass_is_named():
    with pytest.raises(ValueError, match=r"body 'hollow' of the Assembly: density must be posit"):
        _begin(_scene(sheet=_sheet(), hollow=_cube(0.01, [0.0, 0.0, 0.02], density=0.0)))
    faces = shells.strip(0.04, 0.02, (3, 2)).num_faces
    holes = np.full(faces, 1000.0)
    holes[[2, 5]] = 0.0
    thin = shells.IsotropicMaterial(1e7, 0.3, 5e-4, holes)
    sheet = shells.Shell(shells.strip(0.04, 0.02, (3, 2)), thin)
    with pytest.raises(ValueError, match=r"body 'sheet' .* but is zero in cells 2, 5"):
        _begin(_scene(sheet=sheet))
    table = shells.BodyContact(shells.Plane(), LAW)
    with pytest.raises(ValueError, match=r"body 'low' of the Assembly: .* vertices \[0, 1, 2"):
        _begin(_scene(low=_sheet(contacts=[table])))
