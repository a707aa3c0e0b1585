"""Every energy against its derivatives: forces by differences of the energy, Hessians by
differentiated forces, both sides of instants that are not smooth."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import shells
from diffsim.shells.contact._friction import smooth_distance
from diffsim.solvers import Slip, elements_energy, elements_hessian, elements_stress

ISOTROPIC = shells.IsotropicMaterial(1e3, 0.3, 0.3, 1.0)
ORTHOTROPIC = shells.OrthotropicMaterial(2e3, 1e3, 4e2, 0.2, 0.3, 1.0, direction=(1.0, 0.2, 0.1))
KEY = jax.random.key(7)
LAWS = shells.Barrier(2.0, 0.4), shells.Penalty(3.0, 0.4)


def bent(material, membrane, bending, load=None):
    """Two bent faces with a clamped border edge, in general position."""
    places = [[0.0, 0, 0], [1.0, 0.1, 0], [0.3, 0.9, 0.2], [-0.5, 0.7, 0.1]]
    mesh = shells.TriangleMesh(places, [[0, 1, 2], [0, 2, 3]])
    loads = [] if load is None else [load]
    return shells.Shell(
        mesh,
        material,
        membrane=membrane,
        bending=bending,
        loads=loads,
        supports=[shells.Clamp([0, 1])],
    )


def creased(shell, curvature):
    """As a past of yielding has left it."""
    fresh = shell.fresh()
    angles = curvature * jax.random.normal(KEY, fresh.angles.shape)
    return eqx.tree_at(lambda c: (c.angles, c.hardened), fresh, (angles, fresh.hardened + 0.1))


def sheet_scene(material, membrane, bending, load=None, past=None):
    shell = bent(material, membrane, bending, load)
    q = shell.rest() + 0.1 * jax.random.normal(KEY, (shell.size,))
    memory = None if past is None else creased(shell, past)
    return shell.potential(0.0, 1.0, memory=memory), q


def slip_to(q, reach=0.1):
    """A step of 0.1 s that ends in q."""
    noise = reach * jax.random.normal(jax.random.key(3), (2, q.size))
    return Slip(0.0, 0.1, q + noise[0], q + noise[0], 0.1, 0.1, q)


def bodies_scene():
    """Over a plane, a sphere and a capsule that move, within the reach of all three."""
    rubs = shells.Friction(0.3, 1.0)
    move = shells.Schedule([0.0, 0.1], [[0.0] * 6, [0.02, 0.01, 0.0, 0.1, 0.2, 0.1]])
    shapes = (
        (shells.Plane(), LAWS[0]),
        (shells.Sphere([0.5, 0.5, -0.5], 0.6), LAWS[0]),
        (shells.Capsule([-1.0, 1.0, 0.5], [2.0, 1.0, 0.6], 0.2), LAWS[1]),
    )
    contacts = [
        shells.BodyContact(shape, law, friction=rubs, schedule=move) for shape, law in shapes
    ]
    places = [[0.0, 0, 0.2], [1.0, 0.1, 0.2], [0.3, 0.9, 0.25], [-0.5, 0.7, 0.3]]
    mesh = shells.TriangleMesh(places, [[0, 1, 2], [0, 2, 3]])
    shell = shells.Shell(mesh, ISOTROPIC, contacts=contacts)
    q = shell.rest() + 0.02 * jax.random.normal(KEY, (shell.size,))
    return shell.potential(0.1, slip=slip_to(q)), q


def pairs_scene():
    """Two sheets close above each other, one turned."""
    one = shells.strip(1.0, 1.0, (2, 2))
    turn = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
    above = np.asarray(one.positions) @ turn.T + [0.0, 0.0, 0.1]
    positions = np.concatenate([np.asarray(one.positions), above])
    faces = np.concatenate([np.asarray(one.faces), np.asarray(one.faces) + one.num_vertices])
    law = shells.Barrier(2.0, 0.2)
    contact = shells.SelfContact(law, friction=shells.Friction(0.3, 1.0), capacity=200)
    shell = shells.Shell(shells.TriangleMesh(positions, faces), ISOTROPIC, self_contact=contact)
    q = shell.rest() + 0.01 * jax.random.normal(KEY, (shell.size,))
    return shell.potential(0.1, slip=slip_to(q)).near(q), q


def solid_scene():
    mesh = shells.block([1.0, 1.0, 1.0], [1, 1, 1])
    solid = shells.Solid(mesh, shells.SolidMaterial(1e3, 0.4, 1.0))
    q = solid.unknowns(mesh.positions) + 0.1 * jax.random.normal(KEY, (solid.size,))
    return solid.potential(), q


def rigid_scene():
    mesh = shells.block([1.0, 0.8, 0.5], [1, 1, 1]).skin()
    body = shells.RigidBody(mesh, shells.RigidMaterial(1.0, 1e3))
    q = body.unknowns(mesh.positions) + 0.1 * jax.random.normal(KEY, (body.size,))
    return body.potential(), q


STVK, NEO = shells.StVenantKirchhoff(), shells.NeoHookean()
YIELDS = shells.PlasticBending(0.05, 0.2)
SCENES = {
    "isotropic, mid-edge": lambda: sheet_scene(
        ISOTROPIC, STVK, shells.MidEdgeBending(), shells.Pressure(3.0)
    ),
    "neo-Hookean, uniform hinges": lambda: sheet_scene(ISOTROPIC, NEO, shells.HingeBending()),
    "orthotropic, equilateral hinges": lambda: sheet_scene(
        ORTHOTROPIC, STVK, shells.HingeBending("equilateral")
    ),
    "orthotropic, mid-edge": lambda: sheet_scene(ORTHOTROPIC, STVK, shells.MidEdgeBending()),
    "not yet yielding": lambda: sheet_scene(ISOTROPIC, STVK, shells.PlasticBending(50.0)),
    "yielding": lambda: sheet_scene(ISOTROPIC, STVK, YIELDS, past=0.1),
    "bodies and friction": bodies_scene,
    "pairs and friction": pairs_scene,
    "solid": solid_scene,
    "rigid": rigid_scene,
}


@eqx.filter_jit
def measured(batch, q, v):
    """Energy, its slope along v, the slope's change along v by differentiating forces and by the
    element matrices, and the convex matrices."""
    energy = lambda q: elements_energy(batch, q)
    slope, curved = jax.jvp(jax.grad(energy), (q,), (v,))
    stress = elements_stress(batch, q)
    exact, safe = (elements_hessian(batch, q, stress, convex) for convex in (False, True))
    local = jnp.einsum("eij,ej->ei", exact, v[batch.indices])
    ours = jnp.zeros_like(q).at[batch.indices].add(local)
    return energy(q), slope, curved, ours, safe


@pytest.mark.parametrize("name", SCENES)
def test_forces_and_hessians(name):
    potential, q = SCENES[name]()
    v = jax.random.normal(jax.random.key(5), q.shape)
    step, active = 1e-5, 0
    for batch in potential.batches:
        energy, slope, curved, ours, safe = measured(batch, q, v)
        scale = np.abs(curved).max()
        if scale == 0:
            continue  # nothing is near
        active += 1
        np.testing.assert_allclose(ours, curved, atol=1e-8 * scale)
        parts = [measured(batch, q + s * step * v, v) for s in (-2, -1, 1, 2)]
        weights = np.array([1.0, -8.0, 8.0, -1.0]) / (12.0 * step)
        by_energy = weights @ np.array([p[0] for p in parts])
        np.testing.assert_allclose(slope @ v, by_energy, rtol=1e-8, atol=1e-14 * energy / step)
        by_force = np.tensordot(weights, np.stack([p[1] for p in parts]), 1)
        np.testing.assert_allclose(ours, by_force, atol=1e-8 * scale)
        assert np.linalg.eigvalsh(safe).min() >= -1e-9 * np.abs(safe).max()
    expected = {"bodies and friction": 8, "pairs and friction": 6, "solid": 1}
    assert active >= expected.get(name, 2)


@pytest.mark.parametrize("hardening", [0.0, 0.5])
def test_both_sides_of_the_onset_of_yielding(hardening):
    """The moment is continuous, its slope falls from 1 to η/(1 + η) of the elastic one, and only
    beyond does it depend on the yield curvature."""
    shell = bent(ISOTROPIC, STVK, shells.PlasticBending(0.1, hardening))
    faces = shell.potential().elements[1]
    face = jax.tree.map(lambda leaf: leaf[0], faces)
    direction = jnp.array([0.3, -0.2, 0.1])
    elastic = lambda s: face.elastic(face.faces.rest + s * direction)
    onset = float(0.1 * jnp.sqrt(0.5 * face.scale / elastic(1.0)))

    def density(s, limit):
        changed = eqx.tree_at(lambda f: f.limit, face, limit)
        return changed.density(changed.faces.rest + s * direction)

    moment = jax.grad(density)
    limit = face.limit
    below, above = (1.0 - 1e-6) * onset, (1.0 + 1e-6) * onset
    np.testing.assert_allclose(moment(above, limit), moment(below, limit), rtol=1e-5)
    stiff = jax.grad(jax.grad(elastic))(onset)
    for at, share in ((below, 1.0), (above, hardening / (1.0 + hardening))):
        inside = 0.5 * (at - onset)
        slope = jax.grad(moment)(at, limit)
        np.testing.assert_allclose(slope, share * stiff, atol=1e-6 * stiff)
        one_sided = (moment(at + inside, limit) - moment(at, limit)) / inside
        np.testing.assert_allclose(slope, one_sided, atol=1e-6 * stiff)
    by_limit = jax.grad(moment, argnums=1)
    assert float(by_limit(below, limit)) == 0.0
    expected = float(moment(onset, limit)) / 0.1 / (1.0 + hardening)
    np.testing.assert_allclose(by_limit(above, limit), expected, rtol=1e-5)


def test_both_sides_of_slipping():
    """From sticking (creep) to slipping force and stiffness are continuous; the curvature of the
    force is what jumps, by 2μλ/e², so that derivatives of paths have two sides only in it."""
    width = 1e-3
    law = lambda r: smooth_distance(r**2, jnp.asarray(width))
    force, stiffness = jax.grad(law), jax.grad(jax.grad(law))
    curved = jax.grad(stiffness)
    below, above = width * (1 - 1e-7), width * (1 + 1e-7)
    np.testing.assert_allclose([force(below), force(above)], 1.0, atol=1e-12)
    np.testing.assert_allclose([stiffness(below), stiffness(above)], 0.0, atol=1e-3)
    np.testing.assert_allclose(width**2 * curved(below), -2.0, rtol=1e-6)
    np.testing.assert_allclose(width**2 * curved(above), 0.0, atol=1e-6)
    # At rest the law is a spring, without a corner.
    np.testing.assert_allclose([force(1e-9), width * stiffness(1e-9)], [0.0, 2.0], atol=1e-5)
