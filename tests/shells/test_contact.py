"""Contact and friction with rigid bodies: known answers, nothing passes, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells

GRAVITY = 9.80665
MATERIAL = shells.IsotropicMaterial(1e7, 0.3, 2e-4, 500.0)


@pytest.mark.parametrize(
    "shape",
    [
        shells.Plane([0.0, 0.0, 0.1], [0.3, 0.0, 1.0]),
        shells.Sphere([0.1, 0.0, -0.2], 0.15),
        shells.Capsule([0.1, -0.2, 0.0], [0.1, 0.3, 0.05], 0.08),
    ],
    ids=lambda s: type(s).__name__,
)
def test_free_paths_never_enter(shape):
    """Against dense sampling of random segments; and what is free is not all refused."""
    random = np.random.default_rng(0)
    start, end = jnp.asarray(random.uniform(-0.5, 0.5, (2, 2000, 3)))
    outside = np.asarray(jax.vmap(shape.gap)(start)) > 1e-3
    start, end = start[outside], end[outside]
    free = jax.vmap(shape.free_path)(start, end)
    share = np.linspace(0.0, 1.0, 200)
    along = start[:, None] + (free[:, None] * share)[..., None] * (end - start)[:, None]
    gaps = np.asarray(jax.vmap(jax.vmap(shape.gap))(along))
    assert gaps.min() > 0
    assert np.all(gaps.min(axis=1) >= 0.0999 * gaps[:, 0])
    whole = start[:, None] + share[:, None] * (end - start)[:, None]
    clear = np.asarray(jax.vmap(jax.vmap(shape.gap))(whole)).min(axis=1) > 0.2 * gaps[:, 0]
    assert 100 < np.sum(clear) < clear.size - 100
    assert np.mean(np.asarray(free)[clear] == 1.0) > 0.95


def test_gap_of_a_capsule():
    capsule = shells.Capsule([0.0, 0.0, 0.0], [1.0, 0.0, 0.0], 0.1)
    points = jnp.array([[0.5, 0.3, 0.4], [-0.3, 0.0, 0.4], [1.3, 0.4, 0.0]])
    np.testing.assert_allclose(jax.vmap(capsule.gap)(points), [0.4, 0.4, 0.4], rtol=1e-12)


@pytest.mark.slow
def test_nothing_passes_a_sphere_and_a_table():
    """Sheets that fall at 5 m/s (0.1 m in a step, ten times the thickness of the sphere's cap)."""
    mesh = shells.strip(0.1, 0.1, (4, 4), "unstructured")
    law = shells.Barrier(1e3, 1e-3)
    shell = shells.Shell(
        mesh,
        MATERIAL,
        loads=[shells.Gravity()],
        contacts=[
            shells.BodyContact(shells.Sphere([0.05, 0.0, -0.03], 0.02), law),
            shells.BodyContact(shells.Plane([0.0, 0.0, -0.05]), law),
        ],
    )
    state = lambda d: (d.positions, d.velocities)
    run = eqx.filter_jit(lambda d, x, v: eqx.tree_at(state, d, (x, v))(None))
    dynamics = shells.Dynamics(shell, step=1e-2, steps=6, scheme="implicit_euler")
    random = np.random.default_rng(1)
    centred = mesh.positions - jnp.array([0.05, 0.0, 0.0])
    for _ in range(10):
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
        start = centred @ turn + jnp.array([0.05, 0.0, 0.08])
        speed = jnp.ones_like(start) * jnp.array([0.0, 0.0, -5.0]) + random.normal(size=3)
        found = run(dynamics, start, speed).checked().values
        assert float(found["gap"].min()) > 0
        assert np.all(np.asarray(found["positions"])[..., 2] > -0.05)
        assert float(found["gap"][:, 1].min()) < 1e-3


def test_bad_input():
    mesh = shells.strip(0.1, 0.06, (2, 2))
    law = shells.Barrier(1e3, 1e-3)
    with pytest.raises(ValueError, match="stiffness of Barrier must be positive, in Pa, but"):
        shells.Barrier(-1.0, 1e-3)
    with pytest.raises(ValueError, match="distance of Penalty must be positive, in m"):
        shells.Penalty(1.0, np.nan)
    with pytest.raises(ValueError, match="coefficient of Friction must be at least zero"):
        shells.Friction(-0.1)
    with pytest.raises(ValueError, match="radius of Sphere must be positive, in m"):
        shells.Sphere([0.0, 0.0, 0.0], 0.0)
    with pytest.raises(ValueError, match="must have 3 components"):
        shells.Plane([0.0, 0.0])
    inside = shells.BodyContact(shells.Sphere([0.0, 0.0, 0.0], 0.04), law)
    shell = shells.Shell(mesh, MATERIAL, contacts=[inside])
    with pytest.raises(ValueError, match=r"begin outside every body, but vertices \[0, 1, 2\]"):
        shells.Dynamics(shell, step=1e-3, steps=1)
    with pytest.raises(ValueError, match="lags must be a whole number"):
        shells.Dynamics(shells.Shell(mesh, MATERIAL), step=1e-3, steps=1, lags=0)
    held = shells.Clamp(lambda x, y, z: x < 0.06)
    pinned = shells.Shell(mesh, MATERIAL, supports=[held], contacts=[inside])
    with pytest.raises(ValueError, match="begin outside every body"):
        shells.Equilibrium(pinned)
    rough = shells.BodyContact(shells.Plane([0.0, 0.0, -1.0]), law, friction=shells.Friction(0.1))
    rubbing = shells.Shell(mesh, MATERIAL, supports=[held], contacts=[rough])
    with pytest.raises(ValueError, match="without friction for Equilibrium"):
        shells.Equilibrium(rubbing)


@pytest.mark.slow
def test_at_rest_on_a_table_what_is_not_held_is_carried():
    """Weight, reactions and contact balance, and both modes agree with differences."""
    mesh = shells.strip(0.1, 0.02, (8, 1))
    shell = shells.Shell(
        mesh,
        MATERIAL,
        loads=[shells.Gravity()],
        supports=[shells.Clamp(lambda x, y, z: x < 1e-9)],
        contacts=[shells.BodyContact(shells.Plane([0.0, 0.0, -5e-3]), shells.Barrier(20.0, 1e-3))],
    )
    rest = shells.Equilibrium(shell)

    @eqx.filter_jit
    def carried(thickness):
        there = eqx.tree_at(lambda e: e.shell.material.thickness, rest, thickness)
        values = there(None).checked().values
        return values["contact_force"][-1, 0, 2], values["reactions"][-1], values["gap"][-1, 0]

    force, reactions, gap = carried(jnp.asarray(2e-4))
    weight = 500.0 * 2e-4 * 0.1 * 0.02 * GRAVITY
    # Reactions are what the supports exert on the sheet.
    assert float(force + jnp.sum(reactions[:, 2])) == pytest.approx(weight, rel=1e-7)
    assert 0 < float(gap) < 1e-3
    assert 0.3 * weight < float(force) < weight
    scaled = lambda s: carried(2e-4 * s)[0]
    exact = (float(scaled(jnp.asarray(1.0001))) - float(scaled(jnp.asarray(0.9999)))) / 2e-4
    assert float(jax.grad(scaled)(jnp.asarray(1.0))) == pytest.approx(exact, rel=1e-5)
    _, forward = jax.jvp(scaled, (jnp.asarray(1.0),), (jnp.asarray(1.0),))
    assert float(forward) == pytest.approx(exact, rel=1e-5)
